/** Rings that a planner may choose from: degrees, primes and plain moduli at 128 bits of security. */
import { bitLength, isPrime, largestModulus, type Ring } from '../parameters.ts'

/** Widest prime that the kernels compute with, and the narrowest that they take. */
export const mostBits = 50
const leastBits = 33

const found = new Map<string, readonly bigint[] | undefined>()

/** The `count` largest primes below 2^bits that are 1 modulo `step`; undefined where there are fewer of so many bits. */
const primesBelow = (bits: number, step: bigint, count: number): readonly bigint[] | undefined => {
  const key = `${bits}/${step}/${count}`
  if (found.has(key)) return found.get(key)
  const primes: bigint[] = []
  const least = 1n << BigInt(bits - 1)
  const top = 1n << BigInt(bits)
  for (let q = ((top - 2n) / step) * step + 1n; q > least && primes.length < count; q -= step)
    if (isPrime(q)) primes.push(q)
  const all = primes.length === count ? primes : undefined
  found.set(key, all)
  return all
}

/**
 * A ring for each of `count` plain moduli of `plainBits` bits, with as many data primes and one special prime of the same
 * width, which leave 128 bits of security; undefined where there are none. `aligned`: primes are 1 modulo t.
 */
export const exactRings = (
  degree: number,
  primes: number,
  plainModuli: readonly bigint[],
  aligned: boolean,
): readonly Ring[] | undefined => {
  const bits = Math.min(mostBits, Math.floor(largestModulus[degree]! / (primes + 1)))
  const rings = plainModuli.map((t): Ring | undefined => {
    if (bits < leastBits || bits <= bitLength(t)) return undefined
    const step = BigInt(2 * degree) * (aligned ? t : 1n)
    // The plain modulus may be none of the primes.
    const all = primesBelow(bits, step, primes + 2)?.filter((q) => q !== t)
    if (all === undefined) return undefined
    const data = BigUint64Array.from(all.slice(1, primes + 1))
    return { degree, data, moduli: BigUint64Array.of(...data, all[0]!), plainModulus: t }
  })
  return rings.every((ring) => ring !== undefined) ? rings : undefined
}

/**
 * A ring of CKKS: a first prime of 50 bits for the integer part of results, `primes - 1` of `scaleBits` bits to divide by,
 * and a special prime of 50 bits; undefined where 128 bits of security have no room for it.
 */
export const approximateRing = (degree: number, primes: number, scaleBits: number): Ring | undefined => {
  if (2 * mostBits + (primes - 1) * scaleBits > largestModulus[degree]!) return undefined
  const step = BigInt(2 * degree)
  const wide = primesBelow(mostBits, step, 2)
  const narrow = primesBelow(scaleBits, step, Math.max(1, primes - 1))
  if (wide === undefined || narrow === undefined) return undefined
  const data = BigUint64Array.from([wide[1]!, ...narrow.slice(0, primes - 1)])
  return { degree, data, moduli: BigUint64Array.of(...data, wide[0]!), plainModulus: 0n }
}

/** Plain moduli whose product exceeds `bound`, each above `apart`; the widths that one to eight of them may have. */
export const plainModuli = (degree: number, bound: number, apart: number): readonly (readonly bigint[])[] => {
  const choices: (readonly bigint[])[] = []
  const least = Math.max(17, Math.ceil(Math.log2(apart + 2)))
  for (let count = 1; count <= 8; count++) {
    for (let bits = least; bits <= 49; bits++) {
      const moduli = primesBelow(bits, BigInt(2 * degree), count)
      if (moduli === undefined || Number(moduli.at(-1)!) <= apart) continue
      if (Number(moduli.reduce((product, t) => product * t, 1n)) <= bound) continue
      choices.push(moduli)
      break
    }
  }
  return choices
}
