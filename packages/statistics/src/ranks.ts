/**
 * Order among the rows of several owners, without opening anything. Each owner sorts its own rows in clear; what is
 * shared is merged two lists at a time by a network whose wiring is public (networks.ts).
 *
 * Ranks. Of a row of A, twice the mean rank is what A computes in clear among its own rows, plus for every other owner B
 * the rows of B below it and the rows of B not above it. Two merges count them: the place of a row of A in the merged
 * list, less its place in A's own, is how many rows of B are below it where ties go to A, and not above it where ties go
 * to B. A brings back the counts from sorted order to the order of its rows, by a permutation that it alone knows.
 */
import { wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf } from './bounds.ts'
import { mergeNetwork, mergeSorted, permuteBy, placesOf, switchesOf, type Network } from './networks.ts'
import { rangeOf, type Scope } from './scope.ts'

/** The switches that bring the sorted rows of a column to the order in which they stand, in the order of their levels. */
export const unsortSwitches = (codes: Float64Array): Float64Array => {
  const order = new Uint32Array(codes.length).map((_, i) => i).sort((a, b) => codes[a]! - codes[b]!)
  const source = new Uint32Array(codes.length)
  order.forEach((row, place) => (source[row] = place))
  return Float64Array.from(switchesOf(source).bits.flat())
}

const indices = (length: number) =>
  wordsOfIntegers(
    64,
    Float64Array.from({ length }, (_, i) => i),
  )

/** Of each row of two sorted lists, one after the other: rows of the other list below it, and rows not above it. */
function* crossCounts(
  backend: Backend,
  a: Arithmetic<64>,
  b: Arithmetic<64>,
  bits: number,
  network: Network,
): Routine<Arithmetic<64>> {
  const low = bitsOf(Math.max(a.length, b.length))
  // The list that ties go to, then the place in it: no two keys are equal, and rows of one list keep their order.
  const keyed = (x: Arithmetic<64>, last: boolean): Arithmetic<64> => {
    const places = Float64Array.from({ length: x.length }, (_, i) => i + (last ? 2 ** low : 0))
    return backend.shift(backend.scale(x, wordsOfIntegers(64, [2 ** (low + 1)])), wordsOfIntegers(64, places))
  }
  const merged = (first: 'a' | 'b') =>
    function* (branch: Backend): Routine<Arithmetic<64>> {
      const keys = branch.concat(keyed(a, first === 'b'), keyed(b, first === 'a'))
      const { swaps } = yield* mergeSorted(branch, keys, network, bits + low + 2)
      return yield* placesOf(branch, network, swaps)
    }
  const [one, other] = yield* backend.join(merged('a'), merged('b'))
  const own = backend.concat(backend.constant(64, indices(a.length)), backend.constant(64, indices(b.length)))
  return backend.subtract(backend.add(one, other), backend.add(own, own))
}

/** Merge networks, each made once. */
export type Networks = (m: number, n: number) => Network

export const networks = (): Networks => {
  const made = new Map<string, Network>()
  return (m, n) => {
    const key = `${m}:${n}`
    const network = made.get(key) ?? mergeNetwork(m, n)
    made.set(key, network)
    return network
  }
}

/** What an owner shares for the ranks of a column. */
export interface Ranked {
  /** Its codes, ascending. */
  readonly sorted: Arithmetic<64>
  /** Twice the mean rank among its own rows, in the order of the rows. */
  readonly own: Arithmetic<64>
  /** {@link unsortSwitches}. */
  readonly switches: Arithmetic<64>
}

/** Twice the mean rank of each row, owner by owner. About 15 log2 of the rows rounds. */
export function* jointRanks(
  backend: Backend,
  scope: Scope,
  column: string,
  owners: readonly Ranked[],
  networkOf: Networks,
): Routine<Arithmetic<64>> {
  const bits = bitsOf(rangeOf(scope, column))
  const pairs = owners.flatMap((_, i) => owners.slice(i + 1).map((_other, k) => [i, i + 1 + k] as const))
  const counted = yield* backend.join(
    ...pairs.map(([i, j]) => (branch: Backend) => {
      const [a, b] = [owners[i]!.sorted, owners[j]!.sorted]
      return crossCounts(branch, a, b, bits, networkOf(a.length, b.length))
    }),
  )
  const rows = yield* backend.join(
    ...owners.map(
      ({ own, switches }, i) =>
        function* (branch: Backend): Routine<Arithmetic<64>> {
          const parts = pairs.flatMap(([a, b], k) => {
            const all = counted[k]!
            const first = owners[a]!.sorted.length
            if (a === i) return [branch.slice(all, 0, first)]
            return b === i ? [branch.slice(all, first, all.length)] : []
          })
          const total = parts.reduce((sum, part) => branch.add(sum, part))
          return branch.add(own, yield* permuteBy(branch, total, switches))
        },
    ),
  )
  return backend.concat(...rows)
}

/** All rows of a column in order, from the sorted rows of its owners. 11 log2 of the rows rounds for each further owner. */
export function* jointOrder(
  backend: Backend,
  scope: Scope,
  column: string,
  sorted: readonly Arithmetic<64>[],
): Routine<Arithmetic<64>> {
  const [first, ...others] = sorted
  let all = first!
  for (const other of others) {
    const network = mergeNetwork(all.length, other.length)
    all = (yield* mergeSorted(backend, backend.concat(all, other), network, bitsOf(rangeOf(scope, column)) + 1)).sorted
  }
  return all
}
