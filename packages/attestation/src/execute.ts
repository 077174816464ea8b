/**
 * Re-execution of one party from its evidence: the same protocol text as the party ran, fed with the frames that it
 * received, by a driver of the auditor's own (it shares nothing with the driver of the session). Calls of kernels go to
 * the fast engine; of each, rows that the auditor's seed chooses are computed by the reference as well.
 */
import { createRng, equalBytes, TallyError, type Rng } from '@tallystick/core'
import {
  createTranscript,
  start,
  type AnyProtocol,
  type Effect,
  type Head,
  type Kernel,
  type Routine,
  type Step,
} from '@tallystick/protocol'
import type { InboxFrame, ReservedRange } from '@tallystick/session'

/** What is computed again by the reference: every row, or about this share of the rows of each call. */
export type Sample = 'all' | { readonly seed: Uint8Array; readonly rate: number }

/** Where kernels run: a worker pool, or an engine in this thread. */
export interface KernelRunner {
  run<I, O>(kernel: Kernel<I, O>, input: I): Promise<O> | O
}

export interface Execution {
  readonly protocol: AnyProtocol
  readonly role: string
  readonly parameters: unknown
  /** The input from the committed rows: what it throws ends the party as what its routine throws does. */
  readonly read: () => unknown
  /** Root of the party's private coins. */
  readonly rng: Rng
  /** What the chains start from. */
  readonly binding: Uint8Array
  readonly inbox: readonly InboxFrame[]
  readonly resources: readonly ReservedRange[]
  readonly kernels: KernelRunner
  readonly reference: KernelRunner
  readonly sample: Sample
  /** Rows computed so far by kernels, and effects so far. */
  readonly onProgress?: ((done: { readonly effects: number; readonly rows: number }) => void) | undefined
}

export interface Recheck {
  readonly calls: number
  readonly rows: number
  readonly rowsChecked: number
  /** The first call whose sampled rows differ from the reference. */
  readonly differs: Step | undefined
}

export interface Executed {
  readonly output: { readonly value: unknown } | undefined
  /** Why the routine did not end. */
  readonly error: unknown
  readonly heads: readonly Head[]
  /** All heads when the party reached its checkpoint. */
  readonly checkpoint: readonly Head[] | undefined
  /** Steps in the order in which the party first sent at them. */
  readonly sentSteps: readonly Step[]
  /** A message that opens was sent before the checkpoint. */
  readonly openedEarly: Step | undefined
  /** Received frames that the party's program never asked for. */
  readonly unread: readonly InboxFrame[]
  readonly unusedResources: readonly ReservedRange[]
  readonly recheck: Recheck
}

const place = (...parts: readonly (string | number)[]): string => parts.join('\n')

/** Things by where they stand; each is taken once, in order. */
const createShelf = <T>(things: readonly T[], key: (thing: T) => string) => {
  const shelf = new Map(things.map((thing) => [key(thing), thing]))
  const ordinals = new Map<string, number>()
  return {
    next(where: string): { readonly thing: T | undefined; readonly ordinal: number } {
      const ordinal = ordinals.get(where) ?? 0
      ordinals.set(where, ordinal + 1)
      const name = place(where, ordinal)
      const thing = shelf.get(name)
      shelf.delete(name)
      return { thing, ordinal }
    },
    rest: (): T[] => [...shelf.values()],
  }
}

const lacks = (what: string): TallyError =>
  new TallyError('evidence/mismatch', 'none', `the evidence lacks ${what}`, {
    remedy: 'ask the party for its whole evidence; a party that cannot show it breaches its duty of retention',
  })

