/** Noise: its distribution, what it costs by published formulas, and that each of three parties adds a whole sample. */
import { createRng, taggedDigest } from '@tallystick/core'
import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  analyse,
  chiSquareTail,
  count,
  crosstab,
  deltaOf,
  epsilonOf,
  explain,
  groupBy,
  histogram,
  mean,
  median,
  noisy,
  prepare,
  spentBy,
  statistics,
  std,
  sum,
  summarise,
  variance,
  type Parameters,
  type Plan,
  type Statistic,
} from '@tallystick/statistics'
import { partOf } from '../src/privacy/index.ts'
import { discreteGaussian, discreteLaplace, type Rational } from '../src/privacy/noise.ts'
import { reference } from './reference.ts'
import { horizontal, ideal, simulated } from './tables.ts'

const rng = (label: string) => createRng(taggedDigest('tallystick/test/v1', label))

/** The p-value of samples under a distribution on the whole numbers, those beyond `most` as one cell a side. */
const fits = (samples: readonly bigint[], weight: (x: number) => number, most: number): number => {
  const wide = Array.from({ length: 4001 }, (_, i) => weight(i - 2000))
  const total = wide.reduce((a, b) => a + b)
  const cells = new Map<number, number>()
  const cell = (x: number): number => Math.max(-most, Math.min(most, x))
  for (const x of samples) cells.set(cell(Number(x)), (cells.get(cell(Number(x))) ?? 0) + 1)
  const expected = new Map<number, number>()
  wide.forEach((w, i) =>
    expected.set(cell(i - 2000), (expected.get(cell(i - 2000)) ?? 0) + (w / total) * samples.length),
  )
  let statistic = 0
  for (const [x, mean] of expected) statistic += ((cells.get(x) ?? 0) - mean) ** 2 / mean
  return chiSquareTail(statistic, expected.size - 1)
}

const draw = (sample: (stream: ReturnType<typeof rng>, p: Rational) => bigint, parameter: Rational) => {
  const stream = rng('noise')
  return Array.from({ length: 6000 }, () => sample(stream, parameter))
}

describe('samples', () => {
  test.each([
    ['1', { a: 1n, b: 1n }, 5],
    ['7/2', { a: 7n, b: 2n }, 14],
  ] as const)('discrete Laplace of scale %s', (_, parameter, most) => {
    const scale = Number(parameter.a) / Number(parameter.b)
    expect(fits(draw(discreteLaplace, parameter), (x) => Math.exp(-Math.abs(x) / scale), most)).toBeGreaterThan(1e-4)
    // The test can tell: another scale does not fit.
    const other = (x: number): number => Math.exp(-Math.abs(x) / scale / 1.15)
    expect(fits(draw(discreteLaplace, parameter), other, most)).toBeLessThan(1e-4)
  })
  test.each([
    ['1/2', { a: 1n, b: 2n }, 2],
    ['10', { a: 10n, b: 1n }, 9],
  ] as const)('discrete Gaussian of variance %s', (_, parameter, most) => {
    const square = Number(parameter.a) / Number(parameter.b)
    expect(fits(draw(discreteGaussian, parameter), (x) => Math.exp((-x * x) / 2 / square), most)).toBeGreaterThan(1e-4)
    expect(fits(draw(discreteGaussian, parameter), (x) => Math.exp((-x * x) / 2 / square / 1.2), most)).toBeLessThan(
      1e-4,
    )
  })
})

describe('what noise costs', () => {
  it('is what the published bound says', () => {
    for (const [rho, epsilon, delta] of reference['zcdp'].delta) {
      expect(Math.abs(deltaOf(rho, epsilon) / delta - 1)).toBeLessThan(1e-6)
    }
    for (const [rho, delta, epsilon] of reference['zcdp'].epsilon) {
      expect(Math.abs(epsilonOf(rho, delta) / epsilon - 1)).toBeLessThan(1e-6)
    }
  })
  it('adds up, pure where that is less', () => {
    const small = { mechanism: 'laplace', epsilon: 0.1 } as const
    expect(spentBy([small, small], 1e-6).epsilon).toBe(0.2)
    const many = Array.from({ length: 400 }, () => small)
    expect(spentBy(many, 1e-6).epsilon).toBeCloseTo(epsilonOf(2, 1e-6), 10)
    expect(spentBy([small, { mechanism: 'gaussian', rho: 0.1 }], 1e-6).rho).toBeCloseTo(0.105, 12)
  })
})

