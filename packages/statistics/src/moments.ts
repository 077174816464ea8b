/**
 * Sums of products over all rows: what most statistics are made of. Codes are whole numbers, so sums are exact.
 *
 * Push-down: an owner computes in clear what lies in its own rows (horizontal tables) or between its own columns
 * (vertical ones), and shares a few numbers. Only sums over columns of two owners are computed from shared rows.
 */
import { bitsOf } from './bounds.ts'
import { ownEdges } from './bins.ts'
import type { Role } from './plan.ts'
import type { Table } from './columns.ts'
import { edgeCodes, isSpread, originOf, rangeOf, type Scope } from './scope.ts'

/**
 * A number for each row. `rank` is the sum of the first and the last rank of a row's value: twice the mean rank. `weight`
 * is a number in units from 0, where a `value` is counted from the declared minimum.
 */
export type Vector =
  | { readonly kind: 'one' }
  | { readonly kind: 'value' | 'square' | 'rank' | 'weight'; readonly column: string }

/** A group for each row: its level, or its bin. */
export interface Factor {
  readonly column: string
  readonly edges?: readonly number[] | undefined
  /** So many bins of equal frequency (bins.ts). */
  readonly bins?: number | undefined
}

/** One sum, or with factors one for each group (of `by`, then of `and`: group (i, j) is element i · levels(and) + j). */
export interface Moment {
  readonly left: Vector
  readonly right: Vector
  /** A third factor: of two columns by weight. */
  readonly third?: Vector | undefined
  readonly by?: Factor | undefined
  readonly and?: Factor | undefined
}

export const one: Vector = { kind: 'one' }
export const value = (column: string): Vector => ({ kind: 'value', column })
export const square = (column: string): Vector => ({ kind: 'square', column })
export const rank = (column: string): Vector => ({ kind: 'rank', column })
export const weight = (column: string): Vector => ({ kind: 'weight', column })
/** Sum over the rows of a product; of one vector where `right` is left out. */
export const sumOf = (left: Vector, right: Vector = one): Moment => ({ left, right })
/** The same, each row by its weight. */
export const weightedSum = (by: Vector | undefined, left: Vector, right: Vector = one): Moment => {
  if (by === undefined) return sumOf(left, right)
  const [first = one, second = one] = [left, right].filter(({ kind }) => kind !== 'one')
  return second.kind === 'one' ? sumOf(by, first) : { left: first, right: second, third: by }
}
export const sumBy = (by: Factor, left: Vector): Moment => ({ left, right: one, by })
export const countBy = (by: Factor, and?: Factor): Moment => ({ left: one, right: one, by, and })

export const vectorKey = (vector: Vector): string => (vector.kind === 'one' ? '1' : `${vector.kind} ${vector.column}`)
const factorKey = (factor: Factor | undefined): string =>
  factor === undefined ? '' : `${factor.column}|${factor.edges?.join() ?? ''}|${factor.bins ?? ''}`

/** Equal for equal sums. */
export const momentKey = ({ left, right, third = one, by, and }: Moment): string =>
  [...[left, right, third].map(vectorKey).sort(), factorKey(by), factorKey(and)].join('\n')

/** The vectors of a moment. */
export const vectorsOf = ({ left, right, third = one }: Moment): readonly Exclude<Vector, { readonly kind: 'one' }>[] =>
  [left, right, third].filter((vector) => vector.kind !== 'one')

export const groupsOf = (scope: Scope, factor: Factor): number =>
  factor.bins ??
  (factor.edges === undefined
    ? scope.levels(factor.column).length
    : edgeCodes(scope, factor.column, factor.edges).length + 1)

export const momentLength = (scope: Scope, { by, and }: Moment): number =>
  (by === undefined ? 1 : groupsOf(scope, by)) * (and === undefined ? 1 : groupsOf(scope, and))

/** The largest value of a vector. */
export const largestOf = (scope: Scope, vector: Vector): number => {
  switch (vector.kind) {
    case 'one':
      return 1
    case 'value':
      return rangeOf(scope, vector.column)
    case 'square':
      return rangeOf(scope, vector.column) ** 2
    case 'weight':
      return rangeOf(scope, vector.column) + originOf(scope, vector.column)
    default:
      return 2 * scope.rows
  }
}

