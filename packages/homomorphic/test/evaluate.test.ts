import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { describe, expect, test } from 'vitest'
import { evaluateOf, programPlan, type EvaluateParameters, type EvaluateReceiverOutput } from '../src/index.ts'
import * as h from '../src/operators/expression.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { nativeHash } from './hash.ts'

const engine = { ...(await wasmEngine()), ...(await sealEngine()) }

const inputsOf = ({ sizes, columns, program }: EvaluateParameters, shift: number) => {
  const values = (owner: string): Int32Array => {
    const names = columns[owner]!
    return Int32Array.from({ length: sizes[owner]! * names.length }, (_, i) => {
      const { range, decimals = 0 } = program.inputs[names[i % names.length]!]!
      const [least, greatest] = range.map((end) => Math.round(end * 10 ** decimals))
      return [least!, greatest!, Math.floor((least! + greatest!) / 2)][(i + shift) % 3]!
    })
  }
  const owners = Object.keys(sizes).map((owner) => [owner, { values: values(owner) }])
  return { ...Object.fromEntries(owners), receiver: null, compute: null } as never
}

const column = h.vector(3, { range: [0, 9] })
const small: EvaluateParameters = {
  ...{ sizes: { 'owner-1': 3 }, columns: { 'owner-1': ['x'] } },
  program: h.program({ x: column }, ({ x }) => ({ plus: h.add(x, 0.5) })),
}
const conform = [{ name: 'one owner', parameters: small, inputs: inputsOf(small, 0), alternative: inputsOf(small, 1) }]
conformance(evaluateOf(1), conform, { engine, hash: nativeHash, schedules: 2, sample: 40 })

const real = h.vector(2, { range: [-1, 1], decimals: 9 })
const rough: EvaluateParameters = {
  ...{ sizes: { 'owner-1': 2 }, columns: { 'owner-1': ['x'] }, precision: 1e-2 },
  program: h.program({ x: real }, ({ x }) => ({ part: h.multiply(x, 0.123456789) })),
}
/** Within the bound of the plan; who has none is given none. */
const close = (output: EvaluateReceiverOutput | null, ideal: EvaluateReceiverOutput | null): boolean => {
  if (output?.results === undefined || output.results === null) return output === ideal
  const [found, exact, { errors }] = [output.results, ideal!.results!, programPlan(rough)]
  return Object.entries(exact).every(([name, values]) =>
    values.every((value, i) => Math.abs(value - found[name]![i]!) <= errors[name]!),
  )
}
const approximate = [
  {
    ...{ name: 'reals', parameters: rough, inputs: inputsOf(rough, 0), alternative: inputsOf(rough, 1) },
    equal: close,
  },
]
describe('approximate', () => {
  conformance(evaluateOf(1), approximate, { engine, hash: nativeHash, schedules: 2, sample: 12 })
})

test('columns of two owners meet, over several tiles and plain moduli, and only outputs come out', () => {
  const length = 4100
  const program = h.program(
    {
      cents: h.vector(length, { range: [0, 21_474_836.47], decimals: 2 }),
      weight: h.vector(length, { range: [0, 1000] }),
    },
    ({ cents, weight }) => ({
      dot: h.dot(cents, weight),
      weighted: h.multiply(weight, 0.5),
    }),
  )
  const parameters: EvaluateParameters = {
    sizes: { 'owner-1': length, 'owner-2': length },
    columns: { 'owner-1': ['cents'], 'owner-2': ['weight'] },
    program,
  }
  const protocol = evaluateOf(2)
  const inputs = inputsOf(protocol.parameters(structuredClone(parameters)), 1)
  const { outputs, errors } = simulate(protocol, {
    ...{ parameters, inputs, engine },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role))),
  })
  expect(errors).toEqual({})
  expect(outputs).toEqual(protocol.ideal(parameters, inputs))
})

test('reals between parties come within the bound of the plan', () => {
  const length = 20
  const column = h.vector(length, { range: [-1, 1], decimals: 9 })
  const program = h.program({ x: column, y: column }, ({ x, y }) => ({
    weighted: h.multiply(x, h.multiply(y, 0.123456789)),
  }))
  const protocol = evaluateOf(2)
  const asked = { sizes: { 'owner-1': length, 'owner-2': length }, columns: { 'owner-1': ['x'], 'owner-2': ['y'] } }
  const parameters = protocol.parameters({ ...asked, program, precision: 1e-2 })
  const plan = programPlan(parameters)
  expect(plan.scheme).toBe('ckks')
  const inputs = inputsOf(parameters, 1)
  const { outputs, errors } = simulate(protocol, {
    ...{ parameters, inputs, engine },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role))),
  })
  expect(errors).toEqual({})
  const [found, ideal] = [outputs['receiver']!.results!, protocol.ideal(parameters, inputs).receiver.results!]
  for (const [name, values] of Object.entries(ideal)) {
    const off = values.reduce((most, value, i) => Math.max(most, Math.abs(value - found[name]![i]!)), 0)
    expect(off).toBeLessThanOrEqual(plan.errors[name]!)
    expect(off).toBeGreaterThan(0)
  }
  expect(plan.errors['weighted']).toBeLessThanOrEqual(1e-2)
})

test.each([
  ['a precision of nothing', { ...small, precision: 0 }],
  ['a column of nobody', { ...small, columns: { 'owner-1': ['x', 'y'] } }],
  ['a column of another length', { ...small, sizes: { 'owner-1': 4 } }],
  [
    'values beyond 32 bits',
    { ...small, program: h.program({ x: h.vector(3, { range: [0, 2 ** 31] }) }, ({ x }) => x) },
  ],
  ['no program', { ...small, program: { inputs: { x: column }, outputs: { a: ['steal', 'x'] } } }],
])('terms with %s are refused', (_, parameters) => {
  expect(() => evaluateOf(1).parameters(parameters)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
})
