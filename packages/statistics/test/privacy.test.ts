/** Noise: its distribution, what it costs by published formulas, and that each of three parties adds a whole sample. */
import { createRng, taggedDigest } from '@tallystick/core'
import { describe, expect, it, test } from 'vitest'
import {
  analyse,
  chiSquareTail,
  deltaOf,
  epsilonOf,
  explain,
  histogram,
  mean,
  noisy,
  spentBy,
  statistics,
  summarise,
  variance,
  type Plan,
} from '@tallystick/statistics'
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
    const wrong = analyse({ layout: 'horizontal', columns: ['bmi'] }, ({ bmi }) => ({
      v: noisy(variance(bmi), { rho: 1 }),
    }))
    expect(() => statistics.parameters(horizontal('diabetes', ['bmi'], wrong).parameters)).toThrow(/noise for "v"/)
  })
})
