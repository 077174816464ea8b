/**
 * Products of what one party encrypts with what another one knows, over Z_2^64 and Z_2^128, by the encryption of Brakerski,
 * Gentry, Vaikuntanathan (ia.cr/2011/277) in the form of Microsoft SEAL 4 (`../rlwe/kernels.ts`: distributions, seeds in
 * place of second components). All coins come in, so that an auditor can compute every byte anew.
 *
 * Two packings. Slots (Smart, Vercauteren, ia.cr/2011/133): n numbers, each modulo several plain primes, multiplied place by
 * place; their order is that of the transform, which no one else needs to know. Coefficients, modulo 2^64: a product of
 * polynomials has inner products among its coefficients (Huang, Lu, Hong, Ding, "Cheetah", USENIX Security 2022,
 * ia.cr/2022/207), without a rotation and with plain modulus 2^64 as it is.
 *
 * What goes back is summed, gets an encryption of zero under the other's public key, a mask and a flood of noise, and is
 * brought down to two primes: the last as in SEAL (Kim, Polyakov, Zucca, ia.cr/2021/204), on coefficients.
 */
import type { Kernel } from '@tallystick/protocol'
import type { Arithmetic } from '../rlwe/arithmetic.ts'
import { portableStream, ternary, type PublicStream } from '../rlwe/kernels.ts'
import { bigintProducts, residueOf, type ProductArithmetic } from './arithmetic.ts'
import {
  checkLength,
  checkProductRing,
  checkReply,
  keyBytes,
  packedBytes,
  resultBytes,
  rowBytes,
  widthOf,
} from './shapes.ts'
import type {
  AnswerInput,
  AnswerOutput,
  EncryptInput,
  KeyInput,
  OpenInput,
  OpenOutput,
  ProductRing,
  ProductsInput,
  ProductsOutput,
} from './shapes.ts'

type Polynomial = unknown
type Small = unknown
type Numbers = ProductArithmetic<Polynomial, Small>

interface Ground {
  readonly on: Numbers
  readonly stream: PublicStream
}

/** What a key stream of coins is for. */
const uses = { error: 1, blind: 2, first: 3, second: 4, flood: 5 } as const
/** The public key's index among the second components, behind all rows. */
const keyIndex = 2 ** 40

const drawn = ({ stream }: Ground, key: Uint8Array, use: number, index: number, bytes: number): Uint8Array => {
  const nonce = new Uint8Array(12)
  const view = new DataView(nonce.buffer)
  view.setUint32(0, use, true)
  view.setBigUint64(4, BigInt(index), true)
  return stream(key, nonce, 0, Math.ceil(bytes / 64)).subarray(0, bytes)
}

/** Uniform residues that both ends derive from the public seed, as in `rlwe/expand`. */
const second = ({ on, stream }: Ground, seed: Uint8Array, n: number, index: number, prime: number, q: bigint) => {
  const nonce = new Uint8Array(12)
  const view = new DataView(nonce.buffer)
  view.setUint32(0, prime, true)
  view.setBigUint64(4, BigInt(index), true)
  const out = on.polynomial(new BigUint64Array(n))
  for (let found = 0, block = 0; found < n;) {
    const blocks = Math.ceil((n - found) / 8) + 8
    found = on.uniform(out, found, stream(seed, nonce, block, blocks), q)
    block += blocks
  }
  return out
}

const zero = (on: Numbers, n: number): Polynomial => on.polynomial(new BigUint64Array(n))

/** A small polynomial times a constant, as coefficients. */
const lifted = (on: Numbers, n: number, small: Small, factor: bigint, q: bigint): Polynomial => {
  const out = zero(on, n)
  on.lift(out, small, factor % q, zero(on, n), 1n, q)
  return out
}

/** The same in NTT form. */
const transformed = (on: Numbers, n: number, small: Small, factor: bigint, q: bigint): Polynomial => {
  const out = lifted(on, n, small, factor, q)
  on.transform(out, q)
  return out
}

const factorOf = (t: bigint): bigint => (t === 0n ? 1n << 64n : t)
const every = 0xffffffff

