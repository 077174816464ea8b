/** Primes and roots of the rings Z_q[x]/(x^n + 1), q = 1 mod 2n, in the order that Microsoft SEAL has them. */
import { TallyError } from '@tallystick/core'
import { reversed } from './fourier.ts'

export const power = (base: bigint, exponent: bigint, q: bigint): bigint => {
  let result = 1n
  let square = base % q
  for (let e = exponent; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = (result * square) % q
    square = (square * square) % q
  }
  return result
}

/** The smallest primitive root of unity of order 2n: the one that SEAL transforms by. */
const smallestRoot = (n: number, q: bigint): bigint => {
  const order = BigInt(2 * n)
  let root = 0n
  for (let x = 2n; root === 0n; x++) {
    const candidate = power(x, (q - 1n) / order, q)
    if (power(candidate, BigInt(n), q) === q - 1n) root = candidate
  }
  const square = (root * root) % q
  let smallest = root
  for (let i = 1; i < n; i++) {
    root = (root * square) % q
    if (root < smallest) smallest = root
  }
  return smallest
}

const tables = new Map<string, { readonly powers: BigUint64Array; readonly inverses: BigUint64Array }>()

const reversedPowers = (n: number, root: bigint, q: bigint): BigUint64Array => {
  const bits = Math.log2(n)
  const out = new BigUint64Array(n)
  let value = 1n
  for (let i = 0; i < n; i++) {
    out[reversed(i, bits)] = value
    value = (value * root) % q
  }
  return out
}

const tablesOf = (n: number, q: bigint) => {
  const name = `${n}/${q}`
  const known = tables.get(name)
  if (known !== undefined) return known
  const root = smallestRoot(n, q)
  const made = { powers: reversedPowers(n, root, q), inverses: reversedPowers(n, power(root, q - 2n, q), q) }
  tables.set(name, made)
  return made
}

/** ψ^rev(i) for i < n; kept for each ring. */
export const rootPowers = (n: number, q: bigint): BigUint64Array => tablesOf(n, q).powers

/** ψ^-rev(i) for i < n. */
export const inversePowers = (n: number, q: bigint): BigUint64Array => tablesOf(n, q).inverses

/**
 * Where x -> x^g takes the values of a polynomial in NTT form: out[i] = in[places[i]]; g odd. Place i holds the value at
 * ψ^(2·rev(i)+1).
 */
export const galoisPlaces = (n: number, g: number): Int32Array => {
  const bits = Math.log2(n)
  return Int32Array.from({ length: n }, (_, i) => {
    const exponent = (g * (2 * reversed(i, bits) + 1)) % (2 * n)
    return reversed((exponent - 1) >> 1, bits)
  })
}

/** What the kernels accept: degrees that SEAL has, and primes whose products double precision can reduce. */
export const checkRing = (degree: number, moduli: BigUint64Array, leastBits = 32, plainModulus = 0n): void => {
  const good =
    Number.isInteger(Math.log2(degree)) &&
    degree >= 8 &&
    degree <= 32_768 &&
    moduli.length >= 1 &&
    moduli.every(
      (q) =>
        q > plainModulus && q > 1n << BigInt(leastBits - 1) && q < 1n << 50n && (q - 1n) % BigInt(2 * degree) === 0n,
    )
  if (good) return
  throw new TallyError(
    'api/misuse',
    'self',
    `rlwe: expected a degree of 8 to 32768, a power of two, and primes of ${leastBits} to 50 bits that are 1 modulo twice the degree and above the plain modulus; found degree ${degree} and ${moduli.length} moduli`,
  )
}
