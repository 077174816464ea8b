/** The context that protocol text is written against: it turns calls into effects and does nothing else. */
import { TallyError, type Rng } from '@tallystick/core'
import type { Routine, Step } from './effects.ts'
import type { Kernel } from './kernel.ts'
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

/**
 * A class, since programs narrow for each of their steps: its methods are there once, where those of an object literal
 * would be made again, and generators among them compiled again, for each context.
 */
class StepContext {
  readonly role: string
  readonly peers: readonly string[]
  readonly #shared: Shared
  readonly #at: Step
  #rng: Rng | undefined
  #joins = 0
  #suspended = false
  #narrowed: Set<Step> | undefined

  constructor(shared: Shared, at: Step) {
    this.role = shared.role
    this.peers = shared.peers
    this.#shared = shared
    this.#at = at
  }

  /** While its join is under way a context rests: what two branches did with it would depend on the schedule. */
  #awake(): void {
    if (this.#suspended)
      throw misuse(`${this.#at} is used inside its own join: use the context that the branch is given`)
  }

  #outsideJoins(what: string): void {
    this.#awake()
    if (this.#shared.joining > 0)
      throw misuse(`${what} inside a join at ${this.#at}: its place would depend on the schedule`)
  }

  get rng(): Rng {
    this.#awake()
    if (this.#rng === undefined) {
      const { drawnAt, rng } = this.#shared
      if (drawnAt.has(this.#at)) throw misuse(`two places draw coins at step ${this.#at}: narrow them apart`)
      drawnAt.add(this.#at)
      this.#rng = rng.fork(this.#at)
    }
    return this.#rng
  }

  *send(name: string, value: unknown, peer?: string): Routine<void> {
    this.#awake()
    const { codec, to, opening } = this.#shared.messages[name]!
    yield { kind: 'send', to: peer ?? to, step: `${this.#at}/${name}`, opening, body: codec.encode(value) }
  }

  *receive(name: string, peer?: string): Routine<any> {
    this.#awake()
    const { codec, from } = this.#shared.messages[name]!
    const sender = peer ?? from
    const step = `${this.#at}/${name}`
    const body: Uint8Array = yield { kind: 'receive', from: sender, step, maxBytes: codec.maxBytes }
    try {
      return codec.decode(body)
    } catch (error) {
      throw blamed(error, sender, step)
    }
  }

  *compute(kernel: Kernel<any, any>, input: unknown): Routine<any> {
    this.#awake()
    return yield { kind: 'compute', step: `${this.#at}/${kernel.name}`, kernel, input }
  }

  *reserve(correlation: string, count: number): Routine<Uint8Array> {
    this.#outsideJoins('reserve')
    return yield { kind: 'reserve', step: `${this.#at}/${correlation}`, correlation, count }
  }

  *checkpoint(): Routine<void> {
    this.#outsideJoins('checkpoint')
    if (this.#shared.checkpointed) throw misuse(`a second checkpoint at ${this.#at}`)
    this.#shared.checkpointed = true
    yield { kind: 'checkpoint', step: `${this.#at}/checkpoint` }
  }

  *join(...branches: readonly ((ctx: Context<any, any>) => Routine<unknown>)[]): Routine<any> {
    this.#awake()
    const shared = this.#shared
    const base = `${this.#at}/${this.#joins++}`
    this.#suspended = true
    shared.joining++
    const routines = branches.map((branch, i) => branch(contextAt(shared, `${base}.${i}`)))
    const results = yield { kind: 'join', branches: routines }
    shared.joining--
    this.#suspended = false
    return results
  }

  narrow(step: Step): Context<any, any> {
    this.#awake()
    if (!stepPattern.test(step)) {
      throw misuse(`step ${this.#at}/${step}: a step is lower-case words, joined by hyphens, with a letter first`)
    }
    this.#narrowed ??= new Set()
    const before = this.#narrowed.size
    if (this.#narrowed.add(step).size === before) throw misuse(`step ${this.#at}/${step} is narrowed twice`)
    return contextAt(this.#shared, `${this.#at}/${step}`)
  }
}

const stepPattern = /^[a-z][a-z0-9-]*(?:\/[a-z0-9-]+)*$/

const contextAt = (shared: Shared, at: Step): Context<any, any> => new StepContext(shared, at)

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