/** What n numbers are as a plaintext modulo t, for each q: coefficients. */
const plainOf = (
  { on }: Ground,
  n: number,
  words: Uint32Array,
  limbs: number,
  t: bigint,
  mask = every,
): ((q: bigint) => Polynomial) => {
  if (t === 0n) return (q) => on.numbers(words, limbs, mask, 0n, q)
  const slots = on.numbers(words, limbs, mask, 0n, t)
  on.inverse(slots, t)
  const nothing = on.small(new Int32Array(n))
  return (q) => {
    const out = zero(on, n)
    on.lift(out, nothing, 0n, slots, t, q)
    return out
  }
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const encryptOn = (ground: Ground, input: EncryptInput): Uint8Array => {
  const { on } = ground
  const { degree: n, moduli, plainModuli, publicSeed, secret, coins, first, words, limbs } = input
  const rows = Math.floor(words.length / (n * limbs))
  checkLength('words', words.length, rows * n * limbs)
  const small = on.small(Int32Array.from(secret))
  const keys = Array.from(moduli, (q) => transformed(on, n, small, 1n, q))
  const parts: Uint8Array[] = []
  const encrypt = (row: number, j: number, t: bigint): void => {
    const index = (first + row) * plainModuli.length + j
    const error = on.binomial(drawn(ground, coins, uses.error, index, 6 * n))
    const plain = plainOf(ground, n, words.subarray(row * n * limbs, (row + 1) * n * limbs), limbs, t)
    for (const [i, q] of moduli.entries()) {
      on.within(() => {
        const x = plain(q)
        on.addScaled(x, lifted(on, n, error, factorOf(t), q), 1n, q)
        on.transform(x, q)
        on.negativeProduct(x, second(ground, publicSeed, n, index, i, q), keys[i], x, q)
        parts.push(on.pack(x, widthOf(q), n))
      })
    }
  }
  for (let row = 0; row < rows; row++) {
    for (const [j, t] of plainModuli.entries()) on.within(() => encrypt(row, j, t))
  }
  return concat(parts)
}

const keyOn = (ground: Ground, { degree: n, moduli, publicSeed, secret, coins }: KeyInput): Uint8Array => {
  const { on } = ground
  const error = on.binomial(drawn(ground, coins, uses.error, keyIndex, 6 * n))
  const small = on.small(Int32Array.from(secret))
  return concat(
    Array.from(moduli, (q, i) =>
      on.within(() => {
        const x = transformed(on, n, error, 1n, q)
        on.negativeProduct(x, second(ground, publicSeed, n, keyIndex, i, q), transformed(on, n, small, 1n, q), x, q)
        return on.pack(x, widthOf(q), n)
      }),
    ),
  )
}

const productsOn = (ground: Ground, input: ProductsInput): ProductsOutput => {
  const { on } = ground
  const { degree: n, moduli, plainModuli, publicSeed, first, packed, rows, columns, factors, limbs } = input
  const [levels, kinds] = [moduli.length, plainModuli.length]
  const blocks = Math.floor(factors.length / (columns * n * limbs))
  checkLength('words of factors', factors.length, blocks * columns * n * limbs)
  checkLength('bytes of ciphertexts', packed.length, blocks * rows * rowBytes(input))
  const size = rows * columns * kinds * 2 * levels * n
  if (input.sums.length > 0) checkLength('residues of sums', input.sums.length, size)
  const sums = input.sums.length > 0 ? input.sums.slice() : new BigUint64Array(size)
  const [own, kind] = [rowBytes(input), rowBytes(input) / kinds]
  let above = 0
  const plainsOf = (t: bigint): readonly ((q: bigint) => Polynomial)[] =>
    Array.from({ length: blocks * columns }, (_, k) =>
      plainOf(ground, n, factors.subarray(k * n * limbs, (k + 1) * n * limbs), limbs, t),
    )
  /** All blocks of one prime, one plain modulus. */
  const compute = (j: number, plains: ReturnType<typeof plainsOf>, i: number, q: bigint): void => {
    const start = moduli.subarray(0, i).reduce((sum, p) => sum + packedBytes(n, widthOf(p)), 0)
    const bytes = packedBytes(n, widthOf(q))
    const place = (result: number, component: number): number =>
      (((result * kinds + j) * 2 + component) * levels + i) * n
    const totals = Array.from({ length: 2 * rows * columns }, (_, k) => {
      const at = place(k >> 1, k & 1)
      return on.polynomial(sums.subarray(at, at + n))
    })
    const block = (b: number): void => {
      const others = Array.from({ length: columns }, (_, c) => {
        const x = plains[b * columns + c]!(q)
        on.transform(x, q)
        return x
      })
      for (let row = 0; row < rows; row++) {
        on.within(() => {
          const index = (first + b * rows + row) * kinds + j
          const from = (b * rows + row) * own + j * kind + start
          const one = on.unpack(packed.subarray(from, from + bytes), widthOf(q), n, q)
          above += one.above
          const two = second(ground, publicSeed, n, index, i, q)
          for (const [c, other] of others.entries()) {
            const result = row * columns + c
            on.addProduct(totals[2 * result], one.value, other, q)
            on.addProduct(totals[2 * result + 1], two, other, q)
          }
        })
      }
    }
    for (let b = 0; b < blocks; b++) on.within(() => block(b))
    for (const [k, total] of totals.entries()) sums.set(on.read(total), place(k >> 1, k & 1))
  }
  for (const [j, t] of plainModuli.entries()) {
    on.within(() => {
      const plains = plainsOf(t)
      for (const [i, q] of moduli.entries()) on.within(() => compute(j, plains, i, q))
    })
  }
  return { sums, above }
}

/** Numbers at their places among n, zeros elsewhere. */
const scattered = (words: Uint32Array, limbs: number, places: Uint32Array, n: number): Uint32Array => {
  if (places.length === 0) return words
  const out = new Uint32Array(n * limbs)
  for (const [i, place] of places.entries()) out.set(words.subarray(i * limbs, (i + 1) * limbs), place * limbs)
  return out
}

const placesOf = (on: Numbers, places: Uint32Array, n: number): Small => {
  const all = new Int32Array(n)
  all.set(places)
  return on.small(all)
}

const answerOn = (ground: Ground, input: AnswerInput): AnswerOutput => {
  const { on } = ground
  const { degree: n, moduli, plainModuli, publicSeed, key, coins, sums, masks, limbs, keep, places } = input
  checkReply(input)
  const [levels, kinds] = [moduli.length, plainModuli.length]
  const results = Math.floor(sums.length / (2 * kinds * levels * n))
  const width = places.length === 0 ? n : places.length
  checkLength('residues of sums', sums.length, results * 2 * kinds * levels * n)
  checkLength('bytes of the key', key.length, keyBytes(input))
  checkLength('words of masks', masks.length, results * width * limbs)
  let above = 0
  let at = 0
  const keys = Array.from(moduli, (q, i) => {
    const { value, above: more } = on.unpack(key.subarray(at, (at += packedBytes(n, widthOf(q)))), widthOf(q), n, q)
    above += more
    return [value, second(ground, publicSeed, n, keyIndex, i, q)] as const
  })
  const order = placesOf(on, places, n)
  const floodLimbs = Math.ceil(input.floodBits / 32)
  const floodMask = every >>> (32 * floodLimbs - input.floodBits)
  const half = 1n << BigInt(input.floodBits - 1)
  const parts: Uint8Array[] = []
  const answer = (result: number, j: number, t: bigint): void => {
    const index = result * kinds + j
    const draw = (use: number, bytes: number): Uint8Array => drawn(ground, coins, use, index, bytes)
    const blinding = draw(uses.blind, 2 * n + 512)
    let used = 0
    const blind = on.small(Int32Array.from(ternary((bytes) => blinding.subarray(used, (used += bytes)), n)))
    const errors = [on.binomial(draw(uses.first, 6 * n)), on.binomial(draw(uses.second, 6 * n))]
    const flood = new Uint32Array(draw(uses.flood, 4 * floodLimbs * n).slice().buffer)
    const own = scattered(masks.subarray(result * width * limbs, (result + 1) * width * limbs), limbs, places, n)
    const mask = plainOf(ground, n, own, limbs, t, input.lastMask)
    const components: Polynomial[][] = [[], []]
    for (const [i, q] of moduli.entries()) {
      const u = transformed(on, n, blind, factorOf(t), q)
      for (const c of [0, 1] as const) {
        const from = ((index * 2 + c) * levels + i) * n
        const x = on.polynomial(sums.subarray(from, from + n))
        components[c]!.push(x)
        on.within(() => {
          on.addProduct(x, keys[i]![c], u, q)
          on.inverse(x, q)
          on.addScaled(x, lifted(on, n, errors[c], factorOf(t), q), 1n, q)
          if (c === 1) return
          on.addScaled(x, on.numbers(flood, floodLimbs, floodMask, half % q, q), factorOf(t) % q, q)
          on.addScaled(x, mask(q), 1n, q)
        })
      }
    }
    for (const [c, component] of components.entries()) {
      for (let last = levels - 1; last >= keep; last--) {
        for (let i = 0; i < last; i++) on.divide(component[i], component[last], moduli[last]!, t, moduli[i]!)
      }
      for (let i = 0; i < keep; i++) {
        const picks = c === 0 && places.length > 0
        const sent = picks ? zero(on, n) : component[i]
        if (picks) on.permute(sent, component[i], order)
        parts.push(on.pack(sent, widthOf(moduli[i]!), picks ? places.length : n))
      }
    }
  }
  for (let result = 0; result < results; result++) {
    for (const [j, t] of plainModuli.entries()) on.within(() => answer(result, j, t))
  }
  return { packed: concat(parts), above }
}

const openOn = (ground: Ground, input: OpenInput): OpenOutput => {
  const { on } = ground
  const { degree: n, moduli, plainModuli, keep, places, secret, packed, results, limbs } = input
  checkReply(input)
  checkLength('bytes of results', packed.length, results * resultBytes(input, keep, places.length))
  const count = places.length === 0 ? n : places.length
  const small = on.small(Int32Array.from(secret))
  const left = Array.from(moduli.subarray(0, keep))
  const keys = left.map((q) => transformed(on, n, small, 1n, q))
  const order = placesOf(on, places, n)
  const dropped = moduli.subarray(keep).reduce((product, q) => product * q, 1n)
  const [q, p] = left as [bigint, bigint]
  const out = new Uint32Array(results * count * limbs)
  let [at, above, most] = [0, 0, 0n]
  const take = (size: number, prime: bigint): Polynomial => {
    const bytes = packedBytes(size, widthOf(prime))
    const { value, above: more } = on.unpack(packed.subarray(at, (at += bytes)), widthOf(prime), size, prime)
    above += more
    return value
  }
  /** c0 + c1·s at the places, modulo t. */
  const opened = (t: bigint): Polynomial => {
    const firsts = left.map((prime) => take(count, prime))
    const sums = left.map((prime, i) => {
      const x = take(n, prime)
      on.transform(x, prime)
      const product = zero(on, n)
      on.addProduct(product, x, keys[i], prime)
      on.inverse(product, prime)
      const sum = firsts[i]
      if (places.length === 0) on.addScaled(sum, product, 1n, prime)
      else {
        const picked = zero(on, n)
        on.permute(picked, product, order)
        on.addScaled(sum, picked, 1n, prime)
      }
      return sum
    })
    const found = on.reduce(sums[0], sums[1], residueOf(dropped, t), t, count, q, p)
    if (found > most) most = found
    if (t !== 0n) on.transform(sums[0], t)
    return sums[0]
  }
  const one = (result: number): void => {
    const residues = Array.from(plainModuli, opened)
    const words =
      plainModuli[0] === 0n
        ? on.words(residues[0], count)
        : on.recombine(residues, Array.from(plainModuli), count, limbs)
    out.set(words, result * count * limbs)
  }
  for (let result = 0; result < results; result++) on.within(() => one(result))
  return { words: out, fill: (2 * (Number(most) + 1)) / Number(p), above }
}

type Factory = (degree: number, moduli: BigUint64Array) => Arithmetic<unknown, unknown>

/** The kernels over an arithmetic that is made for each call. */
export const kernelsOn = (
  arithmetic: (...[degree, moduli]: Parameters<Factory>) => Numbers,
  stream: PublicStream = portableStream,
) => {
  const on =
    <I extends ProductRing, O>(compute: (ground: Ground, input: I) => O) =>
    (input: I): O => {
      checkProductRing(input)
      const primes = [...input.moduli, ...input.plainModuli].filter((q) => q !== 0n)
      return compute({ on: arithmetic(input.degree, BigUint64Array.from(primes)), stream }, input)
    }
  return { encrypt: on(encryptOn), key: on(keyOn), products: on(productsOn), answer: on(answerOn), open: on(openOn) }
}

const reference = kernelsOn(bigintProducts)

/** rows × plain moduli × moduli packed polynomials: first components m + t·e - c1·s, in NTT form. */
export const encrypt: Kernel<EncryptInput, Uint8Array> = { name: 'bgv/encrypt', run: reference.encrypt }

/** An encryption of zero with plain modulus 1, that is e - a·s: the same for all plain moduli, times t. */
export const key: Kernel<KeyInput, Uint8Array> = { name: 'bgv/key', run: reference.key }

/** Sums over blocks of row × column products of ciphertexts and plaintexts. Constant-time in the factors. */
export const products: Kernel<ProductsInput, ProductsOutput> = { name: 'bgv/products', run: reference.products }

/** What goes back: masked, flooded, of two primes; coefficients. */
export const answer: Kernel<AnswerInput, AnswerOutput> = { name: 'bgv/answer', run: reference.answer }

/** What an answer says. Constant-time. */
export const open: Kernel<OpenInput, OpenOutput> = { name: 'bgv/open', run: reference.open }
