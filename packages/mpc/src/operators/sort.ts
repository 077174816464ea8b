/**
 * Sorting, permuting, grouping. Nothing about the rows is opened but what a random permutation of them would show: the
 * order of shuffled rows with a secret tie-breaker, or their destinations.
 */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend } from '../backend.ts'
import { powerOfTwo, wordsOfIntegers } from '../words.ts'
import { equal } from './compare.ts'
import { bitsOf } from './normalise.ts'

const bitsFor = (count: number): number => 32 - Math.clz32(Math.max(0, count - 1))
const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
const indices = (ring: 64 | 128, length: number): Uint32Array => {
  const out = new Uint32Array((length * ring) / 32)
  for (let i = 0; i < length; i++) out[(i * ring) / 32] = i
  return out
}

export interface Sorted {
  readonly keys: Arithmetic<64>
  readonly columns: readonly Arithmetic[]
}

export interface SortOptions {
  /** |key| < 2^bits, 1 to 62; 62 unless told. */
  readonly bits?: number
  readonly descending?: boolean
  /** The places of the result that are wanted, ascending; all unless told. Only they are returned. */
  readonly places?: readonly number[]
}

/**
 * Rows in the order of their keys, equal keys in the order in which they came: a shuffle of all columns, and a
 * quicksort on opened comparisons. The place of a row stands below its key, so no two keys are equal and no tie leaks;
 * where the two do not fit 62 bits, they are compared over Z_2^128. About 8 rounds a level of the quicksort; bytes: the
 * shuffle's 16 a column, and about 0.4 (bits + log n) for each of the 1.4 n log2 n comparisons. Keys of 2^bits and above
 * come in a wrong order, unseen.
 *
 * @throws TallyError api/misuse for bits that are no integer from 1 to 62: `widen` is exact below 2^62 alone.
 */
export function* sort(
  backend: Backend,
  keys: Arithmetic<64>,
  columns: readonly Arithmetic[],
  { bits = 62, descending = false, places }: SortOptions = {},
): Routine<Sorted> {
  if (!Number.isInteger(bits) || bits < 1 || bits > 62) {
    throw new TallyError('api/misuse', 'self', `expected keys of 1 to 62 bits to sort, found ${bits} bits`)
  }
  const { length } = keys
  if (length < 2) return { keys, columns }
  const low = bitsFor(length)
  const wide = bits + low > 61
  const signed = descending ? backend.negate(keys) : keys
  const base: Arithmetic = wide ? yield* backend.widen(signed) : signed
  const composed = backend.shift(backend.scale(base, powerOfTwo(base.ring, low)), indices(base.ring, length))
  const [shuffledKeys, ...shuffled] = yield* backend.shuffle([composed, keys, ...columns])
  const options = { width: bits + low + 2, ...(places && { places }) }
  const order = yield* backend.order(shuffledKeys!, options)
  const chosen = places === undefined ? order : Uint32Array.from(places, (place) => order[place]!)
  const [sorted, ...rest] = shuffled.map((column) => backend.gather(column, chosen))
  return { keys: sorted as Arithmetic<64>, columns: rest }
}

/** The k rows with the greatest keys, greatest first, among equals the earlier. */
export const top = (
  backend: Backend,
  keys: Arithmetic<64>,
  columns: readonly Arithmetic[],
  k: number,
  options: { readonly bits?: number } = {},
): Routine<Sorted> =>
  sort(backend, keys, columns, { ...options, descending: true, places: range(0, Math.min(k, keys.length)) })

/** Row i to the secret place destination[i], a permutation of 0 … length - 1. 4 rounds; opens the shuffled places. */
export function* permute(
  backend: Backend,
  destination: Arithmetic<64>,
  columns: readonly Arithmetic[],
): Routine<readonly Arithmetic[]> {
  const [places, ...shuffled] = yield* backend.shuffle([destination, ...columns])
  const opened = yield* backend.reveal(places!)
  const order = new Uint32Array(destination.length)
  for (let i = 0; i < order.length; i++) {
    const place = opened[2 * i]!
    // All are zero in a count of costs.
    if (place >= order.length || opened[2 * i + 1] !== 0) {
      throw new TallyError('peer/misbehaved', 'none', 'expected a permutation of the rows, found a place beyond them', {
        remedy: 'a party sent a wrong share: the audit by replay tells which',
      })
    }
    order[place] = i
  }
  return shuffled.map((column) => backend.gather(column, order))
}

