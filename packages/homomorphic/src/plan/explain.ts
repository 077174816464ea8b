/** What a plan takes and keeps, before anything is encrypted. */
import { keyFrameBytes } from '../operators/keys.ts'
import { inputFrameBytes, resultFrameBytes } from '../operators/run.ts'
import { bitLength, largestModulus } from '../parameters.ts'
import { statisticalBits } from './exact.ts'
import type { Plan } from './index.ts'

export interface PlanExplanation {
  readonly scheme: 'bgv' | 'ckks'
  readonly degree: number
  /** Of the product of all primes, and the most that has 128 bits of security at this degree. */
  readonly modulusBits: number
  readonly securestBits: number
  /** Of each plain modulus; the program runs once for each. None where approximate. */
  readonly plainBits: readonly number[]
  readonly levels: number
  readonly relinearisation: boolean
  /** Rotation keys, other than which none are made. */
  readonly rotationKeys: number
  readonly inputCiphertexts: number
  readonly resultCiphertexts: number
  /** Instructions on ciphertexts, of all plain moduli. */
  readonly instructions: number
  readonly products: number
  /** Exact: least room of a result in bits by the worst-case bound. */
  readonly noiseRoomBits: number
  /** Approximate: the most that a number of an output is off. */
  readonly errors: Readonly<Record<string, number>>
  /** Approximate: answers that the holder of the key may hand on; 0 for none. */
  readonly releases: number
  readonly statisticalBits: number | null
  readonly bytes: { readonly keys: number; readonly inputs: number; readonly results: number }
  /** Of one core at who computes, for the order of magnitude. */
  readonly seconds: number
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

export const explainPlan = (plan: Plan): PlanExplanation => {
  const [first] = plan.rings
  const { degree, moduli, data } = first!
  const programs = plan.waves.flat().map(({ program }) => program)
  const instructions = sum(programs.map((program) => program.length))
  const products = sum(programs.map((program) => program.filter(([name]) => name === 'multiply').length))
  return {
    ...{ scheme: plan.scheme, degree, levels: data.length },
    modulusBits: bitLength(moduli.reduce((product, q) => product * q, 1n)),
    securestBits: largestModulus[degree]!,
    plainBits: plan.rings.filter((ring) => ring.plainModulus > 0n).map((ring) => bitLength(ring.plainModulus)),
    relinearisation: plan.targets.includes(0),
    rotationKeys: plan.targets.filter((target) => target !== 0).length,
    inputCiphertexts: plan.rings.length * plan.inputs.length,
    resultCiphertexts: plan.rings.length * plan.tiles.length,
    instructions: plan.rings.length * instructions,
    products: plan.rings.length * products,
    noiseRoomBits: Math.floor(plan.roomBits),
    errors: plan.errors,
    releases: plan.releases,
    statisticalBits: plan.parties ? statisticalBits : null,
    bytes: {
      keys: sum(plan.rings.map((ring) => sum(keyFrameBytes(ring, plan.targets.length)))),
      inputs: sum(plan.rings.map((ring) => plan.inputs.length * inputFrameBytes(plan, ring))),
      results: sum(plan.rings.map((ring) => sum(plan.tiles.map((tile) => resultFrameBytes(ring, tile))))),
    },
    seconds: plan.seconds,
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** As a person reads it. */
export const planText = (found: PlanExplanation): string => {
  const { degree, modulusBits, securestBits, bytes, seconds, scheme } = found
  const worst = Math.max(...Object.values(found.errors))
  const lines = [
    scheme === 'bgv'
      ? `Exact (BGV), in degree ${degree} and ${modulusBits} bits of modulus: 128 bits of security up to ${securestBits}.`
      : `Approximate (CKKS), in degree ${degree} and ${modulusBits} bits of modulus: 128 bits of security up to ${securestBits}.`,
    scheme === 'bgv'
      ? `Integers modulo ${found.plainBits.length} primes of ${found.plainBits[0]} bits; results have ${found.noiseRoomBits} bits of room for noise left, in the worst case.`
      : `No number of an output is off by more than ${worst.toPrecision(2)}. ${found.releases > 0 ? 'Noise in the results hides the key from whoever sees them.' : 'Results are for the holder of the key alone.'}`,
    `${found.inputCiphertexts} ciphertexts in, ${found.resultCiphertexts} out; ${found.instructions} instructions, ${found.products} of them products of ciphertexts.`,
    `Keys ${megabytes(bytes.keys)} (${found.rotationKeys} rotations${found.relinearisation ? ' and relinearisation' : ''}), inputs ${megabytes(bytes.inputs)}, results ${megabytes(bytes.results)}.`,
    `Who computes takes about ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s of a core.`,
  ]
  if (found.statisticalBits !== null) {
    lines.push(`Results hide all but the outputs from the holder of the key, within 2^-${found.statisticalBits}.`)
  }
  return lines.join('\n')
}
