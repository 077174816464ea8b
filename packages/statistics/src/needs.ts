/** What the figures of a plan need of the owners: sums, rows, orders; each thing once. */
import { isJoint } from './bins.ts'
import type { Figure, Order } from './figure.ts'
import {
  columnsOf,
  isRanked,
  localOwners,
  momentBits,
  momentKey,
  vectorKey,
  vectorsOf,
  type Factor,
  type Moment,
  type Vector,
} from './moments.ts'
import type { Role } from './plan.ts'
import { impossible } from './problems.ts'
import { safeBits } from './bounds.ts'
import { isSpread, rangeOf, type Scope } from './scope.ts'

/** Codes of a column whose quantiles over several owners are taken from counts by code, at most. */
const mostCodes = 2 ** 24
/** Bytes, about: of a code's counts, of comparing one with a rank, and of an exchange of a merge. */
const bytesOf = { counts: 24, comparison: 40, exchange: 60 } as const

export const distinct = <T>(items: readonly T[], key: (item: T) => string): readonly T[] => [
  ...new Map(items.map((item) => [key(item), item])).values(),
]

export const keyOf = (item: object): string => JSON.stringify(item)
export const orderKey = ({ column, ranks }: Order): string => `${column}:${ranks.join()}`

/** Vectors that one owner has, multiplied by it. */
export type Part = readonly Exclude<Vector, { readonly kind: 'one' }>[]

/** What all figures of a plan need, each thing once. */
export interface Needs {
  /** Made by their owners. */
  readonly local: readonly Moment[]
  /** Between two owners, or three where none has a factor. */
  readonly crossed: readonly Moment[]
  /** Of ranks among the rows of several owners. */
  readonly ranked: readonly Moment[]
  readonly parts: readonly Part[]
  readonly factors: readonly Factor[]
  readonly orders: readonly Order[]
  readonly codes: readonly string[]
  /** Indicators by row, of public groups or of one owner's bins. */
  readonly rows: readonly Factor[]
}

const factorsOf = ({ by, and }: Moment): readonly Factor[] => [by, and].filter((each) => each !== undefined)

/** The vectors of a sum between owners, by owner. */
export const partsOf = (scope: Scope, moment: Moment): readonly Part[] => [
  ...Map.groupBy(vectorsOf(moment), ({ column }) => ownerOf(scope, column)).values(),
]

export const partKey = (part: Part): string => part.map(vectorKey).sort().join()

export const needsOf = (scope: Scope, figures: readonly Figure[]): Needs => {
  const moments = distinct(
    figures.flatMap((figure) => figure.moments),
    momentKey,
  )
  const ranked = moments.filter((moment) => isRanked(scope, moment))
  const isLocal = (moment: Moment): boolean => localOwners(scope, moment).length > 0
  const crossed = moments.filter((moment) => !isLocal(moment) && !ranked.includes(moment))
  for (const moment of crossed) {
    const owners = new Set(columnsOf(moment).map((column) => scope.place(column).owners[0]))
    const sides = partsOf(scope, moment).length + factorsOf(moment).length
    if (moment.by === undefined || (sides === 2 && owners.size === 2)) continue
    throw impossible('a sum by groups over columns of three owners', 'bring two of the columns to one owner')
  }
  return {
    local: moments.filter(isLocal),
    crossed,
    ranked,
    parts: distinct(
      crossed.flatMap((moment) => partsOf(scope, moment)),
      partKey,
    ),
    factors: distinct(crossed.flatMap(factorsOf), keyOf),
    orders: distinct(
      figures.flatMap((figure) => figure.orders),
      orderKey,
    ),
    codes: [...new Set(figures.flatMap((figure) => figure.codes))],
    rows: distinct(
      figures.flatMap(({ rows = [] }) => rows).filter((factor) => !isJoint(scope, factor)),
      keyOf,
    ),
  }
}

export const ownerOf = (scope: Scope, column: string): Role => scope.place(column).owners[0]!

/** Of a part in all its sums: the ring of the widest. */
export const ringOf = (scope: Scope, { crossed }: Needs, part: Part): 64 | 128 => {
  const isIn = (moment: Moment): boolean => partsOf(scope, moment).some((each) => partKey(each) === partKey(part))
  return crossed.some((moment) => isIn(moment) && momentBits(scope, moment) > safeBits[64]) ? 128 : 64
}

/** Columns whose ranks, or whose order, are taken among the rows of several owners. */
export const rankedColumns = ({ ranked }: Needs): readonly string[] => [...new Set(ranked.flatMap(columnsOf))]
/** Whether merging the rows of all owners takes less than counts by code. */
export const isMerged = (scope: Scope, { column, ranks }: Order): boolean => {
  if (!isSpread(scope)) return false
  const codes = rangeOf(scope, column) + 1
  const counted = codes * (bytesOf.counts + bytesOf.comparison * ranks.length)
  const merged = (scope.rows / 2) * Math.log2(scope.rows + 1) * bytesOf.exchange
  return codes > mostCodes || counted > merged
}
export const sortedColumns = (scope: Scope, needs: Needs): readonly string[] => [
  ...new Set([
    ...rankedColumns(needs),
    ...needs.orders.filter((order) => isMerged(scope, order)).map(({ column }) => column),
  ]),
]
