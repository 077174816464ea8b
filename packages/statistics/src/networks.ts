/**
 * Networks of exchanges whose wiring is public: the odd-even merge of two sorted lists (Batcher, AFIPS 1968; for lists of
 * any lengths: Knuth, The Art of Computer Programming 3, section 5.3.4), and a permutation that one owner knows, as the
 * switches of a Beneš network for any length (Waksman, JACM 15, 1968; Beauquier and Darrot, 2002).
 *
 * Nothing is opened, in contrast to a sort by opened comparisons: rounds and bytes depend on lengths alone. A merge of n
 * elements takes n/2 log2 n comparisons and 11 rounds for each of log2 n levels, a permutation n log2 n products and
 * 2 log2 n rounds.
 */
import { isNegative, wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'

/** Exchanges that do not depend on each other: those of `low` with those of `high`, by wire. */
interface Level {
  readonly low: number[]
  readonly high: number[]
}

const exchange = (levels: Level[], level: number, low: number, high: number): void => {
  levels[level] ??= { low: [], high: [] }
  levels[level].low.push(low)
  levels[level].high.push(high)
}

const every = (wires: readonly number[], from: 0 | 1): number[] => wires.filter((_, i) => i % 2 === from)

interface Merged {
  /** Wires in the order of what they carry in the end. */
  readonly order: readonly number[]
  /** Levels that are used. */
  readonly depth: number
}

const merge = (levels: Level[], a: readonly number[], b: readonly number[]): Merged => {
  if (a.length === 0 || b.length === 0) return { order: [...a, ...b], depth: 0 }
  if (a.length === 1 && b.length === 1) {
    exchange(levels, 0, a[0]!, b[0]!)
    return { order: [a[0]!, b[0]!], depth: 1 }
  }
  const v = merge(levels, every(a, 0), every(b, 0))
  const w = merge(levels, every(a, 1), every(b, 1))
  const level = Math.max(v.depth, w.depth)
  const order = [v.order[0]!]
  for (let i = 0; i < Math.max(w.order.length, v.order.length - 1); i++) {
    const [low, high] = [w.order[i], v.order[i + 1]]
    if (low !== undefined && high !== undefined) exchange(levels, level, low, high)
    if (low !== undefined) order.push(low)
    if (high !== undefined) order.push(high)
  }
  return { order, depth: level + 1 }
}

export interface Network {
  readonly levels: readonly Level[]
  /** Wires in the order of what they carry in the end. */
  readonly order: Uint32Array
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** Of the wires 0 … m - 1 and m … m + n - 1, each ascending. */
export const mergeNetwork = (m: number, n: number): Network => {
  const levels: Level[] = []
  const { order } = merge(levels, range(0, m), range(m, m + n))
  return { levels: [...levels], order: Uint32Array.from(order) }
}

/** The vector with new values on the wires of a level. */
const rewired = (
  backend: Backend,
  wires: Arithmetic<64>,
  { low, high }: Level,
  lower: Arithmetic<64>,
  upper: Arithmetic<64>,
): Arithmetic<64> => {
  const { length } = wires
  const index = Uint32Array.from({ length }, (_, i) => i)
  low.forEach((wire, i) => (index[wire] = length + i))
  high.forEach((wire, i) => (index[wire] = length + low.length + i))
  return backend.gather(backend.concat(wires, lower, upper), index)
}

/** Exchanges what the wires of a level carry where `swap` is 1. One round. */
function* exchanged(backend: Backend, wires: Arithmetic<64>, level: Level, swap: Arithmetic<64>) {
  const x = backend.gather(wires, Uint32Array.from(level.low))
  const y = backend.gather(wires, Uint32Array.from(level.high))
  const gain = yield* backend.multiply(swap, backend.subtract(y, x))
  return rewired(backend, wires, level, backend.add(x, gain), backend.subtract(y, gain))
}

export interface Merge {
  /** Ascending. */
  readonly sorted: Arithmetic<64>
  /** What each level exchanged: 1 or 0. */
  readonly swaps: readonly Arithmetic<64>[]
}

/** Merges the two sorted lists on the wires of a merge network; differences of keys are below 2^(width - 1). */
export function* mergeSorted(
  backend: Backend,
  keys: Arithmetic<64>,
  { levels, order }: Network,
  width: number,
): Routine<Merge> {
  let wires = keys
  const swaps: Arithmetic<64>[] = []
  for (const level of levels) {
    const x = backend.gather(wires, Uint32Array.from(level.low))
    const y = backend.gather(wires, Uint32Array.from(level.high))
    const swap = yield* backend.inject(yield* isNegative(backend, backend.subtract(y, x), width), 64)
    wires = yield* exchanged(backend, wires, level, swap)
    swaps.push(swap)
  }
  return { sorted: backend.gather(wires, order), swaps }
}

/** The place in the merged list of what each wire carried at first. */
export function* placesOf(
  backend: Backend,
  { levels, order }: Network,
  swaps: readonly Arithmetic<64>[],
): Routine<Arithmetic<64>> {
  const places = new Float64Array(order.length)
  order.forEach((wire, place) => (places[wire] = place))
  let wires = backend.constant(64, wordsOfIntegers(64, places))
  for (let k = levels.length - 1; k >= 0; k--) wires = yield* exchanged(backend, wires, levels[k]!, swaps[k]!)
  return wires
}

interface Switches {
  readonly levels: readonly Level[]
  /** Level by level: 1 where the wires are exchanged. */
  readonly bits: readonly (readonly number[])[]
}

/** Which half of the network each input takes, so that both inputs, and both outputs, of a switch part. */
const halves = (source: Uint32Array): Int8Array => {
  const n = source.length
  const target = new Uint32Array(n)
  source.forEach((input, output) => (target[input] = output))
  const half = new Int8Array(n).fill(-1)
  const follow = (from: number, side: 0 | 1): void => {
    for (let input = from; input < n && half[input] === -1;) {
      half[input] = side
      const beside = target[input]! ^ 1
      if (beside >= n || half[source[beside]!] !== -1) return
      half[source[beside]!] = 1 - side
      input = source[beside]! ^ 1
    }
  }
  // A single last wire has no switch: it belongs to the first half.
  if (n % 2 === 1) follow(n - 1, 0)
  for (let input = 0; input < n; input++) follow(input, 0)
  return half
}

/**
 * The switches that bring to place i what came in at source[i]. The wires of a level are those of any permutation of
 * this length.
 */
export const switchesOf = (permutation: Uint32Array): Switches => {
  const depth = Math.max(0, Math.ceil(Math.log2(permutation.length)))
  const count = Math.max(0, 2 * depth - 1)
  const levels: Level[] = Array.from({ length: count }, () => ({ low: [], high: [] }))
  const bits: number[][] = levels.map(() => [])
  const put = (level: number, low: number, high: number, bit: boolean): void => {
    exchange(levels, level, low, high)
    bits[level]!.push(+bit)
  }
  const route = (wires: readonly number[], source: Uint32Array, at: number): void => {
    const n = source.length
    if (n < 2) return
    if (n === 2) return put(at, wires[0]!, wires[1]!, source[0] === 1)
    const half = halves(source)
    const inner = [new Uint32Array(n - (n >> 1)), new Uint32Array(n >> 1)] as const
    for (let i = 0; 2 * i + 1 < n; i++) put(at, wires[2 * i]!, wires[2 * i + 1]!, half[2 * i] === 1)
    for (let output = 0; output < n; output++) inner[half[source[output]!]!]![output >> 1] = source[output]! >> 1
    route(every(wires, 0), inner[0], at + 1)
    route(every(wires, 1), inner[1], at + 1)
    for (let i = 0; 2 * i + 1 < n; i++) {
      put(count - 1 - at, wires[2 * i]!, wires[2 * i + 1]!, half[source[2 * i]!] === 1)
    }
  }
  route(range(0, permutation.length), permutation, 0)
  return { levels, bits }
}

/** How many switches {@link switchesOf} sets for a length. */
export const switchCount = (length: number): number => {
  if (length < 2) return 0
  if (length === 2) return 1
  const half = length >> 1
  return 2 * half + switchCount(half) + switchCount(length - half)
}

/** Brings to place i what its owner's permutation takes from source[i], by its shared switches. 2 log2 n - 1 rounds. */
export function* permuteBy(backend: Backend, x: Arithmetic<64>, switches: Arithmetic<64>): Routine<Arithmetic<64>> {
  const { levels } = switchesOf(Uint32Array.from({ length: x.length }, (_, i) => i))
  let wires = x
  let at = 0
  for (const level of levels) {
    const swap = backend.slice(switches, at, (at += level.low.length))
    if (level.low.length > 0) wires = yield* exchanged(backend, wires, level, swap)
  }
  return wires
}
