/**
 * Weight of evidence and information value (Siddiqi 2006, Credit Risk Scorecards, chapter 6) of columns cut at public
 * edges, in bins of equal frequency, or in such bins merged by ChiMerge (Kerber, AAAI 1992). The counts of y by bin are
 * opened, and all else is made of them in clear: merging too, so the counts of all bins before merging are told.
 */
import { wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Json } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { edgeOrder, isJoint, type Binning } from '../bins.ts'
import { valueOf } from '../columns.ts'
import { finite, nothingElse, type Figure, type Given, type Opened } from '../figure.ts'
import { countBy, groupsOf, type Factor } from '../moments.ts'
import { binary } from '../problems.ts'
import { edgeCodes, type Scope } from '../scope.ts'
import { number, openCounts, readGrouped, withheldWhole, type Count } from './tables.ts'

/** Of counts by bin, those of y = 0 and of y = 1. Bins where either is missing have no weight, and add nothing. */
export const evidenceOf = (goods: readonly number[], bads: readonly number[]) => {
  const [good, bad] = [goods, bads].map((counts) => counts.reduce((a, b) => a + b, 0))
  const shares = goods.map((g, i) => [g / good!, bads[i]! / bad!] as const)
  const woe = shares.map(([g, b]) => (g > 0 && b > 0 ? finite(Math.log(g / b)) : null))
  const value = shares.reduce((sum, [g, b]) => (g > 0 && b > 0 ? sum + (g - b) * Math.log(g / b) : sum), 0)
  return { woe, informationValue: finite(value) }
}

/** Whether the column y has the values 0 and 1 and no others. */
export const requireBinary = (scope: Scope, y: string): void => {
  const column = scope.numeric(y)
  if (column.decimals === 0 && column.minimum === 0 && column.maximum === 1) return
  throw binary(y, `from ${valueOf(column, 0)} to ${column.maximum} with ${column.decimals} decimals`)
}

/** Bins of a column with their counts of y. */
export interface Binned {
  /** Each bin begins at one, but for the first. */
  readonly edges: readonly number[]
  readonly goods: readonly number[]
  readonly bads: readonly number[]
}

/** Adjacent bins are merged while there are more than `to`, or two of them differ by less than `threshold`. */
export interface Merging {
  readonly to: number
  /** Of the chi-square statistic with one degree of freedom: 3.84 is the level of 5 %. */
  readonly threshold: number
}

/** Pearson's statistic of two bins by label; 0 where both have one label only. */
const difference = ({ goods, bads }: Binned, i: number): number => {
  const [a, b, c, d] = [goods[i]!, bads[i]!, goods[i + 1]!, bads[i + 1]!]
  const product = (a + b) * (c + d) * (a + c) * (b + d)
  return product === 0 ? 0 : ((a + b + c + d) * (a * d - b * c) ** 2) / product
}

const joinedAt = (counts: readonly number[], i: number): number[] => [
  ...counts.slice(0, i),
  counts[i]! + counts[i + 1]!,
  ...counts.slice(i + 2),
]

/** The pair that differs least goes together, among equals the first. */
const chiMerge = (binned: Binned, { to, threshold }: Merging): Binned => {
  let now = binned
  while (now.goods.length > 1) {
    const all = now.goods.slice(1).map((_, i) => difference(now, i))
    const least = all.reduce((best, each, i) => (each < all[best]! ? i : best), 0)
    if (now.goods.length <= to && all[least]! >= threshold) break
    const { edges, goods, bads } = now
    now = { edges: edges.filter((_, i) => i !== least), goods: joinedAt(goods, least), bads: joinedAt(bads, least) }
  }
  return now
}

/** Edges that coincide, because many rows have one value, leave empty bins: those are dropped. */
const occupied = ({ edges, goods, bads }: Binned): Binned => {
  const kept = goods.flatMap((good, i) => (good + bads[i]! > 0 ? [i] : []))
  return {
    edges: kept.slice(1).map((i) => edges[i - 1]!),
    goods: kept.map((i) => goods[i]!),
    bads: kept.map((i) => bads[i]!),
  }
}

export interface Cut {
  readonly column: string
  readonly binning: Binning
}

export const factorOf = ({ column, binning }: Cut): Factor => ({ column, ...binning })

/** What the counts of y by bin of one column take, and how they are opened and read. */
export interface Tally {
  readonly needs: Pick<Figure, 'moments' | 'orders' | 'codes' | 'rows'>
  /** Vectors that `open` makes. */
  readonly vectors: number
  /** Counts bin by bin, those of y = 0 and of y = 1 side by side. */
  counts(backend: Backend, given: Given): Routine<Arithmetic<128>>
  open(backend: Backend, given: Given): Routine<readonly Arithmetic[]>
  /** Null where a count is withheld. */
  read(opened: readonly Opened[]): Binned | null
}

