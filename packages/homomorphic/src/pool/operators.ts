/**
 * Encrypted columns for a person who is no cryptographer:
 *
 *     const job = plan(program({ income: vector(1_000_000, { range: [0, 1e6] }) }, ({ income }) => variance(income)))
 *     const keys = await createKeys(job, rng, pool)          // at the owner, who keeps `keys.secret`
 *     const table = await encrypt(job, keys, { income })
 *     const answer = await evaluateEncrypted(job, keys.published, table, pool)      // where nothing can be read
 *     const { result } = await decrypt(job, keys, answer)
 *
 * BGV under the owner's key; one owner who is also the receiver. Between parties run `homomorphic/evaluate`.
 */
import { TallyError, type Rng } from '@tallystick/core'
import type { Kernel, Routine } from '@tallystick/protocol'
import type { Plan } from '../plan/index.ts'
import { checkedColumn, resultsOf, type Columns, type OpenedSlots } from '../operators/columns.ts'
import { ground } from '../operators/ground.ts'
import { generateKeys, publishKeys, receiveKeys, type PublicKeys, type RingKeys } from '../operators/keys.ts'
import { encryptSeeded, evaluate, openResults, receiveTile, sendResult, type Results } from '../operators/run.ts'

/** As much of a pool as is needed here. */
export interface Runner {
  run<I, O>(kernel: Kernel<I, O>, input: I, signal?: AbortSignal): Promise<O>
}

/** Runs a routine that only computes, on a pool. */
export const runIn = async <T>(pool: Runner, routine: Routine<T>, signal?: AbortSignal): Promise<T> => {
  for (let answer: unknown; ;) {
    const { done, value } = routine.next(answer)
    if (done === true) return value
    if (value.kind === 'compute') answer = await pool.run(value.kernel, value.input, signal)
    else if (value.kind === 'join')
      answer = await Promise.all(value.branches.map((branch) => runIn(pool, branch, signal)))
    else throw new Error(`${value.kind} outside of a protocol`)
  }
}

/** Frames by ring. */
export type Frames = readonly (readonly Uint8Array[])[]

/** What may be done with keys so many times only. Asked before it is done; false where it was done often enough. */
export interface KeyLedger {
  /** A table is encrypted: once. */
  encrypt(): Promise<boolean>
  /** A result is decrypted to be handed on: at most so many times. */
  release(most: number): Promise<boolean>
}

export interface Keys {
  /** Never leaves the owner. */
  readonly secret: readonly RingKeys[]
  /** For whoever computes. */
  readonly published: Frames
  /** Counts for all who open the keys (`@tallystick/homomorphic/keys`); without one, for this object in this process. */
  readonly ledger?: KeyLedger
}

const counts = new WeakMap<Keys, { tables: number; releases: number }>()

const ledgerOf = (keys: Keys): KeyLedger => {
  if (keys.ledger !== undefined) return keys.ledger
  const own = counts.get(keys) ?? { tables: 0, releases: 0 }
  counts.set(keys, own)
  return {
    encrypt: () => Promise.resolve(own.tables++ === 0),
    release: (most) => Promise.resolve(own.releases < most && ++own.releases > 0),
  }
}

export const createKeys = async (plan: Plan, rng: Rng, pool: Runner): Promise<Keys> => {
  const secret = generateKeys(plan, rng)
  const published: (readonly Uint8Array[])[] = []
  for (const [i, ring] of plan.rings.entries()) {
    published.push(await runIn(pool, publishKeys(ground, ring, plan.targets, secret[i]!)))
  }
  return { secret, published }
}

/**
 * Once a key, which keys without a ledger can tell of the same object only: second components and errors are expanded from the key's seeds, so
 * that the difference of two tables under one key is the difference of their ciphertexts, for anybody to read.
 * @throws TallyError input/malformed, input/invalid-value for columns that are not as declared; api/misuse for keys that
 *   encrypted before
 */
