/**
 * The shape of a table for SimplePIR and what follows from it: sizes, the bound on wrong decoding, and a choice for a
 * number of rows.
 *
 * Parameters. LWE dimension n = 1024, modulus q = 2^32, plaintext p = 256, secret uniform over Z_q, error a discrete
 * Gaussian with σ = 16, at most 2^18 samples a secret: 2^133 by the lattice estimator (Albrecht, Player and Scott, 2015)
 * against the 2^121 of the σ = 6.4 of ia.cr/2022/949. A fresh secret for each query.
 *
 * Correctness. With D' = D - 128 the asker decodes Δ·D'[r][c] + Σ_j D'[r][j]·e_j + ρ, Δ = q / p = 2^24, ρ from rounding an
 * answer to 16 bits, |ρ| ≤ 2^15. A byte is wrong only if |Σ_j D'[r][j]·e_j| ≥ Δ/2 - 2^15. A discrete Gaussian is
 * subgaussian with its σ (Micciancio and Peikert, Eurocrypt 2012, lemma 2.8 with ε = 0 for the centred lattice), so the
 * sum is with σ·sqrt(Σ_j D'[r][j]²) ≤ σ·128·sqrt(m), and
 *
 *     Pr[byte wrong] ≤ 2·exp(-(2^23 - 2^15)² / (2·(128 σ)²·m))         whatever the table holds,
 *
 * 2^-182 for m = 2^16 and 2^-90 for m = 2^17, the largest width that a table is given here. Over all bytes of a column
 * (below 2^20) that is below 2^-70, and below the 2^-40 that is promised. {@link failureBits} computes it.
 */
import { invariant, TallyError } from '@tallystick/core'
import { expandRows, expandWords } from '@tallystick/kernels'
import { maxValueBytes, slotOverhead } from '../sealed/row.ts'

/** n of LWE. */
export const secretWords = expandWords
export const sigma = 16
/** Δ = q / p. */
export const scaleFactor = 2 ** 24
/** What a byte is shifted by, so that bytes are centred. */
export const centre = 128
export const minColumns = expandRows
export const maxColumns = 2 ** 17
/** 2^-40 is promised for an answer. */
const promisedFailureBits = 40

/** Public facts of a table. */
export interface Shape {
  /** A power of two. */
  readonly columns: number
  /** Slots of a column. */
  readonly slots: number
  /** Capacity of a row's value. */
  readonly valueBytes: number
}

export const slotBytesOf = ({ valueBytes }: Pick<Shape, 'valueBytes'>): number => slotOverhead + valueBytes

/** Lines of the matrix: the bytes of a column, filled up to a multiple of four. */
export const linesOf = (shape: Shape): number => 4 * Math.ceil((shape.slots * slotBytesOf(shape)) / 4)

export const matrixBytesOf = (shape: Shape): number => linesOf(shape) * shape.columns

/** -log2 of the bound on a wrong byte among `bytes` of an answer, for any content of the table. */
export const failureBits = (columns: number, bytes: number): number => {
  const reach = scaleFactor / 2 - 2 ** 15
  const deviation = sigma * centre * Math.sqrt(columns)
  return (reach / deviation) ** 2 / 2 / Math.LN2 - 1 - Math.log2(bytes)
}

/** @throws TallyError terms/malformed for a shape that this protocol does not run */
export const checkShape = (shape: Shape): Shape => {
  const { columns, slots, valueBytes } = shape
  const whole = (name: string, value: number, least: number, most: number): void => {
    if (Number.isInteger(value) && value >= least && value <= most && !Object.is(value, -0)) return
    throw new TallyError(
      'terms/malformed',
      'self',
      `expected ${name} to be a whole number from ${least} to ${most}, found ${value}`,
    )
  }
  whole('columns', columns, minColumns, maxColumns)
  if (Math.log2(columns) % 1 !== 0) {
    throw new TallyError('terms/malformed', 'self', `expected columns to be a power of two, found ${columns}`)
  }
  whole('valueBytes', valueBytes, 0, maxValueBytes)
  whole('slots', slots, 1, 65_535)
  whole('lines', linesOf(shape), 4, 2 ** 20)
  invariant(failureBits(columns, linesOf(shape)) >= promisedFailureBits, 'the bound holds for all shapes allowed')
  return shape
}

/** Queries over which a hint is thought to be shared when a width is chosen. */
const sharedOver = 256

/** Slots of a column for `rows` rows in all: λ + sqrt(λ); what overflows (below 1.4 % for λ ≥ 30) goes to the stash. */
const slotsFor = (rows: number, columns: number): number => {
  const load = rows / columns
  return Math.max(2, Math.ceil(load + Math.sqrt(load)))
}

/**
 * The width with the least traffic: 4 bytes a column up, 2 a line down, and a share of the hint of 4096 a line.
 * @throws TallyError input/oversize
 */
export const chooseShape = (rows: number, valueBytes: number): Shape => {
  let best: { readonly shape: Shape; readonly bytes: number } | undefined
  for (let columns = minColumns; columns <= maxColumns; columns *= 2) {
    const shape = { columns, slots: slotsFor(rows, columns), valueBytes }
    const lines = linesOf(shape)
    if (lines > 2 ** 20 || shape.slots > 65_535) continue
    const bytes = 4 * columns + 2 * lines + (4 * secretWords * lines) / sharedOver
    if (best === undefined || bytes < best.bytes) best = { shape, bytes }
  }
  if (best !== undefined) return checkShape(best.shape)
  throw new TallyError('input/oversize', 'self', `${rows} rows of ${valueBytes} bytes need more lines than 2^20`, {
    remedy: 'cut the list into several tables',
  })
}
