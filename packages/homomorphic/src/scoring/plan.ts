/** Which ring a scoring needs, from public sizes alone. */
import { TallyError } from '@tallystick/core'
import { bitLength, largestModulus, ringFor, type Ring } from '../parameters.ts'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Rows that the client has scored; of the server, where said, the numbers of its model: features + 1. */
  readonly sizes: { readonly client: number; readonly server?: number }
  readonly features: number
  /** Features are integers between -(2^bits - 1) and 2^bits - 1: fixed point, in a unit that both know. */
  readonly featureBits: number
  /** The same of the weights; the intercept has weightBits + featureBits. */
  readonly weightBits: number
  /**
   * What the integers stand for, where the parties say so: a feature is x·10^-decimals, a score s·10^-scoreDecimals, and
   * so a weight w·10^(decimals - scoreDecimals). Nothing is computed from it.
   */
  readonly units?: {
    readonly columns: readonly { readonly name: string; readonly decimals: number }[]
    readonly scoreDecimals: number
  }
}

export interface Plan {
  readonly ring: Ring
  /** Ciphertexts of one feature: a row a slot. */
  readonly tiles: number
  /** The mask's noise is uniform over 2^floodBits values times t. */
  readonly floodBits: number
}

/** Bits by which the flood exceeds what it hides: statistical distance 2^-40 of all that the client receives. */
export const statisticalBits = 40
export const maxRows = 10_000_000

const malformed = (message: string): TallyError =>
  new TallyError('terms/malformed', 'self', `homomorphic/scoring parameters: ${message}`)

const within = (n: unknown, least: number, most: number): n is number =>
  Number.isInteger(n) && Number(n) >= least && Number(n) <= most

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const parseUnits = (value: unknown, features: number): NonNullable<Parameters['units']> => {
  const { columns, scoreDecimals, ...rest } = object(value)
  const named = (column: unknown): boolean => {
    const { name, decimals, ...more } = object(column)
    return typeof name === 'string' && within(decimals, 0, 9) && Object.keys(more).length === 0
  }
  const listed = Array.isArray(columns) && columns.length === features && columns.every(named)
  if (listed && within(scoreDecimals, 0, 14) && Object.keys(rest).length === 0) {
    return { columns: columns as { name: string; decimals: number }[], scoreDecimals }
  }
  throw malformed(
    `expected units: { columns: name and decimals (0 to 9) of each of the ${features} features, scoreDecimals: 0 to 14 }`,
  )
}

/** @throws TallyError terms/malformed */
export const parseParameters = (value: unknown): Parameters => {
  const { sizes, features, featureBits, weightBits, units, ...rest } = object(value)
  const { client, server, ...others } = object(sizes)
  if (
    within(client, 1, maxRows) &&
    within(features, 1, 4096) &&
    within(featureBits, 1, 24) &&
    within(weightBits, 1, 24) &&
    (server === undefined || server === features + 1) &&
    Object.keys({ ...rest, ...others }).length === 0
  ) {
    const plain = {
      sizes: server === undefined ? { client } : { client, server: features + 1 },
      features,
      featureBits,
      weightBits,
    }
    return units === undefined ? plain : { ...plain, units: parseUnits(units, features) }
  }
  throw malformed(
    `expected { sizes: { client: 1 to ${maxRows}, server: features + 1 or not said }, features: 1 to 4096, featureBits and weightBits: 1 to 24 }, units or not, and nothing else`,
  )
}

/** Most coins a side of a centred binomial error. */
const errorBound = 21n

/**
 * Noise, over t. A fresh ciphertext's phase is t·e + m with |e| ≤ 21 and |m| ≤ t/2, so that of Σ w_j·c_j + bias is below
 * t·F·2^weightBits·22 + 2^(weightBits+featureBits); the mask adds t·(u·e' + e_0 + e_1·s) + m', at most
 * t·(21·(2n + 1) + 1), and the flood. Uniform over 2^b values it hides a shift of up to B within B/2^b a coefficient: b = 40 + the bits of B + those
 * of the number of coefficients.
 */
const planWithin = ({ sizes, features, featureBits, weightBits }: Parameters, degree: number) => {
  const score = (BigInt(features) << BigInt(featureBits + weightBits)) + (1n << BigInt(featureBits + weightBits))
  const plainBits = Math.max(17, bitLength(2n * score) + 1)
  const tiles = Math.ceil(sizes.client / degree)
  const hidden =
    1n + ((BigInt(features) << BigInt(weightBits)) + 1n) * (errorBound + 1n) + errorBound * BigInt(2 * degree + 1)
  const floodBits = statisticalBits + bitLength(hidden) + bitLength(BigInt(tiles * degree))
  return { plainBits, tiles, floodBits, modulusBits: plainBits + floodBits + 2 }
}

/** Rows of the terms that stand in the slots of a tile. */
export const rowsOf = ({ sizes }: Parameters, { ring }: Plan, tile: number): number =>
  Math.min(ring.degree, sizes.client - tile * ring.degree)

/** @throws TallyError terms/unsupported where no ring has room for it */
export const planOf = (parameters: Parameters): Plan => {
  for (const degree of Object.keys(largestModulus).map(Number)) {
    const { plainBits, tiles, floodBits, modulusBits } = planWithin(parameters, degree)
    if (plainBits > 49) break
    const ring = ringFor(plainBits, modulusBits, degree)
    if (ring !== undefined) return { ring, tiles, floodBits }
  }
  throw new TallyError(
    'terms/unsupported',
    'self',
    `expected scores of at most 47 bits, found ${parameters.features} features of ${parameters.featureBits} bits and weights of ${parameters.weightBits} bits`,
    { remedy: 'round features or weights to fewer decimals' },
  )
}
