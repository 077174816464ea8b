/**
 * Moments, order statistics, tables, tests, weights and bins against scipy, statsmodels and scikit-learn on their data sets
 * (reference/make.py): over the program in the clear, which is the ideal functionality.
 */
import { describe, expect, test } from 'vitest'
import {
  analyse,
  anova,
  chiSquare,
  correlation,
  count,
  covariance,
  crosstab,
  groupBy,
  histogram,
  importance,
  linear,
  logistic,
  mean,
  quantiles,
  scorecard,
  std,
  sum,
  variance,
  weightOfEvidence,
  welch,
} from '@tallystick/statistics'
import { absolute, all, expectAll, layouts, relative, settingOf, type Write } from './compare.ts'
import { dataSet, reference, type Fit } from './reference.ts'
import { figures, ideal } from './tables.ts'

describe.each(layouts)('moments of %s tables', (layout) => {
  test.each(Object.keys(reference.moments))('%s', (data) => {
    const expected = reference.moments[data]!
    const names = expected.columns
    const setting = settingOf(data, layout, names, (c) => ({
      count: count(),
      covariance: covariance(all(c, names)),
      pearson: correlation(all(c, names)),
      spearman: correlation(all(c, names), 'spearman'),
      ...Object.fromEntries(
        names.flatMap((name, i) => [
          [`mean${i}`, mean(c[name]!)],
          [`sum${i}`, sum(c[name]!)],
          [`variance${i}`, variance(c[name]!)],
          [`std${i}`, std(c[name]!)],
        ]),
      ),
    }))
    const found = ideal(setting)
    const of = (kind: string): number[] => names.map((_, i) => found[`${kind}${i}`])
    expectAll(of('mean'), expected.mean, 1e-12)
    expectAll(of('sum'), expected.sum, 1e-15)
    expectAll(of('variance'), expected.variance, 1e-12)
    expectAll(of('std'), expected.std, 1e-12)
    expect(found['count']).toBe(expected.count)
    names.forEach((_, i) => {
      expectAll(found['covariance'][i], expected.covariance[i]!, 1e-10)
      expectAll(found['pearson'][i], expected.pearson[i]!, 1e-8, absolute)
      expectAll(found['spearman'][i], expected.spearman[i]!, 1e-8, absolute)
    })
  })
})

/** A vector that is narrow in one sum and wide in another is shared once, over the wider ring. */
test.each(['wide first', 'narrow first'])(
  'exact covariances of columns that meet wide and narrow ones, %s',
  (order) => {
    const rows = 8
    const codes = {
      x: Float64Array.from({ length: rows }, (_, i) => 2 ** 40 - 1 - i * i * 2 ** 30),
      y: Float64Array.from({ length: rows }, (_, i) => ((i * 5) % rows) * 2 ** 36 + i),
      z: Float64Array.from({ length: rows }, (_, i) => i % 4),
    }
    const column = (name: string, maximum: number) => ({
      name,
      type: 'numeric' as const,
      minimum: 0,
      maximum,
      decimals: 0,
    })
    const columns = [column('x', 2 ** 40), column('y', 2 ** 40), column('z', 3)]
    const plan = analyse({ layout: 'vertical', columns: ['x', 'y', 'z'] }, (c) => {
      const wide = { wide: covariance([c.x, c.y]) }
      const narrow = { narrow: covariance([c.x, c.z]) }
      return order === 'wide first' ? { ...wide, ...narrow } : { ...narrow, ...wide }
    })
    const byRole = <T>(of: (i: number) => T) =>
      Object.fromEntries(['p0', 'p1', 'p2'].map((role, i) => [role, of(i)])) as Record<'p0' | 'p1' | 'p2', T>
    const setting = {
      parameters: { ...plan, sizes: byRole(() => rows), tables: byRole((i) => ({ columns: [columns[i]!] })) },
      inputs: byRole((i) => ({ rows, codes: [Object.values(codes)[i]!], ids: new Uint8Array(16 * rows) })),
    }
    const exactly = (a: Float64Array, b: Float64Array): number => {
      const [n, sumOf] = [BigInt(rows), (v: readonly bigint[]) => v.reduce((s, x) => s + x, 0n)]
      const [u, v] = [[...a].map(BigInt), [...b].map(BigInt)]
      return Number(n * sumOf(u.map((x, i) => x * v[i]!)) - sumOf(u) * sumOf(v)) / (rows * (rows - 1))
    }
    for (const found of [ideal(setting), figures(setting)]) {
      expect(relative(found['wide'][0][1], exactly(codes.x, codes.y))).toBeLessThan(1e-12)
      expect(relative(found['narrow'][0][1], exactly(codes.x, codes.z))).toBeLessThan(1e-12)
    }
  },
)

