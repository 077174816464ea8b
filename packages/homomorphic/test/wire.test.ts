/** What a partner sends: 1,000 malformed ciphertexts and keys, each refused before any kernel has it. */
import { concatBytes, createRng } from '@tallystick/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { contextOf, decodeFrame, encodeFrame, headerBytes, type FrameShape } from '../src/frames.ts'
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

const context = contextOf(ring, new Uint8Array(32))
const whole = { ring, context, index: 3 }
/** Every kind of frame, with its residues. */
const shapes: readonly FrameShape[] = [
  { ...whole, kind: 'public-key', components: 1, level: data.length },
  { ...whole, kind: 'switch-key', components: 1, level: ring.moduli.length },
  { ...whole, kind: 'seeded', components: 1, level: data.length },
  { ...whole, kind: 'ciphertext', components: 2, level: data.length },
  { ...whole, kind: 'result', components: 2, level: 1 },
]
const residuesOf = ({ kind, components, level }: FrameShape): BigUint64Array => {
  const moduli = kind === 'switch-key' ? ring.moduli : data.subarray(0, level)
  return BigUint64Array.from(
    { length: components * moduli.length * degree },
    (_, i) => moduli[Math.floor(i / degree) % moduli.length]! - 1n - BigInt(i % 1000),
  )
}
const frames = shapes.map((shape) => encodeFrame(shape, residuesOf(shape)))
const others: readonly Partial<FrameShape>[] = [
  { context: contextOf(ring, new Uint8Array(32).fill(1)) },
  { context: contextOf({ ...ring, plainModulus: ring.plainModulus + 2n }, new Uint8Array(32)) },
  { index: 4 },
]

test('1,000 malformed frames of keys, switching keys, ciphertexts and results are refused', () => {
  const from = fc.nat(shapes.length - 1)
  const byte = fc.record({ place: fc.nat(headerBytes - 1), flip: fc.integer({ min: 1, max: 255 }) })
  const hurt = fc.oneof(
    byte,
    fc.record({ length: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({ swapped: from }),
    fc.record({ other: fc.nat(others.length - 1) }),
    // All bits of a residue set: no prime is as large.
    fc.record({ residue: fc.nat(1000) }),
  )
  fc.assert(
    fc.property(from, hurt, (kind, how) => {
      const [shape, frame] = [shapes[kind]!, frames[kind]!]
      let bytes: Uint8Array = frame.slice()
      let asked = shape
      if ('place' in how) bytes[how.place]! ^= how.flip
      else if ('length' in how) {
        bytes = new Uint8Array(how.length === frame.length ? how.length + 1 : how.length)
        bytes.set(frame.subarray(0, bytes.length))
      } else if ('swapped' in how) bytes = frames[how.swapped === kind ? (kind + 1) % shapes.length : how.swapped]!
      else if ('other' in how) asked = { ...shape, ...others[how.other] }
      else bytes.fill(255, headerBytes + how.residue * width, headerBytes + (how.residue + 1) * width)
      expect(() => decodeFrame(asked, bytes, 'client')).toThrow(refusal)
    }),
    { numRuns: 1000, seed: 11 },
  )
  shapes.forEach((shape, i) => expect(decodeFrame(shape, frames[i]!, 'client')).toEqual(residuesOf(shape)))
})

test('what is well formed comes back as it was', () => {
  expect(unpack(degree, data, 2, ciphertext, 'client')).toEqual(residues)
  expect(parsePublicKey(key, ring, 'client').first).toEqual(residues.slice(0, data.length * degree))
  const extreme = residues.map((_, i) => [0n, data[Math.floor(i / degree) % data.length]! - 1n][i % 2]!)
  expect(unpack(degree, data, 2, pack(degree, data, extreme), 'client')).toEqual(extreme)
})
