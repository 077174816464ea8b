/** Two owners and a helper that sees nothing: every kind of figure, at the declared cost, by what the ideal gives. */
import { describe, expect, it, test } from 'vitest'
import { wasmEngine } from '@tallystick/kernels/engine'
import { conformance } from '@tallystick/protocol/testing'
import {
  analyse,
  boostedTrees,
  chiSquare,
  correlation,
  covariance,
  crosstab,
  explain,
  groupBy,
  histogram,
  importance,
  kMeans,
  linear,
  logistic,
  mean,
  noisy,
  only,
  principalComponents,
  quantiles,
  scorecard,
  statistics,
  statisticsOfTwo,
  sum,
  summarise,
  weightOfEvidence,
  welch,
  type Layout,
  type Parameters,
  type Reference,
  type Statistic,
  type Table,
} from '@tallystick/statistics'
import { horizontal, ideal, simulated, vertical } from './tables.ts'

const settings = { horizontal, vertical }
const columns = ['mean_radius', 'benign', 'mean_texture', 'mean_smoothness'] as const

type Columns = Readonly<Record<(typeof columns)[number], Reference>>

/** What is exact; in vertical tables radius and texture are of one owner, the others of the other. */
const exact = ({ mean_radius: radius, mean_texture: texture, mean_smoothness: smooth, benign }: Columns) => ({
  sum: sum(radius),
  weighted: mean(smooth, { weight: radius }),
  covariance: covariance([radius, texture, smooth, benign]),
  components: principalComponents([radius, smooth]),
  quantiles: quantiles(texture, [0.25, 0.5]),
  bins: histogram(radius, [10, 15, 20]),
  table: crosstab(benign, benign),
  chiSquare: chiSquare(benign, benign),
  groups: groupBy(benign, radius),
  welch: welch(texture, benign, '0', '1'),
  evidence: weightOfEvidence(benign, smooth, { bins: 4, merge: { to: 3 } }),
  importance: importance(benign, [texture], { bins: 3 }),
})

const points = [
  [12, 0.1],
  [18, 0.1],
]
const models = ({ mean_radius: radius, mean_texture: texture, mean_smoothness: smooth, benign }: Columns) => ({
  pearson: correlation([radius, texture, smooth]),
  squares: linear(radius, [texture, smooth]),
  ridge: linear(radius, [texture, smooth], { penalty: 1 }),
  newton: logistic(benign, [radius, smooth], { penalty: 1, iterations: 3 }),
  bounded: logistic(benign, [radius, texture], { penalty: 1, method: 'fixed-hessian', iterations: 2 }),
  clusters: kMeans([radius, smooth], points, { iterations: 2 }),
  scores: scorecard(benign, [{ column: radius, cuts: [12, 15] }], { penalty: 1, iterations: 3 }),
  trees: boostedTrees(benign, [{ column: radius, cuts: [12, 15, 18] }], { depth: 1, trees: 2 }),
})
/** As stated for them over three parties. */
const errors: Readonly<Record<keyof ReturnType<typeof models>, number>> = {
  ...{ pearson: 1e-9, squares: 1e-6, ridge: 1e-5, newton: 1e-3, bounded: 1e-3, clusters: 1e-4, scores: 1e-3 },
  trees: 1e-3,
}

/** Figures as JSON, numbers apart by at most `error` (or that part of them). */
const expectNear = (found: unknown, expected: unknown, error: number): void => {
  if (typeof found === 'number' && typeof expected === 'number') {
    return expect(Math.abs(found - expected) / Math.max(1, Math.abs(expected))).toBeLessThanOrEqual(error)
  }
  if (typeof found !== 'object' || found === null || expected === null) return expect(found).toEqual(expected)
  expect(Object.keys(found)).toEqual(Object.keys(expected as object))
  for (const [key, value] of Object.entries(found)) expectNear(value, (expected as Record<string, unknown>)[key], error)
}

const settingOf = (layout: Layout, write: (c: Columns) => Readonly<Record<string, Statistic>>, minimumCount = 0) =>
  settings[layout]('cancer', columns, analyse({ layout, columns, minimumCount }, write), true)

const ran = (setting: ReturnType<typeof settingOf>) => {
  const { outputs, errors, rounds, bytes, trace } = simulated(setting)
  expect(errors).toEqual({})
  const cost = statisticsOfTwo.cost(setting.parameters)
  expect({ rounds, bytes }).toEqual({ rounds: cost.rounds, bytes: cost.bytes })
  const found = summarise(setting.parameters, outputs.p0!) as Readonly<Record<string, unknown>>
  expect(summarise(setting.parameters, outputs.p1!)).toEqual(found)
  expect(outputs.helper).toBeUndefined()
  // A contribution to the key with each owner; nothing else.
  expect(trace.filter(({ to }) => to === 'helper').map(({ bytes: size }) => size)).toEqual([32, 32])
  return found
}