const plan: Plan = analyse({ layout: 'horizontal', columns: ['bmi'], minimumCount: 20 }, ({ bmi }) => ({
  bins: noisy(histogram(bmi, [20, 25, 30, 40]), { rho: 0.05 }),
  mean: noisy(mean(bmi), { epsilon: 1 }),
  variance: noisy(variance(bmi), { epsilon: 1 }),
}))

describe('noisy figures', () => {
  it('are what they would be, and noise of three parties, at the declared cost', () => {
    const setting = horizontal('diabetes', ['bmi'], plan)
    const parameters = statistics.parameters(setting.parameters)
    const { outputs, errors, rounds, bytes } = simulated(setting)
    expect(errors).toEqual({})
    const { cost } = { cost: statistics.cost(parameters) }
    expect({ rounds, bytes }).toEqual({ rounds: cost.rounds, bytes: cost.bytes })
    const found = summarise(parameters, outputs['p0']!) as Record<string, any>
    expect(summarise(parameters, outputs['p2']!)).toEqual(found)
    // In clear no noise is drawn; nothing is withheld.
    const exact = ideal(setting)
    expect(exact['bins'].counts.reduce((a: number, b: number) => a + b)).toBe(442)
    const gaps = found['bins'].counts.map((count: number, i: number) => count - exact['bins'].counts[i])
    expect(gaps.some((gap: number) => gap !== 0)).toBe(true)
    // σ² = 2 / (2 · 0.05) a party, five bins: beyond 8 deviations less than once in 10^14.
    for (const gap of gaps) expect(Math.abs(gap)).toBeLessThan(8 * Math.sqrt(60))
    expect(found['mean']).not.toBe(exact['mean'])
    expect(Math.abs(found['mean'] - exact['mean'])).toBeLessThan((60 * 60) / 442)
    // Sensitivity range²/n of 60²/442 in epsilon 1, three samples: beyond 40 deviations.
    expect(found['variance']).not.toBe(exact['variance'])
    expect(Math.abs(found['variance'] - exact['variance'])).toBeLessThan((40 * Math.sqrt(6) * 60 * 60) / 442)
    // Other coins, other noise.
    const again = summarise(parameters, simulated(setting, 'other').outputs['p0']!) as Record<string, any>
    expect(again['bins'].counts).not.toEqual(found['bins'].counts)
  })
  it('say whose noise there is, and no other kind of figure has any', () => {
    const { parameters } = horizontal('diabetes', ['bmi'], plan)
    const [bins] = explain(parameters, 0).learns
    expect(bins!.text).toContain('discrete Gaussian noise of rho 0.05 from each of p0, p1 and p2')
    expect(bins!.text).toContain('4.47 each, 7.75 together')
    expect(bins!.text).not.toContain('withheld')
    const parse = (statistic: Statistic) => {
      const wrong = analyse({ layout: 'horizontal', columns: ['bmi'] }, () => ({ v: noisy(statistic, { rho: 1 }) }))
      return () => statistics.parameters(horizontal('diabetes', ['bmi'], wrong).parameters)
    }
    expect(parse(median({ column: 'bmi' }))).toThrow(/noise for "v", a figure of the kind quantiles/)
    expect(parse(count())).toThrow(/the number of rows stands in the terms/)
  })

  const columns = [
    { name: 'a', type: 'numeric', minimum: -3, maximum: 4, decimals: 0 },
    { name: 'w', type: 'numeric', minimum: 0, maximum: 3, decimals: 0 },
    { name: 'g', type: 'categorical', levels: ['u', 'v', 'w'] },
  ] as const
  const sizes = [8, 4, 3] as const
  const all = analyse({ layout: 'horizontal', columns: ['a', 'w', 'g'] }, ({ a, w, g }) => {
    const noise = { epsilon: 1 }
    return {
      count: noisy(count({ weight: w }), noise),
      sum: noisy(sum(a), noise),
      mean: noisy(mean(a, { weight: w }), noise),
      variance: noisy(variance(a), noise),
      std: noisy(std(a), noise),
      bins: noisy(histogram(a, [0, 2]), noise),
      table: noisy(crosstab(g, w), noise),
      groups: noisy(groupBy(g, a), noise),
    }
  })
  type Row = readonly [number, number, number]
  const withRows = (rows: readonly Row[]) => ({
    parameters: { ...all, sizes: { p0: rows.length }, tables: { p0: { columns } } } satisfies Parameters,
    table: {
      rows: rows.length,
      codes: [0, 1, 2].map((c) => Float64Array.from(rows, (row) => row[c]!)),
      ids: new Uint8Array(0),
    },
  })
  const opened = (rows: readonly Row[]) => {
    const { parameters, table } = withRows(rows)
    const nobody = { rows: 0, codes: [], ids: new Uint8Array(0) }
    return statistics.ideal(parameters, { p0: table, p1: nobody, p2: nobody })['p0']!.opened
  }

  it('change by no more than their noise is made for when one record is replaced, and by all of it at worst', () => {
    const cell = (size: number) => fc.oneof(fc.nat(size - 1), fc.constantFrom(0, size - 1))
    const row: fc.Arbitrary<Row> = fc.tuple(cell(sizes[0]), cell(sizes[1]), cell(sizes[2]))
    const largest = new Map<string, number>()
    const neighbours = fc.tuple(fc.array(row, { minLength: 3, maxLength: 5 }), row)
    const compare = ([rows, other]: readonly [readonly Row[], Row]): void => {
      const { figures } = prepare(withRows(rows).parameters)
      const [before, after] = [opened(rows), opened([other, ...rows.slice(1)])]
      all.outputs.forEach(({ name }, f) => {
        figures[f]!.noise!.forEach(({ sensitivity }, v) => {
          const gaps = before[name]![v]!.map((value, i) => Math.abs(Number(value - after[name]![v]![i]!)))
          const [sumOf, squares] = [gaps.reduce((a, b) => a + b, 0), gaps.reduce((a, b) => a + b * b, 0)]
          expect(gaps.length).toBe(sensitivity.length)
          expect(sumOf, `${name} ${v}`).toBeLessThanOrEqual(sensitivity.sum)
          expect(squares, `${name} ${v}`).toBeLessThanOrEqual(sensitivity.squares)
          largest.set(`${name} ${v}`, Math.max(largest.get(`${name} ${v}`) ?? 0, sumOf / sensitivity.sum))
        })
      })
    }
    fc.assert(fc.property(neighbours, compare), { numRuns: 40, seed: 3 })
    // All others at one end, and the one from end to end.
    const end: Row = [0, 0, 0]
    compare([
      [end, end, end],
      [7, 3, 1],
    ])
    compare([
      [[7, 3, 0], end, end],
      [7, 3, 1],
    ])
    expect([...largest.values()].every((part) => part === 1)).toBe(true)
  })

  it('of several vectors have a part of the noise each, which together costs what the figure does', () => {
    const { figures } = prepare(
      withRows([
        [1, 1, 1],
        [2, 2, 2],
      ]).parameters,
    )
    const parts = all.outputs.map((_, f) => figures[f]!.noise!.length)
    expect(parts).toEqual([1, 1, 2, 1, 1, 1, 1, 3])
    expect(partOf({ mechanism: 'laplace', epsilon: 1.5 }, 3)).toEqual({ mechanism: 'laplace', epsilon: 0.5 })
    expect(partOf({ mechanism: 'gaussian', rho: 0.9 }, 3)).toEqual({ mechanism: 'gaussian', rho: 0.3 })
    expect(figures.at(-1)!.learns).toContain('of each count 8.49 each, 14.7 together')
  })
})
