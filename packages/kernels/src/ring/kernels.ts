/**
 * Arithmetic of replicated shares over Z_2^64 and Z_2^128: party i holds the components own = v_i and next = v_(i+1) of
 * v = v_0 + v_1 + v_2. Elements are little-endian limbs of 32 bits, 2 or 4 each. No branch and no address depends on a
 * value, the reference's bigints apart.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkCrossTerms, checkMatrixProduct } from './shapes.ts'

export interface CrossTermsInput {
  /** This party's components of x and of y: elements of one count. */
  readonly x0: Uint32Array
  readonly x1: Uint32Array
  readonly y0: Uint32Array
  readonly y1: Uint32Array
  /** AES-128 keys shared with the previous and with the next party, and the block of 16 bytes where both streams start. */
  readonly ownKey: Uint8Array
  readonly nextKey: Uint8Array
  readonly at: number
}

/**
 * x0 y0 + x0 y1 + x1 y0 + own stream - next stream, element by element: one component of the product, masked by a share
 * of zero (Araki et al. 2016, section 2.2 and protocol 3.1).
 */
const crossTerms = (ring: 64 | 128): Kernel<CrossTermsInput, Uint32Array> => ({
  name: `ring${ring}/cross-terms`,
  run: (input) => reference.crossTerms(checkCrossTerms(input, ring), ring),
})

export const crossTerms64 = crossTerms(64)
export const crossTerms128 = crossTerms(128)

export interface MatrixProductInput {
  /** Components of the left matrix, rows × inner, row by row. */
  readonly x0: Uint32Array
  readonly x1: Uint32Array
  /** Components of the right matrix, inner × columns: row by row, or column by column where `transposed`. */
  readonly y0: Uint32Array
  readonly y1: Uint32Array
  readonly rows: number
  readonly inner: number
  readonly columns: number
  readonly transposed: boolean
}

/** x0 y0 + x0 y1 + x1 y0 of matrices, rows × columns: an additive share, which nothing masks yet. */
const matrixProduct = (ring: 64 | 128): Kernel<MatrixProductInput, Uint32Array> => ({
  name: `ring${ring}/matrix-product`,
  run: (input) => reference.matrixProduct(checkMatrixProduct(input, ring), ring),
})

export const matrixProduct64 = matrixProduct(64)
export const matrixProduct128 = matrixProduct(128)
