/**
 * A scorecard (Siddiqi 2006, chapter 6): each column becomes the weight of evidence of its bin, a logistic regression says
 * how much each counts, and points are a public function of both.
 *
 *     woe_jk  = ln (good_jk + 1/2)/(bad_jk + 1/2) - ln (good + 1/2)/(bad + 1/2)        good: y = 0, bad: y = 1
 *     score   = offset + factor ln(odds of good to bad),  factor = double / ln 2,  offset = base - factor ln odds
 *     points  = -factor (b_j woe_jk + b_0 / p) + offset / p                            of column j and bin k, p columns
 *
 * The half row keeps a bin without one of the labels finite. Weights of rows are made and used under sharing, to four
 * digits; counts of bins, coefficients and standard errors are opened, and points made of them in clear.
 */
import { fixed, logFixed, wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Json } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { binningOf } from '../bins.ts'
import { bitsOf, requireBits } from '../bounds.ts'
import { largestCode, type NumericColumn } from '../columns.ts'
import type { Figure, Given } from '../figure.ts'
import { momentKey, sumOf, value, type Moment } from '../moments.ts'
import { pairsOf } from './moments.ts'
import type { Cuts } from '../plan.ts'
import { impossible } from '../problems.ts'
import { groupsOf } from '../moments.ts'
import type { Scope } from '../scope.ts'
import { binsText, factorOf, halvesOf, requireBinary, tallyOf, togetherOf, type Binned, type Cut } from './evidence.ts'
import { logisticFigure } from './logistic.ts'
import { withheldWhole } from './tables.ts'

interface Asked {
  readonly y: string
  readonly x: readonly ({ readonly column: string } & Cuts)[]
  readonly penalty: number
  readonly iterations: number
  readonly points: { readonly base: number; readonly odds: number; readonly double: number }
}

/** Digits of a weight of evidence. */
const decimals = 4
/** Bits of a logarithm after the point. */
const logBits = 20

/** The column of weights that stands in a column's place: within 2 ln(2 n + 1), which no weight reaches. */
const weightColumn = (name: string, rows: number): NumericColumn => {
  const largest = Math.ceil(2 * Math.log(2 * rows + 1))
  return { name, type: 'numeric', minimum: -largest, maximum: largest, decimals }
}

/** The scope in which the columns are their weights. */
const weightScope = (scope: Scope, columns: readonly string[]): Scope => {
  const made = new Map(columns.map((name) => [name, weightColumn(name, scope.rows)]))
  return {
    ...scope,
    place: (name) => {
      const column = made.get(name)
      return column === undefined ? scope.place(name) : { column, index: -1, owners: scope.owners }
    },
    numeric: (name) => made.get(name) ?? scope.numeric(name),
  }
}

/** Weights of all bins of a column, as codes of its {@link weightColumn}. About 30 rounds. */
function* weightsOf(backend: Backend, counts: Arithmetic<128>, rows: number): Routine<Arithmetic<64>> {
  const small = backend.low(counts)
  const bins = small.length / 2
  const totals = [0, 1].map((label) =>
    backend.sum(
      backend.gather(
        small,
        Uint32Array.from({ length: bins }, (_, k) => 2 * k + label),
      ),
      bins,
    ),
  )
  const halves = halvesOf(backend, backend.concat(small, ...totals))
  const { share } = yield* logFixed(backend, fixed(halves as Arithmetic, 1, 2 * rows + 2), logBits)
  const logs = share as Arithmetic<64>
  const side = (label: number) =>
    backend.gather(
      logs,
      Uint32Array.from({ length: bins + 1 }, (_, k) => 2 * k + label),
    )
  const ratios = backend.subtract(side(0), side(1))
  const woe = backend.subtract(backend.slice(ratios, 0, bins), backend.slice(ratios, bins, bins + 1))
  const scaled = backend.scale(woe, wordsOfIntegers(64, [10 ** decimals]))
  const half = backend.shift(scaled, wordsOfIntegers(64, [2 ** (logBits - 1)]))
  const rounded = yield* backend.truncate(half, logBits)
  return backend.shift(rounded, wordsOfIntegers(64, [-weightColumn('', rows).minimum * 10 ** decimals]))
}

/** The moments of columns of codes, as a regression asks for them. 3 rounds. */
function* momentsOf(backend: Backend, names: readonly string[], rows: readonly Arithmetic<64>[]) {
  const [p, n] = [names.length, rows[0]!.length]
  const all = backend.concat(...rows)
  const gram = yield* backend.matrixProduct(all, all, { rows: p, inner: n, columns: p, transposed: true })
  const wide = yield* backend.widen(backend.concat(backend.sum(all, n), gram))
  const entry = (moment: Moment, i: number): [string, Arithmetic<128>] => [
    momentKey(moment),
    backend.slice(wide, i, i + 1),
  ]
  const sums = names.map((name, i) => entry(sumOf(value(name)), i))
  const products = pairsOf(p).map(([i, j]) => entry(sumOf(value(names[i]!), value(names[j]!)), p + i * p + j))
  return new Map([...sums, ...products])
}

