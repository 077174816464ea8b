/** Inputs and outputs of the kernels of products under encryption, and their checks. */
import { TallyError } from '@tallystick/core'

/** Z_q[x]/(x^n + 1) for q the product of `moduli`, and what is encrypted in it. */
export interface ProductRing {
  /** n: 1024 to 32768 in use. */
  readonly degree: number
  /** Primes between 2^32 and 2^50, 1 mod 2n. */
  readonly moduli: BigUint64Array
  /**
   * Slots: primes below all `moduli`, 1 mod 2n; each ciphertext stands for one modulo each of them, and what is encrypted
   * are the numbers below their product. Coefficients: one 0n, which stands for 2^64.
   */
  readonly plainModuli: BigUint64Array
}

export interface EncryptInput extends ProductRing {
  /** 32 bytes, sent in place of the second components. */
  readonly publicSeed: Uint8Array
  /** n words of -1, 0, 1. */
  readonly secret: Int8Array
  /** 32 bytes: the errors. Never used twice with one `first`. */
  readonly coins: Uint8Array
  /** Index of the first row. */
  readonly first: number
  /** rows × n numbers of `limbs` 32-bit words each, little endian. */
  readonly words: Uint32Array
  readonly limbs: number
}

/** A key for others: what they add to what they give back. */
export interface KeyInput extends ProductRing {
  readonly publicSeed: Uint8Array
  readonly secret: Int8Array
  readonly coins: Uint8Array
}

export interface ProductsInput extends ProductRing {
  readonly publicSeed: Uint8Array
  /** Index of the first row. */
  readonly first: number
  /** blocks × rows rows, as `bgv/encrypt` packs them. */
  readonly packed: Uint8Array
  readonly rows: number
  readonly columns: number
  /** blocks × columns × n numbers of `limbs` words. */
  readonly factors: Uint32Array
  readonly limbs: number
  /** What is added to: rows × columns × plain moduli × 2 × moduli × n residues; empty for zero. */
  readonly sums: BigUint64Array
}

export interface ProductsOutput {
  /** rows × columns × plain moduli × 2 × moduli × n residues, in NTT form. */
  readonly sums: BigUint64Array
  /** Residues of the peer that are not below their primes; where there are any, `sums` is worth nothing. */
  readonly above: number
}

/** What of the ciphertexts goes back. */
interface Reply extends ProductRing {
  /** Primes that are left, the first ones: 2. */
  readonly keep: number
  /** Coefficients that are read, a multiple of 8 of them; empty for all. */
  readonly places: Uint32Array
}

export interface AnswerInput extends Reply {
  readonly publicSeed: Uint8Array
  /** As `bgv/key` packs it. */
  readonly key: Uint8Array
  /** 32 bytes: randomness of encryptions of zero, and the flood. Used once. */
  readonly coins: Uint8Array
  /** As `bgv/products` gives them. */
  readonly sums: BigUint64Array
  /** One number of `limbs` words for each place of each result, the last word masked: what is added. */
  readonly masks: Uint32Array
  readonly limbs: number
  readonly lastMask: number
  /** The flood is uniform over 2^bits integers around zero, times the plain modulus. */
  readonly floodBits: number
}

export interface AnswerOutput {
  readonly packed: Uint8Array
  /** Residues of the peer's key that are not below their primes. */
  readonly above: number
}

export interface OpenInput extends Reply {
  readonly secret: Int8Array
  /** As `bgv/answer` packs them. */
  readonly packed: Uint8Array
  readonly results: number
  readonly limbs: number
}

export interface OpenOutput {
  /** One number of `limbs` words for each place of each result. */
  readonly words: Uint32Array
  /** The largest noise found, as a part of half the modulus: 1 or more is a wrong result. */
  readonly fill: number
  readonly above: number
}

/** Bits that a residue is packed in. */
export const widthOf = (q: bigint): number => q.toString(2).length

/** Bytes of packed residues, of a number that is a multiple of 8. */
export const packedBytes = (count: number, bits: number): number => (count * bits) / 8

/** Bytes of one row: a first component for each plain modulus. */
export const rowBytes = ({ degree, moduli, plainModuli }: ProductRing): number =>
  plainModuli.length * moduli.reduce((sum, q) => sum + packedBytes(degree, widthOf(q)), 0)

/** Bytes of a public key. */
export const keyBytes = ({ degree, moduli }: ProductRing): number =>
  moduli.reduce((sum, q) => sum + packedBytes(degree, widthOf(q)), 0)

/** Bytes of one result. */
export const resultBytes = ({ degree, moduli, plainModuli }: ProductRing, keep: number, places: number): number => {
  const bits = moduli.subarray(0, keep).reduce((sum, q) => sum + widthOf(q), 0)
  return plainModuli.length * (packedBytes(degree, bits) + packedBytes(places === 0 ? degree : places, bits))
}

const wrong = (expected: string): TallyError => new TallyError('api/misuse', 'self', `bgv: expected ${expected}`)

/** @throws TallyError api/misuse */
export const checkProductRing = ({ degree, moduli, plainModuli }: ProductRing): void => {
  const prime = (q: bigint): boolean => q > 1n << 32n && q < 1n << 50n && (q - 1n) % BigInt(2 * degree) === 0n
  const least = moduli.reduce((a, b) => (a < b ? a : b), 1n << 50n)
  const good =
    Number.isInteger(Math.log2(degree)) &&
    degree >= 8 &&
    degree <= 32_768 &&
    moduli.length >= 2 &&
    new Set(moduli).size === moduli.length &&
    moduli.every(prime) &&
    plainModuli.length >= 1 &&
    new Set(plainModuli).size === plainModuli.length &&
    ((plainModuli.length === 1 && plainModuli[0] === 0n) || plainModuli.every((t) => prime(t) && t < least))
  if (good) return
  throw wrong('a degree of 8 to 32768, a power of two, and primes of 33 to 50 bits that are 1 modulo twice the degree')
}

/** @throws TallyError api/misuse */
export const checkLength = (what: string, found: number, expected: number): void => {
  if (found !== expected) throw wrong(`${expected} of ${what}, found ${found}`)
}

/** @throws TallyError api/misuse */
export const checkReply = ({ degree, moduli, keep, places }: Reply): void => {
  if (keep !== 2 || keep > moduli.length) throw wrong(`2 primes that are left, found ${keep}`)
  if (places.length % 8 !== 0 || places.some((place) => place >= degree)) {
    throw wrong('places within the degree, a multiple of 8 of them')
  }
}