export const execute = async (execution: Execution): Promise<Executed> => {
  const { protocol, role, binding } = execution
  const transcript = createTranscript(binding)
  const inbox = createShelf(execution.inbox, (f) => place(f.from, f.step, f.ordinal))
  const resources = createShelf(execution.resources, (r) => place(r.correlation, r.step, r.ordinal))
  const recheck = createRecheck(execution)
  let checkpoint: readonly Head[] | undefined
  let openedEarly: Step | undefined
  const sentSteps = new Set<Step>()
  let effects = 0

  const receive = (from: string, step: Step, maxBytes: number): Uint8Array => {
    const { thing: frame, ordinal } = inbox.next(place(from, step))
    if (frame === undefined) throw lacks(`frame ${ordinal} of ${step} from ${from}`)
    transcript.append(from, role, step, frame.body)
    if (frame.body.length > maxBytes) {
      throw new TallyError(
        'decode/oversize',
        { peer: from },
        `${step} from ${from}: expected at most ${maxBytes} bytes`,
      )
    }
    return frame.body.slice()
  }
  const reserve = (correlation: string, step: Step, count: number): Uint8Array => {
    const { thing: range, ordinal } = resources.next(place(correlation, step))
    if (range === undefined || range.count !== count) throw lacks(`${count} of ${correlation} as range ${ordinal}`)
    return range.body.slice()
  }
  const perform = (effect: Effect): unknown => {
    effects++
    switch (effect.kind) {
      case 'send':
        if (effect.opening && checkpoint === undefined) openedEarly ??= effect.step
        sentSteps.add(effect.step)
        return transcript.append(role, effect.to, effect.step, effect.body)
      case 'receive':
        return receive(effect.from, effect.step, effect.maxBytes)
      case 'compute':
        return recheck.run(effect.kernel, effect.input, effect.step)
      case 'reserve':
        return reserve(effect.correlation, effect.step, effect.count)
      case 'checkpoint':
        return void (checkpoint ??= transcript.heads())
      case 'join':
        return Promise.all(effect.branches.map(run))
      default:
        throw new TallyError('invariant/broken', 'self', 'internal invariant broken: effects are a closed union')
    }
  }
  const run = async (routine: Routine<unknown>): Promise<unknown> => {
    let next = routine.next()
    while (next.done !== true) {
      let value: unknown
      let failure: { readonly error: unknown } | undefined
      try {
        const result = perform(next.value)
        value = result instanceof Promise ? await result : result
      } catch (error) {
        failure = { error }
      }
      if (next.value.kind === 'compute' || effects % 64 === 0) {
        execution.onProgress?.({ effects, rows: recheck.result().rows })
      }
      next = failure === undefined ? routine.next(value) : routine.throw(failure.error)
    }
    return next.value
  }

  let output: { readonly value: unknown } | undefined
  let error: unknown
  try {
    output = { value: await run(start(protocol, role, execution.parameters, execution.read(), execution.rng)) }
  } catch (failure) {
    error = failure
  }
  return {
    output,
    error,
    heads: transcript.heads(),
    checkpoint,
    sentSteps: [...sentSteps],
    openedEarly,
    unread: inbox.rest(),
    unusedResources: resources.rest(),
    recheck: recheck.result(),
  }
}

/** Runs each call in up to three parts, the sampled rows as one of them, so that what is used is what is checked. */
const createRecheck = ({ kernels, reference, sample }: Execution) => {
  const counts = { calls: 0, rows: 0, rowsChecked: 0 }
  let differs: Step | undefined
  const ordinals = new Map<Step, number>()
  const coins = sample === 'all' ? undefined : createRng(sample.seed)

  /** The rows [from, to) of a call that the reference computes too. */
  const window = (rows: number, step: Step): readonly [from: number, to: number] => {
    const ordinal = ordinals.get(step) ?? 0
    ordinals.set(step, ordinal + 1)
    if (sample === 'all' || coins === undefined) return [0, rows]
    const length = Math.min(rows, Math.max(1, Math.ceil(rows * sample.rate)))
    const draw = new DataView(coins.fork(place(step, ordinal)).bytes(8).buffer).getBigUint64(0)
    const from = Number(draw % BigInt(rows - length + 1))
    return [from, from + length]
  }
  const checked = async <I, O>(kernel: Kernel<I, O>, input: I, step: Step): Promise<O> => {
    const output = await kernels.run(kernel, input)
    if (!equalValues(output, await reference.run(kernel, input))) differs ??= step
    return output
  }
  return {
    async run<I, O>(kernel: Kernel<I, O>, input: I, step: Step): Promise<O> {
      const { batch } = kernel
      const rows = batch?.rows(input) ?? 1
      counts.calls++
      counts.rows += rows
      if (batch === undefined || rows === 0) {
        counts.rowsChecked += rows
        return checked(kernel, input, step)
      }
      const [from, to] = window(rows, step)
      counts.rowsChecked += to - from
      const bounds = [0, from, to, rows].filter((bound, i, all) => i === 0 || bound > all[i - 1]!)
      const parts: O[] = []
      for (let i = 0; i + 1 < bounds.length; i++) {
        const part = batch.slice(input, bounds[i]!, bounds[i + 1]!)
        parts.push(bounds[i] === from ? await checked(kernel, part, step) : await kernels.run(kernel, part))
      }
      const sizes = parts.map((_, i) => bounds[i + 1]! - bounds[i]!)
      return parts.length === 1 ? parts[0]! : batch.join(parts, sizes)
    },
    result: (): Recheck => ({ ...counts, differs }),
  }
}

/** Equality of what kernels return: typed arrays, numbers, and plain objects of them. */
const equalValues = (a: unknown, b: unknown): boolean => {
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return equalBytes(bytesOf(a), bytesOf(b))
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  const [left, right] = [Object.entries(a), Object.entries(b)]
  return left.length === right.length && left.every(([key, value]) => equalValues(value, (b as never)[key]))
}
const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
