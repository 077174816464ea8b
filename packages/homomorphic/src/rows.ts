/**
 * Committed rows as inputs, and back: a row of a party's table, or a number of its model, is one leaf. Integers of 32 bits
 * little endian for tables; of a model 64 bits, its weights first and then its intercept.
 */
import { TallyError } from '@tallystick/core'
import type { ClientInput, Role, ServerInput } from './scoring/messages.ts'
import { parseParameters } from './scoring/plan.ts'
import type { OwnerInput } from './statistics/messages.ts'

/** Rows of equal length as attestation commits to them. */
export interface IntegerRows {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

const even = (bytes: Uint8Array, width: number): IntegerRows => ({
  bytes,
  offsets: Uint32Array.from({ length: bytes.length / width + 1 }, (_, i) => i * width),
})

const unlike = (row: number, width: number): TallyError =>
  new TallyError('input/malformed', 'self', `row ${row}: expected ${width} bytes, as the terms declare them`, {
    remedy: 'declare the data again with this version, and agree on new terms',
  })

const checkWidth = ({ offsets }: IntegerRows, width: number): void => {
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (offsets[row + 1]! - offsets[row]! !== width) throw unlike(row, width)
  }
}

/** Rows of a table of integers, row by row. */
export const tableRows = (values: Int32Array, columns: number): IntegerRows => {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => view.setInt32(4 * i, value, true))
  return even(bytes, 4 * columns)
}

const tableOf = (rows: IntegerRows, columns: number): Int32Array => {
  checkWidth(rows, 4 * columns)
  const view = new DataView(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.length)
  return Int32Array.from({ length: columns * (rows.offsets.length - 1) }, (_, i) => view.getInt32(4 * i, true))
}

/** Rows of a model: a weight each, then the intercept. */
export const modelRows = ({ weights, intercept }: ServerInput): IntegerRows => {
  const bytes = new Uint8Array(8 * (weights.length + 1))
  const view = new DataView(bytes.buffer)
  ;[...weights, intercept].forEach((value, i) => view.setBigInt64(8 * i, BigInt(value), true))
  return even(bytes, 8)
}

/** @throws TallyError input/malformed for rows that {@link tableRows} or {@link modelRows} do not write */
export const scoringInput = (rows: IntegerRows, role: string, parameters: unknown): ClientInput | ServerInput => {
  const { features } = parseParameters(parameters)
  if ((role as Role) === 'client') return { features: tableOf(rows, features) }
  checkWidth(rows, 8)
  if (rows.offsets.length !== features + 2) throw unlike(features, 8)
  const view = new DataView(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.length)
  const values = Array.from({ length: features + 1 }, (_, i) => Number(view.getBigInt64(8 * i, true)))
  // A weight beyond 32 bits would wrap around; the protocol refuses what is beyond the declared bits.
  if (values.slice(0, features).some((weight) => weight !== (weight | 0))) {
    throw new TallyError('input/invalid-value', 'self', 'expected weights of at most 24 bits')
  }
  return { weights: Int32Array.from(values.slice(0, features)), intercept: values[features]! }
}

/** Of the roles that bring no rows, nothing. @throws TallyError input/malformed */
export const statisticsInput = (rows: IntegerRows, role: string, parameters: unknown): OwnerInput | null =>
  role.startsWith('owner-') ? { values: tableOf(rows, (parameters as { columns: number }).columns) } : null

/** Of the roles that bring no rows, nothing. @throws TallyError input/malformed */
export const evaluateInput = (rows: IntegerRows, role: string, parameters: unknown): OwnerInput | null => {
  const { columns } = parameters as { readonly columns: Readonly<Record<string, readonly string[]>> }
  return role.startsWith('owner-') ? { values: tableOf(rows, columns[role]!.length) } : null
}
