/**
 * What the asker and the first holder compute over XOR shares: for each id the number of holders that have it, or one
 * bit of it, by layers of AND gates (@tallystick/ot, gmw). Planes are vectors of one bit an id, padded to 128.
 *
 * Counting is by full adders of one AND gate (Boyar, Peralta and Pochuev, 2000), all that can run in a layer together.
 */
import { andCost, andShares, equalCost, equalShares, equalWords, vectorWords } from '@tallystick/ot'
import type { Transfers, TripleStore } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import { candidates } from './table.ts'

export type Mode = 'any' | 'at-least' | 'count'

/** What of the number of holders the asker is told. */
export interface Question {
  readonly mode: Mode
  /** Of `at-least`; 1 of the others. */
  readonly threshold: number
  readonly holders: number
  /** The number of the holder of each table. */
  readonly tables: readonly number[]
  readonly queries: number
}

/** Bits of a number up to `holders`. */
export const countBits = (holders: number): number => 32 - Math.clz32(holders)

/** Bits that are compared: all tests of a run together are wrong with probability 2^-40. */
export const wordBits = (question: Question): number => 40 + Math.ceil(Math.log2(testsOf(question)))

/** Bits that the asker is told of an id. */
export const answerBits = ({ mode, holders }: Question): number => (mode === 'count' ? countBits(holders) : 1)

/** Adders of the next layer by weight: `full` take three planes, `half` two. */
const layerOf = (lengths: readonly number[]) =>
  lengths.map((length) => ({ full: Math.floor(length / 3), half: length === 2 ? 1 : 0 }))

const isCounted = (lengths: readonly number[]): boolean => lengths.every((length) => length <= 1)

/** Gates of each layer of the count. */
const countLayers = (holders: number): readonly number[] => {
  const layers: number[] = []
  let lengths = [holders, ...Array.from({ length: countBits(holders) - 1 }, () => 0)]
  while (!isCounted(lengths)) {
    const adders = layerOf(lengths)
    layers.push(adders.reduce((sum, { full, half }) => sum + full + half, 0))
    lengths = lengths.map((length, weight) => {
      const { full, half } = adders[weight]!
      const carried = weight === 0 ? 0 : adders[weight - 1]!.full + adders[weight - 1]!.half
      return length - 2 * full - half + carried
    })
  }
  return layers
}

/** What is added to a count so that its carry says whether it reaches the threshold. */
const complementOf = ({ threshold, holders }: Question): number => 2 ** countBits(holders) - threshold

const lowestBit = (value: number): number => 31 - Math.clz32(value & -value)

/** Gates of each layer behind the equalities. */
const layersOf = (question: Question): readonly number[] => {
  const { mode, holders } = question
  if (mode === 'any') {
    const layers: number[] = []
    for (let rest = holders; rest > 1; rest = Math.ceil(rest / 2)) layers.push(Math.floor(rest / 2))
    return layers
  }
  const carries = countBits(holders) - 1 - lowestBit(complementOf(question))
  return [...countLayers(holders), ...Array.from({ length: mode === 'count' ? 0 : carries }, () => 1)]
}

/** Tests of equality. */
export const testsOf = ({ queries, tables }: Question): number => candidates * tables.length * queries

/** Words of triples that a run uses. */
export const gateWords = (question: Question): number =>
  equalWords(testsOf(question), wordBits(question)) +
  layersOf(question).reduce((sum, gates) => sum + gates, 0) * vectorWords(question.queries)

