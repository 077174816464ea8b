/** Encrypted logistic scoring against scikit-learn (reference/make.py), on the breast-cancer set. */
import { readFileSync } from 'node:fs'
import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import { scoring } from '../src/index.ts'
import { sealEngine } from '../src/seal/engine.ts'

interface Reference {
  readonly columns: readonly { readonly name: string; readonly decimals: number }[]
  readonly weights: readonly number[]
  readonly intercept: number
  readonly probabilities: readonly number[]
  readonly classes: readonly number[]
}

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const reference = JSON.parse(text('../reference/reference.json')) as Reference
const [header, ...lines] = text('../../statistics/reference/data/cancer.csv').trim().split('\n')
const places = reference.columns.map(({ name }) => header!.split(',').indexOf(name))
const records = lines.map((line) => places.map((place) => Number(line.split(',')[place])))

const scoreDecimals = 9
const units = (value: number, decimals: number): number => Math.round(value * 10 ** decimals)
const { columns } = reference
const features = Int32Array.from(records.flatMap((record) => record.map((x, j) => units(x, columns[j]!.decimals))))
const weights = Int32Array.from(reference.weights, (w, j) => units(w, scoreDecimals - columns[j]!.decimals))

test('agrees with scikit-learn in every class, and to 1e-4 in every probability', async () => {
  const bitsOf = (values: Int32Array): number =>
    Math.ceil(Math.log2(1 + values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)))
  const sizes = { client: records.length }
  const { outputs, errors } = simulate(scoring, {
    parameters: {
      ...{ sizes, features: columns.length, featureBits: bitsOf(features), weightBits: bitsOf(weights) },
      units: { columns, scoreDecimals },
    },
    inputs: { client: { features }, server: { weights, intercept: units(reference.intercept, scoreDecimals) } },
    engine: { ...(await wasmEngine()), ...(await sealEngine()) },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role))),
  })
  expect(errors).toEqual({})
  const probabilities = Array.from(outputs.client!.scores!, (s) => 1 / (1 + Math.exp(-s / 10 ** scoreDecimals)))
  expect(probabilities.map((p) => (p > 0.5 ? 1 : 0))).toEqual(reference.classes)
  const errorsOf = probabilities.map((p, row) => Math.abs(p - reference.probabilities[row]!))
  expect(Math.max(...errorsOf)).toBeLessThan(1e-4)
})
