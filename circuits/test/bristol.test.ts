import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createBuilder,
  evaluate,
  libraryCircuit,
  readBristol,
  simplify,
  statistics,
  writeBristol,
  type Circuit,
  type Wire,
} from '@tallystick/circuits'

/** As other programs write it: spaces at the ends of lines, empty lines, CRLF, outputs read by later gates. */
const fullAdder =
  '5 8\r\n3 1 1 1 \r\n1 2 \r\n\r\n2 1 0 1 3 XOR\r\n2 1 3 2 6 XOR\r\n\t2 1 0 1 4 AND\r\n2 1 3 2 5 AND\r\n2 1 4 5 7 XOR\r\n\r\n\r\n'

/** Every gate kind, MAND of two pairs, wires numbered out of order. Outputs: a∧b, c∧d, ¬(a⊕d), 1, a, 0. */
const everyGate = `
8 15
2 2 2
3 2 1 3

2 1 0 3 8 XOR
1 1 1 5 EQ
4 2 0 2 1 3 9 10 MAND
1 1 8 11 INV
1 1 5 12 EQW
1 1 0 13 EQW
2 1 0 3 4 AND
1 1 0 14 EQ
`

describe('a file that others wrote', () => {
  it('adds three bits', () => {
    const circuit = readBristol(fullAdder)
    expect(statistics(circuit)).toEqual({ gates: 5, wires: 8, and: 2, xor: 3, inv: 0, andDepth: 1 })
    for (let n = 0; n < 8; n++) {
      const bits = [n & 1, (n >> 1) & 1, n >> 2]
      expect(evaluate(circuit, bits.map(BigInt))).toEqual([BigInt(bits[0]! + bits[1]! + bits[2]!)])
    }
  })
  it('may use every gate', () => {
    const circuit = readBristol(everyGate)
    expect(circuit.kinds.length).toBe(9)
    for (let n = 0; n < 16; n++) {
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => (n >> i) & 1) as [number, number, number, number]
      const expected = [(a & b) + 2 * (c & d), 1 - (a ^ d), 1 + 2 * a]
      for (const version of [circuit, simplify(circuit), readBristol(writeBristol(simplify(circuit)))]) {
        expect(evaluate(version, [BigInt(a + 2 * b), BigInt(c + 2 * d)])).toEqual(expected.map(BigInt))
      }
    }
  })
  it('may leave a wire without a value that nothing reads', () => {
    expect(evaluate(readBristol('1 5\n1 2\n1 1\n2 1 0 1 4 AND\n'), [3n])).toEqual([1n])
  })
})

describe('a file that is wrong', () => {
  const valid = '2 5\n2 1 1\n1 1\n\n2 1 0 1 2 XOR\n2 1 2 0 4 AND\n'
  const wrong: readonly (readonly [why: string, text: string, expected: string])[] = [
    ['nothing', '', 'line 1: expected a line with the number of gates and of wires, found the end of the file'],
    [
      'header of three',
      valid.replace('2 5', '2 5 1'),
      'line 1: expected the number of gates and of wires, found "2 5 1"',
    ],
    ['a name for a count', valid.replace('2 5', 'two 5'), 'line 1: expected a number of gates from 0 to'],
    ['a sign', valid.replace('2 5', '2 -5'), 'line 1: expected a number of wires from 1 to'],
    ['a leading zero', valid.replace('2 5', '02 5'), 'line 1: expected a number of gates'],
    ['too many wires', valid.replace('2 5', '2 999999999'), 'line 1: expected a number of wires from 1 to 134217728'],
    ['fewer widths', valid.replace('2 1 1', '2 1'), 'line 2: expected 2 widths of input values, found 1'],
    ['more widths', valid.replace('1 1\n\n', '1 1 1\n\n'), 'line 3: expected 1 widths of output values, found 2'],
    ['an empty value', valid.replace('1 1\n\n', '1 0\n\n'), 'line 3: expected a width of output value 0 from 1'],
    ['overlap', valid.replace('2 5', '2 2'), 'line 3: expected at most 2 wires in all'],
    ['a gate too few', valid.replace('2 5', '3 5'), 'line 7: expected gate 3 of 3, found the end of the file'],
    ['a gate too many', valid.replace('2 5', '1 5'), 'line 6: expected the end after 1 gates, found "2 1 2 0 4 AND"'],
    [
      'an unknown gate',
      valid.replace('AND', 'NAND'),
      'line 6: expected a gate XOR, AND, INV, EQ, EQW or MAND, found "NAND"',
    ],
    [
      'operands',
      valid.replace('2 1 2 0 4', '1 1 2 4'),
      'line 6: expected 2 operands and 1 results for AND, found 1 and 1',
    ],
    ['words', valid.replace('2 1 2 0 4', '2 1 2 4'), 'line 6: expected 6 words for AND, found 5'],
    [
      'an unset wire',
      valid.replace('2 1 2 0 4', '2 1 3 0 4'),
      'line 6: expected a wire that was assigned before, found wire 3',
    ],
    ['no such wire', valid.replace('2 1 2 0 4', '2 1 5 0 4'), 'line 6: expected a wire from 0 to 4, found "5"'],
    ['an input set', valid.replace('2 1 2 0 4', '2 1 2 0 1'), 'line 6: expected a wire without a value, found wire 1'],
    ['set twice', valid.replace('2 1 2 0 4', '2 1 2 0 2'), 'line 6: expected a wire without a value, found wire 2'],
    [
      'an unset output',
      valid.replace('2 1 2 0 4', '2 1 2 0 3'),
      'line 6: expected a value for every output, found none for wire 4',
    ],
    [
      'a constant of two',
      valid.replace('2 1 2 0 4 AND', '1 1 2 4 EQ'),
      'line 6: expected a constant from 0 to 1, found "2"',
    ],
    [
      'half a MAND',
      valid.replace('2 1 2 0 4 AND', '3 1 2 0 1 4 MAND'),
      'line 6: expected 2 operands and 1 results for MAND',
    ],
    [
      'more wires than its text can name',
      '0 134217728\n1 1\n1 1\n',
      'line 1: expected at most 65556 wires in a file of',
    ],
    ['more input wires', '0 134217728\n1 134217726\n1 1\n', 'line 1: expected at most 65564 wires in a file of'],
    ['more gates', '134217728 5\n1 1\n1 1\n', 'line 1: expected no more gates than the file has characters, 20'],
    ['the older format', '2 5\n1 1  1\n2 1 0 1 2 XOR\n', 'line 2: expected 1 widths of input values, found 2'],
  ]
  it.each(wrong)('%s', (_, text, expected) => {
    expect(() => readBristol(text)).toThrow(expect.objectContaining({ code: 'input/malformed', blame: 'self' }))
    expect(() => readBristol(text)).toThrow(expected)
  })
  it('is refused with a typed error, however it was changed', () => {
    const text = fc.tuple(
      fc.nat(valid.length),
      fc.nat(4),
      fc.string({ unit: fc.constantFrom(...'0123456789 \nANDXORINVEQW-'), maxLength: 4 }),
    )
    const property = fc.property(text, ([at, length, inserted]) => {
      const changed = valid.slice(0, at) + inserted + valid.slice(at + length)
      let circuit: Circuit
      try {
        circuit = readBristol(changed)
      } catch (error) {
        expect(error).toMatchObject({ code: 'input/malformed' })
        return
      }
      expect(readBristol(writeBristol(circuit))).toEqual(circuit)
    })
    fc.assert(property, { numRuns: 2000, seed: 1 })
  })
})

