/** What a partner sends: 1,000 malformed ciphertexts and keys, each refused before any kernel has it. */
import { concatBytes, createRng } from '@tallystick/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePublicKey } from '../src/keys.ts'
import { ringFor } from '../src/parameters.ts'
import { pack, packedBytes, unpack } from '../src/wire.ts'

const ring = ringFor(17, 60, 4096)!
const { degree, data } = ring
const rng = createRng(new Uint8Array(32).fill(7))
const residues = new BigUint64Array(rng.bytes(16 * data.length * degree).buffer).map(
  (word, i) => word % data[Math.floor(i / degree) % data.length]!,
)
const ciphertext = pack(degree, data, residues)
const key = concatBytes(new Uint8Array(32), ciphertext.subarray(0, packedBytes(degree, data, 1)))

/** Bytes of the residue at a place, all primes being of one width here, set to a value. */
const width = packedBytes(degree, data, 1) / (data.length * degree)
const replaced = (bytes: Uint8Array, from: number, place: number, value: bigint): Uint8Array => {
  const out = bytes.slice()
  for (let i = 0; i < width; i++) out[from + place * width + i] = Number((value >> BigInt(8 * i)) & 255n)
  return out
}

const most = (1n << BigInt(8 * width)) - 1n
/** Another length, or a residue from its prime up to the most that its bytes hold. */
const damage = fc.oneof(
  fc.record({ length: fc.integer({ min: 0, max: 2 * ciphertext.length }) }),
  fc.record({ longer: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ shorter: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ place: fc.nat(degree * data.length - 1), above: fc.oneof(fc.constant(0n), fc.bigInt(0n, most)) }),
  fc.record({ place: fc.nat(degree * data.length - 1), full: fc.constant(true) }),
)

const damaged = (bytes: Uint8Array, from: number, how: Record<string, unknown>): Uint8Array => {
  const resized = (length: number): Uint8Array => {
    const out = new Uint8Array(Math.max(0, length === bytes.length ? length + 1 : length))
    out.set(bytes.subarray(0, out.length))
    return out
  }
  if ('length' in how) return resized(how['length'] as number)
  if ('longer' in how) return resized(bytes.length + (how['longer'] as number))
  if ('shorter' in how) return resized(bytes.length - (how['shorter'] as number))
  const place = how['place'] as number
  const q = data[Math.floor(place / degree)]!
  const above = q + ((how['above'] as bigint | undefined) ?? most)
  return replaced(bytes, from, place, above > most ? most : above)
}

const refusal = expect.objectContaining({ code: 'peer/misbehaved', blame: { peer: 'client' } })

test('500 malformed ciphertexts and 500 malformed keys are refused, whose residues or length are wrong', () => {
  fc.assert(
    fc.property(damage, (how) => {
      expect(() => unpack(degree, data, 2, damaged(ciphertext, 0, how), 'client')).toThrow(refusal)
      expect(() => parsePublicKey(damaged(key, 32, how), ring, 'client')).toThrow(refusal)
    }),
    { numRuns: 500 },
  )
})

test('what is well formed comes back as it was', () => {
  expect(unpack(degree, data, 2, ciphertext, 'client')).toEqual(residues)
  expect(parsePublicKey(key, ring, 'client').first).toEqual(residues.slice(0, data.length * degree))
  const extreme = residues.map((_, i) => [0n, data[Math.floor(i / degree) % data.length]! - 1n][i % 2]!)
  expect(unpack(degree, data, 2, pack(degree, data, extreme), 'client')).toEqual(extreme)
})