/** Rows with bit 0 before rows with bit 1, each in the order in which they came. 5 rounds, fixed. */
export function* partition(
  backend: Backend,
  bit: Arithmetic<64>,
  columns: readonly Arithmetic[],
): Routine<readonly Arithmetic[]> {
  const { length } = bit
  const one = wordsOfIntegers(64, [1])
  const zeros = backend.prefixSum(backend.shift(backend.negate(bit), one))
  const total = backend.slice(zeros, length - 1, length)
  // A row with bit 0 goes to zeros_i - 1, one with bit 1 to total + (i + 1 - zeros_i) - 1.
  const ifOne = backend.shift(backend.subtract(total, zeros), indices(64, length))
  const ifZero = backend.shift(zeros, wordsOfIntegers(64, [-1]))
  const destination = backend.add(ifZero, yield* backend.multiply(bit, backend.subtract(ifOne, ifZero)))
  return yield* permute(backend, destination, columns)
}

/**
 * Stable sort of keys in 0 … 2^bits - 1 by one partition a bit (Asharov et al., CCS 2022, ia.cr/2022/1595, section 5):
 * rounds and bytes depend on sizes alone. 5 rounds a bit and 9 before; 24 + 16 (columns + bits) bytes a row and bit.
 */
export function* radixSort(
  backend: Backend,
  keys: Arithmetic<64>,
  columns: readonly Arithmetic[],
  bits: number,
): Routine<Sorted> {
  const { length } = keys
  if (length < 2) return { keys, columns }
  const planes = yield* bitsOf(backend, keys, bits)
  const injected = yield* backend.inject(planes, 64)
  let pending: readonly Arithmetic[] = range(0, bits).map((i) => backend.slice(injected, i * length, (i + 1) * length))
  let rows: readonly Arithmetic[] = [keys, ...columns]
  while (pending.length > 0) {
    const [bit, ...later] = pending
    const moved = yield* partition(backend, bit as Arithmetic<64>, [...later, ...rows])
    pending = moved.slice(0, later.length)
    rows = moved.slice(later.length)
  }
  const [sorted, ...rest] = rows
  return { keys: sorted as Arithmetic<64>, columns: rest }
}

export interface Groups {
  /** By group in ascending order of keys, `most` of them: zeros where there are fewer groups. */
  readonly keys: Arithmetic<64>
  readonly sums: readonly Arithmetic<64>[]
  readonly counts: Arithmetic<64>
  /** 1 where there is such a group. */
  readonly valid: Arithmetic<64>
  /** How many groups there are; above `most` the rest is missing. */
  readonly total: Arithmetic<64>
}

/**
 * Sums of columns and counts by secret key, at most `most` groups; nothing is opened but the sort's random order. The
 * rounds of a sort, of a test for equality, 2 of an injection, 5 of a partition and 1.
 */
export function* groupBy(
  backend: Backend,
  keys: Arithmetic<64>,
  columns: readonly Arithmetic<64>[],
  most: number,
  options: { readonly bits?: number } = {},
): Routine<Groups> {
  const { length } = keys
  const sorted = yield* sort(backend, keys, columns, options)
  const sums = sorted.columns.map((column) => backend.prefixSum(column as Arithmetic<64>))
  const one = wordsOfIntegers(64, [1])
  const last = backend.constant(64, one)
  const [before, after] = [backend.slice(sorted.keys, 0, length - 1), backend.slice(sorted.keys, 1, length)]
  const same = length > 1 ? yield* equal(backend, before, after, Math.min(64, (options.bits ?? 62) + 1)) : undefined
  // Whether a row is the last of its group.
  const ends = same === undefined ? last : backend.concat(yield* backend.inject(backend.not(same), 64), last)
  const place = backend.constant(64, indices(64, length))
  const middle = backend.shift(backend.negate(ends), one)
  const moved = yield* partition(backend, middle, [ends, sorted.keys, backend.shift(place, one), ...sums])
  const kept = Math.min(most, length)
  const [valid, key, ...running] = moved.map((column) => backend.slice(column as Arithmetic<64>, 0, kept))
  // What came up to a group, less what came up to the one before.
  const zero = backend.constant(64, new Uint32Array(2))
  const steps = running.map((column) =>
    backend.subtract(column, kept > 1 ? backend.concat(zero, backend.slice(column, 0, kept - 1)) : zero),
  )
  const parts = [key!, ...steps]
  const masked = yield* backend.multiply(backend.concat(...parts), backend.concat(...parts.map(() => valid!)))
  const [groupKeys, counts, ...groupSums] = parts.map((_, i) => backend.slice(masked, i * kept, (i + 1) * kept))
  return { keys: groupKeys!, counts: counts!, sums: groupSums, valid: valid!, total: backend.sum(ends, length) }
}
