import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSealer, segmentKeys, tagBytes, unseal } from '../../src/node/journal-seal.ts'

const headerBytes = 12
const keys = segmentKeys(randomBytes(32))

interface Sealed {
  readonly header: Uint8Array
  readonly tagBefore: Uint8Array
  readonly position: number
  readonly body: Uint8Array
  readonly tag: Uint8Array
}

const sealAll = (plains: readonly Uint8Array[]): readonly Sealed[] => {
  const sealer = createSealer(keys, headerBytes, 40_000)
  const target = Buffer.alloc(50_000)
  let tagBefore: Uint8Array = new Uint8Array(tagBytes)
  let position = 0
  return plains.map((plain, i) => {
    const header = new Uint8Array(headerBytes).fill(i)
    const end = sealer.seal(header, tagBefore, plain, target, 3)
    expect(end).toBe(3 + headerBytes + plain.length + tagBytes)
    expect(target.subarray(3, 3 + headerBytes)).toEqual(Buffer.from(header))
    const body = Uint8Array.from(target.subarray(3 + headerBytes, end - tagBytes))
    const tag = Uint8Array.from(target.subarray(end - tagBytes, end))
    const sealed = { header, tagBefore, position, body, tag }
    tagBefore = tag
    position += plain.length
    return sealed
  })
}

const open = (entry: Sealed, changes: Partial<Sealed> = {}): Buffer | undefined => {
  const { header, tagBefore, position, body, tag } = { ...entry, ...changes }
  return unseal(keys, header, tagBefore, position, body, tag)
}

/** Small ones, and such as begin in what is there of the key stream and end in a call of the cipher. */
const plain = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.integer({ min: 3000, max: 40_000 }).map((length) => new Uint8Array(length).fill(length)),
)

describe('entries of a segment', () => {
  test('open to what was sealed, and are one key stream under HMAC-SHA-256', () => {
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 12 }), (plains) => {
        const entries = sealAll(plains)
        expect(entries.map((entry) => Uint8Array.from(open(entry)!))).toEqual(plains)
        const whole = createCipheriv('aes-256-ctr', keys.cipher, Buffer.alloc(16)).update(Buffer.concat(plains))
        expect(Buffer.concat(entries.map(({ body }) => body))).toEqual(whole)
        for (const { header, position, tagBefore, body, tag } of entries) {
          const place = Buffer.alloc(8)
          place.writeBigUInt64BE(BigInt(position))
          const mac = createHmac('sha256', keys.mac)
            .update(Buffer.concat([header, place, tagBefore, body]))
            .digest()
          expect(Buffer.from(tag)).toEqual(mac.subarray(0, tagBytes))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('do not open changed, elsewhere, or after another entry', () => {
    const [first, second] = sealAll([randomBytes(40), randomBytes(40)])
    const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    expect(open(second!)).toBeDefined()
    for (let i = 0; i < 40; i++) expect(open(second!, { body: flip(second!.body, i) })).toBeUndefined()
    for (let i = 0; i < tagBytes; i++) {
      expect(open(second!, { tag: flip(second!.tag, i) })).toBeUndefined()
      expect(open(second!, { tagBefore: flip(second!.tagBefore, i) })).toBeUndefined()
    }
    for (let i = 0; i < headerBytes; i++) expect(open(second!, { header: flip(second!.header, i) })).toBeUndefined()
    expect(open(second!, { position: 0 })).toBeUndefined()
    expect(open(first!, { position: 40 })).toBeUndefined()
    expect(open(second!, { tagBefore: first!.tagBefore })).toBeUndefined()
    expect(open(first!, { body: first!.body.subarray(0, 39) })).toBeUndefined()
  })

  test('of one plaintext are not the same bytes', () => {
    const [first, second] = sealAll([new Uint8Array(32), new Uint8Array(32)])
    expect(first!.body).not.toEqual(second!.body)
  })
})