/** Any circuit of up to 40 gates over 6 inputs, through the builder, beside the same in plain Booleans. */
const anyCircuit = fc
  .array(fc.tuple(fc.nat(3), fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 40 })
  .map((steps) => {
    const b = createBuilder()
    const wires: Wire[] = [...b.input(4), ...b.input(2), 0 as Wire, 1 as Wire]
    const plain = (bits: readonly number[]): number[] => {
      const values = [...bits, 0, 1]
      for (const [kind, i, j] of steps) {
        const [x, y] = [values[i % values.length]!, values[j % values.length]!]
        values.push(kind === 0 ? x ^ y : kind === 1 ? x & y : kind === 2 ? 1 - x : x | y)
      }
      return values.slice(-5)
    }
    for (const [kind, i, j] of steps) {
      const [x, y] = [wires[i % wires.length]!, wires[j % wires.length]!]
      wires.push(kind === 0 ? b.xor(x, y) : kind === 1 ? b.and(x, y) : kind === 2 ? b.not(x) : b.or(x, y))
    }
    b.output(wires.slice(-5, -2))
    b.output(wires.slice(-2))
    return { circuit: b.build(), plain }
  })

describe('what the builder builds', () => {
  it('computes what was asked for, also after a round trip through a file', () => {
    const property = fc.property(anyCircuit, ({ circuit, plain }) => {
      const again = readBristol(writeBristol(circuit))
      expect(again).toEqual(circuit)
      expect(statistics(simplify(circuit)).and).toBeLessThanOrEqual(statistics(circuit).and)
      for (let n = 0; n < 64; n++) {
        const bits = Array.from({ length: 6 }, (_, i) => (n >> i) & 1)
        const values = plain(bits)
        const expected = [values.slice(0, 3), values.slice(3)].map((word) =>
          BigInt(word.reduceRight((sum, bit) => 2 * sum + bit, 0)),
        )
        for (const version of [again, simplify(circuit)]) {
          expect(evaluate(version, [BigInt(n & 15), BigInt(n >> 4)])).toEqual(expected)
        }
      }
    })
    fc.assert(property, { numRuns: 150, seed: 1 })
  })
  it('has no two gates that are the same, and none that no output needs', () => {
    const b = createBuilder()
    const [x, y, z] = b.input(3) as unknown as [Wire, Wire, Wire]
    b.and(y, z)
    b.output([b.and(x, y), b.and(y, x), b.not(b.xor(b.not(x), b.not(y))), b.xor(b.xor(x, y), y)])
    expect(statistics(b.build())).toMatchObject({ and: 1, xor: 1, inv: 1 })
  })
  it('folds constants', () => {
    const circuit = libraryCircuit('sha-256-8', 'size')
    expect(statistics(circuit).and).toBeLessThan(22_000)
    expect([...circuit.kinds].filter((kind) => kind > 2)).toEqual([])
  })
  it('refuses wires that are not its own, and inputs after gates', () => {
    const misuse = expect.objectContaining({ code: 'api/misuse' })
    const b = createBuilder()
    const [x, y] = b.input(2) as unknown as [Wire, Wire]
    expect(() => b.and(x, 99 as Wire)).toThrow(misuse)
    expect(() => b.build()).toThrow(misuse)
    b.and(x, y)
    expect(() => b.input(1)).toThrow(misuse)
    expect(() => evaluate(libraryCircuit('add-4'), [16n, 0n])).toThrow(misuse)
  })
})
