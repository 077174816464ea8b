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
  /** Joins under way, at any depth. */
  joining: number
  checkpointed: boolean
}

const misuse = (message: string): TallyError =>
  new TallyError('api/misuse', 'self', message, { remedy: 'correct the protocol text' })

const contextAt = (shared: Shared, at: Step): Context<any, any> => {
  const { messages, role, peers } = shared
  let rng: Rng | undefined
  let joins = 0
  let suspended = false
  const narrowed = new Set<Step>()
  /** While its join is under way a context rests: what two branches did with it would depend on the schedule. */
  const awake = (): void => {
    if (suspended) throw misuse(`${at} is used inside its own join: use the context that the branch is given`)
  }
  const outsideJoins = (what: string): void => {
    awake()
    if (shared.joining > 0) throw misuse(`${what} inside a join at ${at}: its place would depend on the schedule`)
  }
  return {
    role,
    peers,
    get rng() {
      awake()
      if (rng === undefined) {
        if (shared.drawnAt.has(at)) throw misuse(`two places draw coins at step ${at}: narrow them apart`)
        shared.drawnAt.add(at)
        rng = shared.rng.fork(at)
      }
      return rng
    },
    *send(name: string, value: unknown, ...[peer]: string[]): Routine<void> {
      awake()
      const { codec, to, opening } = messages[name]!
      yield { kind: 'send', to: peer ?? to, step: `${at}/${name}`, opening, body: codec.encode(value) }
    },
    *receive(name: string, ...[peer]: string[]): Routine<any> {
      awake()
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
      awake()
      return yield { kind: 'compute', step: `${at}/${kernel.name}`, kernel, input }
    },
    *reserve(correlation, count) {
      outsideJoins('reserve')
      return yield { kind: 'reserve', step: `${at}/${correlation}`, correlation, count }
    },
    *checkpoint() {
      outsideJoins('checkpoint')
      if (shared.checkpointed) throw misuse(`a second checkpoint at ${at}`)
      shared.checkpointed = true
      yield { kind: 'checkpoint', step: `${at}/checkpoint` }
    },
    *join(...branches) {
      awake()
      const base = `${at}/${joins++}`
      suspended = true
      shared.joining++
      const routines = branches.map((branch, i) => branch(contextAt(shared, `${base}.${i}`)))
      const results = yield { kind: 'join', branches: routines }
      shared.joining--
      suspended = false
      return results
    },
    narrow(step) {
      awake()
      if (!/^[a-z][a-z0-9-]*(?:\/[a-z0-9-]+)*$/.test(step)) {
        throw misuse(`step ${at}/${step}: a step is lower-case words, joined by hyphens, with a letter first`)
      }
      if (narrowed.has(step)) throw misuse(`step ${at}/${step} is narrowed twice`)
      narrowed.add(step)
      return contextAt(shared, `${at}/${step}`)
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
  const { messages } = protocol
  const shared: Shared = { messages, role, peers, rng, drawnAt: new Set(), joining: 0, checkpointed: false }
  return protocol.parties[role]!(contextAt(shared, protocol.id), parameters, input)
}
