/** Arithmetic on polynomials modulo x^n + 1 and one prime, as the kernels are written against it; here in plain BigInt. */
import { inversePowers, power, rootPowers } from './ring.ts'

/** `P` is a polynomial: n residues; `S` n signed 32-bit words. Both live until what they were made `within` ends. */
export interface Arithmetic<P, S> {
  /** Gives back what `work` has made. */
  within<T>(work: () => T): T
  /** From n residues. */
  polynomial(residues: BigUint64Array): P
  /** From signed words. */
  small(words: Int32Array): S
  read(value: P): BigUint64Array
  /** value <- its negacyclic transform, bit-reversed. */
  transform(value: P, q: bigint): void
  /** value <- what `transform` would take to it. */
  inverse(value: P, q: bigint): void
  /** out <- (a - b)·factor. */
  scaledDifference(out: P, a: P, b: P, factor: bigint, q: bigint): void
  /** out <- factor·a mod q; a may be any residues below 2^50. */
  scale(out: P, a: P, factor: bigint, q: bigint): void
  /** out[i] <- a[places[i]]. */
  permute(out: P, a: P, places: S): void
  /** out <- c - a·b, element by element. */
  negativeProduct(out: P, a: P, b: P, c: P, q: bigint): void
  /** out <- out + a·b, element by element. */
  addProduct(out: P, a: P, b: P, q: bigint): void
  /** out <- out + factor·a. */
  addScaled(out: P, a: P, factor: bigint, q: bigint): void
  /** out <- factor·small + plain mod q; residues of plain are modulo t < q, lifted to (-t/2, t/2]. */
  lift(out: P, small: S, factor: bigint, plain: P, t: bigint, q: bigint): void
  /** out[from …] <- the random words below q, after masking to its bits; how many residues out has then. */
  uniform(out: P, from: number, random: Uint8Array, q: bigint): number
  /** Centred binomial of 21 coins a side, from 6 random bytes a word. */
  binomial(random: Uint8Array): S
}

const modulo = (value: bigint, q: bigint): bigint => ((value % q) + q) % q

const ones = (value: number): number => {
  let count = 0
  for (let v = value; v !== 0; v &= v - 1) count++
  return count
}

const wordsOf = (bytes: Uint8Array): BigUint64Array =>
  new BigUint64Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 8))

export const bigintArithmetic = (n: number): Arithmetic<BigUint64Array, Int32Array> => ({
  within: (work) => work(),
  polynomial: (residues) => residues.slice(),
  small: (words) => words.slice(),
  read: (value) => value.slice(),
  transform(value, q) {
    const powers = rootPowers(n, q)
    for (let m = 1, half = n >> 1; m < n; m <<= 1, half >>= 1) {
      for (let i = 0; i < m; i++) {
        for (let j = 2 * i * half; j < (2 * i + 1) * half; j++) {
          const u = value[j]!
          const v = (value[j + half]! * powers[m + i]!) % q
          value[j] = (u + v) % q
          value[j + half] = modulo(u - v, q)
        }
      }
    }
  },
  inverse(value, q) {
    const powers = inversePowers(n, q)
    for (let m = n >> 1, half = 1; m >= 1; m >>= 1, half <<= 1) {
      for (let i = 0; i < m; i++) {
        for (let j = 2 * i * half; j < (2 * i + 1) * half; j++) {
          const [u, v] = [value[j]!, value[j + half]!]
          value[j] = (u + v) % q
          value[j + half] = modulo((u - v) * powers[m + i]!, q)
        }
      }
    }
    const inverse = power(BigInt(n), q - 2n, q)
    for (let i = 0; i < n; i++) value[i] = (value[i]! * inverse) % q
  },
  scaledDifference(out, a, b, factor, q) {
    for (let i = 0; i < n; i++) out[i] = modulo((a[i]! - b[i]!) * factor, q)
  },
  scale(out, a, factor, q) {
    for (let i = 0; i < n; i++) out[i] = (a[i]! * factor) % q
  },
  permute(out, a, places) {
    for (let i = 0; i < n; i++) out[i] = a[places[i]!]!
  },
  negativeProduct(out, a, b, c, q) {
    for (let i = 0; i < n; i++) out[i] = modulo(c[i]! - a[i]! * b[i]!, q)
  },
  addProduct(out, a, b, q) {
    for (let i = 0; i < n; i++) out[i] = (out[i]! + a[i]! * b[i]!) % q
  },
  addScaled(out, a, factor, q) {
    for (let i = 0; i < n; i++) out[i] = (out[i]! + a[i]! * factor) % q
  },
  lift(out, small, factor, plain, t, q) {
    for (let i = 0; i < n; i++) {
      const m = plain[i]! > t >> 1n ? plain[i]! - t : plain[i]!
      out[i] = modulo(BigInt(small[i]!) * factor + m, q)
    }
  },
  uniform(out, from, random, q) {
    const mask = (1n << BigInt(q.toString(2).length)) - 1n
    let found = from
    for (const word of wordsOf(random)) {
      if (found === n) break
      if ((word & mask) < q) out[found++] = word & mask
    }
    return found
  },
  binomial: (random) =>
    Int32Array.from({ length: n }, (_, i) => {
      const [a, b, c, d, e, f] = random.subarray(6 * i, 6 * i + 6)
      return ones(a! | (b! << 8) | ((c! & 31) << 16)) - ones(d! | (e! << 8) | ((f! & 31) << 16))
    }),
})
