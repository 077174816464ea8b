/** What a lookup costs, before anything is encrypted. */
import { largestModulus } from '../parameters.ts'
import { ciphertextBytes, planOf, statisticalBits, type Parameters } from './plan.ts'

export interface LookupExplanation {
  readonly degree: number
  /** Of the product of all primes, and the most that has 128 bits of security at this degree. */
  readonly modulusBits: number
  readonly securestBits: number
  readonly floodBits: number
  readonly statisticalBits: number
  /** Powers up, and replies down. */
  readonly powers: number
  readonly replies: number
  readonly bytes: { readonly client: number; readonly holder: number }
  /** Of one core, as measured (bench/homomorphic-lookup.ts): for the order of magnitude. */
  readonly seconds: { readonly client: number; readonly holder: number }
}

/** Seconds of a core: an evaluation of the OPRF, a term of a polynomial, a row of a table, a ciphertext to and fro. */
const secondsOf = { evaluation: 4e-5, term: 1.7e-3, row: 1e-5, encryption: 6e-3, decryption: 5e-3 }

/** @throws TallyError terms/unsupported where no ring has room for it */
export const explainLookup = (parameters: Parameters): LookupExplanation => {
  const plan = planOf(parameters)
  const { ring, partitions, degree, labels, floodBits } = plan
  const { power, powers, replies } = ciphertextBytes(plan)
  const { client, holder } = parameters.sizes
  const count = partitions * (1 + labels)
  return {
    degree: ring.degree,
    modulusBits: ring.moduli.reduce((product, q) => product * q, 1n).toString(2).length,
    securestBits: largestModulus[ring.degree]!,
    floodBits,
    statisticalBits,
    powers: degree,
    replies: count,
    bytes: { client: 32 + 32 * client + power + powers, holder: 32 * client + replies },
    seconds: {
      client: degree * secondsOf.encryption + count * secondsOf.decryption,
      holder: holder * (secondsOf.evaluation + secondsOf.row) + count * degree * secondsOf.term,
    },
  }
}
