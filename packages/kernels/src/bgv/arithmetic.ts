/** What the kernels of products compute with beside polynomials (`../rlwe/arithmetic.ts`); here in plain BigInt. */
import { bigintArithmetic, type Arithmetic } from '../rlwe/arithmetic.ts'
import { power } from '../rlwe/ring.ts'
import { packedBytes } from './shapes.ts'

/** `t` is 0n for the plain modulus 2^64. Primes are above 2^32 and below 2^50. */
export interface ProductArithmetic<P, S> extends Arithmetic<P, S> {
  /** n numbers of so many 32-bit words, of which the last is masked, less a constant, modulo q. */
  numbers(words: Uint32Array, limbs: number, mask: number, less: bigint, q: bigint): P
  /** value <- (value - last)/qLast - k, where k = -last/qLast mod t, around zero. */
  divide(value: P, last: P, qLast: bigint, t: bigint, q: bigint): void
  /**
   * value <- factor·x mod t of the x around zero that is value modulo q and b modulo p, for the first `count`; the largest
   * |x|, in units of q.
   */
  reduce(value: P, b: P, factor: bigint, t: bigint, count: number, q: bigint, p: bigint): bigint
  /** The first `count` numbers with these residues modulo the primes, modulo 2^(32·limbs). */
  recombine(values: readonly P[], primes: readonly bigint[], count: number, limbs: number): Uint32Array
  /** The low words of the first `count` residues (modulo 2^64). */
  words(value: P, count: number): Uint32Array
  /** The lowest bits of each of the first `count` residues, one after the other; `count` a multiple of 8. */
  pack(value: P, bits: number, count: number): Uint8Array
  /** `above`: how many are not below q. */
  unpack(packed: Uint8Array, bits: number, count: number, q: bigint): { readonly value: P; readonly above: number }
}

export const modulo = (value: bigint, q: bigint): bigint => ((value % q) + q) % q
/** Modulo a prime. */
export const inverseOf = (value: bigint, q: bigint): bigint => power(modulo(value, q), q - 2n, q)
/** Modulo 2^64, of an odd number (Newton). */
const inverseOfOdd = (value: bigint): bigint => {
  let x = 1n
  for (let i = 0; i < 6; i++) x = BigInt.asUintN(64, x * (2n - value * x))
  return x
}
/** Modulo t, or 2^64 for 0n. */
export const inverseModulo = (value: bigint, t: bigint): bigint =>
  t === 0n ? inverseOfOdd(value) : inverseOf(value, t)
export const residueOf = (value: bigint, t: bigint): bigint => (t === 0n ? BigInt.asUintN(64, value) : modulo(value, t))

/** Of the product of all primes before, modulo each. */
export const radixInverses = (primes: readonly bigint[]): bigint[] =>
  primes.map((p, j) =>
    inverseOf(
      primes.slice(0, j).reduce((product, q) => product * q, 1n),
      p,
    ),
  )

export const bigintProducts = (n: number): ProductArithmetic<BigUint64Array, Int32Array> => ({
  ...bigintArithmetic(n),
  numbers(words, limbs, mask, less, q) {
    return BigUint64Array.from({ length: n }, (_, i) => {
      let sum = 0n
      for (let k = limbs - 1; k >= 0; k--) {
        const word = words[limbs * i + k]!
        sum = (sum << 32n) + BigInt(k === limbs - 1 ? (word & mask) >>> 0 : word)
      }
      return modulo(sum - less, q)
    })
  },
  divide(value, last, qLast, t, q) {
    const [inverse, minus] = [inverseOf(qLast, q), residueOf(-inverseModulo(qLast, t), t)]
    for (let i = 0; i < n; i++) {
      const k = residueOf(last[i]! * minus, t)
      const small = t === 0n ? BigInt.asIntN(64, k) : k > t >> 1n ? k - t : k
      value[i] = modulo((value[i]! - last[i]!) * inverse - small, q)
    }
  },
  reduce(value, b, factor, t, count, q, p) {
    const inverse = inverseOf(q, p)
    let most = 0n
    for (let i = 0; i < count; i++) {
      const residue = modulo((b[i]! - value[i]!) * inverse, p)
      const k = residue > p >> 1n ? residue - p : residue
      const size = k < 0n ? -k : k
      if (size > most) most = size
      value[i] = residueOf((value[i]! + q * k) * factor, t)
    }
    return most
  },
  words: (value, count) => new Uint32Array(value.slice(0, count).buffer),
  recombine(values, primes, count, limbs) {
    const inverses = radixInverses(primes)
    const out = new Uint32Array(limbs * count)
    for (let i = 0; i < count; i++) {
      let [sum, product] = [0n, 1n]
      for (const [j, p] of primes.entries()) {
        sum += product * modulo((values[j]![i]! - sum) * inverses[j]!, p)
        product *= p
      }
      for (let k = 0; k < limbs; k++) out[limbs * i + k] = Number(BigInt.asUintN(32, sum >> BigInt(32 * k)))
    }
    return out
  },
  pack(value, bits, count) {
    const out = new Uint8Array(packedBytes(count, bits))
    const mask = (1n << BigInt(bits)) - 1n
    let [held, have, at] = [0n, 0, 0]
    for (const residue of value.subarray(0, count)) {
      held |= (residue & mask) << BigInt(have)
      for (have += bits; have >= 8; have -= 8, held >>= 8n) out[at++] = Number(held & 255n)
    }
    return out
  },
  unpack(packed, bits, count, q) {
    const mask = (1n << BigInt(bits)) - 1n
    const value = new BigUint64Array(n)
    let [held, have, at, above] = [0n, 0, 0, 0]
    for (let i = 0; i < count; i++) {
      for (; have < bits; have += 8) held |= BigInt(packed[at++]!) << BigInt(have)
      value[i] = held & mask
      held >>= BigInt(bits)
      have -= bits
      if (value[i]! >= q) above++
    }
    return { value, above }
  },
})
