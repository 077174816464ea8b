import { createCipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { utf8ToBytes } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { circuitInputOf, zre15, type CircuitParameters } from '@tallystick/mpc'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { scheduleOf, libraryCircuit } from '@tallystick/circuits'
import { planOf } from '../src/garbled/plan.ts'
import { bytes, everyGate, randomInputs, rngOf } from './circuit-samples.ts'

const engine = await nodeEngine()
const roles = ['garbler', 'evaluator'] as const

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
  ['an addition to both', parametersOf({ library: 'add-4', aim: 'depth' }, roles, 2, 'both')],
  // Without transfers, which make the other cases slow: the evaluator brings nothing.
  ['every gate, to both', parametersOf({ bristol: everyGate }, ['garbler', 'garbler'], 9, 'both')],
  ['to the evaluator', parametersOf({ library: 'less-3', aim: 'size' }, ['garbler', 'garbler'], 1, 'evaluator')],
  ['to the garbler', parametersOf({ library: 'less-3', aim: 'size' }, ['garbler', 'garbler'], 1, 'garbler')],
]

conformance(
  zre15,
  shapes.map(([name, parameters]) => ({
    name,
    parameters,
    inputs: randomInputs(roles, parameters),
    alternative: randomInputs(roles, parameters, 'other'),
  })),
  { engine, schedules: 50, sample: 60 },
)

describe('mpc/zre15', () => {
  it('encrypts a batch under a key that the evaluator does not have', () => {
    const instances = 130
    const parameters = parametersOf({ library: 'aes-128', aim: 'depth' }, roles, instances, 'evaluator')
    const [keys, blocks] = [bytes('keys', 16 * instances), bytes('blocks', 16 * instances)]
    const inputs = { garbler: { rows: keys }, evaluator: { rows: blocks } }
    const result = simulate(zre15, { parameters, inputs, rng: rngOf('aes'), engine })
    const expected = Array.from({ length: instances }, (_, i) => {
      const [from, to] = [16 * i, 16 * i + 16]
      return createCipheriv('aes-128-ecb', keys.subarray(from, to), null).update(blocks.subarray(from, to))
    })
    expect(result.errors).toEqual({})
    expect(result.outputs.evaluator).toEqual({ kind: 'values', rows: Uint8Array.from(Buffer.concat(expected)) })
    expect(result.outputs.garbler).toEqual({ kind: 'none' })
    const { rounds, bytes: sent } = zre15.cost(zre15.parameters(parameters))
    expect({ rounds: result.rounds, bytes: result.bytes }).toEqual({ rounds, bytes: sent })
    expect(Math.max(...result.trace.map((frame) => frame.bytes))).toBeLessThanOrEqual(2 ** 22)
  })
  it('reads rows of a dataset as hex, and no others', () => {
    const parameters = parametersOf({ library: 'add-12', aim: 'depth' }, roles, 2, 'both')
    const rowsOf = (...rows: string[]) => ({
      bytes: utf8ToBytes(rows.join('')),
      offsets: Uint32Array.from([0, ...rows.map((_, i) => rows.slice(0, i + 1).join('').length)]),
    })
    expect(circuitInputOf(rowsOf('0a0f', 'ff01'), 'garbler', parameters)).toEqual({
      rows: Uint8Array.of(10, 15, 255, 1),
    })
    for (const row of ['0a0', '0a0f0', '0a0g', '0A0f', '']) {
      const read = () => circuitInputOf(rowsOf('0a0f', row), 'evaluator', parameters)
      expect(read).toThrow(
        expect.objectContaining({ code: 'input/malformed', message: expect.stringMatching(/^row 1:/) }),
      )
    }
  })
  it('plans blocks and segments that cover all instances and layers', () => {
    for (const name of ['aes-128', 'sha-256-compress', 'multiply-64']) {
      const schedule = scheduleOf(libraryCircuit(name))
      for (const instances of [1, 63, 64, 1000]) {
        const { blocks, segments } = planOf(schedule, instances)
        expect(blocks.map(({ from }) => from)).toEqual([0, ...blocks.slice(0, -1).map(({ to }) => to)])
        expect(blocks[blocks.length - 1]!.to).toBe(instances)
        const firsts = segments.reduce((all, { and }) => [...all, all[all.length - 1]! + and], [0])
        expect(firsts).toEqual([...segments.map(({ first }) => first), schedule.and])
        const length = schedule.layers.reduce((sum, { free, and }) => sum + 2 + free.length + and.length, 0)
        expect(segments.reduce((sum, { code }) => sum + code.length, 0)).toBe(length)
      }
    }
  })
  it('refuses terms that it cannot run', () => {
    const good = parametersOf({ library: 'add-4', aim: 'depth' }, roles, 3, 'both')
    expect(zre15.parameters(good)).toEqual(good)
    const malformed = expect.objectContaining({ code: 'terms/malformed' })
    expect(() => zre15.parameters({ ...good, to: 'all' })).toThrow(malformed)
    const many = {
      ...good,
      circuit: { library: 'add-256', aim: 'size' },
      sizes: { garbler: 2 ** 17, evaluator: 2 ** 17 },
    }
    expect(() => zre15.parameters(many)).toThrow(malformed)
  })
})
