/**
 * Models against scipy, statsmodels and scikit-learn on their data sets (reference/make.py): over the program in the clear,
 * which is the ideal functionality, and these and other figures for a part of them over three simulated parties.
 */
import { describe, expect, test } from 'vitest'
import {
  boostedTrees,
  correlation,
  covariance,
  crosstab,
  kMeans,
  level,
  levels,
  linear,
  logistic,
  principalComponents,
  quantiles,
  scorecard,
  statistics,
  type Layout,
  type Reference as Column,
} from '@tallystick/statistics'
import { absolute, all, expectAll, layouts, settingOf, type Write } from './compare.ts'
import { dataSet, reference, type Fit } from './reference.ts'
import { figures, ideal } from './tables.ts'

const deviations = (data: string, names: readonly string[]): number[] => {
  const { columns, variance: variances } = reference.moments[data]!
  const n = dataSet(data).rows
  return names.map((name) => Math.sqrt((variances[columns.indexOf(name)]! * (n - 1)) / n))
}

const expectLinear = (found: any, fit: Fit, error: number): void => {
  expectAll([found.intercept, ...found.coefficients], fit['coefficients'], error)
  expectAll([found.interceptError, ...found.errors], fit['errors'], error)
  expectAll([found.interceptT, ...found.t], fit['t'], error)
  expectAll([found.interceptP, ...found.p], fit['p'], 1e-5, absolute)
  expectAll([found.rSquared, found.f], [fit['rSquared'], fit['f']], error)
}

const regression = (fit: Fit, layout: Layout, options: { penalty?: number } = {}) =>
  settingOf(fit['data'], layout, [...fit['x'], fit['y']], (c) => ({
    fit: linear(c[fit['y']]!, all(c, fit['x']), options),
  }))

