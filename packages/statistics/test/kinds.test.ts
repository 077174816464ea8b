/** Every kind of figure: with a section of reference values, and at exactly the rounds and bytes that are declared. */
import { describe, expect, it } from 'vitest'
import { explain, statistics, summarise, type Parameters, type Statistic, type Table } from '@tallystick/statistics'
import { reference } from './reference.ts'
import { ideal, simulated } from './tables.ts'

type Kind = Statistic['kind']

/** Where make.py has values of each, made by software that is not ours. */
const sections = {
  count: ['moments', 'weighted'],
  sum: ['moments'],
  mean: ['moments', 'weighted'],
  variance: ['moments'],
  std: ['moments', 'weighted'],
  covariance: ['moments', 'weighted'],
  correlation: ['moments', 'weighted'],
  quantiles: ['moments'],
  histogram: ['histogram'],
  crosstab: ['chiSquare'],
  'chi-square': ['chiSquare'],
  'group-by': ['anova'],
  welch: ['welch'],
  anova: ['anova'],
  linear: ['ols', 'ridge', 'weighted'],
  logistic: ['logit', 'logisticRidge', 'weighted'],
  'k-means': ['kMeans'],
  components: ['pca'],
  woe: ['woe', 'binning'],
  importance: ['importance'],
  trees: ['trees'],
  scorecard: ['scorecard'],
} satisfies Record<Kind, readonly string[]>

const numeric = (name: string, maximum: number) =>
  ({ name, type: 'numeric', minimum: 0, maximum, decimals: 0 }) as const
const columns = [
  ...[numeric('x', 20), numeric('z', 9), numeric('y', 1), { ...numeric('w', 4), minimum: 1 }, numeric('v', 3)],
  { name: 'g', type: 'categorical', levels: ['a', 'b'] } as const,
]
const rowsOf = (from: number): Table => {
  const places = Array.from({ length: 5 }, (_, i) => from + i)
  const of = (value: (i: number) => number) => Float64Array.from(places, value)
  const codes = [
    of((i) => (i * 7) % 21),
    of((i) => (i * i) % 10),
    of((i) => +((i * 5) % 7 < 3)),
    of((i) => i % 4),
    of((i) => (i === 3 ? 0 : i % 4)),
    of((i) => i % 2),
  ]
  return { rows: 5, codes, ids: Uint8Array.from({ length: 16 * 5 }, (_, i) => i) }
}

const weight = 'w'
const cut = [{ column: 'x', edges: [10] }]
/** One or two of each kind. */
const figures = {
  count: [{ kind: 'count' }, { kind: 'count', weight: 'v' }],
  sum: [{ kind: 'sum', x: 'x' }],
  mean: [{ kind: 'mean', x: 'x', weight: 'v' }],
  variance: [{ kind: 'variance', x: 'y' }],
  std: [{ kind: 'std', x: 'x', weight }],
  covariance: [{ kind: 'covariance', x: ['x', 'z'], weight: 'v' }],
  correlation: [{ kind: 'correlation', x: ['x', 'z'], method: 'pearson', weight }],
  quantiles: [{ kind: 'quantiles', x: 'x', levels: [0.5] }],
  histogram: [{ kind: 'histogram', x: 'z', edges: [2, 6] }],
  crosstab: [{ kind: 'crosstab', rows: 'g', columns: 'y' }],
  'chi-square': [{ kind: 'chi-square', rows: 'g', columns: 'y' }],
  'group-by': [{ kind: 'group-by', by: 'g', x: 'x' }],
  welch: [{ kind: 'welch', by: 'g', x: 'x', one: 'a', other: 'b' }],
  anova: [{ kind: 'anova', by: 'g', x: 'x' }],
  linear: [{ kind: 'linear', y: 'x', x: ['z'], penalty: 0, weight }],
  logistic: [{ kind: 'logistic', y: 'y', x: ['x'], penalty: 1, iterations: 1, method: 'newton' }],
  'k-means': [{ kind: 'k-means', x: ['x'], starts: [[2], [15]], iterations: 1 }],
  components: [{ kind: 'components', x: ['x', 'z'], standardised: true }],
  woe: [{ kind: 'woe', y: 'y', x: 'x', bins: 3, merge: { to: 2, threshold: 3.84 } }],
  importance: [{ kind: 'importance', y: 'y', x: ['x'], edges: [10] }],
  trees: [{ kind: 'trees', y: 'y', x: cut, depth: 1, trees: 1, rate: 1, objective: 'squares' }],
  scorecard: [
    { kind: 'scorecard', y: 'y', x: cut, penalty: 1, iterations: 1, points: { base: 600, odds: 50, double: 20 } },
  ],
} satisfies { readonly [K in Kind]: readonly (Statistic & { readonly kind: K })[] }

const roles = ['p0', 'p1', 'p2'] as const
const planOf = (written: readonly Statistic[], minimumCount: number): Parameters => ({
  layout: 'horizontal',
  outputs: written.map((statistic, i) => ({ name: `f${i}`, statistic })),
  minimumCount,
  to: 'all',
  sizes: { p0: 5, p1: 5, p2: 5 },
  tables: { p0: { columns }, p1: { columns }, p2: { columns } },
})
const inputs = { p0: rowsOf(0), p1: rowsOf(5), p2: rowsOf(10) }

/** Figures that truncation at random makes a little different. */
const near = (found: unknown, expected: unknown): void => {
  if (typeof found === 'number' && typeof expected === 'number') {
    return expect(Math.abs(found - expected)).toBeLessThanOrEqual(2e-3 * Math.max(1, Math.abs(expected)))
  }
  if (typeof found !== 'object' || found === null || expected === null) return expect(found).toEqual(expected)
  expect(Object.keys(found)).toEqual(Object.keys(expected as object))
  for (const [key, value] of Object.entries(found)) near(value, (expected as Record<string, unknown>)[key])
}

describe.each(Object.keys(figures) as Kind[])('%s', (kind) => {
  it('has reference values', () => {
    for (const section of sections[kind]) expect(Object.keys(reference)).toContain(section)
  })
  it.each([0, 3])('takes the rounds and bytes that are explained before, with a minimum of %i', (minimumCount) => {
    const parameters = planOf(figures[kind], minimumCount)
    const { outputs, errors, rounds: ran, bytes } = simulated({ parameters, inputs })
    expect(errors).toEqual({})
    const { rounds: said, bytes: size, learns } = explain(statistics.parameters(parameters), 0)
    expect({ rounds: ran, bytes }).toEqual({ rounds: said, bytes: size })
    expect(learns.every(({ text }) => text.length > 10)).toBe(true)
    const expected = ideal({ parameters, inputs })
    for (const role of roles) near(summarise(parameters, outputs[role]!), expected)
  })
})
