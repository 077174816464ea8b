/** Which ring encrypted statistics need, from public sizes alone. */
import { TallyError } from '@tallystick/core'
import { bitLength, largestModulus, ringFor, type Ring } from '../parameters.ts'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Rows by owner. */
  readonly sizes: Readonly<Record<string, number>>
  readonly columns: number
  /** Values are integers between -(2^bits - 1) and 2^bits - 1: fixed point, in a unit that all know. */
  readonly bits: number
}

export interface Plan {
  readonly ring: Ring
  /** Ciphertexts of one column, by owner: a row a slot. */
  readonly tiles: Readonly<Record<string, number>>
  /** The masks' noise is uniform over 2^floodBits values times t. */
  readonly floodBits: number
}

export const statisticalBits = 40
export const maxRows = 100_000_000
export const maxColumns = 256

/** @throws TallyError terms/malformed */
export const parserFor =
  (id: string, owners: readonly string[]) =>
  (value: unknown): Parameters => {
    const { sizes, columns, bits, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>
    const rows = (sizes ?? {}) as Readonly<Record<string, unknown>>
    const within = (n: unknown, most: number): n is number => Number.isInteger(n) && Number(n) >= 1 && Number(n) <= most
    const counted = owners.every((owner) => within(rows[owner], maxRows))
    const exact = Object.keys(rest).length === 0 && Object.keys(rows).length === owners.length
    if (counted && exact && within(columns, maxColumns) && within(bits, 24)) {
      return { sizes: rows as Record<string, number>, columns, bits }
    }
    const expected = `{ sizes: rows of ${owners.join(', ')}, columns: 1 to ${maxColumns}, bits: 1 to 24 } and nothing else`
    throw new TallyError('terms/malformed', 'self', `${id} parameters: expected ${expected}`)
  }

const errorBound = 21n

/**
 * Noise, over t. Of an encryption under the public key: V = 21·(2n + 1) + 1 (the plaintext's own lift is below t). Its
 * square: n·t·V², and relinearisation adds at most n·digits·q·21/P ≤ n·digits·22, P being as wide as any q. The mask adds V
 * and the flood, uniform over 2^b, which hides a shift of up to B within B/2^b a coefficient.
 */
const planWithin = ({ sizes, columns, bits }: Parameters, degree: number) => {
  const n = BigInt(degree)
  const tiles = Object.fromEntries(Object.entries(sizes).map(([owner, rows]) => [owner, Math.ceil(rows / degree)]))
  const all = BigInt(Object.values(tiles).reduce((sum, count) => sum + count, 0))
  const rows = BigInt(Object.values(sizes).reduce((sum, count) => sum + count, 0))
  const plainBits = Math.max(17, bitLength(2n * (rows << BigInt(2 * bits))) + 1)
  const fresh = errorBound * (2n * n + 1n) + 1n
  const hidden = all * n * fresh * fresh * (1n << BigInt(plainBits)) + all * n * 18n * 22n
  const floodBits = statisticalBits + bitLength(hidden) + bitLength(2n * n * BigInt(columns))
  return { plainBits, tiles, floodBits, modulusBits: plainBits + floodBits + 2 }
}

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
    `expected sums of squares of at most 47 bits, found values of ${parameters.bits} bits in ${Object.values(parameters.sizes).join(' + ')} rows`,
    { remedy: 'round the values to fewer decimals, or split the rows over several jobs' },
  )
}
