/** The vectors of RFC 9497 on every engine, and @noble/curves as a second opinion on random inputs. */
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { wasmEngineOf } from '@tallystick/kernels/engine'
import { referenceEngine, type Engine } from '@tallystick/protocol'
import {
  blind,
  blindEvaluate,
  computing,
  deriveKeyPair,
  encodeScalar,
  evaluate,
  finalize,
  invertScalars,
  order,
  prove,
  runLocally,
  verify,
} from '@tallystick/query'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { engine as best, itemsOf, rngOf } from './samples.ts'
import { keyInfo, oprf, seed, voprf } from './vectors/rfc9497.ts'

const rows = (hex: readonly string[]): Uint8Array => concatBytes(...hex.map((row) => hexToBytes(row)))

const engines: [string, Engine][] = [['reference', referenceEngine]]
for (const variant of ['fma', 'integer'] as const) {
  const engine = await wasmEngineOf(variant)
  if (engine !== undefined) engines.push([variant, engine])
}

describe.each(engines)('RFC 9497 on the %s engine', (_, engine) => {
  it.each([['oprf', oprf] as const, ['voprf', voprf] as const])('gives the vectors of mode %s', (mode, expected) => {
    const pair = deriveKeyPair(hexToBytes(seed), hexToBytes(keyInfo), mode)
    expect(pair.secretKey).toEqual(hexToBytes(expected.secretKey))
    if (mode === 'voprf') expect(pair.publicKey).toEqual(hexToBytes(voprf.publicKey))
    for (const vector of expected.vectors) {
      const items = itemsOf(vector.inputs.map((input) => hexToBytes(input)))
      const blinds = rows(vector.blinds)
      const blinded = runLocally(blind(computing, items, blinds, mode), engine)
      expect(blinded).toEqual(rows(vector.blinded))
      const { points, bad } = runLocally(blindEvaluate(computing, pair.secretKey, blinded), engine)
      expect(bad).toBe(-1)
      expect(points).toEqual(rows(vector.evaluated))
      expect(runLocally(finalize(computing, items, blinds, points), engine).outputs).toEqual(rows(vector.outputs))
      expect(runLocally(evaluate(computing, items, pair.secretKey, mode), engine)).toEqual(rows(vector.outputs))
      if (vector.proof === undefined) continue
      const nonce = hexToBytes(vector.nonce!)
      expect(runLocally(prove(computing, pair, blinded, points, nonce), engine)).toEqual(hexToBytes(vector.proof))
      expect(runLocally(verify(computing, pair.publicKey, blinded, points, hexToBytes(vector.proof)), engine)).toBe(
        true,
      )
    }
  })
})

it('equals @noble/curves on random inputs', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (input, seed) => {
      const pair = deriveKeyPair(seed, new Uint8Array())
      const output = runLocally(evaluate(computing, itemsOf([input]), pair.secretKey), best)
      expect(output).toEqual(nobleOutput(pair, input))
    }),
    { numRuns: 20 },
  )
})

const nobleOutput = (pair: ReturnType<typeof deriveKeyPair>, input: Uint8Array): Uint8Array => {
  const client = ristretto255_oprf.voprf.blind(input)
  const { evaluated, proof } = ristretto255_oprf.voprf.blindEvaluate(pair.secretKey, pair.publicKey, client.blinded)
  return ristretto255_oprf.voprf.finalize(input, client.blind, evaluated, client.blinded, pair.publicKey, proof)
}

describe('a proof', () => {
  const pair = deriveKeyPair(new Uint8Array(32).fill(1), new Uint8Array())
  const other = deriveKeyPair(new Uint8Array(32).fill(2), new Uint8Array())
  const items = itemsOf(['a', 'b', 'c'])
  const blinds = concatBytes(...[5n, 6n, 7n].map(encodeScalar))
  const blinded = runLocally(blind(computing, items, blinds), best)
  const { points } = runLocally(blindEvaluate(computing, pair.secretKey, blinded), best)
  const nonce = encodeScalar(9n)
  const proof = runLocally(prove(computing, pair, blinded, points, nonce), best)
  const holds = (key: Uint8Array, theirs: Uint8Array, made: Uint8Array): boolean =>
    runLocally(verify(computing, key, blinded, theirs, made), best)

  it('is of this key, these elements in this order, and no other', () => {
    expect(holds(pair.publicKey, points, proof)).toBe(true)
    expect(holds(other.publicKey, points, proof)).toBe(false)
    const swapped = concatBytes(points.subarray(32, 64), points.subarray(0, 32), points.subarray(64))
    expect(holds(pair.publicKey, swapped, proof)).toBe(false)
    const one = runLocally(blindEvaluate(computing, other.secretKey, blinded), best).points
    expect(holds(pair.publicKey, concatBytes(points.subarray(0, 64), one.subarray(64)), proof)).toBe(false)
    for (const byte of [0, 31, 32, 63]) {
      const changed = proof.slice()
      changed[byte]! ^= 1
      expect(holds(pair.publicKey, points, changed)).toBe(false)
    }
    expect(holds(pair.publicKey, points, new Uint8Array(64))).toBe(false)
    expect(holds(pair.publicKey, points, new Uint8Array(64).fill(255))).toBe(false)
    expect(holds(new Uint8Array(32), points, proof)).toBe(false)
    expect(holds(pair.publicKey, concatBytes(new Uint8Array(32), points.subarray(32)), proof)).toBe(false)
  })
})

it('inverts scalars', () => {
  const values = [1n, 2n, order - 1n, 12345678901234567890n]
  const inverses = invertScalars(concatBytes(...values.map(encodeScalar)))
  values.forEach((value, i) => {
    let inverse = 0n
    for (let k = 31; k >= 0; k--) inverse = (inverse << 8n) | BigInt(inverses[32 * i + k]!)
    expect((value * inverse) % order).toBe(1n)
  })
  expect(invertScalars(new Uint8Array())).toEqual(new Uint8Array())
  expect(rngOf('x').bytes(2).length).toBe(2)
})