describe('regression', () => {
  const fits = reference['ols'] as Fit[]
  test.each(fits)('least squares: $data $y', (fit) => {
    for (const layout of layouts) expectLinear(ideal(regression(fit, layout))['fit'], fit, 1e-6)
  })
  test.each(reference['ridge'] as Fit[])('ridge: $data $y', (fit) => {
    const { fit: found } = ideal(regression(fit, 'horizontal', { penalty: fit['penalty'] }))
    const scales = deviations(fit['data'], fit['x'])
    expectAll(
      found.coefficients.map((v: number, j: number) => v * scales[j]!),
      fit['coefficients'],
      1e-5,
    )
  })
  test.each(reference['encoded'] as Fit[])('categories as columns of 0 and 1: $data $y', (fit) => {
    const [of, one] = fit['flag'] as [string, string]
    for (const layout of layouts) {
      const setting = settingOf(fit['data'], layout, [fit['y'], ...fit['x'], fit['by'], of], (c) => ({
        ols: linear(c[fit['y']]!, [...all(c, fit['x']), ...levels(c[fit['by']]!, ...fit['levels'])]),
        logit: logistic(level(c[of]!, one), all(c, fit['x'])),
      }))
      const { ols, logit } = ideal(setting)
      expectLinear(ols, fit['ols'], 1e-6)
      expectAll([logit.intercept, ...logit.coefficients], fit['logit'].coefficients, 1e-3)
      expectAll([logit.interceptError, ...logit.errors], fit['logit'].errors, 1e-3)
    }
  })
  test('say which figure wants a number, and how a category becomes one', () => {
    const parse = (x: (c: Parameters<Write>[0]) => Column) => {
      const { parameters } = settingOf('wine', 'horizontal', ['proline', 'cultivar'], (c) => ({
        line: linear(c['proline']!, [x(c)]),
      }))
      return () => statistics.parameters(parameters)
    }
    const plain = parse((c) => c['cultivar']!)
    expect(plain).toThrow('figure "line": expected a numeric column, "cultivar" is categorical')
    expect(plain).toThrow(expect.objectContaining({ remedy: expect.stringContaining("level(cultivar, 'c1')") }))
    const unknown = parse((c) => level(c['cultivar']!, 'c7'))
    expect(unknown).toThrow('figure "line": column "cultivar" has no level "c7"')
    expect(unknown).toThrow(expect.objectContaining({ remedy: 'name one of "c0", "c1", "c2"' }))
    expect(parse((c) => level(c['cultivar']!, 'c1'))).not.toThrow()
  })
  test('columns of which one follows from the others give no figures, and say so', () => {
    const setting = settingOf('iris', 'horizontal', ['petal_width', 'petal_length', 'sepal_length'], (c) => ({
      fit: linear(c['sepal_length']!, [c['petal_length']!, c['petal_width']!]),
    }))
    const { p0, p1, p2 } = setting.inputs
    // The second column is three times the first.
    const twins = [p0, p1, p2].map((table) => {
      const codes = [table.codes[0]!, table.codes[0]!.map((code) => 3 * code), table.codes[2]!]
      return { ...table, codes }
    })
    const inputs = { p0: twins[0]!, p1: twins[1]!, p2: twins[2]! }
    expect(ideal({ ...setting, inputs })['fit']).toMatchObject({ collinear: true, coefficients: null })
  })
  test.each(reference['logisticRidge'] as Fit[])('ridge logistic: $data $y', (fit) => {
    const setting = settingOf(fit['data'], 'vertical', [...fit['x'], fit['y']], (c) => ({
      fit: logistic(c[fit['y']]!, all(c, fit['x']), { penalty: fit['penalty'] }),
    }))
    const { fit: found } = ideal(setting)
    const scales = deviations(fit['data'], fit['x'])
    expectAll(
      found.coefficients.map((v: number, j: number) => v * scales[j]!),
      fit['coefficients'],
      1e-3,
      absolute,
    )
  })
  test.each(reference['logit'] as Fit[])('logistic: $data $y, with standard errors', (fit) => {
    const setting = settingOf(fit['data'], 'horizontal', [...fit['x'], fit['y']], (c) => ({
      newton: logistic(c[fit['y']]!, all(c, fit['x'])),
      fixed: logistic(c[fit['y']]!, all(c, fit['x']), { method: 'fixed-hessian', iterations: 20 }),
    }))
    const { newton, fixed } = ideal(setting)
    expect([newton.settled, fixed.settled]).toEqual([true, true])
    expectAll([newton.intercept, ...newton.coefficients], fit['coefficients'], 1e-3)
    expectAll([newton.interceptError, ...newton.errors], fit['errors'], 1e-3)
    expectAll([newton.interceptP, ...newton.p], fit['p'], 1e-3, absolute)
    expectAll([fixed.intercept, ...fixed.coefficients], fit['coefficients'], 1e-3)
  })
  test('separable classes without a penalty do not come to rest, and say so', () => {
    const setting = settingOf('cancer', 'horizontal', ['mean_radius', 'benign'], (c) => ({
      fit: logistic(c['benign']!, [c['mean_radius']!], { iterations: 25 }),
    }))
    const separate = (table: (typeof setting.inputs)['p0']) => ({
      ...table,
      codes: [table.codes[0]!, table.codes[0]!.map((code) => +(code > 14_000))],
    })
    const { p0, p1, p2 } = setting.inputs
    const inputs = { p0: separate(p0), p1: separate(p1), p2: separate(p2) }
    expect(ideal({ ...setting, inputs })['fit'].settled).toBe(false)
  })
})

describe('components and clusters', () => {
  test.each(reference['pca'] as Fit[])('principal components: $data', (fit) => {
    const setting = settingOf(fit['data'], 'vertical', fit['columns'], (c) => ({
      pca: principalComponents(all(c, fit['columns']), { standardised: fit['standardised'] }),
    }))
    const { pca } = ideal(setting)
    expectAll(pca.ratios, fit['ratios'], 1e-6)
    fit['components'].forEach((expected: number[], i: number) => {
      const dot = expected.reduce((total, v, j) => total + v * pca.components[i][j], 0)
      expect(Math.abs(Math.abs(dot) - 1)).toBeLessThan(1e-8)
    })
  })
  test.each(reference['kMeans'] as Fit[])('k-means: $data', (fit) => {
    const write: Write = (c) => ({
      clusters: kMeans(all(c, fit['columns']), fit['starts'], { iterations: fit['iterations'] }),
    })
    for (const layout of layouts) {
      const { clusters } = ideal(settingOf(fit['data'], layout, fit['columns'], write))
      expect(clusters.sizes).toEqual(fit['sizes'])
      fit['centres'].forEach((centre: number[], i: number) => expectAll(clusters.centres[i], centre, 1e-4))
    }
  })
})

