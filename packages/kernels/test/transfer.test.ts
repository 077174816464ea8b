/** Kernels of oblivious transfer: Node's engine equals the references too, and what they compute is what it is called. */
import { createCipheriv, createPrivateKey, decapsulate as nodeDecapsulate } from 'node:crypto'
import type { Engine } from '@tallystick/protocol'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { aesExpand, aesHash, aesTweakedHash, expandConvoluteEncode, ggmGrow, ggmPuncture } from '../src/index.ts'
import {
  gf128Evaluate,
  gf128Inner,
  gf128Multiply,
  gf128Scale,
  softspokenReceiveBits,
  softspokenReceiveProducts,
  softspokenSelectProducts,
  softspokenSendBits,
  softspokenSendProducts,
  transposeBits,
} from '../src/index.ts'
import { mlkemDecapsulate, mlkemEncapsulate, mlkemKeys, mlkemUniform } from '../src/index.ts'
import { hashKey } from '../src/aes/keys.ts'
import { nodeEngine } from '../src/native/engine.ts'
import { loadNativeSoftspoken } from '../src/native/softspoken.ts'
import { beside, transferCases } from './cases-ot.ts'
import { cases, expected, type Name } from './cases.ts'
import { bytes } from './samples.ts'

let engine: Engine
beforeAll(async () => void (engine = await nodeEngine()))

const native = (Object.keys(transferCases) as Name[]).filter((name) => /^(?:aes|ggm|expand|softspoken)/.test(name))

it.each(native)("Node's %s equals its reference", (name) => {
  cases[name]().forEach((input, i) => {
    expect(engine[name]!(input as never), `case ${i}`).toEqual(expected(name)[i])
  })
})

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)
const ecb = (key: Uint8Array, block: Uint8Array): Uint8Array =>
  new Uint8Array(createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block))

describe('aes', () => {
  it('hashes as MMO and TMMO are defined', () => {
    const block = bytes(5, 16)
    const once = ecb(hashKey, block)
    expect(aesHash.run({ blocks: block })).toEqual(xor(once, block))
    const tweak = new Uint8Array(16)
    new DataView(tweak.buffer).setUint32(0, 77, true)
    const tweaked = aesTweakedHash.run({ blocks: block, tweak: 77 })
    expect(tweaked).toEqual(xor(ecb(hashKey, xor(once, tweak)), once))
  })
  it('expands as AES-128-CTR does', () => {
    const key = bytes(6, 16)
    const stream = createCipheriv('aes-128-ctr', key, new Uint8Array(16)).update(new Uint8Array(4000))
    expect(aesExpand.run({ keys: key, width: 4000 })).toEqual(new Uint8Array(stream))
  })
})

describe('ggm', () => {
  it('gives a punctured evaluation all leaves but one', () => {
    for (const leaves of [2, 3, 6, 9, 64, 65]) {
      const points = Array.from({ length: leaves }, (_, i) => i)
      const grown = ggmGrow.run({ roots: bytes(leaves, 16 * leaves), leaves })
      const sums = beside(grown.sums, points, leaves)
      const punctured = ggmPuncture.run({ points: Uint32Array.from(points), sums, leaves })
      const expected: Uint8Array = grown.leaves.slice()
      for (const [tree, point] of points.entries())
        expected.fill(0, 16 * (tree * leaves + point), 16 * (tree * leaves + point + 1))
      expect(punctured.leaves).toEqual(expected)
      for (let tree = 0; tree < leaves; tree++) {
        let total: Uint8Array = new Uint8Array(16)
        for (let i = 0; i < leaves; i++) {
          const at = 16 * (tree * leaves + i)
          total = xor(total, expected.subarray(at, at + 16))
        }
        expect(punctured.totals.subarray(16 * tree, 16 * tree + 16)).toEqual(total)
      }
    }
  })
})