/** Without triples: exact. */
export const circuitCost = (question: Question): { readonly rounds: number; readonly bytes: number } => {
  const equal = equalCost(testsOf(question), wordBits(question))
  const layers = layersOf(question).map((gates) => andCost(gates * vectorWords(question.queries)))
  return {
    rounds: equal.rounds + layers.length,
    bytes: equal.bytes + layers.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

const sum = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((word, i) => word ^ b[i]!)

const joined = (planes: readonly Uint32Array[]): Uint32Array => {
  const out = new Uint32Array(planes.reduce((total, plane) => total + plane.length, 0))
  let at = 0
  for (const plane of planes) {
    out.set(plane, at)
    at += plane.length
  }
  return out
}

type And = (x: Uint32Array, y: Uint32Array) => Routine<Uint32Array>

/** The planes of the number of ones among the planes given, lowest first. */
function* countPlanes(and: And, planes: readonly Uint32Array[]): Routine<readonly Uint32Array[]> {
  const width = planes[0]!.length
  let columns: Uint32Array[][] = [[...planes], ...Array.from({ length: countBits(planes.length) - 1 }, () => [])]
  while (!isCounted(columns.map(({ length }) => length))) {
    const adders = layerOf(columns.map(({ length }) => length))
    const next: Uint32Array[][] = columns.map(() => [])
    const [left, right, carries]: [Uint32Array[], Uint32Array[], { to: number; plus: Uint32Array | undefined }[]] = [
      [],
      [],
      [],
    ]
    columns.forEach((column, weight) => {
      const { full, half } = adders[weight]!
      for (let i = 0; i < full + half; i++) {
        const [a, b, c] = i < full ? column.splice(0, 3) : column.splice(0, 2)
        left.push(c === undefined ? a! : sum(a!, c))
        right.push(c === undefined ? b! : sum(b!, c))
        carries.push({ to: weight + 1, plus: c })
        next[weight]!.push(c === undefined ? sum(a!, b!) : sum(sum(a!, b!), c))
      }
      next[weight]!.push(...column)
    })
    const products = yield* and(joined(left), joined(right))
    carries.forEach(({ to, plus }, i) => {
      const product = products.slice(i * width, (i + 1) * width)
      // A carry out of the highest plane is zero: the number is below its power of two.
      next[to]?.push(plus === undefined ? product : sum(product, plus))
    })
    columns = next
  }
  return columns.map(([plane]) => plane ?? new Uint32Array(width))
}

/**
 * Shares of the answers: {@link answerBits} planes.
 * @param planes own words: {@link wordBits} planes, each with a bit of all tests, table by table, function by function,
 * id by id
 */
export function* answerShares(
  ctx: Context<any, any>,
  transfers: Transfers,
  store: TripleStore,
  question: Question,
  planes: Uint32Array,
): Routine<Uint32Array> {
  const { mode, holders, tables, queries } = question
  const width = vectorWords(queries)
  const equal = yield* equalShares(ctx.narrow('equal'), transfers, store, planes, wordBits(question))
  // At most one of an id's cells in a table is equal, so that the sum says whether one is; of two tables, whether one is
  // in one of them, not in both.
  const hits = new Uint32Array(holders * width)
  for (let test = 0; test < testsOf(question); test++) {
    const holder = tables[Math.floor(test / (candidates * queries))]!
    const id = test % queries
    hits[holder * width + (id >> 5)]! ^= ((equal[test >> 5]! >>> (test & 31)) & 1) << (id & 31)
  }
  const not = (plane: Uint32Array): Uint32Array => (transfers.first ? plane.map((word) => ~word) : plane)
  const inner = ctx.narrow('answer')
  if (mode === 'any') return not(yield* equalShares(inner, transfers, store, hits, holders))
  const and: And = (x, y) => andShares(inner, transfers, store, x, y)
  const own = Array.from({ length: holders }, (_, i) => hits.subarray(i * width, (i + 1) * width))
  const count = yield* countPlanes(and, own)
  if (mode === 'count') return joined(count)
  const added = complementOf(question)
  const start = lowestBit(added)
  let carry = count[start]!
  for (let bit = start + 1; bit < count.length; bit++) {
    carry = (added >> bit) & 1 ? not(yield* and(not(count[bit]!), not(carry))) : yield* and(count[bit]!, carry)
  }
  return carry
}