export const encrypt = async (plan: Plan, keys: Keys, columns: Columns, pool: Runner): Promise<Frames> => {
  if (plan.parties) throw new TallyError('api/misuse', 'self', 'this plan is between parties: run homomorphic/evaluate')
  const checked = Object.fromEntries(
    Object.entries(plan.program.inputs).map(([name, column]) => [
      name,
      checkedColumn(name, column, columns[name], plan.scheme === 'bgv'),
    ]),
  )
  if (!(await ledgerOf(keys).encrypt())) {
    throw new TallyError('api/misuse', 'self', 'expected keys that encrypted no table yet, found used ones', {
      remedy: 'make keys for each table: two under one key tell their difference',
    })
  }
  const frames: (readonly Uint8Array[])[] = []
  for (const [i, ring] of plan.rings.entries()) {
    const own = plan.inputs.map((_, position) =>
      runIn(pool, encryptSeeded(ground, plan, ring, keys.secret[i]!, position, checked)),
    )
    frames.push(await Promise.all(own))
  }
  return frames
}

/** What needs no waiting for, as a routine. */
// oxlint-disable-next-line require-yield
function* given<T>(value: T): Generator<never, T> {
  return value
}

const frameAt = (frames: readonly Uint8Array[], at: number): Uint8Array => {
  const frame = frames[at]
  if (frame === undefined)
    throw new TallyError('peer/misbehaved', { peer: 'owner' }, `expected ${at + 1} frames, found ${frames.length}`)
  return frame
}

/** @throws TallyError peer/misbehaved for frames of another plan or key */
export const evaluateEncrypted = async (
  plan: Plan,
  published: Frames,
  table: Frames,
  pool: Runner,
): Promise<Frames> => {
  const results: (readonly Uint8Array[])[] = []
  for (const [i, ring] of plan.rings.entries()) {
    let at = 0
    const next = () => given(frameAt(published[i] ?? [], at++))
    const keys: PublicKeys = await runIn(pool, receiveKeys(ground, ring, plan.targets, next, 'owner'))
    const tile = function* (position: number) {
      return yield* receiveTile(ground, plan, keys, position, frameAt(table[i] ?? [], position), 'owner')
    }
    const values = await runIn(pool, evaluate(ground, plan, keys, tile))
    const frames = values.map((value, position) =>
      runIn(pool, sendResult(ground, plan, keys, position, value, undefined)),
    )
    results.push(await Promise.all(frames))
  }
  return results
}

/**
 * `rng`: of a plan with `releases`, which floods what it decrypts: other coins for each answer, and not more answers under
 * one key than were planned, counted before any of an answer is decrypted.
 * @throws TallyError peer/misbehaved where a result does not decrypt: tell nobody, it answers a question about the data
 */
export const decrypt = async (plan: Plan, keys: Keys, answer: Frames, pool: Runner, rng?: Rng): Promise<Results> => {
  if (plan.releases > 0 && !(await ledgerOf(keys).release(plan.releases))) {
    const message = `expected at most ${plan.releases} answers under one key, found another`
    throw new TallyError('api/misuse', 'self', message, {
      remedy: 'make new keys: each answer that is handed on tells a little of the key',
    })
  }
  const slots: OpenedSlots[] = []
  for (const [i, ring] of plan.rings.entries()) {
    const next = (position: number) => given(frameAt(answer[i] ?? [], position))
    const opened = await runIn(pool, openResults(ground, plan, ring, keys.secret[i]!, next, 'evaluator', rng))
    if (opened === undefined) {
      throw new TallyError(
        'peer/misbehaved',
        { peer: 'evaluator' },
        'expected a result with room for its noise, found none',
        {
          remedy:
            'the evaluator did not run the agreed program: do not tell it that this failed, and evaluate elsewhere',
        },
      )
    }
    slots.push(opened)
  }
  return resultsOf(plan, slots)
}

export type { Columns, Results }
