/** Products from ciphertexts: bounds that are derived, extremes, shapes of matrices, and what a peer may send. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { createRng, taggedDigest } from '@tallystick/core'
import { bgvAnswer, bgvEncrypt, bgvKey, bgvOpen, bgvProducts, ternary } from '@tallystick/kernels'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { semi2kProgram, wordsOfIntegers, type Arithmetic, type Program, type Vectors } from '@tallystick/mpc'
import { innerLayoutOf } from '../src/bgv/inner.ts'
import { layoutOf } from '../src/bgv/matrices.ts'
import {
  checkCounts,
  degree,
  keep,
  mostBlocks,
  mostResults,
  mostTriples,
  noiseBound,
  parameters,
  type Kind,
} from '../src/bgv/parameters.ts'
import { integers, runShared, shared, type ProtocolOf } from './harness.ts'

const engine = await nodeEngine()
const run = <I, O>({ name }: { readonly name: string; run(input: I): O }, input: I): O =>
  engine[name]!(input as never) as O
const hash = (...parts: readonly Uint8Array[]): Uint8Array =>
  parts.reduce((digest, part) => digest.update(part), createHash('sha256')).digest()
const setting = { parties: 2, triples: 'bgv' } as const
const under: ProtocolOf = (program) => semi2kProgram(program, setting)
const kinds: readonly Kind[] = ['slots64', 'slots128', 'coefficients']

/** Miller-Rabin with bases that decide below 2^64. */
const isPrime = (q: bigint): boolean => {
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n
    for (let [e, x] = [exponent, base % q]; e > 0n; e >>= 1n, x = (x * x) % q) if (e & 1n) result = (result * x) % q
    return result
  }
  let [odd, twos] = [q - 1n, 0]
  for (; (odd & 1n) === 0n; odd >>= 1n) twos++
  return [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n].every((base) => {
    let x = power(base, odd)
    let witness = x !== 1n && x !== q - 1n
    for (let i = 1; i < twos && witness; i++) {
      x = (x * x) % q
      witness = x !== q - 1n
    }
    return !witness
  })
}
const product = (primes: Iterable<bigint>): bigint => [...primes].reduce((all, q) => all * q, 1n)
const log2 = (value: bigint): number => value.toString(2).length

it('has rings of 128 bits of security, room for the noise, and masks and floods that hide to 2^-40 in a whole run', () => {
  let leaked = 0
  for (const kind of kinds) {
    const { ring, limbs, maskBits, maskLimbs, floodBits, mostFill } = parameters[kind]
    const { moduli, plainModuli } = ring
    const slots = plainModuli[0] !== 0n
    for (const q of [...moduli, ...(slots ? plainModuli : [])]) {
      expect(isPrime(q), `${q}`).toBe(true)
      expect((q - 1n) % BigInt(2 * degree)).toBe(0n)
    }
    // HomomorphicEncryption.org: degree 8192, ternary secrets, 128 bits.
    expect(log2(product(moduli))).toBeLessThanOrEqual(218)
    expect(maskBits).toBeLessThanOrEqual(32 * maskLimbs)
    expect(mostFill).toBeLessThan(0.5)
    const numbers = slots ? mostTriples : mostResults
    const t = slots ? plainModuli[0]! : 1n << 64n
    // Triples are sums of two products, elements of products of matrices of so many.
    const blocks = kind === 'slots64' ? 2 : mostBlocks
    const noise = noiseBound(t, blocks, slots)
    leaked += (numbers * (slots ? plainModuli.length : 1) * Number(noise)) / 2 ** floodBits
    if (slots) {
      const most = BigInt(blocks) * ((1n << BigInt(32 * limbs)) - 1n) ** 2n
      expect(most + (1n << BigInt(maskBits))).toBeLessThan(product(plainModuli))
      leaked += (numbers * Number(most)) / 2 ** maskBits
    } else expect(maskBits).toBe(32 * limbs)
    // The flooded phase before it is brought down: a quarter of the modulus.
    expect(t * (noise + (1n << BigInt(floodBits - 1)))).toBeLessThan(product(moduli) / 4n)
  }
  expect(Math.log2(leaked)).toBeLessThan(-40)
})

it('refuses more products than masks and floods hide', () => {
  const unsupported = expect.objectContaining({ code: 'terms/unsupported' })
  expect(() => checkCounts({ triples: mostTriples, results: mostResults })).not.toThrow()
  expect(() => checkCounts({ triples: mostTriples + 1, results: 0 })).toThrow(unsupported)
  expect(() => checkCounts({ triples: 0, results: mostResults + 1 })).toThrow(unsupported)
})

