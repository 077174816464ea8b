import { describe, expect, it } from 'vitest'
import { createRng, taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { base, correlated, random, vole } from './wrappers.ts'

const engine = await nodeEngine()
const rng = (role: string) => createRng(taggedDigest('tallystick/test/ot/v1', role))
const bytes = (label: string, length: number): Uint8Array =>
  createRng(taggedDigest('tallystick/test/v1', label)).bytes(length)
const securities = ['semi-honest', 'malicious'] as const
const right = { sender: { wrong: -1 }, receiver: { wrong: -1 } }

describe('from ML-KEM', () => {
  it('base transfers, extension and VOLE are correlated, at the stated cost', () => {
    const choices = { sender: {}, receiver: { choices: bytes('choices', 2) } }
    const own = { n: 9, security: 'malicious', base: 'ml-kem' } as const
    for (const protocol of [base, random]) {
      const result = simulate(protocol, { parameters: own, inputs: choices, rng, engine })
      expect(result.errors).toEqual({})
      expect(result.outputs).toEqual(right)
      expect(result).toMatchObject(protocol.cost(own))
    }
    const inputs = { sender: { delta: bytes('delta', 16) }, receiver: {} }
    const result = simulate(vole, { parameters: own, inputs, rng, engine })
    expect(result.outputs).toEqual(right)
    expect(result).toMatchObject(vole.cost(own))
  })
})

describe('correlations hold on every row, at the stated cost', () => {
  const sizes = [0, 1, 127, 128, 129, 1000]
  for (const n of sizes) {
    it(`${n} base transfers`, () => {
      const inputs = { sender: {}, receiver: { choices: bytes('choices', Math.ceil(n / 8)) } }
      const parameters = { n, security: 'malicious' } as const
      const result = simulate(base, { parameters, inputs, rng, engine })
      expect(result.errors).toEqual({})
      expect(result.outputs).toEqual(right)
      expect(result).toMatchObject(base.cost(parameters))
    })
  }
  for (const security of securities) {
    for (const n of sizes) {
      it(`${n} ${security} transfers`, () => {
        const inputs = { sender: {}, receiver: { choices: bytes('choices', Math.ceil(n / 8)) } }
        for (const protocol of [correlated, random]) {
          const result = simulate(protocol, { parameters: { n, security }, inputs, rng, engine })
          expect(result.errors).toEqual({})
          expect(result.outputs).toEqual(right)
          expect(result).toMatchObject(protocol.cost({ n, security }))
        }
      })
    }
    for (const n of [0, 1, 2208, 2209, 20_000]) {
      it(`${n} elements of ${security} VOLE`, () => {
        const inputs = { sender: { delta: bytes('delta', 16) }, receiver: {} }
        const result = simulate(vole, { parameters: { n, security }, inputs, rng, engine })
        expect(result.errors).toEqual({})
        expect(result.outputs).toEqual(right)
        expect(result).toMatchObject(vole.cost({ n, security }))
      })
    }
  }
})
