/** Two owners and nobody else: triples from BGV ciphertexts, at the declared cost, by what the ideal gives. */
import { expect, it } from 'vitest'
import { wasmEngine } from '@tallystick/kernels/engine'
import { conformance } from '@tallystick/protocol/testing'
import {
  analyse,
  boostedTrees,
  correlation,
  covariance,
  explain,
  kMeans,
  logistic,
  mean,
  quantiles,
  statisticsFor,
  statisticsOfTwo,
  statisticsOfTwoAlone,
  sum,
  summarise,
  weightOfEvidence,
  type Parameters,
  type Reference,
  type Statistic,
  type Table,
} from '@tallystick/statistics'
import { ideal, simulated, vertical } from './tables.ts'

const columns = ['mean_radius', 'benign', 'mean_texture', 'mean_smoothness'] as const
type Columns = Readonly<Record<(typeof columns)[number], Reference>>

/** Radius and texture are of one owner, the others of the other. */
const settingOf = (write: (c: Columns) => Readonly<Record<string, Statistic>>) => {
  const { parameters, inputs } = vertical('cancer', columns, analyse({ layout: 'vertical', columns }, write), true)
  const { helper: _, ...rest } = parameters
  return { parameters: { ...rest, triples: 'bgv' as const }, inputs }
}

it('gives exact figures exactly', { timeout: 120_000 }, () => {
  const setting = settingOf(({ mean_radius: radius, mean_smoothness: smooth, benign }) => ({
    covariance: covariance([radius, smooth, benign]),
    weighted: mean(smooth, { weight: radius }),
  }))
  expect(statisticsFor(setting.parameters)).toBe(statisticsOfTwoAlone)
  const { outputs, errors, rounds, bytes } = simulated(setting)
  expect(errors).toEqual({})
  const cost = statisticsOfTwoAlone.cost(setting.parameters)
  expect({ rounds, bytes }).toEqual({ rounds: cost.rounds, bytes: cost.bytes })
  const found = summarise(setting.parameters, outputs.p0!)
  expect(summarise(setting.parameters, outputs.p1!)).toEqual(found)
  expect(found).toEqual(ideal(setting))
})

it('has all that other figures need', () => {
  const { parameters } = settingOf(
    ({ mean_radius: radius, mean_texture: texture, mean_smoothness: smooth, benign }) => ({
      ranks: correlation([radius, smooth], 'spearman'),
      median: quantiles(radius, [0.5]),
      model: logistic(benign, [radius, texture], { penalty: 1, iterations: 2 }),
      clusters: kMeans([radius, smooth], [[12, 0.1]], { iterations: 2 }),
      evidence: weightOfEvidence(benign, smooth, { bins: 4, merge: { to: 3 } }),
      trees: boostedTrees(benign, [{ column: radius, cuts: [12, 15, 18] }], { depth: 1, trees: 2 }),
    }),
  )
  const { bytes, notes } = explain(parameters, 1)
  expect(bytes).toBeGreaterThan(2 ** 20)
  expect(notes.join()).toContain('The two owners compute by themselves')
})

const amount = { name: 'a', type: 'numeric', minimum: 0, maximum: 20, decimals: 0 } as const
const tableOf = (...codes: readonly number[]): Table => ({
  rows: codes.length,
  codes: [Float64Array.from(codes)],
  ids: new Uint8Array(0),
})
const brief: Parameters = {
  ...analyse({ layout: 'horizontal', columns: ['a'] }, ({ a }) => ({ sum: sum(a) })),
  triples: 'bgv',
  sizes: { p0: 3, p1: 2 },
  tables: { p0: { columns: [amount] }, p1: { columns: [amount] } },
}

it('refuses a helper beside, and parameters of other protocols', () => {
  const malformed = expect.objectContaining({ code: 'terms/malformed' })
  const { triples: _, ...three } = brief
  expect(() => statisticsOfTwoAlone.parameters(brief)).not.toThrow()
  expect(() => statisticsOfTwoAlone.parameters({ ...brief, helper: true })).toThrow(malformed)
  expect(() => statisticsOfTwoAlone.parameters({ ...brief, owners: 1 })).toThrow(malformed)
  expect(() => statisticsOfTwoAlone.parameters({ ...three, helper: true })).toThrow(malformed)
  expect(() => statisticsOfTwo.parameters(brief)).toThrow(malformed)
})

// A sum needs no ciphertexts: those are held to the same kit by packages/mpc/test/bgv.test.ts, at a hundredth of the time.
const inputs = (shift: number) => ({ p0: tableOf(1 + shift, 7, 20), p1: tableOf(4 + shift, 15) })
conformance(statisticsOfTwoAlone, [{ name: 'a sum', parameters: brief, inputs: inputs(0), alternative: inputs(2) }], {
  engine: await wasmEngine(),
  schedules: 5,
  sample: 10,
})