export const tallyOf = (scope: Scope, y: string, cut: Cut): Tally => {
  const { column, binning } = cut
  const factor = factorOf(cut)
  const schema = scope.numeric(column)
  if ('edges' in binning) edgeCodes(scope, column, binning.edges)
  const order = 'bins' in binning ? edgeOrder(scope, column, binning.bins) : undefined
  const joint = isJoint(scope, factor)
  const groups = groupsOf(scope, factor)
  const moment = countBy(factor, { column: y, edges: [1] })
  const hides = scope.parameters.minimumCount > 1
  const tally: Tally = {
    needs: {
      moments: joint ? [] : [moment],
      orders: order === undefined ? [] : [order],
      codes: joint ? [column, y] : [],
      rows: [],
    },
    vectors: (hides ? 2 : 1) + (order === undefined ? 0 : 1),
    *counts(backend, given) {
      if (!joint) return given.moment(moment)
      const rows = yield* given.rows(backend, factor)
      const shape = { rows: groups, inner: scope.rows, columns: 1 }
      const bads = yield* backend.matrixProduct(rows, given.codes(y), shape)
      const goods = backend.subtract(backend.sum(rows, scope.rows), bads)
      const index = Uint32Array.from({ length: 2 * groups }, (_, i) => (i >> 1) + (i % 2) * groups)
      return yield* backend.widen(backend.gather(backend.concat(goods, bads), index))
    },
    *open(backend, given) {
      const opened = yield* openCounts(scope, backend, yield* tally.counts(backend, given))
      return order === undefined ? opened : [...opened, given.order(order)]
    },
    read(opened) {
      const [counts] = readGrouped(scope, 2 * groups, opened.slice(0, hides ? 2 : 1))
      const of = (label: number): Count[] => counts!.filter((_, i) => i % 2 === label).map(number)
      const [goods, bads] = [of(0), of(1)]
      if ([...goods, ...bads].includes(null)) return null
      const edges = 'edges' in binning ? binning.edges : opened.at(-1)!.map((code) => valueOf(schema, Number(code)))
      const all = { edges, goods: goods as number[], bads: bads as number[] }
      return order === undefined ? all : occupied(all)
    },
  }
  return tally
}

export interface Asked {
  readonly y: string
  readonly x: readonly string[]
  readonly binning: Binning
  readonly merge?: Merging | undefined
}

export const binsText = (binning: Binning): string =>
  'edges' in binning ? 'each bin' : `each of ${binning.bins} bins of equal frequency, whose edges are told,`

/** Several of them in one figure, by column. */
const evidenceFigures = (scope: Scope, { y, x, binning, merge }: Asked) => {
  requireBinary(scope, y)
  const tallies = x.map((column) => tallyOf(scope, y, { column, binning }))
  const made =
    merge === undefined
      ? 'of which the weights are made'
      : 'before any bins are merged: the receivers merge them in clear, of these counts'
  const several = x.length > 1 && scope.parameters.minimumCount > 1 ? ', column by column' : ''
  const learns =
    `how many rows of ${binsText(binning)} of ${x.map((c) => `"${c}"`).join(', ')} have "${y}" = 0 and 1, ` +
    `${made}${withheldWhole(scope)}${several}`
  const read = (opened: readonly Opened[]): (Json & { readonly informationValue: number | null })[] => {
    let at = 0
    return tallies.map((tally) => {
      const found = tally.read(opened.slice(at, (at += tally.vectors)))
      if (found === null) return { edges: null, woe: null, informationValue: null, withheld: true }
      const { edges, goods, bads } = merge === undefined ? found : chiMerge(found, merge)
      return { edges: [...edges], ...evidenceOf(goods, bads) }
    })
  }
  return { ...togetherOf(tallies), learns, read }
}

/** What several tallies need and open, one after the other. */
export const togetherOf = (tallies: readonly Tally[]): Omit<Figure, 'learns' | 'read'> => ({
  ...nothingElse,
  moments: tallies.flatMap(({ needs }) => needs.moments),
  orders: tallies.flatMap(({ needs }) => needs.orders),
  codes: tallies.flatMap(({ needs }) => needs.codes),
  *open(backend, given) {
    const opened = yield* backend.join(...tallies.map((tally) => (branch: Backend) => tally.open(branch, given)))
    return opened.flat()
  },
})

export const evidenceFigure = (scope: Scope, asked: Asked): Figure => {
  const { read, ...figure } = evidenceFigures(scope, asked)
  return { ...figure, read: (opened) => read(opened)[0]! }
}

/** Columns by their information value, the largest first; those with a count that is withheld last. */
export const importanceFigure = (scope: Scope, asked: Asked): Figure => {
  const { read, ...figure } = evidenceFigures(scope, asked)
  return {
    ...figure,
    read: (opened) =>
      read(opened)
        .map(({ informationValue }, i) => ({ column: asked.x[i]!, informationValue }))
        .sort((a, b) => (b.informationValue ?? -1) - (a.informationValue ?? -1)),
  }
}

/** (n + 1/2) as whole numbers of halves. */
export const halvesOf = (backend: Backend, counts: Arithmetic<64>): Arithmetic<64> =>
  backend.shift(backend.add(counts, counts), wordsOfIntegers(64, [1]))