describe('order statistics', () => {
  test.each([
    ['iris', 'sepal_length'],
    ['wine', 'magnesium'],
    ['diabetes', 'bmi'],
    ['cancer', 'mean_texture'],
  ])('%s: quantiles, minimum and maximum of %s are exact', (data, name) => {
    const expected = reference.moments[data]!
    const i = expected.columns.indexOf(name)
    const levels = [...expected.levels, 0, 1]
    const values = [...expected.quantiles[i]!, expected.minimum[i]!, expected.maximum[i]!]
    for (const layout of layouts) {
      const found = ideal(settingOf(data, layout, [name], (c) => ({ q: quantiles(c[name]!, levels) })))
      // Equal as doubles, but for the rounding of an interpolation.
      expectAll(found['q'].values, values, 1e-15)
    }
  })
})

describe.each(layouts)('tables and tests of %s tables', (layout) => {
  test.each(reference['welch'] as Fit[])('Welch: $data $value by $by', ({ data, value, by, one, other, t, df, p }) => {
    const setting = settingOf(data, layout, [value, by], (c) => ({ w: welch(c[value]!, c[by]!, one, other) }))
    const { w } = ideal(setting)
    expectAll([w.t, w.freedom], [t, df], 1e-9)
    expect(absolute(w.p, p)).toBeLessThan(1e-8)
  })
  test.each(reference['chiSquare'] as Fit[])('chi-square: $data $rows by $columns', (fit) => {
    const setting = settingOf(fit['data'], layout, [fit['rows'], fit['columns']], (c) => ({
      test: chiSquare(c[fit['rows']]!, c[fit['columns']]!),
      table: crosstab(c[fit['rows']]!, c[fit['columns']]!),
    }))
    const { test: found, table } = ideal(setting)
    expect(table.rows).toEqual(fit['rowLevels'])
    expect(table.columns).toEqual(fit['columnLevels'].map(String))
    expect(table.counts).toEqual(fit['counts'])
    expect(relative(found.statistic, fit['statistic'])).toBeLessThan(1e-12)
    expect(found.freedom).toBe(fit['df'])
    expect(absolute(found.p, fit['p'])).toBeLessThan(1e-9)
  })
  test.each(reference['anova'] as Fit[])('analysis of variance: $data $value by $by', (fit) => {
    const { data, value, by } = fit as { data: string; value: string; by: string }
    const setting = settingOf(data, layout, [value, by], (c) => ({
      test: anova(c[value]!, c[by]!),
      groups: groupBy(c[by]!, c[value]!),
    }))
    const { test: found, groups } = ideal(setting)
    expect(relative(found.f, fit['f'])).toBeLessThan(1e-9)
    expect(absolute(found.p, fit['p'])).toBeLessThan(1e-9)
    expect(groups.levels).toEqual(fit['levels'])
    const of = (name: string): number[] => groups.groups.map((group: Fit) => group[name])
    expectAll(of('mean'), fit['means'], 1e-12)
    expectAll(of('variance'), fit['variances'], 1e-10)
    expect(of('count')).toEqual(fit['counts'])
    expectAll(of('sum'), fit['sums'], 1e-15)
  })
  test.each(reference['woe'] as Fit[])('weight of evidence: $data $value', ({ data, value, y, edges, woe, iv }) => {
    const setting = settingOf(data, layout, [value, y], (c) => ({ w: weightOfEvidence(c[y]!, c[value]!, edges) }))
    const { w } = ideal(setting)
    expectAll(w.woe, woe, 1e-12)
    expect(relative(w.informationValue, iv)).toBeLessThan(1e-12)
  })
  test.each(reference['histogram'] as Fit[])('histogram: $data $value', ({ data, value, edges, counts }) => {
    const setting = settingOf(data, layout, [value], (c) => ({ h: histogram(c[value]!, edges) }))
    expect(ideal(setting)['h'].counts).toEqual(counts)
  })
  test('a histogram counts every row, and counts below the minimum are withheld with the next one', () => {
    const edges = [4.5, 5, 5.5, 6, 7.5]
    const cells = dataSet('iris').cells['sepal_length']!.map(Number)
    const expected = [...edges.keys(), edges.length].map(
      (i) => cells.filter((v) => v >= (edges[i - 1] ?? -Infinity) && v < (edges[i] ?? Infinity)).length,
    )
    const write: Write = (c) => ({ h: histogram(c['sepal_length']!, edges) })
    expect(ideal(settingOf('iris', layout, ['sepal_length'], write))['h'].counts).toEqual(expected)
    const least = 7
    expect(expected.some((count) => count > 0 && count < least)).toBe(true)
    const next = Math.min(...expected.filter((count) => count >= least))
    expect(ideal(settingOf('iris', layout, ['sepal_length'], write, least))['h'].counts).toEqual(
      expected.map((count) => (count > 0 && count <= next ? null : count)),
    )
  })
})