/** Bits of the sum. */
export const momentBits = (scope: Scope, moment: Moment): number =>
  bitsOf(vectorsOf(moment).reduce((product, vector) => product * largestOf(scope, vector), scope.rows))

/** Columns that a moment looks at. */
export const columnsOf = (moment: Moment): readonly string[] => [
  ...vectorsOf(moment).map(({ column }) => column),
  ...[moment.by, moment.and].flatMap((factor) => (factor === undefined ? [] : [factor.column])),
]

/** Whether it is made of ranks among the rows of several owners. */
export const isRanked = (scope: Scope, moment: Moment): boolean =>
  isSpread(scope) && vectorsOf(moment).some(({ kind }) => kind === 'rank')

/** Who can compute it, or its own part of it, in clear; none where it is between two owners. */
export const localOwners = (scope: Scope, moment: Moment): readonly Role[] => {
  if (!scope.vertical) return isRanked(scope, moment) ? [] : scope.owners
  const owners = new Set(columnsOf(moment).map((column) => scope.place(column).owners[0]!))
  return owners.size <= 1 ? [...owners] : []
}

/** A vector as Σ limb · 2^shift with small limbs, whose products have exact sums in doubles. */
interface Limb {
  readonly values: Float64Array
  readonly shift: number
  readonly bits: number
}

const limbBits = 23

const split = (values: Float64Array, largest: number): readonly Limb[] => {
  const bits = bitsOf(largest)
  if (bits <= limbBits) return [{ values, shift: 0, bits }]
  const unit = 2 ** limbBits
  const high = values.map((v) => Math.floor(v / unit))
  return [
    { values: values.map((v) => v % unit), shift: 0, bits: limbBits },
    { values: high, shift: limbBits, bits: bits - limbBits },
  ]
}

/** Twice the mean rank of each value, from 2 to 2n: ties share theirs. */
export const doubledRanks = (values: Float64Array): Float64Array => {
  const order = new Uint32Array(values.length).map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const ranks = new Float64Array(values.length)
  for (let from = 0; from < order.length;) {
    let to = from
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++
    for (let i = from; i < to; i++) ranks[order[i]!] = from + 1 + to
    from = to
  }
  return ranks
}

/** The codes of a column in an owner's table. */
export const codesOf = (scope: Scope, table: Table, column: string): Float64Array => {
  const { index, level } = scope.place(column)
  const codes = table.codes[index]!
  return level === undefined ? codes : codes.map((code) => +(code === level))
}

/** The values of a vector, where they are exact in a double. */
const valuesOf = (scope: Scope, table: Table, vector: Vector): Float64Array => {
  if (vector.kind === 'one') return new Float64Array(table.rows).fill(1)
  const codes = codesOf(scope, table, vector.column)
  if (vector.kind === 'value') return codes
  if (vector.kind === 'rank') return doubledRanks(codes)
  const origin = vector.kind === 'weight' ? originOf(scope, vector.column) : 0
  return vector.kind === 'weight' ? codes.map((code) => code + origin) : codes.map((code) => code * code)
}

const exactly = 2 ** 53

/** The products of vectors that one owner has: whole numbers of any size. */
export const productsOf = (scope: Scope, table: Table, vectors: readonly Vector[]): ArrayLike<number | bigint> => {
  // A square is a product of two.
  const flat = vectors.flatMap((vector) =>
    vector.kind === 'square' ? [value(vector.column), value(vector.column)] : [vector],
  )
  const parts = flat.map((vector) => valuesOf(scope, table, vector))
  if (parts.length === 1) return parts[0]!
  const largest = flat.reduce((product, vector) => product * largestOf(scope, vector), 1)
  if (largest < exactly) return parts[0]!.map((v, row) => parts.slice(1).reduce((p, part) => p * part[row]!, v))
  return Array.from(parts[0]!, (_, row) => parts.reduce((p, part) => p * BigInt(part[row]!), 1n))
}