describe('gf128', () => {
  const element = fc.uint8Array({ minLength: 16, maxLength: 16 })
  const times = (a: Uint8Array, b: Uint8Array): Uint8Array => gf128Multiply.run({ left: a, right: b })
  it('is a field', () => {
    fc.assert(
      fc.property(element, element, element, (a, b, c) => {
        expect(times(a, b)).toEqual(times(b, a))
        expect(times(times(a, b), c)).toEqual(times(a, times(b, c)))
        expect(times(a, xor(b, c))).toEqual(xor(times(a, b), times(a, c)))
        expect(gf128Scale.run({ factor: a, elements: b })).toEqual(times(a, b))
      }),
      { numRuns: 50 },
    )
    const x = Uint8Array.from([2, ...new Uint8Array(15)])
    let power: Uint8Array = x
    // x^(2^128) = x, and x^(2^64) is not: the order of x does not divide 2^64 - 1.
    for (let i = 0; i < 128; i++) {
      power = times(power, power)
      if (i === 63) expect(power).not.toEqual(x)
    }
    expect(power).toEqual(x)
  })
  it('evaluates as Horner says and sums products', () => {
    const [point, elements] = [bytes(1, 16), bytes(2, 16 * 40)]
    let sum: Uint8Array = new Uint8Array(16)
    for (let i = 39; i >= 0; i--) sum = xor(times(sum, point), elements.subarray(16 * i, 16 * i + 16))
    expect(gf128Evaluate.run({ point, elements, polynomials: 1 })).toEqual(sum)
    const products = times(elements, bytes(3, 640))
    let inner: Uint8Array = new Uint8Array(16)
    for (let i = 0; i < 40; i++) inner = xor(inner, products.subarray(16 * i, 16 * i + 16))
    expect(gf128Inner.run({ left: elements, right: bytes(3, 640) })).toEqual(inner)
  })
})

describe('mlkem', () => {
  it('agrees on secrets, as Node does on the other end', () => {
    const { publicKeys, secretKeys } = mlkemKeys.run({ seeds: bytes(1, 192) })
    const { ciphertexts, secrets } = mlkemEncapsulate.run({ publicKeys, messages: bytes(2, 96) })
    expect(mlkemDecapsulate.run({ secretKeys, ciphertexts })).toEqual(secrets)
    const seed = bytes(1, 64)
    // PKCS #8 with the seed alone (RFC 9935): OpenSSL expands the same keys and opens the same ciphertext.
    const der = Buffer.concat([Buffer.from('3054020100300b060960864801650304040204428040', 'hex'), seed])
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    expect(new Uint8Array(nodeDecapsulate(key, ciphertexts.slice(0, 1088)))).toEqual(secrets.slice(0, 32))
  })
  it('samples coefficients below q, alike', () => {
    const packed = mlkemUniform.run({ seeds: bytes(3, 32 * 40) })
    const values = Array.from({ length: (packed.length * 2) / 3 }, (_, i) => {
      const at = 3 * (i >> 1)
      return i % 2 === 0 ? packed[at]! | ((packed[at + 1]! & 15) << 8) : (packed[at + 1]! >> 4) | (packed[at + 2]! << 4)
    })
    expect(values).toHaveLength(40 * 768)
    expect(Math.max(...values)).toBeLessThan(3329)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    // Standard error 5.5.
    expect(Math.abs(mean - 1664)).toBeLessThan(25)
  })
})

describe('transpose and code', () => {
  it('transposes twice to the same', () => {
    const rows = bytes(3, 256 * 32)
    expect(transposeBits.run({ rows: transposeBits.run({ rows, height: 256 }), height: 256 })).toEqual(rows)
  })
  it('is linear, and takes a sparse vector as its dense form', () => {
    const k = 128
    const none = { places: new Uint32Array(), values: new Uint8Array(), fills: new Uint8Array(), outputs: k }
    const encode = (dense: Uint8Array): Uint8Array => expandConvoluteEncode.run({ ...none, dense }).dense
    const [a, b] = [bytes(1, 32 * k), bytes(2, 32 * k)]
    expect(encode(xor(a, b))).toEqual(xor(encode(a), encode(b)))
    const places = Uint32Array.of(3, 127, 128, 200)
    const values = bytes(7, 64)
    const full = new Uint8Array(32 * k)
    places.forEach((place, i) => full.set(values.subarray(16 * i, 16 * i + 16), 16 * place))
    expect(expandConvoluteEncode.run({ dense: a, places, values, fills: values, outputs: k })).toEqual({
      dense: xor(encode(a), encode(full)),
      sparse: encode(full),
    })
  })
  it('spreads a single element over about half of the code word', () => {
    const k = 1024
    for (const place of [1024, 1500, 2047]) {
      const dense = new Uint8Array(32 * k)
      dense[16 * place] = 1
      const none = { places: new Uint32Array(), values: new Uint8Array(), fills: new Uint8Array(), outputs: k }
      const out = expandConvoluteEncode.run({ ...none, dense }).dense
      let ones = 0
      for (let i = 0; i < k; i++) ones += out[16 * i]!
      expect(ones).toBeGreaterThan(0.4 * k)
      expect(ones).toBeLessThan(0.6 * k)
    }
  })
})

