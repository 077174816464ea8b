import { createCipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRng, deriveKey, taggedDigest, taggedMac, toHex, u32, utf8ToBytes } from '@tallystick/core'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))

/** The key stream of RFC 8439 from OpenSSL: counter and nonce make its 16-byte iv. */
const openssl = (key: Uint8Array, nonce: Uint8Array, counter: number, length: number): Uint8Array => {
  const iv = Buffer.alloc(16)
  iv.writeUInt32LE(counter)
  iv.set(nonce, 4)
  return new Uint8Array(createCipheriv('chacha20', key, iv).update(Buffer.alloc(length)))
}

/** The stream as the header of random.ts defines it. */
const expected = (seed: Uint8Array, length: number): Uint8Array => {
  const chunks = Array.from({ length: Math.ceil(length / 4096) }, (_, i) => {
    const nonce = Buffer.alloc(12)
    nonce.writeBigUInt64BE(BigInt(i), 4)
    return openssl(seed, nonce, 0, 4096)
  })
  return new Uint8Array(Buffer.concat(chunks).subarray(0, length))
}

const tagged = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [u32(part.length), Buffer.from(part as string)]))

describe('the Rng', () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
  it('has the key stream of RFC 8439: OpenSSL agrees with section 2.3.2', () => {
    const block = openssl(seed, hex('000000090000004a00000000'), 1, 64)
    expect(toHex(block)).toBe(
      '0x10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
        'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e',
    )
  })
  it('is that key stream, whatever the lengths of the draws', () => {
    const reference = expected(seed, 20_000)
    expect(createRng(seed).bytes(20_000)).toEqual(reference)
    const property = fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 6 }), (lengths) => {
      const rng = createRng(seed)
      const drawn = Buffer.concat(lengths.map((length) => rng.bytes(length)))
      const total = lengths.reduce((sum, length) => sum + length, 0)
      expect(new Uint8Array(drawn)).toEqual(expected(seed, total))
      expect(rng.drawn).toBe(total)
    })
    fc.assert(property, { numRuns: 50, seed: 1 })
  })
  it('forks by HMAC, each label apart from its siblings and its parent', () => {
    const child = createHmac('sha256', seed).update(tagged('tallystick/rng-fork/v1', 'left')).digest()
    expect(createRng(seed).fork('left').bytes(64)).toEqual(expected(child, 64))
    const root = createRng(seed)
    const first = root.fork('left').bytes(16)
    root.bytes(100)
    expect(root.fork('left').bytes(16)).toEqual(first)
    const heads = [root.fork('right'), root.fork('left').fork('left'), createRng(seed)].map((rng) =>
      toHex(rng.bytes(16)),
    )
    expect(new Set([toHex(first), ...heads]).size).toBe(4)
  })
  it('counts the draws of its forks as its own', () => {
    const root = createRng(seed)
    const fork = root.fork('a')
    root.bytes(3)
    fork.bytes(5)
    fork.fork('b').bytes(7)
    expect([root.drawn, fork.drawn]).toEqual([15, 12])
  })
  it('copies its seed and refuses another length', () => {
    const mine = Uint8Array.from(seed)
    const rng = createRng(mine)
    mine.fill(0)
    expect(rng.bytes(8)).toEqual(expected(seed, 8))
    expect(() => createRng(new Uint8Array(31))).toThrow('32 bytes')
  })
})

describe('digests', () => {
  it('are SHA-256 and HMAC-SHA256 over lengths and parts', () => {
    const parts = ['tallystick/x/v1', Uint8Array.of(1, 2), 'naïve']
    const encoded = tagged(parts[0]!, parts[1]!, utf8ToBytes('naïve'))
    const digest = createHash('sha256').update(encoded).digest()
    expect(taggedDigest('tallystick/x/v1', Uint8Array.of(1, 2), 'naïve')).toEqual(new Uint8Array(digest))
    const mac = createHmac('sha256', Uint8Array.of(9)).update(encoded).digest()
    expect(taggedMac(Uint8Array.of(9), 'tallystick/x/v1', Uint8Array.of(1, 2), 'naïve')).toEqual(new Uint8Array(mac))
  })
  it('tell any two lists of parts apart', () => {
    const lists = [[], [''], ['', ''], ['ab'], ['a', 'b'], ['', 'ab'], ['ab', ''], ['a'], ['b', 'a']]
    const digests = lists.flatMap((list) => [toHex(taggedDigest('t', ...list)), toHex(taggedDigest('u', ...list))])
    expect(new Set(digests).size).toBe(2 * lists.length)
  })
  it('derive keys by HKDF (RFC 5869) with a tagged context, as node:crypto does', () => {
    const [material, salt, context] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4), Uint8Array.of(5, 6)]
    for (const length of [16, 32, 100]) {
      const info = taggedDigest('tallystick/key/v1', context)
      const reference = new Uint8Array(hkdfSync('sha256', material, salt, info, length))
      expect(deriveKey(material, salt, 'tallystick/key/v1', context, length)).toEqual(reference)
    }
  })
  it('have HKDF as in test case 1 of RFC 5869, by way of node:crypto', () => {
    const okm = hkdfSync(
      'sha256',
      Buffer.alloc(22, 0x0b),
      hex('000102030405060708090a0b0c'),
      hex('f0f1f2f3f4f5f6f7f8f9'),
      42,
    )
    expect(Buffer.from(okm).toString('hex')).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
  })
})