const rounded = (points: number): number => Math.round(points)

/** Points of every bin, of what was opened. */
export const pointsOf = (
  binned: readonly Binned[],
  intercept: number,
  coefficients: readonly number[],
  { base, odds, double }: Asked['points'],
) => {
  const factor = double / Math.LN2
  const offset = base - factor * Math.log(odds)
  const p = binned.length
  return binned.map(({ goods, bads }, j) => {
    const [good, bad] = [goods, bads].map((counts) => counts.reduce((a, b) => a + b, 0) + 0.5)
    const woe = goods.map((g, k) => Math.log((g + 0.5) / (bads[k]! + 0.5)) - Math.log(good! / bad!))
    const exact = woe.map((w) => -factor * (coefficients[j]! * w + intercept / p) + offset / p)
    const value = woe.reduce((sum, w, k) => sum + (goods[k]! / (good! - 0.5) - bads[k]! / (bad! - 0.5)) * w, 0)
    return { woe, points: exact.map(rounded), informationValue: Number.isFinite(value) ? value : null }
  })
}

export const scorecardFigure = (scope: Scope, { y, x, penalty, iterations, points }: Asked): Figure => {
  requireBinary(scope, y)
  const names = x.map(({ column }) => column)
  if (new Set([...names, y]).size <= names.length)
    throw impossible('a column stands twice in a scorecard', 'name each once')
  const range = largestCode(weightColumn('', scope.rows))
  requireBits(2 * bitsOf(range) + bitsOf(scope.rows), 64, 'products of weights of evidence', 'use fewer rows')
  const cuts = x.map((each): Cut => ({ column: each.column, binning: binningOf(each) }))
  const tallies = cuts.map((cut) => tallyOf(scope, y, cut))
  const factors = cuts.map(factorOf)
  const model = logisticFigure(weightScope(scope, names), { y, x: names, penalty, iterations, method: 'newton' })
  const together = togetherOf(tallies)
  const bins = cuts.map(({ column, binning }) => `${binsText(binning)} of "${column}"`).join('; ')
  return {
    ...together,
    codes: [...together.codes, y],
    rows: factors,
    rounding: [
      ...tallies.flatMap(({ vectors }) => Array.from({ length: vectors }, () => undefined)),
      ...model.rounding!,
    ],
    learns:
      `a scorecard: how many rows of ${bins} have "${y}" = 0 and 1${withheldWhole(scope)}; and ` +
      model.learns.replace('logistic regression', 'logistic regression (on weights of evidence)'),
    *open(backend, given) {
      const [opened, columns] = yield* backend.join(
        (branch) => together.open(branch, given),
        function* (branch) {
          return yield* branch.join(
            ...tallies.map((tally, j) => (part: Backend) => weightedRows(part, scope, tally, factors[j]!, given)),
          )
        },
      )
      const moments = yield* momentsOf(backend, names, columns)
      const weights: Given = {
        ...given,
        moment: (moment) => moments.get(momentKey(moment))!,
        codes: (name) => columns[names.indexOf(name)] ?? given.codes(name),
      }
      return [...opened, ...(yield* model.open(backend, weights))]
    },
    read(opened) {
      let at = 0
      const found = tallies.map((tally) => tally.read(opened.slice(at, (at += tally.vectors))))
      const fitted = model.read(opened.slice(at)) as { [key: string]: Json }
      if (found.includes(null)) return { columns: null, withheld: true, model: fitted }
      if (fitted['coefficients'] === null) return { columns: null, model: fitted }
      const binned = found as Binned[]
      const made = pointsOf(binned, fitted['intercept'] as number, fitted['coefficients'] as number[], points)
      return {
        columns: made.map((each, j) => ({ column: names[j]!, edges: [...binned[j]!.edges], ...each })),
        model: fitted,
      }
    },
  }
}

/** A row's weight in place of its bin. */
function* weightedRows(
  backend: Backend,
  scope: Scope,
  tally: ReturnType<typeof tallyOf>,
  factor: Parameters<Given['rows']>[1],
  given: Given,
): Routine<Arithmetic<64>> {
  const [weights, rows] = yield* backend.join(
    function* (branch) {
      return yield* weightsOf(branch, yield* tally.counts(branch, given), scope.rows)
    },
    (branch) => given.rows(branch, factor),
  )
  const shape = { rows: 1, inner: groupsOf(scope, factor), columns: scope.rows }
  return yield* backend.matrixProduct(weights, rows, shape)
}
