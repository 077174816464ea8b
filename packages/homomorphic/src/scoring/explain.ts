/** What a scoring costs, before anything is encrypted. */
import { packedBytes } from '../wire.ts'
import { planOf, statisticalBits, type Parameters } from './plan.ts'
import { largestModulus } from '../parameters.ts'

export interface Explanation {
  readonly degree: number
  /** Of the product of all primes, and the most that has 128 bits of security at this degree. */
  readonly modulusBits: number
  readonly securestBits: number
  readonly plainBits: number
  readonly floodBits: number
  readonly statisticalBits: number
  readonly ciphertexts: number
  readonly bytes: { readonly client: number; readonly server: number }
  /** Of one core, as measured (bench/homomorphic.ts): for the order of magnitude. */
  readonly seconds: { readonly client: number; readonly server: number }
}

/** Seconds of a core for a ciphertext, by degree × data primes. */
const secondsToEncrypt = 5e-7
const secondsToEvaluate = 2.5e-7
const secondsToDecrypt = 6e-7
const secondsToMask = 4e-7

/** @throws TallyError terms/unsupported where no ring has room for it */
export const explainScoring = (parameters: Parameters): Explanation => {
  const { ring, tiles, floodBits } = planOf(parameters)
  const { degree, data, moduli, plainModulus } = ring
  const bitsOf = (value: bigint): number => value.toString(2).length
  const component = packedBytes(degree, data, 1)
  const words = degree * data.length
  const ciphertexts = tiles * parameters.features
  return {
    degree,
    modulusBits: bitsOf(moduli.reduce((product, q) => product * q, 1n)),
    securestBits: largestModulus[degree]!,
    plainBits: bitsOf(plainModulus),
    floodBits,
    statisticalBits,
    ciphertexts,
    bytes: { client: 32 + component * (1 + ciphertexts), server: 2 * component * tiles },
    seconds: {
      client: words * (ciphertexts * secondsToEncrypt + tiles * secondsToDecrypt),
      server: words * (ciphertexts * secondsToEvaluate + tiles * secondsToMask),
    },
  }
}
