import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { expect, test } from 'vitest'
import { evaluateOf, type EvaluateParameters } from '../src/index.ts'
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
conformance(evaluateOf(1), conform, { engine, hash: nativeHash, schedules: 2 })

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

test.each([
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
