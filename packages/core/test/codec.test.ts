import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixedBytes, flatRows, flatWords32, json, TallyError, words32, type Codec, type Json } from '@tallystick/core'

const codecs: Record<string, Codec<any>> = {
  'fixedBytes(5)': fixedBytes(5),
  'flatRows(3, 4)': flatRows(3, 4),
  'words32(2)': words32(2),
  'flatWords32(3)': flatWords32(3),
  'json(12)': json(12, (value: Json) => value),
}

describe.each(Object.entries(codecs))('%s', (_, codec) => {
  it('accepts exactly the images of encode; all else is a typed error of the area decode', () => {
    let accepted = 0
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: codec.maxBytes + 8 }),
      fc.uint8Array({ minLength: codec.maxBytes, maxLength: codec.maxBytes }),
      fc.json({ maxDepth: 1 }).map((text) => new Uint8Array(Buffer.from(text))),
    )
    const property = fc.property(frames, (bytes) => {
      try {
        const value = codec.decode(Uint8Array.from(bytes))
        accepted++
        expect(codec.encode(value)).toEqual(bytes)
        expect(bytes.length).toBeLessThanOrEqual(codec.maxBytes)
      } catch (error) {
        if (!(error instanceof TallyError) || error.area !== 'decode') throw error
      }
    })
    fc.assert(property, { numRuns: 5000, seed: 1 })
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('codecs', () => {
  it.each([
    [fixedBytes(4), new Uint8Array(3), 'decode/truncated'],
    [fixedBytes(4), new Uint8Array(5), 'decode/trailing'],
    [flatRows(4, 2), new Uint8Array(12), 'decode/oversize'],
    [flatRows(4, 2), new Uint8Array(6), 'decode/truncated'],
    [words32(1), new Uint8Array(0), 'decode/truncated'],
    [words32(1), new Uint8Array(8), 'decode/trailing'],
    [flatWords32(1), new Uint8Array(8), 'decode/oversize'],
    [flatWords32(2), new Uint8Array(7), 'decode/truncated'],
  ])('%# name what is wrong', (codec, bytes, code) => {
    expect(() => codec.decode(bytes)).toThrow(expect.objectContaining({ code }))
  })
  it('blame the calling code for a value that has no encoding', () => {
    const attempts = [
      () => fixedBytes(4).encode(new Uint8Array(3)),
      () => flatRows(4, 2).encode(new Uint8Array(12)),
      () => flatRows(4, 2).encode(new Uint8Array(3)),
      () => words32(1).encode(new Uint32Array(2)),
      () => flatWords32(1).encode(new Uint32Array(2)),
      () => json(2, (value) => value).encode('long'),
    ]
    for (const attempt of attempts) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'api/misuse', blame: 'self' }))
    }
  })
  it('read words from the middle of a larger buffer, of any kind and alignment', () => {
    const words = Uint32Array.of(1, 0xffff_ffff)
    const pooled = Buffer.concat([Buffer.of(9), Buffer.from(words.buffer), Buffer.of(9)]).subarray(1, 9)
    expect(words32(2).decode(pooled)).toEqual(words)
    expect(flatWords32(2).decode(pooled)).toEqual(words)
    expect(words32(1).encode(words.subarray(1))).toEqual(new Uint8Array(4).fill(255))
  })
})
