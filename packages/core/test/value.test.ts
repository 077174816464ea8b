import { decodeValue, encodeValue, toHex, type Value } from '@tallystick/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const numberArray = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float64Array({ noNaN: true }),
  fc.bigUint64Array(),
  fc.bigInt64Array(),
)
const text = fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed())
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt(),
    text,
    numberArray,
    fc.array(tie('value')),
    fc.dictionary(text, tie('value')),
  ),
}))

describe('plain values', () => {
  it('decode to what was encoded, and encode alike again', () => {
    fc.assert(
      fc.property(value, (original) => {
        const bytes = encodeValue(original)
        const back = decodeValue(bytes)
        expect(back).toEqual(original)
        expect(toHex(encodeValue(back))).toBe(toHex(bytes))
      }),
    )
  })

  it('keep what looks alike apart', () => {
    const values: Value[] = [
      null,
      undefined,
      false,
      0,
      -0,
      0n,
      '',
      '0',
      [],
      {},
      [[]],
      [null],
      { a: [] },
      { a: {} },
      new Uint8Array(0),
      new Uint32Array(0),
      new Uint8Array(4),
      new Uint32Array(1),
      [0, 0],
      ['ab', 'c'],
      ['a', 'bc'],
    ]
    expect(new Set(values.map((v) => toHex(encodeValue(v)))).size).toBe(values.length)
  })

  it('do not depend on the order in which keys were set', () => {
    expect(encodeValue({ a: 1, b: 2, ä: 3 })).toEqual(encodeValue({ ä: 3, b: 2, a: 1 }))
  })

  it('keep a key named __proto__ as an own key', () => {
    const original = JSON.parse('{"__proto__": 7}') as Value
    expect(Object.keys(decodeValue(encodeValue(original)) as object)).toEqual(['__proto__'])
  })

  it.each([
    ['NaN', { a: [Number.NaN] }],
    ['a class', { a: new Date(0) }],
    ['a map', new Map()],
    ['a function', () => 1],
    ['a lone surrogate', '\ud800'],
  ])('refuses %s', (_, bad) => {
    expect(() => encodeValue(bad as unknown as Value)).toThrow(expect.objectContaining({ code: 'api/misuse' }))
  })

  it('accepts no bytes but its own images', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (original, at, flip) => {
        const bytes = encodeValue(original)
        const changed = bytes.slice()
        changed[at % bytes.length]! ^= flip
        let back: Value
        try {
          back = decodeValue(changed)
        } catch {
          return
        }
        expect(toHex(encodeValue(back))).toBe(toHex(changed))
      }),
      { numRuns: 500 },
    )
    expect(() => decodeValue(Uint8Array.of(0, 0))).toThrow(expect.objectContaining({ code: 'decode/trailing' }))
    expect(() => decodeValue(Uint8Array.of())).toThrow(expect.objectContaining({ code: 'decode/malformed' }))
    expect(() => decodeValue(Uint8Array.of(6, 255, 255, 255, 255))).toThrow(/expected/)
  })
})