/** What passes between the two ends for blocks of factors that are all 2^w - 1, and for one more bit of flood than fits. */
const extremes = (kind: Kind, floodBits: number) => {
  const { ring, limbs, maskLimbs, maskBits } = parameters[kind]
  const coins = (label: string): Uint8Array => taggedDigest('tallystick/test/v1', label)
  const rng = createRng(coins('secret'))
  const own = { secret: ternary((bytes) => rng.bytes(bytes), degree), publicSeed: coins('public') }
  const words = new Uint32Array(2 * degree * limbs).fill(0xffffffff)
  const key = run(bgvKey, { ...ring, ...own, coins: coins('key') })
  const packed = run(bgvEncrypt, { ...ring, ...own, coins: coins('errors'), first: 0, words, limbs })
  const request = { ...ring, publicSeed: own.publicSeed, first: 0, packed, rows: 1, columns: 1, factors: words, limbs }
  const { sums } = run(bgvProducts, { ...request, sums: new BigUint64Array(0) })
  const masks = new Uint32Array(degree * maskLimbs).fill(0xffffffff)
  const places = new Uint32Array(0)
  const lastMask = 0xffffffff >>> (32 * maskLimbs - maskBits)
  const answer = { ...ring, publicSeed: own.publicSeed, key, coins: coins('answer'), sums, masks, places, keep }
  const reply = run(bgvAnswer, { ...answer, limbs: maskLimbs, lastMask, floodBits })
  return run(bgvOpen, { ...ring, secret: own.secret, packed: reply.packed, results: 1, limbs, keep, places })
}

it.each(kinds)('%s: all ones times all ones, with the largest mask, is right', (kind) => {
  const { limbs, maskBits, floodBits, mostFill } = parameters[kind]
  const { words, fill, above } = extremes(kind, floodBits)
  const one = (1n << BigInt(32 * limbs)) - 1n
  // In slots 2 (2^w - 1)^2; of coefficients the last is a sum of n products, all of the same sign, of each of two blocks.
  const terms = kind === 'coefficients' ? BigInt(2 * degree) : 2n
  const expected = BigInt.asUintN(32 * limbs, terms * one * one + (1n << BigInt(maskBits)) - 1n)
  const last = words.subarray((degree - 1) * limbs)
  expect(last.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n)).toBe(expected)
  expect(above).toBe(0)
  expect(fill).toBeLessThan(mostFill)
  // The flood fills what the plan gives it: the bound is not far above what is found.
  expect(fill).toBeGreaterThan(mostFill / 3)
})

it('knows noise that the plan has no room for from an answer', () => {
  const { floodBits, mostFill } = parameters.slots64
  expect(extremes('slots64', floodBits + 2).fill).toBeGreaterThan(mostFill)
})

const matrix = (rows: number, columns: number, salt: bigint): bigint[] =>
  Array.from({ length: rows * columns }, (_, i) =>
    BigInt.asIntN(64, (BigInt(i) + salt) ** 5n * 0x9e3779b97f4a7c15n - (i % 3 === 0 ? 1n : 0n)),
  )

/** Rows, inner, columns; how many blocks of each a layout has is in the name. */
const shapes = [
  ['one inner product over three blocks', 1, 2 * degree + 5, 1, false],
  ['more columns than rows, the left factor encrypted', 3, 1500, 5, false],
  ['the right factor encrypted, given by columns', 40, 700, 2, true],
] as const

it.each(shapes)('multiplies matrices: %s', (_, rows, inner, columns, transposed) => {
  const [x, y] = [matrix(rows, inner, 3n), matrix(inner, columns, 11n)]
  const shape = { rows, inner, columns, transposed }
  const result = runShared(
    { x: shared(x), y: shared(y) },
    function* (b, inputs) {
      return { z: yield* b.matrixProduct(inputs['x'] as Arithmetic<64>, inputs['y'] as Arithmetic<64>, shape) }
    },
    engine,
    under,
  )
  const at = (j: number, l: number): bigint => y[transposed ? l * inner + j : j * columns + l]!
  const expected = Array.from({ length: rows * columns }, (__, place) => {
    const [i, l] = [Math.floor(place / columns), place % columns]
    let sum = 0n
    for (let j = 0; j < inner; j++) sum += x[i * inner + j]! * at(j, l)
    return BigInt.asIntN(64, sum)
  })
  expect(integers(result, 'z')).toEqual(expected)
  expect({ rounds: result.rounds, bytes: result.bytes }).toEqual(result.cost)
})

