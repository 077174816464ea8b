/** What the two roles of `psi/ikn19` agree on before they start, and what they send. */
import { fixedBytes, flatRows } from '@tallystick/core'
import { message, opening, parameterReader } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'

export type Role = 'receiver' | 'sender'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role, 1 or more. */
  readonly sizes: Readonly<Record<Role, number>>
  /** Values are whole numbers below 2^(12 limbs). */
  readonly limbs: number
  /** With fewer common rows the sender withholds the sum: 0 unless told. */
  readonly minimum: number
  readonly output: 'sum'
  /** The receiver learns size and sum, the sender the size. */
  readonly to: 'both'
  readonly chunkRows: number
  /** For people: which column of the receiver's list the values are, and by which power of ten they were multiplied. */
  readonly values?: { readonly column: string; readonly decimals: number }
}

/** Values as the receiver declares them. */
export interface SumValues {
  readonly column: string
  readonly decimals: number
  readonly limbs: number
  /** Width of the largest value, where the declaration says it: at most 12 a limb. */
  readonly bits?: number | undefined
}

/** Rows with a number each. */
export interface Valued extends Items {
  /** As many as rows: whole, from 0 to 2^(12 limbs) - 1. */
  readonly values: Float64Array
}

export type Outcome =
  | { readonly kind: 'sum'; readonly size: number; readonly sum: number }
  | { readonly kind: 'cardinality'; readonly size: number }
  /** Fewer rows are common than the terms ask for; how many the receiver does not learn. */
  | { readonly kind: 'withheld' }

export const elementBytes = 32
/** Bits of a limb: the discrete logarithm of a limb's sum takes the root of 2^limbBits times the size. */
export const limbBits = 12
export const limbValues = 2 ** limbBits
export const maxLimbs = 4
/** Values are declared with at most so many digits after the point. */
export const maxDecimals = 9
export const defaultChunkRows = 4096
/** Ciphertexts of four limbs: 4 MiB a frame. */
export const maxChunkRows = 16_384
export const maxRows = 1_000_000
/** A ciphertext of one limb: two elements. */
export const ciphertextBytes = 2 * elementBytes

/** In place of a size below the minimum; no set is as large. */
export const withheldSize = 2 ** 32 - 1

const elements = flatRows(elementBytes, maxChunkRows)

export const messages = {
  /** 8a·H(v) for the sender's rows, shuffled. */
  senderMasked: message('sender', 'receiver', elements),
  /** 8b·H(w) for the receiver's rows, shuffled. */
  receiverMasked: message('receiver', 'sender', elements),
  /** sk·G, of a key for this session. */
  publicKey: message('receiver', 'sender', fixedBytes(elementBytes)),
  /** A ciphertext a limb of each value, in the order of `receiverMasked`: rows of 64·limbs bytes. */
  encrypted: message('receiver', 'sender', flatRows(ciphertextBytes, maxChunkRows * maxLimbs)),
  /** 8b·8a·H(v), in an order that only the receiver knows. */
  senderDoubled: opening('receiver', 'sender', elements),
  /** How many are common, 4 bytes, big endian; {@link withheldSize} where they are too few. */
  size: opening('sender', 'receiver', fixedBytes(4)),
  /** A fresh ciphertext a limb of the sum over what is common. */
  total: opening('sender', 'receiver', flatRows(ciphertextBytes, maxLimbs)),
} as const

const { fields, integer, malformed } = parameterReader(
  'psi/ikn19',
  'make new terms; `sizes` { receiver, sender }, `limbs`, `output` and `to` are required, `minimum` and `chunkRows` not',
)

const parseValues = (value: unknown): NonNullable<Parameters['values']> => {
  const { column, decimals } = fields(value, 'values', ['column', 'decimals'])
  if (typeof column !== 'string' || column === '') throw malformed('expected values.column to be the name of a column')
  return { column, decimals: integer(decimals, 'values.decimals', 0, maxDecimals) }
}

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const all = fields(value, 'parameters', ['sizes', 'limbs', 'minimum', 'output', 'to', 'chunkRows', 'values'])
  const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
  if (all['output'] !== 'sum') throw malformed('expected output to be sum')
  if (all['to'] !== 'both') throw malformed('expected to to be both')
  const limbs = integer(all['limbs'], 'limbs', 1, maxLimbs)
  const receiver = integer(sizes['receiver'], 'sizes.receiver', 1, maxRows)
  if (receiver * limbValues ** limbs > 2 ** 53) {
    throw malformed(`${receiver} values of ${limbBits * limbs} bits may add up to more than 2^53: take fewer limbs`)
  }
  return {
    sizes: { receiver, sender: integer(sizes['sender'], 'sizes.sender', 1, maxRows) },
    limbs,
    minimum: integer(all['minimum'] ?? 0, 'minimum', 0, maxRows),
    output: 'sum',
    to: 'both',
    chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
    ...(all['values'] === undefined ? {} : { values: parseValues(all['values']) }),
  }
}
