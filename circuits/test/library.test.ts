import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  circuitOf,
  evaluate,
  evaluateRows,
  integersToRows,
  libraryCircuit,
  product,
  rowsToIntegers,
  statistics,
  substitute,
  toPlanes,
  toRows,
  type Aim,
} from '@tallystick/circuits'

const aims: readonly Aim[] = ['size', 'depth']
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('slices', () => {
  it('go to planes and back, and plane i has bit i', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 70 }),
      (width, instances) => {
        const values = Array.from(
          { length: instances },
          (_, j) => (BigInt(j) * 0x9e3779b97f4a7c15f39cc0605n) % (1n << BigInt(width)),
        )
        const rows = integersToRows(values, width)
        const planes = toPlanes(rows, width, instances)
        const words = Math.ceil(instances / 32)
        for (const [i, j] of [
          [0, 0],
          [width - 1, instances - 1],
          [width >> 1, instances >> 1],
        ] as const) {
          expect((planes[i * words + (j >> 5)]! >>> (j & 31)) & 1).toBe(Number((values[j]! >> BigInt(i)) & 1n))
        }
        expect(toRows(planes, width, instances)).toEqual(rows)
        expect(rowsToIntegers(rows, width)).toEqual(values)
      },
    )
    fc.assert(property, { numRuns: 100, seed: 1 })
  })
})

/** Every pair of a batch at once: random numbers of all lengths, and the extremes. */
const samples = (width: number): readonly bigint[] => {
  const top = (1n << BigInt(width)) - 1n
  const extremes = [0n, 1n, 2n, top, top - 1n, top >> 1n, (top >> 1n) + 1n].map((x) => x & top)
  const random = Array.from(
    { length: 40 },
    (_, i) => (BigInt(`0x${randomBytes(32).toString('hex')}`) & top) >> BigInt(i % width),
  )
  return [...extremes, ...random]
}

const pairs = (width: number): [x: bigint, y: bigint][] => {
  const some = samples(width)
  return some.flatMap((x, i) =>
    some.filter((_, j) => (i * 7 + j) % 5 < 2 || i < 7).map((y): [bigint, bigint] => [x, y]),
  )
}

const check = (
  name: string,
  aim: Aim,
  width: number,
  operands: readonly bigint[][],
  expected: (operands: bigint[]) => bigint[],
): void => {
  const circuit = libraryCircuit(name, aim)
  const inputs = circuit.inputs.map((bits, i) =>
    integersToRows(
      operands.map((all) => all[i]!),
      bits,
    ),
  )
  const outputs = evaluateRows(circuit, inputs, operands.length).map((rows, i) =>
    rowsToIntegers(rows, circuit.outputs[i]!),
  )
  operands.forEach((all, row) => {
    expect(
      outputs.map((values) => values[row]!),
      `${name} ${all.join(' ')}`,
    ).toEqual(expected(all).map((x, i) => BigInt.asUintN(circuit.outputs[i]!, x)))
  })
  expect(width).toBeGreaterThan(0)
}

describe.each(aims)('arithmetic by %s equals the integers', (aim) => {
  it.each([1, 2, 3, 8, 13, 32, 64])('on %i bits', (width) => {
    const all = pairs(width)
    const signed = (x: bigint): bigint => BigInt.asIntN(width, x)
    const run = (name: string, expected: (x: bigint, y: bigint) => bigint[]): void =>
      check(`${name}-${width}`, aim, width, all, ([x, y]) => expected(x!, y!))
    run('add', (x, y) => [x + y])
    run('subtract', (x, y) => [x - y])
    run('multiply', (x, y) => [x * y])
    run('less', (x, y) => [x < y ? 1n : 0n])
    run('less-signed', (x, y) => [signed(x) < signed(y) ? 1n : 0n])
    run('equal', (x, y) => [x === y ? 1n : 0n])
    run('divide', (x, y) => (y === 0n ? [-1n, x] : [x / y, x % y]))
    check(
      `divide-signed-${width}`,
      aim,
      width,
      all.filter(([, y]) => y !== 0n),
      ([x, y]) => [signed(x!) / signed(y!), signed(x!) % signed(y!)],
    )
    check(
      `mux-${width}`,
      aim,
      width,
      all.map(([x, y]) => [x & 1n, x, y]),
      ([choice, x, y]) => [choice === 1n ? x! : y!],
    )
  })
})

describe.each(aims)('fixed point by %s', (aim) => {
  it.each([
    [32, 12],
    [64, 20],
    [16, 15],
    [8, 0],
  ] as const)('is exact in %i bits, %i of them fraction', (width, fraction) => {
    const signed = (x: bigint): bigint => BigInt.asIntN(width, x)
    const name = (operation: string): string => `fixed-${operation}-${width}-${fraction}`
    const shift = BigInt(fraction)
    check(name('multiply'), aim, width, pairs(width), ([x, y]) => [(signed(x!) * signed(y!)) >> shift])
    check(
      name('divide'),
      aim,
      width,
      pairs(width).filter(([, y]) => y !== 0n),
      ([x, y]) => [(signed(x!) << shift) / signed(y!)],
    )
    const positive = samples(width).filter((x) => signed(x) >= 0n)
    const [roots] = [libraryCircuit(name('square-root'), aim)]
    const rows = integersToRows(positive, width)
    rowsToIntegers(evaluateRows(roots, [rows], positive.length)[0]!, width).forEach((root, i) => {
      const square = positive[i]! << shift
      expect(root * root <= square && square < (root + 1n) * (root + 1n)).toBe(true)
    })
  })
})

