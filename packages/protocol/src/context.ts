/** The context that protocol text is written against: it turns calls into effects and does nothing else. */
import { TallyError, type Rng } from '@tallystick/core'
import type { Routine, Step } from './effects.ts'
import type { AnyProtocol, Context, Messages } from './protocol.ts'

interface Shared {
  readonly messages: Messages
  readonly role: string
  readonly peers: readonly string[]
  readonly rng: Rng
  /** Steps whose coins were touched: a stream that two places draw from would depend on the schedule. */
  readonly drawnAt: Set<Step>
}

const misuse = (message: string): TallyError =>
  new TallyError('api/misuse', 'self', message, { remedy: 'correct the protocol text' })

const contextAt = (shared: Shared, at: Step, inJoin: boolean): Context<any, any> => {
  const { messages, role, peers } = shared
  let rng: Rng | undefined
  let joins = 0
  const narrowed = new Set<Step>()
  return {
    role,
    peers,
    get rng() {
      if (rng === undefined) {
        if (shared.drawnAt.has(at)) throw misuse(`two places draw coins at step ${at}: narrow them apart`)
        shared.drawnAt.add(at)
        rng = shared.rng.fork(at)
      }
      return rng
    },
    *send(name: string, value: unknown, ...[peer]: string[]): Routine<void> {
      const { codec, to, opening } = messages[name]!
      yield { kind: 'send', to: peer ?? to, step: `${at}/${name}`, opening, body: codec.encode(value) }
    },
    *receive(name: string, ...[peer]: string[]): Routine<any> {
      const { codec, from } = messages[name]!
      const sender = peer ?? from
      const step = `${at}/${name}`
      const body: Uint8Array = yield { kind: 'receive', from: sender, step, maxBytes: codec.maxBytes }
      try {
        return codec.decode(body)
      } catch (error) {
        throw blamed(error, sender, step)
      }
    },
    *compute(kernel, input) {
      return yield { kind: 'compute', step: `${at}/${kernel.name}`, kernel, input }
    },
    *reserve(correlation, count) {
      return yield { kind: 'reserve', step: `${at}/${correlation}`, correlation, count }
    },
    *checkpoint() {
      if (inJoin) throw misuse(`checkpoint inside a join at ${at}: other branches would still be moving the chains`)
      yield { kind: 'checkpoint', step: `${at}/checkpoint` }
    },
    *join(...branches) {
      const base = `${at}/${joins++}`
      return yield {
        kind: 'join',
        branches: branches.map((branch, i) => branch(contextAt(shared, `${base}.${i}`, true))),
      }
    },
    narrow(step) {
      if (narrowed.has(step)) throw misuse(`step ${at}/${step} is narrowed twice`)
      narrowed.add(step)
      return contextAt(shared, `${at}/${step}`, inJoin)
    },
  }
}

/** A frame that does not decode is the sender's fault, and the error says which frame it was. */
const blamed = (error: unknown, peer: string, step: Step): unknown =>
  error instanceof TallyError && error.area === 'decode'
    ? new TallyError(error.code, { peer }, `${step} from ${peer}: ${error.message}`, {
        cause: error,
        remedy: `ask ${peer} which software it runs; this frame was not made by the agreed protocol`,
      })
    : error

/** The routine of one role, ready to be driven. `rng` is the root of the party's private coins in this session. */
export const start = (
  protocol: AnyProtocol,
  role: string,
  parameters: unknown,
  input: unknown,
  rng: Rng,
): Routine<unknown> => {
  const peers = (protocol.roles as readonly string[]).filter((other) => other !== role)
  const shared: Shared = { messages: protocol.messages, role, peers, rng, drawnAt: new Set() }
  return protocol.parties[role]!(contextAt(shared, protocol.id, false), parameters, input)
}
