/** The references against published vectors and independent implementations: noble, OpenSSL. */
import { randomBytes } from 'node:crypto'
import { ed25519, ed25519_hasher } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { utf8ToBytes } from '@tallystick/core'
import { describe, expect, it } from 'vitest'
import { curve25519Hash, curve25519Scale, tableIntersect } from '../src/index.ts'
import * as vectors from './vectors/curve25519.ts'
import { openssl } from './openssl.ts'
import { clamp, messages } from './samples.ts'

describe('curve25519/hash', () => {
  it('equals the vectors of RFC 9380', () => {
    const input = messages(vectors.hashToCurve.rows.map(([message]) => utf8ToBytes(message)))
    const out = curve25519Hash.run({ ...input, dst: utf8ToBytes(vectors.hashToCurve.dst) })
    const expected = vectors.hashToCurve.rows.map(([, u]) => hexToBytes(u).toReversed())
    expected.forEach((row, i) => expect(out.slice(32 * i, 32 * i + 32)).toEqual(row))
  })

  it('equals the edwards25519 suite of noble on the Montgomery side, also with an oversize tag', () => {
    for (const dst of [utf8ToBytes('a tag'), utf8ToBytes('long '.repeat(60))]) {
      for (const length of [0, 1, 18, 63, 64, 127, 128, 129, 400]) {
        const message = randomBytes(length)
        const point = ed25519_hasher.hashToCurve(message, { DST: dst })
        const expected = ed25519.utils.toMontgomery(point.toBytes())
        expect(curve25519Hash.run({ dst, ...messages([message]) })).toEqual(expected)
      }
    }
  })
})

describe('curve25519/scale', () => {
  it('equals the vectors of RFC 7748, clamped by the caller', () => {
    for (const { scalar, u, product } of vectors.x25519) {
      const out = curve25519Scale.run({ scalar: clamp(hexToBytes(scalar)), points: hexToBytes(u) })
      expect(out).toEqual({ points: hexToBytes(product), bad: -1 })
    }
  })

  it('equals OpenSSL on random u: points of the curve and of its twist', () => {
    for (let i = 0; i < 20; i++) {
      const [scalar, u] = [clamp(randomBytes(32)), Uint8Array.from(randomBytes(32))]
      u[31]! &= 0x7f
      expect(curve25519Scale.run({ scalar, points: u }).points).toEqual(openssl(scalar, u))
    }
  })
})

describe('table/intersect', () => {
  it('gives the first equal row, or -1', () => {
    const left = Uint8Array.of(1, 1, 2, 2, 3, 3, 1, 2)
    const right = Uint8Array.of(3, 3, 1, 1, 9, 9, 1, 1)
    expect([...tableIntersect.run({ left, right, width: 2 })]).toEqual([1, -1, 0, -1])
    expect([...tableIntersect.run({ left, right: new Uint8Array(), width: 8 })]).toEqual([-1])
  })
})

it('a wrong shape is the mistake of the caller', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse', blame: 'self' })
  const dst = utf8ToBytes('a tag')
  const bytes = new Uint8Array(8)
  expect(() => curve25519Hash.run({ dst, bytes, offsets: Uint32Array.of(0, 9) })).toThrow(misuse)
  expect(() => curve25519Hash.run({ dst, bytes, offsets: Uint32Array.of(0, 5, 4) })).toThrow(misuse)
  expect(() => curve25519Hash.run({ dst, bytes, offsets: Uint32Array.of() })).toThrow(misuse)
  expect(() => curve25519Hash.run({ dst: new Uint8Array(), bytes, offsets: Uint32Array.of(0) })).toThrow(misuse)
  expect(() => curve25519Scale.run({ scalar: bytes, points: new Uint8Array(32) })).toThrow(misuse)
  expect(() => curve25519Scale.run({ scalar: new Uint8Array(32), points: new Uint8Array(33) })).toThrow(misuse)
  expect(() => tableIntersect.run({ left: bytes, right: bytes, width: 3 })).toThrow(misuse)
})
