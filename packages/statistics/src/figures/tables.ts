/**
 * Counts and sums by group: histograms, contingency tables, group-by, and the tests that are made of them. The groups
 * are public; what lies in them is opened, and counts below the plan's minimum are withheld before they are opened.
 */
import type { Json } from '@tallystick/core'
import { wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { narrower, requireBits } from '../bounds.ts'
import { unknownLevel } from '../problems.ts'
import { chiSquareTail, fisherTail, studentTail } from '../distributions.ts'
import { finite, nothingElse, ratio, type Figure, type Given, type NoisePart, type Opened } from '../figure.ts'
import { countBy, groupsOf, momentBits, square, sumBy, value, type Factor, type Moment } from '../moments.ts'
import type { Sensitivity } from '../privacy/index.ts'
import { originOf, rangeOf, unitOf, type Scope } from '../scope.ts'
import { keepCells, keepWhole, roundTo } from './withhold.ts'

/** A count, or null where it is withheld. */
export type Count = number | null

interface Grouped {
  readonly counts: Moment
  /** Whether counts are rounded where the plan says so. */
  readonly rounds?: boolean
  /** Sums over the same groups. */
  readonly sums: readonly Moment[]
}

const repeat = (backend: Backend, x: Arithmetic<128>, times: number): Arithmetic<128> =>
  backend.gather(x, new Uint32Array(times))

/** A table of counts, all of them or none; read by {@link readGrouped}. */
export function* openCounts(scope: Scope, backend: Backend, counts: Arithmetic<128>): Routine<readonly Arithmetic[]> {
  const { minimumCount } = scope.parameters
  if (minimumCount <= 1) return [counts]
  const kept = repeat(backend, yield* keepWhole(backend, counts, minimumCount), counts.length)
  return [yield* backend.multiply(counts, kept), kept]
}

/** Counts and sums of each group: zeros where the count is withheld; and what was kept. */
const openGrouped = (scope: Scope, { counts, sums, rounds = false }: Grouped) =>
  function* (backend: Backend, given: Given): Routine<readonly Arithmetic[]> {
    const vectors = [counts, ...sums].map((moment) => given.moment(moment))
    const { minimumCount, roundTo: base = 1 } = scope.parameters
    const told = rounds && base > 1 ? [yield* roundTo(backend, vectors[0]!, base)] : vectors
    if (minimumCount <= 1) return told
    const kept = yield* keepCells(backend, vectors[0]!, minimumCount)
    const flags = backend.concat(...vectors.map(() => kept))
    return [yield* backend.multiply(backend.concat(...told), flags), kept]
  }

/** The vectors that {@link openGrouped} opens, with null where a group is withheld. */
export const readGrouped = (scope: Scope, groups: number, opened: readonly Opened[]): (bigint | null)[][] => {
  if (scope.parameters.minimumCount <= 1) return opened.map((vector) => [...vector])
  const [all, kept] = opened
  return Array.from({ length: all!.length / groups }, (_, v) =>
    Array.from({ length: groups }, (_, g) => (kept![g] === 1n ? all![v * groups + g]! : null)),
  )
}

export const withheld = ({ parameters: { minimumCount } }: Scope): string =>
  minimumCount > 1
    ? `, but for those of 1 to ${minimumCount - 1} rows and the next larger ones, which are withheld`
    : ''

/** Of tables of counts. */
export const withheldWhole = ({ parameters: { minimumCount } }: Scope): string =>
  minimumCount > 1 ? `, or none of these counts if any is from 1 to ${minimumCount - 1}` : ''

const rounded = ({ parameters: { roundTo: base = 1 } }: Scope, { rounds = false }: Pick<Grouped, 'rounds'>): string =>
  rounds && base > 1 ? `, rounded to multiples of ${base}` : ''

const grouped = (
  scope: Scope,
  shape: Grouped & { readonly groups: number; readonly learns: string },
  read: (vectors: (bigint | null)[][]) => Json,
): Figure => {
  for (const moment of shape.sums) requireBits(momentBits(scope, moment), 128, 'a sum by group', narrower)
  return {
    ...nothingElse,
    moments: [shape.counts, ...shape.sums],
    learns: `${shape.learns}${rounded(scope, shape)}${withheld(scope)}`,
    open: openGrouped(scope, shape),
    read: (opened) => read(readGrouped(scope, shape.groups, opened)),
  }
}

export const number = (count: bigint | null): Count => (count === null ? null : Number(count))

/** A record that is replaced leaves one count for another. */
const countsSensitivity = (length: number): Sensitivity => ({ length, sum: 2, squares: 2 })

export const histogramFigure = (scope: Scope, column: string, edges: readonly number[]): Figure => {
  const factor: Factor = { column, edges }
  const shape = { counts: countBy(factor), sums: [], groups: groupsOf(scope, factor), rounds: true }
  const figure = grouped(scope, { ...shape, learns: `how many rows have "${column}" in each bin` }, ([counts]) => ({
    edges: [...edges],
    counts: counts!.map(number),
  }))
  return { ...figure, noise: [{ sensitivity: countsSensitivity(shape.groups), unit: 1 }] }
}

/** Row by row. */
const linesOf = (counts: readonly (bigint | null)[], width: number): Count[][] =>
  Array.from({ length: counts.length / width }, (_, r) => counts.slice(r * width, (r + 1) * width).map(number))

const pairsLearn = (rows: string, columns: string): string =>
  `how many rows have each pair of "${rows}" and "${columns}"`

/** Sums of the rows and of the columns of a table. */
const marginsOf = (backend: Backend, counts: Arithmetic<128>, down: number, width: number) => {
  const turned = Uint32Array.from({ length: down * width }, (_, i) => (i % down) * width + Math.floor(i / down))
  return [backend.sum(counts, width), backend.sum(backend.gather(counts, turned), down)] as const
}

/** Cells, and what was kept; where all are withheld the totals of rows and columns instead, each a list like others. */
const openTable = (scope: Scope, counts: Moment, down: number, width: number) =>
  function* (backend: Backend, given: Given): Routine<readonly Arithmetic[]> {
    const { minimumCount, roundTo: base = 1 } = scope.parameters
    const exact = given.moment(counts)
    const rounded = (each: Arithmetic<128>): Routine<Arithmetic<128>> => roundTo(backend, each, base)
    if (minimumCount <= 1) return [base > 1 ? yield* rounded(exact) : exact]
    const margins = marginsOf(backend, exact, down, width)
    const [whole, ...parts] = yield* backend.join(
      (branch) => keepWhole(branch, exact, minimumCount),
      ...margins.map((margin) => (branch: Backend) => keepCells(branch, margin, minimumCount)),
    )
    const withheld = backend.shift(backend.negate(whole), wordsOfIntegers(128, [1]))
    const lines = backend.concat(...parts)
    const instead = yield* backend.multiply(lines, repeat(backend, withheld, lines.length))
    const kept = backend.concat(repeat(backend, whole, down * width), instead)
    const all = backend.concat(exact, ...margins)
    return [yield* backend.multiply(base > 1 ? yield* rounded(all) : all, kept), kept]
  }

export const crosstabFigure = (scope: Scope, rows: string, columns: string): Figure => {
  const [down, across] = [scope.levels(rows), scope.levels(columns)]
  const cells = down.length * across.length
  const { minimumCount } = scope.parameters
  const counts = countBy({ column: rows }, { column: columns })
  const instead =
    minimumCount > 1
      ? '; and then how many have each of one and of the other alone' +
        `, but for those of 1 to ${minimumCount - 1} rows and the next larger ones`
      : ''
  return {
    ...nothingElse,
    moments: [counts],
    learns: `${pairsLearn(rows, columns)}${rounded(scope, { rounds: true })}${withheldWhole(scope)}${instead}`,
    noise: [{ sensitivity: countsSensitivity(cells), unit: 1 }],
    open: openTable(scope, counts, down.length, across.length),
    read(opened) {
      const [all] = readGrouped(scope, opened[0]!.length, opened)
      const found = { rows: [...down], columns: [...across], counts: linesOf(all!.slice(0, cells), across.length) }
      if (opened[1] === undefined || opened[1][0] === 1n) return found
      const totals = all!.slice(cells).map(number)
      return { ...found, rowTotals: totals.slice(0, down.length), columnTotals: totals.slice(down.length) }
    },
  }
}

/** Pearson's statistic of whole counts. Levels that do not occur take no part. */
const pearsonStatistic = (counts: readonly (readonly number[])[]): { statistic: number; freedom: number } => {
  const rowSums = counts.map((row) => row.reduce((a, b) => a + b, 0))
  const columnSums = counts[0]!.map((_, c) => counts.reduce((sum, row) => sum + row[c]!, 0))
  const total = rowSums.reduce((a, b) => a + b, 0)
  let statistic = 0
  for (const [r, row] of counts.entries()) {
    for (const [c, count] of row.entries()) {
      const expected = (rowSums[r]! * columnSums[c]!) / total
      if (expected > 0) statistic += (count - expected) ** 2 / expected
    }
  }
  const occurring = (sums: readonly number[]): number => sums.filter((sum) => sum > 0).length - 1
  return { statistic, freedom: occurring(rowSums) * occurring(columnSums) }
}

export const chiSquareFigure = (scope: Scope, rows: string, columns: string): Figure => {
  const [down, width] = [scope.levels(rows).length, scope.levels(columns).length]
  const counts = countBy({ column: rows }, { column: columns })
  return {
    ...nothingElse,
    moments: [counts],
    learns: `${pairsLearn(rows, columns)}, of which the test is made${withheldWhole(scope)}`,
    open: (backend, given) => openCounts(scope, backend, given.moment(counts)),
    read(opened) {
      const [all] = readGrouped(scope, down * width, opened)
      if (all!.includes(null)) return { statistic: null, freedom: null, p: null, withheld: true }
      const { statistic, freedom } = pearsonStatistic(linesOf(all!, width) as number[][])
      const p = freedom > 0 ? chiSquareTail(statistic, freedom) : null
      return { statistic: finite(statistic), freedom, p }
    },
  }
}

/** Sample moments of one group, in the units of its column. */
interface Sample {
  readonly count: number
  readonly sum: number
  readonly mean: number | null
  /** With the divisor count - 1. */
  readonly variance: number | null
}

/** Of a count, Σ u and Σ u², where u are codes: whole numbers until the last division. */
const sampleOf = (scope: Scope, column: string, count: bigint, sum: bigint, squares: bigint): Sample => {
  const unit = unitOf(scope, column)
  const total = sum + count * BigInt(originOf(scope, column))
  // Of noisy sums it may be negative, as a count may be.
  const spread = ratio(count * squares - sum * sum, count * (count - 1n)) * unit * unit
  const variance = count > 1n ? Math.max(0, spread) : null
  return {
    count: Number(count),
    sum: ratio(total, 1n) * unit,
    mean: count > 0n ? ratio(total, count) * unit : null,
    variance,
  }
}

const samples = (scope: Scope, by: string, column: string, learns: string, read: (s: (Sample | null)[]) => Json) => {
  const factor = { column: by }
  scope.numeric(column)
  const sums = [sumBy(factor, value(column)), sumBy(factor, square(column))]
  const shape = { counts: countBy(factor), sums, groups: groupsOf(scope, factor) }
  return grouped(scope, { ...shape, learns }, ([counts, totals, squares]) =>
    read(
      counts!.map((count, g) => (count === null ? null : sampleOf(scope, column, count, totals![g]!, squares![g]!))),
    ),
  )
}

const groupsLearn = (by: string, x: string): string =>
  `count, sum, mean and variance of "${x}" for each level of "${by}"`

/** A record that is replaced leaves one group for another: of both each sum changes by its largest term. */
const groupNoise = (scope: Scope, by: string, x: string): readonly NoisePart[] => {
  const length = groupsOf(scope, { column: by })
  const [largest, unit] = [rangeOf(scope, x), unitOf(scope, x)]
  const part = (term: number, each: number, what: string): NoisePart => ({
    ...{ sensitivity: { length, sum: 2 * term, squares: 2 * term ** 2 }, unit: each, what },
  })
  return [
    part(1, 1, 'each count'),
    part(largest, unit, `each sum above ${scope.numeric(x).minimum}`),
    part(largest ** 2, unit ** 2, 'each sum of squares'),
  ]
}

export const groupByFigure = (scope: Scope, by: string, x: string): Figure => ({
  ...samples(scope, by, x, groupsLearn(by, x), (found) => ({
    levels: [...scope.levels(by)],
    groups: found as unknown as Json,
  })),
  noise: groupNoise(scope, by, x),
})

/** Welch's t of two samples, with the Welch-Satterthwaite degrees of freedom. */
const welchOf = (a: Sample, b: Sample): { t: number; freedom: number; p: number } => {
  const [va, vb] = [a.variance! / a.count, b.variance! / b.count]
  const t = (a.mean! - b.mean!) / Math.sqrt(va + vb)
  const freedom = (va + vb) ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1))
  return { t, freedom, p: studentTail(t, freedom) }
}

