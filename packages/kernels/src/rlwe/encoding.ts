/**
 * Vectors as plaintexts, and ciphertexts back to vectors. BGV packs n integers modulo t as the values of a polynomial
 * (Smart-Vercauteren 2014, ia.cr/2011/133), in the order of SEAL's BatchEncoder: two rows of n/2, rotated together. CKKS
 * packs n/2 reals. `decrypt` is computed here and not by SEAL: its input is what a partner sent.
 */
import { TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import { bigintArithmetic, type Arithmetic } from './arithmetic.ts'
import { inverse, type RingCiphertext } from './evaluate.ts'
import { coefficientsOf, slotPlaces, valuesOf } from './fourier.ts'
import { checkRing } from './ring.ts'

export interface EncodeInput {
  readonly degree: number
  readonly plainModulus: bigint
  /** rows × n integers in (-t/2, t/2]. */
  readonly values: BigInt64Array
}

export interface EncodeRealsInput {
  readonly degree: number
  /** Data primes. */
  readonly moduli: BigUint64Array
  readonly scale: number
  /** rows × n/2 reals. */
  readonly values: Float64Array
}

export interface DecryptInput {
  readonly degree: number
  /** Data primes, at least as many as the highest level. */
  readonly moduli: BigUint64Array
  /** 0 for CKKS. */
  readonly plainModulus: bigint
  readonly secret: Int8Array
  readonly ciphertexts: readonly RingCiphertext[]
}

export interface Decrypted {
  /** BGV: rows × n integers in (-t/2, t/2]. */
  readonly integers: BigInt64Array
  /** CKKS: rows × n/2. */
  readonly reals: Float64Array
  /** Bits of the largest noise of a row, and of the room for it; noise beyond the room is a wrong result. */
  readonly noiseBits: number
  readonly roomBits: number
}

type Numbers = Arithmetic<unknown, unknown>
type Factory = (degree: number, moduli: BigUint64Array) => Numbers

const centred = (value: bigint, q: bigint): bigint => (value > q >> 1n ? value - q : value)

const encodeWith =
  (arithmetic: Factory) =>
  ({ degree: n, plainModulus: t, values }: EncodeInput): BigUint64Array => {
    const moduli = BigUint64Array.of(t)
    checkRing(n, moduli, 16)
    const on = arithmetic(n, moduli)
    const places = slotPlaces(n)
    const out = new BigUint64Array(values.length)
    for (let from = 0; from < values.length; from += n) {
      const residues = new BigUint64Array(n)
      for (let i = 0; i < n; i++) {
        const value = values[from + i]!
        residues[places[i]!] = value < 0n ? value + t : value
      }
      on.within(() => {
        const p = on.polynomial(residues)
        on.inverse(p, t)
        out.set(on.read(p), from)
      })
    }
    return out
  }

const encodeRealsWith =
  (arithmetic: Factory) =>
  ({ degree: n, moduli, scale, values }: EncodeRealsInput): BigUint64Array => {
    checkRing(n, moduli)
    const on = arithmetic(n, moduli)
    const rows = (2 * values.length) / n
    const out = new BigUint64Array(rows * moduli.length * n)
    for (let row = 0; row < rows; row++) {
      const reals = coefficientsOf(values.subarray((row * n) / 2, ((row + 1) * n) / 2), n)
      const integers = Array.from(reals, (x) => BigInt(Math.round(x * scale)))
      for (const [i, q] of moduli.entries()) {
        on.within(() => {
          const p = on.polynomial(BigUint64Array.from(integers, (x) => ((x % q) + q) % q))
          on.transform(p, q)
          out.set(on.read(p), (row * moduli.length + i) * n)
        })
      }
    }
    return out
  }

/** c0 + c1·s (+ c2·s²) as n coefficients between -Q/2 and Q/2. */
const phase = (on: Numbers, input: DecryptInput, { level, size, residues }: RingCiphertext): readonly bigint[] => {
  const { degree: n, secret } = input
  const primes = input.moduli.subarray(0, level)
  const product = primes.reduce((all, q) => all * q, 1n)
  const sums = Array.from({ length: n }, () => 0n)
  for (const [i, q] of primes.entries()) {
    const part = on.within(() => {
      const s = on.polynomial(new BigUint64Array(n))
      on.lift(s, on.small(Int32Array.from(secret)), 1n, on.polynomial(new BigUint64Array(n)), 1n, q)
      on.transform(s, q)
      const at = (c: number): unknown => on.polynomial(residues.subarray((c * level + i) * n, (c * level + i + 1) * n))
      let sum = at(size - 1)
      for (let c = size - 2; c >= 0; c--) {
        const next = at(c)
        on.addProduct(next, sum, s, q)
        sum = next
      }
      on.inverse(sum, q)
      // By the Chinese remainder theorem: x = Σ (x mod q)·(Q/q)^-1 mod q · Q/q.
      on.scale(sum, sum, inverse(product / q, q), q)
      return on.read(sum)
    })
    const rest = product / q
    for (let k = 0; k < n; k++) sums[k]! += part[k]! * rest
  }
  return sums.map((x) => centred(x % product, product))
}

const bitsOf = (value: bigint): number => (value < 0n ? -value : value).toString(2).length

const decryptWith =
  (arithmetic: Factory) =>
  (input: DecryptInput): Decrypted => {
    const { degree: n, moduli, plainModulus: t, ciphertexts } = input
    checkRing(n, moduli)
    const on = arithmetic(n, t === 0n ? moduli : BigUint64Array.of(...moduli, t))
    const rows = ciphertexts.length
    const integers = new BigInt64Array(t === 0n ? 0 : rows * n)
    const reals = new Float64Array(t === 0n ? (rows * n) / 2 : 0)
    const places = slotPlaces(n)
    let noiseBits = 0
    let roomBits = Infinity
    for (const [row, ciphertext] of ciphertexts.entries()) {
      if (ciphertext.level > moduli.length) throw new TallyError('api/misuse', 'self', 'rlwe/decrypt: no such level')
      const coefficients = phase(on, input, ciphertext)
      let most = 0n
      for (const x of coefficients) most = x > most ? x : -x > most ? -x : most
      noiseBits = Math.max(noiseBits, bitsOf(most))
      roomBits = Math.min(roomBits, bitsOf(moduli.subarray(0, ciphertext.level).reduce((all, q) => all * q, 1n)) - 1)
      if (t === 0n) {
        const values = valuesOf(
          Float64Array.from(coefficients, (x) => Number(x) / ciphertext.scale),
          n,
        )
        reals.set(values, (row * n) / 2)
        continue
      }
      const factor = inverse(ciphertext.correction, t)
      const message = BigUint64Array.from(coefficients, (x) => ((((x % t) + t) % t) * factor) % t)
      const slots = on.within(() => {
        const p = on.polynomial(message)
        on.transform(p, t)
        return on.read(p)
      })
      for (let i = 0; i < n; i++) integers[row * n + i] = centred(slots[places[i]!]!, t)
    }
    return { integers, reals, noiseBits, roomBits: rows === 0 ? 0 : roomBits }
  }

/** The kernels' texts over an arithmetic. */
export const encodingWith = (arithmetic: Factory) => ({
  encode: encodeWith(arithmetic),
  encodeReals: encodeRealsWith(arithmetic),
  decrypt: decryptWith(arithmetic),
})

const reference = encodingWith(bigintArithmetic)

/** rows × n coefficients modulo t. */
export const encode: Kernel<EncodeInput, BigUint64Array> = { name: 'rlwe/encode', run: reference.encode }

/** rows × moduli × n residues in NTT form. */
export const encodeReals: Kernel<EncodeRealsInput, BigUint64Array> = {
  name: 'rlwe/encode-reals',
  run: reference.encodeReals,
}

/**
 * The vectors in ciphertexts. Not constant-time: big-integer arithmetic on the owner's own plaintexts, on its own machine,
 * whose outcome and time no peer gets to see.
 */
export const decrypt: Kernel<DecryptInput, Decrypted> = { name: 'rlwe/decrypt', run: reference.decrypt }