describe.each(['horizontal', 'vertical'] as const)('%s tables of two owners', (layout) => {
  it('give exact figures exactly, small counts withheld', { timeout: 120_000 }, () => {
    const setting = settingOf(layout, exact, 60)
    const found = ran(setting)
    expect(found).toEqual(ideal(setting))
    expect(JSON.stringify(found['bins'])).toContain('null')
  })
  it('give models within the errors that are stated for them', { timeout: 120_000 }, () => {
    const setting = settingOf(layout, models)
    const [found, expected] = [ran(setting), ideal(setting)]
    for (const [name, error] of Object.entries(errors)) expectNear(found[name], expected[name], error)
  })
})

test('ranks of rows of two owners', () => {
  const names = ['sepal_length', 'petal_width']
  const plan = analyse({ layout: 'horizontal', columns: names }, (c) => ({
    ranks: correlation([c['sepal_length']!, c['petal_width']!], 'spearman'),
  }))
  const setting = horizontal('iris', names, plan, true)
  expectNear(ran(setting)['ranks'], ideal(setting)['ranks'], 1e-9)
})

const amount = { name: 'a', type: 'numeric', minimum: 0, maximum: 20, decimals: 0 } as const
const tableOf = (...codes: readonly number[]): Table => ({
  rows: codes.length,
  codes: [Float64Array.from(codes)],
  ids: new Uint8Array(0),
})
const nobody: Table = { rows: 0, codes: [], ids: new Uint8Array(0) }
const a = { column: 'a' }
const brief: Parameters = {
  ...analyse({ layout: 'horizontal', columns: ['a'] }, () => ({
    covariance: only(covariance([a]), 'p0', 'p1'),
    bins: only(histogram(a, [5, 10]), 'p1'),
  })),
  helper: true,
  sizes: { p0: 3, p1: 2 },
  tables: { p0: { columns: [amount] }, p1: { columns: [amount] } },
}
const inputs = (shift: number) => ({ p0: tableOf(1 + shift, 7, 20), p1: tableOf(4 + shift, 15), helper: nobody })

conformance(
  statisticsOfTwo,
  [{ name: 'figures for some', parameters: brief, inputs: inputs(0), alternative: inputs(2) }],
  { engine: await wasmEngine(), schedules: 5 },
)

describe('statistics/semi2k', () => {
  it('tells each owner the figures that are for it, and the helper none', () => {
    const found = statisticsOfTwo.ideal(statisticsOfTwo.parameters(brief), inputs(0))
    const told = Object.entries(found).map(([role, output]) => [role, output && Object.keys(summarise(brief, output))])
    expect(Object.fromEntries(told)).toEqual({ p0: ['covariance'], p1: ['covariance', 'bins'], helper: undefined })
  })

  it('adds noise of either owner, and none of the helper', () => {
    const plan = analyse({ layout: 'horizontal', columns: ['mean_radius'] }, (c) => ({
      bins: noisy(histogram(c.mean_radius, [10, 15, 20]), { rho: 0.001 }),
    }))
    const setting = horizontal('cancer', ['mean_radius'], plan, true)
    const counts = (changed?: string): readonly number[] => {
      const { outputs, errors } = simulated(setting, 'two', changed)
      expect(errors).toEqual({})
      return (summarise(setting.parameters, outputs.p1!)['bins'] as { counts: readonly number[] }).counts
    }
    const [usual, p0, p1, helper] = [counts(), counts('p0'), counts('p1'), counts('helper')]
    const clear: readonly number[] = ideal(setting)['bins'].counts
    // σ² = 2 / (2 · 0.001) of either: that all four counts stay is one case in 10^6.
    for (const other of [p0, p1, clear]) expect(usual).not.toEqual(other)
    expect(helper).toEqual(usual)
    usual.forEach((count, i) => expect(Math.abs(count - clear[i]!)).toBeLessThan(8 * Math.sqrt(2000)))
    const [bins] = explain(setting.parameters, 0).learns
    expect(bins!.text).toContain('from each of p0 and p1 (standard deviation 31.6 each, 44.7 together')
  })

  it.each([
    ['a third party', { tables: { ...brief.tables, p2: { columns: [amount] } }, sizes: { ...brief.sizes, p2: 1 } }],
    ['owners who do not compute', { owners: 1 }],
    ['a receiver that is the helper', { to: 'helper' }],
    ['a table of the helper', { tables: { ...brief.tables, helper: { columns: [amount] } } }],
    ['parameters for three', { helper: undefined }],
  ])('refuses %s', (_, changes) => {
    expect(() => statisticsOfTwo.parameters({ ...brief, ...changes })).toThrow(
      expect.objectContaining({ code: 'terms/malformed' }),
    )
  })

  it('is not what three parties run', () => {
    expect(() => statistics.parameters(brief)).toThrow(/three parties that compute, found them for two/)
  })
})
