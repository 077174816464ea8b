/**
 * Sums of products over all rows: what most statistics are made of. Codes are whole numbers, so sums are exact.
 *
 * Push-down: an owner computes in clear what lies in its own rows (horizontal tables) or between its own columns
 * (vertical ones), and shares a few numbers. Only sums over columns of two owners are computed from shared rows.
 */
import { bitsOf } from './bounds.ts'
import type { Role } from './plan.ts'
import type { Table } from './columns.ts'
import { edgeCodes, rangeOf, type Scope } from './scope.ts'

/** A number for each row. `rank` is the sum of the first and the last rank of a row's value: twice the mean rank. */
export type Vector = { readonly kind: 'one' } | { readonly kind: 'value' | 'square' | 'rank'; readonly column: string }

/** A group for each row: its level, or its bin. */
export interface Factor {
  readonly column: string
  readonly edges?: readonly number[] | undefined
}

/** One sum, or with factors one for each group (of `by`, then of `and`: group (i, j) is element i · levels(and) + j). */
export interface Moment {
  readonly left: Vector
  readonly right: Vector
  readonly by?: Factor | undefined
  readonly and?: Factor | undefined
}

export const one: Vector = { kind: 'one' }
export const value = (column: string): Vector => ({ kind: 'value', column })
export const square = (column: string): Vector => ({ kind: 'square', column })
export const rank = (column: string): Vector => ({ kind: 'rank', column })
/** Sum over the rows of a product; of one vector where `right` is left out. */
export const sumOf = (left: Vector, right: Vector = one): Moment => ({ left, right })
export const sumBy = (by: Factor, left: Vector): Moment => ({ left, right: one, by })
export const countBy = (by: Factor, and?: Factor): Moment => ({ left: one, right: one, by, and })

const vectorKey = (vector: Vector): string => (vector.kind === 'one' ? '1' : `${vector.kind} ${vector.column}`)
const factorKey = (factor: Factor | undefined): string =>
  factor === undefined ? '' : `${factor.column}|${factor.edges?.join() ?? ''}`

/** Equal for equal sums. */
export const momentKey = ({ left, right, by, and }: Moment): string =>
  [...[vectorKey(left), vectorKey(right)].sort(), factorKey(by), factorKey(and)].join('\n')

export const groupsOf = (scope: Scope, factor: Factor): number =>
  factor.edges === undefined
    ? scope.levels(factor.column).length
    : edgeCodes(scope, factor.column, factor.edges).length + 1

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
    default:
      return 2 * scope.rows
  }
}

/** Bits of the sum. */
export const momentBits = (scope: Scope, { left, right }: Moment): number =>
  bitsOf(largestOf(scope, left) * largestOf(scope, right) * scope.rows)

/** Columns that a moment looks at. */
export const columnsOf = ({ left, right, by, and }: Moment): readonly string[] => [
  ...[left, right].flatMap((vector) => (vector.kind === 'one' ? [] : [vector.column])),
  ...[by, and].flatMap((factor) => (factor === undefined ? [] : [factor.column])),
]

/** Who can compute it, or its own part of it, in clear; none where it is between two owners. */
export const localOwners = (scope: Scope, moment: Moment): readonly Role[] => {
  if (!scope.vertical) return scope.owners
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
export const codesOf = (scope: Scope, table: Table, column: string): Float64Array =>
  table.codes[scope.place(column).index]!

/** The values of a vector, where they are exact in a double. */
export const valuesOf = (scope: Scope, table: Table, vector: Vector): Float64Array => {
  if (vector.kind === 'one') return new Float64Array(table.rows).fill(1)
  const codes = codesOf(scope, table, vector.column)
  if (vector.kind === 'value') return codes
  return vector.kind === 'rank' ? doubledRanks(codes) : codes.map((code) => code * code)
}

/** The group of each row. */
export const groupOfRows = (scope: Scope, table: Table, factor: Factor): Uint16Array => {
  const codes = codesOf(scope, table, factor.column)
  if (factor.edges === undefined) return Uint16Array.from(codes)
  const edges = edgeCodes(scope, factor.column, factor.edges)
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

const limbsOf = (scope: Scope, table: Table, vector: Vector): readonly Limb[] => {
  if (vector.kind !== 'square') return split(valuesOf(scope, table, vector), largestOf(scope, vector))
  const parts = split(codesOf(scope, table, vector.column), rangeOf(scope, vector.column))
  return parts.flatMap((left, i) =>
    parts.slice(i).flatMap((right, j) => {
      const product = left.values.map((v, row) => v * right.values[row]! * (j === 0 ? 1 : 2))
      const shift = left.shift + right.shift
      return split(product, 2 ** (left.bits + right.bits + 1)).map((limb) => ({ ...limb, shift: limb.shift + shift }))
    }),
  )
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
    const [left, right] = moment.left.kind === 'one' ? [moment.right, moment.left] : [moment.left, moment.right]
    const totals = Array.from({ length }, () => 0n)
    for (const x of cached(left)) {
      for (const y of right.kind === 'one' ? [undefined] : cached(right)) {
        groupSums(x, y, groups, length).forEach((sum, g) => (totals[g]! += sum))
      }
    }
    return totals
  })
}
