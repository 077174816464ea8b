/**
 * Rings of the ciphertexts, and the sums by which masks hide and noise has room. Worst cases throughout: every error of
 * absolute value 21, every sign the wrong way.
 *
 * Security of the keys: degree 8192 and a modulus of at most 218 bits are 128 bits against classical attacks for uniform
 * ternary secrets (HomomorphicEncryption.org standard, 2018; ia.cr/2019/939), errors of a centred binomial with 21 coins a
 * side (standard deviation 3.24).
 *
 * What the key's owner sees of the other's numbers, beside the result:
 * - In slots, the sum a b' + b a' plus a mask r, over the integers: r is uniform below 2^maskBits, so that this is within
 *   2^(bits of the sum - maskBits) of r alone (as with the triples that Demmler, Schneider, Zohner, "ABY", NDSS 2015, make by
 *   Paillier's encryption). Over coefficients the mask is uniform modulo 2^64: nothing.
 * - The noise, which is flooded by an integer uniform over 2^floodBits values: within |noise| / 2^floodBits of the flood alone
 *   (the smudging lemma: Asharov, Jain, López-Alt, Tromer, Vaikuntanathan, Wichs, EUROCRYPT 2012, ia.cr/2011/613).
 * Both are added up over all numbers of a run, whose count is bounded so that the sum stays below 2^-40 (parameters.test.ts).
 */
import { TallyError } from '@tallystick/core'
import type { ProductRing } from '@tallystick/kernels'
import type { Ring } from '../backend.ts'

/** n: numbers of a tile. */
export const degree = 8192
const wide = BigUint64Array.of(1125899906826241n, 1125899906629633n, 1125899905744897n, 1125899905351681n)
const plain = [
  ...[562949952847873n, 562949952798721n, 562949952700417n, 562949952274433n],
  ...[562949951979521n, 562949951963137n, 562949951881217n],
]

export type Kind = 'slots64' | 'slots128' | 'coefficients'

export interface Parameters {
  readonly ring: ProductRing
  /** Words of a number that is encrypted. */
  readonly limbs: number
  /** Of the mask of one number, and how many of its bits are random. */
  readonly maskLimbs: number
  readonly maskBits: number
  readonly floodBits: number
  /** The largest noise that an honest answer has, as a part of half the modulus that is left, and one in a hundred more. */
  readonly mostFill: number
}

/** Primes that an answer has. */
export const keep = 2
/** Products of ciphertexts and plaintexts that are summed up to one answer. */
export const mostBlocks = 128
/** Numbers of triples of a run, and elements of products of matrices. */
export const mostTriples = 2 ** 25
export const mostResults = 2 ** 22

/** @throws TallyError terms/unsupported for more than masks and floods hide together to 2^-40 */
export const checkCounts = ({ triples, results }: { readonly triples: number; readonly results: number }): void => {
  if (triples <= mostTriples && results <= mostResults) return
  const message = `expected at most ${mostTriples} triples and ${mostResults} elements of products of matrices from ciphertexts in one run`
  throw new TallyError('terms/unsupported', 'self', `${message}, found ${triples} and ${results}`, {
    remedy: 'take triples from a helper, or cut the work into several jobs',
  })
}

const errors = 21n
const n = BigInt(degree)

/**
 * Of the sum of so many products in units of the plain modulus t, before the flood: |m + t e| · |b| for each of n terms, and
 * what an encryption of zero under a public key adds. Slots are numbers between -t/2 and t/2, coefficients below t.
 */
export const noiseBound = (t: bigint, blocks: number, centred: boolean): bigint => {
  const magnitude = centred ? t / 2n + 1n : t
  const products = (BigInt(blocks) * n * (magnitude + errors * t) * magnitude) / t
  return products + 2n * errors * n + errors + 2n
}

const productOf = (primes: Iterable<bigint>): bigint => [...primes].reduce((product, q) => product * q, 1n)

/** The phase after the flood, brought down to the primes that are left: each prime that goes rounds by t/2 + 1. */
const fillOf = (ring: ProductRing, t: bigint, noise: bigint, floodBits: number): number => {
  const dropped = ring.moduli.slice(keep)
  const left = productOf(ring.moduli.slice(0, keep))
  const phase = t * (noise + (1n << BigInt(floodBits - 1)) + 1n)
  const rounding = BigInt(dropped.length) * (t / 2n + 1n) * (n + 1n)
  const total = phase / productOf(dropped) + rounding + 1n
  return (Number((2n * total * 1_000_000n) / left) / 1_000_000) * 1.01
}

const slots = (limbs: number, primes: number, maskBits: number): Parameters => {
  const ring = { degree, moduli: wide, plainModuli: BigUint64Array.from(plain.slice(0, primes)) }
  const floodBits = 149
  const mostFill = fillOf(ring, plain[0]!, noiseBound(plain[0]!, mostBlocks, true), floodBits)
  return { ring, limbs, maskLimbs: Math.ceil(maskBits / 32), maskBits, floodBits, mostFill }
}

const coefficients = (): Parameters => {
  const moduli = BigUint64Array.of(
    ...[13299999834113n, 13299999784961n, 13299999539201n, 13299999129601n, 13299998932993n],
  )
  const ring = { degree, moduli, plainModuli: BigUint64Array.of(0n) }
  const [t, floodBits] = [1n << 64n, 152]
  const mostFill = fillOf(ring, t, noiseBound(t, mostBlocks, false), floodBits)
  return { ring, limbs: 2, maskLimbs: 2, maskBits: 64, floodBits, mostFill }
}

/**
 * Sums of two products are below 2^129 and 2^257, of `mostBlocks` 2^135 and 2^263; plain moduli together are above 2^195.9
 * and 2^342.9.
 */
export const parameters: Readonly<Record<Kind, Parameters>> = {
  slots64: slots(2, 4, 195),
  slots128: slots(4, 7, 342),
  coefficients: coefficients(),
}

export const slotsOf = (ring: Ring): Kind => (ring === 64 ? 'slots64' : 'slots128')
