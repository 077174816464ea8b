import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { expect, test } from 'vitest'
import { statisticsOf, type StatisticsParameters } from '../src/index.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { nativeHash } from './hash.ts'

const engine = { ...(await wasmEngine()), ...(await sealEngine()) }

const inputsOf = ({ sizes, columns, bits }: StatisticsParameters, shift: number) => {
  const most = 2 ** bits - 1
  const values = (rows: number): Int32Array =>
    Int32Array.from({ length: rows * columns }, (_, i) => [most, -most, 0, i % most][(i + shift) % 4]!)
  const owners = Object.entries(sizes).map(([owner, rows]) => [owner, { values: values(rows) }])
  return { ...Object.fromEntries(owners), receiver: null, compute: null } as never
}

const two = statisticsOf(2)
const small = { sizes: { 'owner-1': 3 }, columns: 1, bits: 4 }
const conform = [{ name: 'one owner', parameters: small, inputs: inputsOf(small, 0), alternative: inputsOf(small, 1) }]
conformance(statisticsOf(1), conform, { engine, hash: nativeHash, schedules: 2, sample: 40 })

const run = (parameters: StatisticsParameters, shift: number) =>
  simulate(statisticsOf(Object.keys(parameters.sizes).length), {
    ...{ parameters, inputs: inputsOf(parameters, shift), engine },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role), Uint8Array.of(shift))),
  })

test.each([
  { sizes: { 'owner-1': 9000 }, columns: 2, bits: 12 },
  { sizes: { 'owner-1': 1, 'owner-2': 8193, 'owner-3': 40 }, columns: 1, bits: 16 },
])('sums and sums of squares are exact: %o', (parameters) => {
  const protocol = statisticsOf(Object.keys(parameters.sizes).length)
  const { outputs, errors } = run(parameters, 2)
  expect(errors).toEqual({})
  expect(outputs).toEqual(protocol.ideal(parameters, inputsOf(parameters, 2)))
})

test('ranges that would wrap around are refused before anything is encrypted', () => {
  const parameters = { sizes: { 'owner-1': 100_000_000, 'owner-2': 1 }, columns: 1, bits: 24 }
  expect(() => two.cost(parameters)).toThrow(expect.objectContaining({ code: 'terms/unsupported' }))
})
