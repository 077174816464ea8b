import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalBytes, canonicalJson, parseCanonical, TallyError, utf8ToBytes } from '@tallystick/core'

const code = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof TallyError) return error.code
    throw error
  }
  return 'none'
}

/** IEEE 754 bits and the text of the number: RFC 8785, appendix B. */
const numbers: readonly (readonly [bits: string, text: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
]

describe('canonical JSON (RFC 8785)', () => {
  it.each(numbers)('writes the number %s of appendix B', (bits, text) => {
    const view = new DataView(new ArrayBuffer(8))
    view.setBigUint64(0, BigInt(`0x${bits}`))
    expect(canonicalJson(view.getFloat64(0))).toBe(text)
  })
  it.each(['7fffffffffffffff', '7ff0000000000000'])('refuses the number %s of appendix B', (bits) => {
    const view = new DataView(new ArrayBuffer(8))
    view.setBigUint64(0, BigInt(`0x${bits}`))
    expect(code(() => canonicalJson(view.getFloat64(0)))).toBe('decode/non-canonical')
  })
  it('sorts the keys of section 3.2.3 by UTF-16 units', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    const order = [...canonicalJson(value).matchAll(/:"([^"]*)"/g)].map(([, text]) => text)
    expect(order).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })
  it('writes the example of section 3.2.4 in its bytes', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    }
    const text =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    expect(canonicalBytes(value)).toEqual(utf8ToBytes(text))
  })
  it('reads exactly what it writes', () => {
    const property = fc.property(fc.jsonValue(), (value) => {
      const bytes = canonicalBytes(value)
      expect(canonicalBytes(parseCanonical(bytes))).toEqual(bytes)
    })
    fc.assert(property, { numRuns: 500, seed: 1 })
  })
  it('reads nothing else', () => {
    const others = [
      '{"a":1,"a":2}',
      '{"b":1,"a":2}',
      '{ "a":1}',
      '[1, 2]',
      '1.0',
      '1E2',
      '-0',
      '"\\u0041"',
      '"\\/"',
      '\ufeff1',
      '1\n',
      '',
      'nul',
      '"\\ud800"',
      '01',
    ]
    for (const text of others)
      expect([text, code(() => parseCanonical(utf8ToBytes(text)))]).toEqual([text, 'decode/non-canonical'])
    expect(code(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('decode/non-canonical')
    expect(code(() => parseCanonical(Uint8Array.of(0x22, 0xc0, 0x80, 0x22)))).toBe('decode/non-canonical')
  })
  it('refuses what JSON cannot say, and depth without bound', () => {
    const holes: unknown[] = [1]
    holes.length = 3
    const unsayable = [
      undefined,
      NaN,
      1n,
      () => 1,
      Symbol('s'),
      new Date(0),
      new Map(),
      holes,
      '\ud800',
      { '\ud800': 1 },
    ]
    for (const value of [...unsayable, { a: undefined }, [undefined], Uint8Array.of(1)]) {
      expect(code(() => canonicalJson(value))).toBe('decode/non-canonical')
    }
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    expect(code(() => parseCanonical(utf8ToBytes(deep(100))))).toBe('none')
    expect(code(() => parseCanonical(utf8ToBytes(deep(200))))).toBe('decode/non-canonical')
    expect(code(() => parseCanonical(utf8ToBytes(deep(1_000_000))))).toBe('decode/non-canonical')
  })
})
