import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bytesToUtf8,
  compareBytes,
  equalBytes,
  fromHex,
  readU32,
  TallyError,
  toHex,
  u32,
  u64,
  utf8ToBytes,
} from '@tallystick/core'

describe('bytes', () => {
  it('go to hex and back', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(toHex(bytes)).toBe(`0x${Buffer.from(bytes).toString('hex')}`)
      expect(fromHex(toHex(bytes), bytes.length)).toEqual(bytes)
    })
    fc.assert(property, { seed: 1 })
  })
  it.each(['', '0', '0x0', 'ab', '0xAB', '0x0g', '0x ab', '0xab\n', ' 0xab'])('refuse the hex %j', (hex) => {
    expect(() => fromHex(hex)).toThrow(expect.objectContaining({ code: 'decode/malformed' }))
  })
  it('refuse hex of another length', () => {
    expect(() => fromHex('0xabcd', 1)).toThrow('expected 0x and 1 bytes')
  })
  it('compare as Buffer.compare does', () => {
    const short = fc.uint8Array({ maxLength: 4, max: 2 })
    const property = fc.property(short, short, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b))
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
    })
    fc.assert(property, { numRuns: 500, seed: 1 })
  })
  it('write integers big-endian', () => {
    expect(u32(0x01020304)).toEqual(Uint8Array.of(1, 2, 3, 4))
    expect(u64(2 ** 53 - 1)).toEqual(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255))
    expect(readU32(Uint8Array.of(9, 0xff, 2, 3, 4), 1)).toBe(0xff020304)
  })
  it.each([-1, 1.5, 2 ** 32, NaN])('refuse to write %d in 32 bits', (value) => {
    expect(() => u32(value)).toThrow(TallyError)
  })
  it.each([-1, 1.5, 2 ** 53, NaN])('refuse to write %d in 64 bits', (value) => {
    expect(() => u64(value)).toThrow(TallyError)
  })
  it('refuse what is no UTF-8, and keep a byte order mark', () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      expect(() => bytesToUtf8(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'decode/malformed' }))
    }
    expect(bytesToUtf8(utf8ToBytes('\ufeffa'))).toBe('\ufeffa')
  })
})