describe.each(layouts)('weights, %s', (layout) => {
  test.each(reference['weighted'] as Fit[])('of $data by $weight', (fit) => {
    const names: string[] = fit['columns']
    // Three owners of a product in vertical tables.
    const columns = [fit['weight'], ...names, fit['y'], fit['flag']]
    const found = ideal(
      settingOf(fit['data'], layout, columns, (c) => {
        const weight = { weight: c[fit['weight']]! }
        return {
          total: count(weight),
          mean: mean(c[names[0]!]!, weight),
          std: std(c[names[1]!]!, weight),
          covariance: covariance(all(c, names), weight),
          correlation: correlation(all(c, names), 'pearson', weight),
          ols: linear(c[fit['y']]!, all(c, names), weight),
          logit: logistic(c[fit['flag']]!, all(c, names), weight),
          ridge: logistic(c[fit['flag']]!, all(c, names), { ...weight, penalty: fit['penalty'] }),
        }
      }),
    )
    expect(found['total']).toBe(fit['total'])
    expect(relative(found['mean'], fit['mean'][0])).toBeLessThan(1e-12)
    expect(relative(found['std'], Math.sqrt(fit['covariance'][1][1]))).toBeLessThan(1e-10)
    names.forEach((_, i) => {
      expectAll(found['covariance'][i], fit['covariance'][i], 1e-10)
      expectAll(found['correlation'][i], fit['correlation'][i], 1e-8, absolute)
    })
    const { ols, logit, ridge } = found
    expectAll([ols.intercept, ...ols.coefficients], fit['ols'].coefficients, 1e-6)
    expectAll([ols.interceptError, ...ols.errors], fit['ols'].errors, 1e-6)
    expectAll([ols.interceptP, ...ols.p], fit['ols'].p, 1e-5, absolute)
    expect(relative(ols.rSquared, fit['ols'].rSquared)).toBeLessThan(1e-6)
    expect([logit.settled, ridge.settled]).toEqual([true, true])
    expectAll([logit.intercept, ...logit.coefficients], fit['logit'].coefficients, 1e-3)
    expectAll([logit.interceptError, ...logit.errors], fit['logit'].errors, 1e-3)
    const scales = names.map((_, i) => {
      const cells = dataSet(fit['data']).cells
      const [x, w] = [names[i]!, fit['weight'] as string].map((name) => cells[name]!.map(Number))
      const total = w!.reduce((a, b) => a + b)
      const centre = x!.reduce((a, b, k) => a + b * w![k]!, 0) / total
      return Math.sqrt(x!.reduce((a, b, k) => a + w![k]! * (b - centre) ** 2, 0) / total)
    })
    expectAll(
      ridge.coefficients.map((v: number, j: number) => v * scales[j]!),
      fit['ridge'].coefficients,
      1e-3,
      absolute,
    )
  })
})

describe.each(layouts)('bins, %s', (layout) => {
  test.each(reference['binning'] as Fit[])('of equal frequency, $data $value, merged: $merge', (fit) => {
    const merge = 'to' in fit['merge'] ? { merge: fit['merge'] } : {}
    const { woe } = ideal(
      settingOf(fit['data'], layout, [fit['value'], fit['y']], (c) => ({
        woe: weightOfEvidence(c[fit['y']]!, c[fit['value']]!, { bins: fit['bins'], ...merge }),
      })),
    )
    expect(woe.edges).toEqual(fit['edges'])
    expectAll(woe.woe, fit['woe'], 1e-9)
    expect(relative(woe.informationValue, fit['iv'])).toBeLessThan(1e-9)
  })
  test.each(reference['importance'] as Fit[])('columns by information value, $data', (fit) => {
    const { order } = ideal(
      settingOf(fit['data'], layout, [...fit['columns'], fit['y']], (c) => ({
        order: importance(c[fit['y']]!, all(c, fit['columns']), { bins: fit['bins'] }),
      })),
    )
    expect(order.map(({ column }: { column: string }) => column)).toEqual(fit['order'])
    expectAll(
      order.map(({ informationValue }: { informationValue: number }) => informationValue),
      fit['values'],
      1e-9,
    )
  })
  test.each(reference['scorecard'] as Fit[])('a scorecard, $data', (fit) => {
    const cuts = fit['cuts'] as [string, number][]
    const { card } = ideal(
      settingOf(fit['data'], layout, [...cuts.map(([name]) => name), fit['y']], (c) => ({
        card: scorecard(
          c[fit['y']]!,
          cuts.map(([name, bins]) => ({ column: c[name]!, cuts: { bins } })),
          { points: fit['points'] },
        ),
      })),
    )
    expectAll([card.model.intercept, ...card.model.coefficients], fit['coefficients'], 1e-3, absolute)
    expectAll([card.model.interceptError, ...card.model.errors], fit['errors'], 1e-3, absolute)
    fit['exact'].forEach((points: number[], j: number) => {
      expectAll(card.columns[j].woe, fit['woe'][j], 1e-9)
      expectAll(card.columns[j].points, points, 0.6, absolute)
    })
  })
})
