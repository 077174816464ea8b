import { createCipheriv, createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { semi2kCircuit, semi2kCircuitTransfers, type CircuitParameters } from '@tallystick/mpc'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { bytes, everyGate, randomInputs, rngOf } from './circuit-samples.ts'

const engine = await nodeEngine()
const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
const parameters: CircuitParameters = {
  circuit: { bristol: everyGate },
  owners: ['p1', 'p0'],
  sizes: { p0: 33, p1: 33 },
  to: 'both',
}
const samples = (seed?: string) => ({
  ...randomInputs(['p0', 'p1'], parameters, seed),
  helper: { rows: new Uint8Array() },
})

for (const protocol of [semi2kCircuit, semi2kCircuitTransfers]) {
  const test = { name: 'every gate', parameters, inputs: samples(), alternative: samples('other') }
  conformance(protocol, [test], { engine, hash, schedules: 10, sample: 60 })

  describe(protocol.id, () => {
    it('encrypts a block of one party under the key of the other', () => {
      const instances = 5
      const sizes = { p0: instances, p1: instances }
      const aes = { circuit: { library: 'aes-128', aim: 'depth' }, owners: ['p0', 'p1'], sizes, to: 'p1' } as const
      const [keys, blocks] = [bytes('keys', 16 * instances), bytes('blocks', 16 * instances)]
      const inputs = { p0: { rows: keys }, p1: { rows: blocks }, helper: { rows: new Uint8Array() } }
      const result = simulate(protocol, { parameters: aes, inputs, rng: rngOf('aes'), engine })
      const expected = Array.from({ length: instances }, (_, i) => {
        const [from, to] = [16 * i, 16 * i + 16]
        return createCipheriv('aes-128-ecb', keys.subarray(from, to), null).update(blocks.subarray(from, to))
      })
      expect(result.errors).toEqual({})
      expect(result.outputs['p1']).toEqual({ kind: 'values', rows: Uint8Array.from(Buffer.concat(expected)) })
      expect(result.outputs['p0']).toEqual({ kind: 'none' })
      const { rounds, bytes: sent } = protocol.cost(protocol.parameters(aes))
      expect({ rounds: result.rounds, bytes: result.bytes }).toEqual({ rounds, bytes: sent })
    })
  })
}