it('multiplies long rows over Z_2^128 without triples, short ones with them', { timeout: 120_000 }, () => {
  expect(innerLayoutOf({ rows: 3, inner: 40, columns: 2 })).toBeUndefined()
  expect(innerLayoutOf({ rows: 2, inner: 1_000_000, columns: 1 })).toMatchObject({ swapped: true, rows: 1, columns: 2 })
  const [x, y] = [matrix(2, degree + 3, 3n), matrix(degree + 3, 1, 11n)]
  const result = runShared(
    { x: shared(x, 128), y: shared(y, 128) },
    function* (b, inputs) {
      return { z: yield* b.matrixProduct(inputs['x']!, inputs['y']!, { rows: 2, inner: degree + 3, columns: 1 }) }
    },
    engine,
    under,
  )
  const inner = (row: number): bigint =>
    BigInt.asIntN(
      128,
      y.reduce((sum, value, j) => sum + value * x[row * (degree + 3) + j]!, 0n),
    )
  expect(integers(result, 'z', 128)).toEqual([inner(0), inner(1)])
  expect({ rounds: result.rounds, bytes: result.bytes }).toEqual(result.cost)
})

it('cuts matrices so that the smaller factor travels, and nothing where there is nothing', () => {
  expect(layoutOf({ rows: 1000, inner: 500, columns: 1 })).toMatchObject({ swapped: true })
  expect(layoutOf({ rows: 1, inner: 500, columns: 1000 })).toMatchObject({ swapped: false })
  expect(layoutOf({ rows: 10, inner: 1_000_000, columns: 10 })).toMatchObject({ c: 1 })
  for (const shape of [
    { rows: 0, inner: 5, columns: 5 },
    { rows: 5, inner: 0, columns: 5 },
    { rows: 5000, inner: 5000, columns: 5000 },
  ]) {
    expect(layoutOf(shape)).toBeUndefined()
  }
  for (const { rows, inner, columns } of [
    { rows: 13, inner: 29, columns: 31 },
    { rows: 640, inner: 3, columns: 700 },
  ]) {
    const { r, k, c } = layoutOf({ rows, inner, columns })!
    expect(r * k * c).toBeLessThanOrEqual(degree)
  }
})

it('multiplies over Z_2^64 and Z_2^128, and takes what is left of a tile for the next product', () => {
  const [x, y] = [
    [2n ** 63n - 1n, -1n, -(2n ** 63n), 5n],
    [-1n, -1n, -(2n ** 63n), 7n],
  ]
  const result = runShared(
    { x: shared(x), y: shared(y), u: shared(x, 128), v: shared(y, 128) },
    function* (b, inputs) {
      const first = yield* b.multiply(inputs['x']!, inputs['y']!)
      const wide = yield* b.multiply(inputs['u']!, inputs['v']!)
      return { first, again: yield* b.multiply(first, inputs['y']!), wide }
    },
    engine,
    under,
  )
  expect(integers(result, 'first')).toEqual(x.map((value, i) => BigInt.asIntN(64, value * y[i]!)))
  expect(integers(result, 'again')).toEqual(x.map((value, i) => BigInt.asIntN(64, value * y[i]! * y[i]!)))
  expect(integers(result, 'wide', 128)).toEqual(x.map((value, i) => value * y[i]!))
  expect({ rounds: result.rounds, bytes: result.bytes }).toEqual(result.cost)
})

type Rows = Readonly<Record<string, readonly bigint[]>>
const program: Program<{ readonly length: number }, Rows, Vectors> = {
  id: 'mpc/bgv-test',
  version: 1,
  parameters: (value) => value as { readonly length: number },
  inputs: ({ length }) => ['p0', 'p1'].map((owner) => ({ name: owner, owner, ring: 64, length })),
  receivers: () => ['p1'],
  encode: (_, role, rows) => ({ [role]: wordsOfIntegers(64, rows['x']!) }),
  *compute(b, { length }, inputs) {
    const [x, y] = [inputs['p0'] as Arithmetic<64>, inputs['p1'] as Arithmetic<64>]
    return { dot: yield* b.matrixProduct(x, y, { rows: 1, inner: length, columns: 1 }) }
  },
  decode: (_, opened) => opened,
}
const rows = (salt: bigint) => ({ p0: { x: [3n, salt] }, p1: { x: [-salt, 2n] } })
const protocol = semi2kProgram(program, setting)
const test = { name: 'a product', parameters: { length: 2 }, inputs: rows(1n), alternative: rows(-7n) }
conformance(protocol, [test], { engine, hash, schedules: 2, sample: 3 })

it.each(['publicKey', 'ciphertexts', 'answers'])(
  'blames the peer for %s of another length, or not below their primes',
  (name) => {
    const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', role))
    for (const wrong of [
      (body: Uint8Array) => body.slice(1),
      (body: Uint8Array) => body.map((_, i) => (i < 32 ? 0 : 255)),
    ]) {
      const result = simulate(protocol, {
        ...{ parameters: test.parameters, inputs: test.inputs, rng, engine },
        fault: {
          mutate: ({ step, from, body }) => (from === 'p0' && step.endsWith(`/${name}`) ? [wrong(body)] : [body]),
        },
      })
      expect(result.errors['p1']).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'p0' } })
    }
  },
)