describe.each(layouts)('trees, %s', (layout) => {
  test.each(reference['trees'] as Fit[])('$trees of depth $depth for $y, $objective', (fit) => {
    const cuts = fit['cuts'] as [string, number][]
    const { trees, rate, depth, objective } = fit
    const { model } = ideal(
      settingOf(fit['data'], layout, [...cuts.map(([name]) => name), fit['y']], (c) => ({
        model: boostedTrees(
          c[fit['y']]!,
          cuts.map(([name, bins]) => ({ column: c[name]!, cuts: { bins } })),
          { trees, rate, depth, objective },
        ),
      })),
    )
    expect(Math.abs(model.base - fit['base'])).toBeLessThan(0.02)
    fit['grown'].forEach(({ splits, leaves }: Fit, t: number) => {
      const found = model.trees[t].splits as { column: string; below: number }[]
      expect(found.map(({ column, below }) => [column, below])).toEqual(splits)
      // The unit of a residual is 2^-16 of the range of y.
      expectAll(model.trees[t].leaves, leaves, objective === 'squares' ? 0.05 : 1e-3, absolute)
    })
  })
})

describe('three simulated parties', () => {
  test.each(layouts)('have the figures of %s tables', (layout) => {
    const fit = (reference['ols'] as Fit[])[2]!
    const expected = reference.moments['wine']!
    const names = ['alcohol', 'magnesium', 'hue', 'proline']
    const setting = settingOf('wine', layout, [...names, 'cultivar', 'strength'], (c) => ({
      covariance: covariance(all(c, names)),
      pearson: correlation(all(c, names)),
      fit: linear(c['proline']!, all(c, fit['x'])),
      table: crosstab(c['cultivar']!, c['strength']!),
      median: quantiles(c['magnesium']!, [0.5]),
    }))
    for (const role of ['p0', 'p2'] as const) {
      const found = figures(setting, role)
      const places = names.map((name) => expected.columns.indexOf(name))
      places.forEach((i, a) => {
        expectAll(
          found['covariance'][a],
          places.map((j) => expected.covariance[i]![j]!),
          1e-10,
        )
        expectAll(
          found['pearson'][a],
          places.map((j) => expected.pearson[i]![j]!),
          1e-8,
          absolute,
        )
      })
      expectLinear(found['fit'], fit, 1e-6)
      expect(found['table'].counts).toEqual((reference['chiSquare'] as Fit[])[0]!['counts'])
      expect(found['median'].values).toEqual([expected.quantiles[expected.columns.indexOf('magnesium')]![2]])
    }
  })
  test('fit a logistic model and clusters', { timeout: 60_000 }, () => {
    const fit = (reference['logisticRidge'] as Fit[])[1]!
    const found = figures(
      settingOf(fit['data'], 'vertical', [...fit['x'], fit['y']], (c) => ({
        fit: logistic(c[fit['y']]!, all(c, fit['x']), { penalty: fit['penalty'], method: 'fixed-hessian' }),
      })),
    )
    const scales = deviations(fit['data'], fit['x'])
    expectAll(
      found['fit'].coefficients.map((v: number, j: number) => v * scales[j]!),
      fit['coefficients'],
      1e-3,
      absolute,
    )
    const clusters = (reference['kMeans'] as Fit[])[0]!
    const grouped = figures(
      settingOf('iris', 'horizontal', clusters['columns'], (c) => ({
        clusters: kMeans(all(c, clusters['columns']), clusters['starts'], { iterations: clusters['iterations'] }),
      })),
    )
    expect(grouped['clusters'].sizes).toEqual(clusters['sizes'])
  })
  test('make a scorecard of rows of several owners', { timeout: 60_000 }, () => {
    const fit = (reference['scorecard'] as Fit[])[0]!
    const cuts = fit['cuts'] as [string, number][]
    const setting = settingOf(fit['data'], 'horizontal', [...cuts.map(([name]) => name), fit['y']], (c) => ({
      card: scorecard(
        c[fit['y']]!,
        cuts.map(([name, bins]) => ({ column: c[name]!, cuts: { bins } })),
      ),
    }))
    const { card } = figures(setting)
    expectAll([card.model.intercept, ...card.model.coefficients], fit['coefficients'], 1e-3, absolute)
    fit['exact'].forEach((points: number[], j: number) => expectAll(card.columns[j].points, points, 0.6, absolute))
  })
})
