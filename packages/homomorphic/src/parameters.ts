/**
 * Rings of at least 128 bits of security. Largest moduli for uniform ternary secrets, classical attacks, from table 1 of
 * the standard of HomomorphicEncryption.org (November 2018, ia.cr/2019/939); SEAL checks them again when it loads them.
 */
import { invariant } from '@tallystick/core'

/** Bits of the product of all primes, the special one included, by degree. */
export const largestModulus: Readonly<Record<number, number>> = {
  4096: 109,
  8192: 218,
  16384: 438,
  32768: 881,
}

export interface Ring {
  readonly degree: number
  /** Data primes, then the special prime of the keys. */
  readonly moduli: BigUint64Array
  readonly data: BigUint64Array
  /** t of BGV. */
  readonly plainModulus: bigint
}

const power = (base: bigint, exponent: bigint, q: bigint): bigint => {
  let [result, square] = [1n, base % q]
  for (let e = exponent; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = (result * square) % q
    square = (square * square) % q
  }
  return result
}

/** Deterministic for numbers below 2^64: Sorenson, Webster (Math. Comp. 86, 2017). */
const witnesses = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n]

export const isPrime = (n: bigint): boolean => {
  if (n < 2n) return false
  if (witnesses.includes(n)) return true
  if (witnesses.some((p) => n % p === 0n)) return false
  let odd = n - 1n
  let twos = 0
  for (; (odd & 1n) === 0n; odd >>= 1n) twos++
  return witnesses.every((a) => {
    let x = power(a, odd, n)
    if (x === 1n || x === n - 1n) return true
    for (let i = 1; i < twos; i++) {
      x = (x * x) % n
      if (x === n - 1n) return true
    }
    return false
  })
}

/** The `count` largest primes of `bits` bits that are 1 modulo 2n. */
const primesOf = (bits: number, degree: number, count: number): readonly bigint[] => {
  const step = BigInt(2 * degree)
  const found: bigint[] = []
  for (let q = (1n << BigInt(bits)) + 1n - step; found.length < count; q -= step) {
    invariant(q > 1n << BigInt(bits - 1), `there are ${count} primes of ${bits} bits`)
    if (isPrime(q)) found.push(q)
  }
  return found
}

/** Widest prime that the kernels compute with. */
const mostBits = 50
const leastBits = 33

/**
 * The ring of a degree whose data primes give `modulusBits` bits for plaintexts modulo a prime t of `plainBits` bits, with
 * a special prime as wide as the others; undefined where the degree has less room at 128 bits of security.
 */
export const ringFor = (plainBits: number, modulusBits: number, degree: number): Ring | undefined => {
  const [t] = primesOf(plainBits, 32_768, 1)
  const most = largestModulus[degree]!
  for (let primes = 1; primes < 18; primes++) {
    // A bit may be lost where primes are just below a power of two.
    const bits = Math.max(leastBits, plainBits + 1, Math.ceil((modulusBits + 1) / primes))
    if (bits > mostBits || bits * (primes + 1) > most) continue
    // The plain modulus may be none of the primes.
    const moduli = primesOf(bits, degree, primes + 2).filter((q) => q !== t)
    const special = moduli[0]!
    const data = BigUint64Array.from(moduli.slice(1, primes + 1))
    return { degree, data, moduli: BigUint64Array.of(...data, special), plainModulus: t! }
  }
  return undefined
}

/** Bits of a positive integer: the least b with value < 2^b. */
export const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length)