describe('shifts', () => {
  it.each(['left', 'right'] as const)('%s by a secret distance', (direction) => {
    const circuit = circuitOf([16, 5], (b, x, distance) => [product.shift(b, x, distance, direction)])
    for (let distance = 0n; distance < 32n; distance++) {
      const x = 0xbeefn
      const expected = direction === 'left' ? (x << distance) & 0xffffn : x >> distance
      expect(evaluate(circuit, [x, distance])).toEqual([expected])
    }
  })
})

describe.each([
  ['size', 32, 6],
  ['depth', 34, 4],
] as const)('the S-box by %s', (aim, and, andDepth) => {
  const circuit = circuitOf([8], (b, x) => [substitute(b, x, aim)])
  it(`has ${and} AND gates, ${andDepth} deep`, () => expect(statistics(circuit)).toMatchObject({ and, andDepth }))
  it('is the affine map of the inverse (FIPS 197, section 5.1.1)', () => {
    const times = (x: number, y: number): number => {
      let product = 0
      for (let i = 0; i < 8; i++) if (((y >> i) & 1) === 1) product ^= x << i
      for (let i = 14; i >= 8; i--) if (((product >> i) & 1) === 1) product ^= 0x11b << (i - 8)
      return product
    }
    for (let x = 0; x < 256; x++) {
      let inverse = 1
      for (let i = 0; i < 254; i++) inverse = times(inverse, x)
      const rotated = [1, 2, 3, 4].map((by) => ((inverse << by) | (inverse >> (8 - by))) & 255)
      const expected = rotated.reduce((sum, y) => sum ^ y, inverse) ^ 0x63
      expect(evaluate(circuit, [BigInt(x)])).toEqual([BigInt(expected)])
    }
  })
})

describe.each(aims)('AES-128 by %s', (aim) => {
  const circuit = libraryCircuit('aes-128', aim)
  it('costs what it says', () => {
    expect(statistics(circuit)).toMatchObject(
      aim === 'size' ? { and: 6400, andDepth: 60 } : { and: 6800, andDepth: 40 },
    )
  })
  it.each([
    [
      'appendix B',
      '2b7e151628aed2a6abf7158809cf4f3c',
      '3243f6a8885a308d313198a2e0370734',
      '3925841d02dc09fbdc118597196a0b32',
    ],
    [
      'appendix C.1',
      '000102030405060708090a0b0c0d0e0f',
      '00112233445566778899aabbccddeeff',
      '69c4e0d86a7b0430d8cdb78070b4c55a',
    ],
  ])('gives the vector of FIPS 197, %s', (_, key, block, expected) => {
    expect(evaluateRows(circuit, [hex(key), hex(block)], 1)).toEqual([hex(expected)])
  })
  it('equals OpenSSL on a batch', () => {
    const instances = 70
    const [keys, blocks] = [randomBytes(16 * instances), randomBytes(16 * instances)]
    const expected = Array.from({ length: instances }, (_, i) =>
      createCipheriv('aes-128-ecb', keys.subarray(16 * i, 16 * i + 16), null).update(
        blocks.subarray(16 * i, 16 * i + 16),
      ),
    )
    expect(evaluateRows(circuit, [keys, blocks], instances)).toEqual([Uint8Array.from(Buffer.concat(expected))])
  })
})

describe.each(aims)('SHA-256 by %s', (aim) => {
  it.each([
    ['abc', 'ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61 d20638b8 e5c02693 0c3e6039 a33ce459 64ff2167 f6ecedd4 19db06c1',
    ],
  ])('gives the published vector for %s', (message, expected) => {
    const circuit = libraryCircuit(`sha-256-${8 * message.length}`, aim)
    expect(evaluateRows(circuit, [Uint8Array.from(Buffer.from(message))], 1)).toEqual([hex(expected)])
  })
  it.each(aim === 'size' ? [1, 55, 64] : [56])('equals OpenSSL on messages of %i bytes', (bytes) => {
    const rows = randomBytes(33 * bytes)
    const expected = Array.from({ length: 33 }, (_, i) =>
      createHash('sha256')
        .update(rows.subarray(bytes * i, bytes * (i + 1)))
        .digest(),
    )
    expect(evaluateRows(libraryCircuit(`sha-256-${8 * bytes}`, aim), [rows], 33)).toEqual([
      Uint8Array.from(Buffer.concat(expected)),
    ])
  })
})

describe('the catalogue', () => {
  it('says what it knows', () => {
    for (const name of [
      'add',
      'add-0',
      'add-257',
      'nand-4',
      'sha-256-12',
      'constructor',
      'add-8-2',
      'fixed-multiply-8-8',
      'toString-4',
    ]) {
      expect(() => libraryCircuit(name)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
    }
    expect(statistics(libraryCircuit('add-64', 'size'))).toMatchObject({ gates: 376, wires: 504, and: 63 })
    expect(statistics(libraryCircuit('sha-256-compress', 'size'))).toMatchObject({ and: 22_392, andDepth: 1607 })
    expect(statistics(libraryCircuit('sha-256-compress', 'depth')).andDepth).toBeLessThan(500)
  })
})