const untested = { t: null, freedom: null, p: null }

export const welchFigure = (scope: Scope, by: string, x: string, one: string, other: string): Figure => {
  const levels = scope.levels(by)
  const places = [one, other].map((level) => levels.indexOf(level))
  if (places.includes(-1)) throw unknownLevel({ name: by, type: 'categorical', levels }, places[0] === -1 ? one : other)
  const learns = `${groupsLearn(by, x)}, of which the test is made`
  return samples(scope, by, x, learns, (found) => {
    const [a, b] = places.map((place) => found[place])
    if (typeof a?.variance !== 'number' || typeof b?.variance !== 'number') return untested
    const { t, freedom, p } = welchOf(a, b)
    return Number.isFinite(t) ? { t, freedom, p } : untested
  })
}

/** One-way analysis of variance between samples. */
const anovaOf = (groups: readonly Sample[]): { f: number; between: number; within: number; p: number } => {
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  const grand = groups.reduce((sum, group) => sum + group.mean! * group.count, 0) / count
  const between = groups.length - 1
  const within = count - groups.length
  const explained = groups.reduce((sum, { mean, count: n }) => sum + n * (mean! - grand) ** 2, 0) / between
  const rest = groups.reduce((sum, { variance, count: n }) => sum + (variance ?? 0) * (n - 1), 0) / within
  const f = explained / rest
  return { f, between, within, p: fisherTail(f, between, within) }
}

export const anovaFigure = (scope: Scope, by: string, x: string): Figure =>
  samples(scope, by, x, `${groupsLearn(by, x)}, of which the test is made`, (found) => {
    const occurring = found.filter((sample): sample is Sample => sample !== null && sample.count > 0)
    const untestable = found.includes(null) || occurring.length < 2
    const { f, between, within, p } = anovaOf(occurring)
    if (untestable || !Number.isFinite(f)) return { f: null, between: null, within: null, p: null }
    return { f, between, within, p }
  })
