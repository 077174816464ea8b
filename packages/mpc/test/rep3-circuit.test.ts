import { createCipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { evaluatePlanes, libraryCircuit, maskPlanes, readBristol, roundsOf, scheduleOf } from '@tallystick/circuits'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { evaluateCircuit, programProtocol, rep3Circuit, type CircuitParameters } from '@tallystick/mpc'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { bytes, everyGate, randomInputs, rngOf } from './circuit-samples.ts'

const engine = await nodeEngine()
const roles = ['p0', 'p1', 'p2'] as const

const parametersOf = (
  circuit: CircuitParameters['circuit'],
  owners: readonly string[],
  instances: number,
  to: string,
): CircuitParameters => {
  const sizes = Object.fromEntries(owners.map((role) => [role, instances]))
  return { circuit, owners, sizes, to }
}

const shapes: readonly (readonly [name: string, parameters: CircuitParameters])[] = [
  ['an addition', parametersOf({ library: 'add-3', aim: 'size' }, ['p0', 'p2'], 3, 'p1')],
  ['every gate', parametersOf({ bristol: everyGate }, ['p1', 'p0'], 33, 'p2')],
  ['one owner', parametersOf({ library: 'equal-4', aim: 'size' }, ['p1', 'p1'], 1, 'all')],
]

conformance(
  rep3Circuit,
  shapes.map(([name, parameters]) => ({
    name,
    parameters,
    inputs: randomInputs(roles, parameters),
    alternative: randomInputs(roles, parameters, 'other'),
  })),
  { engine, schedules: 50, sample: 80 },
)

describe('mpc/rep3-circuit', () => {
  it('encrypts under a key that no party has, in as many rounds as the circuit is deep', () => {
    const instances = 130
    const parameters = parametersOf({ library: 'aes-128', aim: 'depth' }, ['p0', 'p1'], instances, 'p2')
    const [keys, blocks] = [bytes('keys', 16 * instances), bytes('blocks', 16 * instances)]
    const inputs = { p0: { rows: keys }, p1: { rows: blocks }, p2: { rows: new Uint8Array(0) } }
    const result = simulate(rep3Circuit, { parameters, inputs, rng: rngOf('aes'), engine })
    const expected = Array.from({ length: instances }, (_, i) => {
      const [from, to] = [16 * i, 16 * i + 16]
      return createCipheriv('aes-128-ecb', keys.subarray(from, to), null).update(blocks.subarray(from, to))
    })
    expect(result.errors).toEqual({})
    expect(result.outputs.p2).toEqual({ kind: 'values', rows: Uint8Array.from(Buffer.concat(expected)) })
    expect(result.outputs.p0).toEqual({ kind: 'none' })
    const { rounds, bytes: sent } = rep3Circuit.cost(rep3Circuit.parameters(parameters))
    expect({ rounds: result.rounds, bytes: result.bytes }).toEqual({ rounds, bytes: sent })
    expect(rounds).toBe(2 + roundsOf(scheduleOf(libraryCircuit('aes-128', 'depth'))))
  })
  it('is the same as a part of a program over any backend', () => {
    for (const circuit of [readBristol(everyGate), libraryCircuit('multiply-9', 'depth')]) {
      const schedule = scheduleOf(circuit)
      const length = 100
      const planes = new Uint32Array(bytes('program', 16 * schedule.inputs.length).buffer)
      const program = programProtocol<null, null, Uint32Array>({
        id: 'mpc/test-circuit',
        version: 1,
        parameters: () => null,
        inputs: () => [],
        receivers: () => ['p1'],
        encode: () => ({}),
        *compute(backend) {
          const inputs = backend.constantBits(schedule.inputs.length, length, planes)
          return { outputs: yield* evaluateCircuit(backend, schedule, inputs) }
        },
        decode: (_, { outputs }) => outputs!,
      })
      const inputs = { p0: null, p1: null, p2: null }
      const { outputs } = simulate(program, { parameters: null, inputs, rng: rngOf('program'), engine })
      const expected = maskPlanes(evaluatePlanes(schedule, planes, 4), length)
      expect(outputs['p1']).toEqual(expected)
      expect(program.ideal(null, inputs)['p1']).toEqual(expected)
    }
  })
  it('refuses terms that it cannot run', () => {
    const good = parametersOf({ library: 'add-4', aim: 'depth' }, ['p0', 'p2'], 3, 'p1')
    expect(rep3Circuit.parameters(good)).toEqual(good)
    const wrong: readonly unknown[] = [
      null,
      { ...good, more: 1 },
      { ...good, circuit: { library: 'add-4', aim: 'speed' } },
      { ...good, circuit: { library: 'add-9999' } },
      { ...good, circuit: { bristol: '1 2 3' } },
      { ...good, owners: ['p0'] },
      { ...good, owners: ['p0', 'p3'] },
      { ...good, to: [] },
      { ...good, to: 'both' },
      { ...good, sizes: { p0: 3, p2: 2 } },
      { ...good, sizes: { p0: 3, p1: 3, p2: 3 } },
      { ...good, sizes: { p0: 0, p2: 0 } },
      { ...good, sizes: { p0: 2.5, p2: 2.5 } },
      { ...good, circuit: { library: 'multiply-64' }, sizes: { p0: 2 ** 22, p2: 2 ** 22 } },
    ]
    for (const value of wrong) {
      expect(() => rep3Circuit.parameters(value)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
    }
  })
  it('refuses rows of another length', () => {
    const parameters = parametersOf({ library: 'add-4', aim: 'depth' }, ['p0', 'p2'], 3, 'p1')
    const inputs = { ...randomInputs(roles, parameters), p0: { rows: new Uint8Array(4) } }
    const { errors } = simulate(rep3Circuit, { parameters, inputs, rng: rngOf('short'), engine })
    expect(errors.p0).toMatchObject({ code: 'input/malformed', blame: 'self' })
  })
})