/** The group of each row. */
export const groupOfRows = (scope: Scope, table: Table, factor: Factor): Uint16Array => {
  const codes = codesOf(scope, table, factor.column)
  if (factor.edges === undefined && factor.bins === undefined) return Uint16Array.from(codes)
  const { bins } = factor
  const edges = bins === undefined ? edgeCodes(scope, factor.column, factor.edges!) : ownEdges(codes, bins)
  return Uint16Array.from(codes, (code) => {
    let [low, high] = [0, edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (code >= edges[middle]!) low = middle + 1
      else high = middle
    }
    return low
  })
}

/** Limbs of the products of two vectors. */
const timesLimbs = (left: readonly Limb[], right: readonly Limb[]): readonly Limb[] =>
  left.flatMap((x) =>
    right.flatMap((y) => {
      const product = x.values.map((v, row) => v * y.values[row]!)
      const shift = x.shift + y.shift
      return split(product, 2 ** (x.bits + y.bits) - 1).map((limb) => ({ ...limb, shift: limb.shift + shift }))
    }),
  )

const limbsOf = (scope: Scope, table: Table, vector: Vector): readonly Limb[] => {
  if (vector.kind !== 'square') return split(valuesOf(scope, table, vector), largestOf(scope, vector))
  const parts = split(codesOf(scope, table, vector.column), rangeOf(scope, vector.column))
  return timesLimbs(parts, parts)
}

/** Sums of up to 2^52 are carried over into two doubles after each block, so that a long sum stays exact. */
const carryBits = 26

/** Exact sums of x · y by group. */
const groupSums = (x: Limb, y: Limb | undefined, groups: ArrayLike<number> | undefined, length: number): bigint[] => {
  const rows = x.values.length
  const block = 2 ** (52 - x.bits - (y?.bits ?? 0))
  const [low, high, sums] = [new Float64Array(length), new Float64Array(length), new Float64Array(length)]
  for (let from = 0; from < rows; from += block) {
    const to = Math.min(rows, from + block)
    if (groups === undefined) sums[0] = plainSum(x.values, y?.values, from, to)
    else for (let i = from; i < to; i++) sums[groups[i]!]! += x.values[i]! * (y === undefined ? 1 : y.values[i]!)
    for (let g = 0; g < length; g++) {
      const carried = Math.floor(sums[g]! / 2 ** carryBits)
      high[g]! += carried
      low[g]! += sums[g]! - carried * 2 ** carryBits
    }
    sums.fill(0)
  }
  const shift = BigInt(x.shift + (y?.shift ?? 0))
  return Array.from(low, (sum, g) => (BigInt(sum) + (BigInt(high[g]!) << BigInt(carryBits))) << shift)
}

const plainSum = (x: Float64Array, y: Float64Array | undefined, from: number, to: number): number => {
  let sum = 0
  if (y === undefined) for (let i = from; i < to; i++) sum += x[i]!
  else for (let i = from; i < to; i++) sum += x[i]! * y[i]!
  return sum
}

const jointGroups = (scope: Scope, table: Table, { by, and }: Moment): Uint32Array | Uint16Array | undefined => {
  if (by === undefined) return undefined
  const groups = groupOfRows(scope, table, by)
  if (and === undefined) return groups
  const levels = groupsOf(scope, and)
  const others = groupOfRows(scope, table, and)
  return Uint32Array.from(groups, (group, row) => group * levels + others[row]!)
}

/** Exact sums over the rows of one table. */
export const localMoments = (scope: Scope, table: Table, moments: readonly Moment[]): bigint[] => {
  const cache = new Map<string, readonly Limb[]>()
  const cached = (vector: Vector): readonly Limb[] => {
    const key = vectorKey(vector)
    const limbs = cache.get(key) ?? limbsOf(scope, table, vector)
    cache.set(key, limbs)
    return limbs
  }
  return moments.flatMap((moment) => {
    const groups = jointGroups(scope, table, moment)
    const length = momentLength(scope, moment)
    const [left = one, right, third] = vectorsOf(moment)
    const totals = Array.from({ length }, () => 0n)
    const others = third === undefined ? right && cached(right) : timesLimbs(cached(right!), cached(third))
    for (const x of cached(left)) {
      for (const y of others ?? [undefined]) {
        groupSums(x, y, groups, length).forEach((sum, g) => (totals[g]! += sum))
      }
    }
    return totals
  })
}