describe('the extension', () => {
  const seeds = bytes(1, 8192)
  const delta = bytes(2, 16)
  /** What the other end knows: anything where Delta's leaves are. */
  const known = seeds.slice()
  for (let chunk = 0; chunk < 32; chunk++) {
    const leaf = (delta[chunk >> 1]! >> (4 * (chunk & 1))) & 15
    known.set(bytes(chunk, 16), 16 * (16 * chunk + leaf))
  }

  it('refuses wrong shapes', () => {
    const choices = new Uint8Array(16)
    const corrections = new Uint8Array(512)
    const two = { seeds, bits: 64, n: 2 }
    const values = new Uint32Array(4)
    const selected = { choices, products: new Uint8Array(576), bits: 64, n: 2 }
    const wrong: readonly (() => unknown)[] = [
      () => softspokenReceiveBits.run({ seeds: seeds.subarray(16), choices }),
      () => softspokenReceiveBits.run({ seeds, choices: choices.subarray(1) }),
      () => softspokenSendBits.run({ seeds, delta: seeds, corrections }),
      () => softspokenSendBits.run({ seeds, delta, corrections: new Uint8Array(528) }),
      () => softspokenReceiveProducts.run({ ...two, choices: new Uint8Array(32) }),
      () => softspokenReceiveProducts.run({ ...two, choices, bits: 0 }),
      () => softspokenReceiveProducts.run({ ...two, choices, n: 1.5 }),
      () => softspokenSendProducts.run({ seeds, delta, corrections, values, bits: 65 }),
      () => softspokenSendProducts.run({ seeds, delta, corrections, values: new Uint32Array(5), bits: 51 }),
      () => softspokenSendProducts.run({ seeds, delta, corrections, values: new Uint32Array(6), bits: 64 }),
      () => softspokenSelectProducts.run({ ...selected, products: new Uint8Array(575) }),
      () => softspokenSelectProducts.run({ ...selected, choices: choices.subarray(1) }),
    ]
    for (const call of wrong) expect(call).toThrow(expect.objectContaining({ code: 'api/misuse' }))
  })

  it('is the same in tiles of any size', async () => {
    const small = await loadNativeSoftspoken(528)
    for (const [name, implementation] of Object.entries(small)) {
      for (const input of cases[name as Name]()) {
        expect(implementation(input as never)).toEqual(engine[name]!(input as never))
      }
    }
  })

  it('gives both ends bits that differ by the choice, whatever the unknown leaves are', () => {
    const choices = bytes(3, 32)
    const { corrections, hashes } = softspokenReceiveBits.run({ seeds, choices })
    const { zero, one } = softspokenSendBits.run({ seeds: known, delta, corrections })
    const chosen = new Uint32Array(choices.buffer.slice(choices.byteOffset, choices.byteOffset + 32))
    expect(hashes).toEqual(chosen.map((word, i) => (word & one[i]!) | (~word & zero[i]!)))
  })

  it('gives both ends shares of products', () => {
    const multipliers = Array.from({ length: 9 }, (_, i) => (0xfedc_ba98_7654_3211n * BigInt(i * i + 1)) & 0xffff_ffffn)
    const bits = 32
    const choices = new Uint8Array(48)
    multipliers.forEach((value, i) => new DataView(choices.buffer).setUint32(4 * i, Number(value), true))
    const taken = softspokenReceiveProducts.run({ seeds, choices, bits, n: 9 })
    const values = new Uint32Array(bytes(5, 72).slice().buffer)
    const { corrections } = taken
    const sent = softspokenSendProducts.run({ seeds: known, delta, corrections, values, bits })
    const selected = softspokenSelectProducts.run({ choices, products: sent.products, bits, n: 9 })
    const [a, b, c, x] = [taken.shares, selected, sent.shares, values].map((part) => new BigUint64Array(part.buffer))
    const sums = a!.map((value, i) => value + b![i]! + c![i]!)
    expect(sums).toEqual(x!.map((value, i) => value * multipliers[i]!))
  })
})
