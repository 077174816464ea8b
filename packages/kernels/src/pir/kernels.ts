/**
 * Linear algebra of SimplePIR (Henzinger, Hong, Corrigan-Gibbs, Meiklejohn and Vaikuntanathan, USENIX Security 2023,
 * ia.cr/2022/949) over Z_2^32: what the holder computes over its byte matrix, what the asker computes over hint and
 * public matrix, and the error distribution. All matrices are row by row.
 *
 * Constant time: no branch and no address of the engines depends on the content of any input. Time depends on shapes.
 */
import { concatBytes } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkExpand, checkGauss, checkMultiply, checkPatch, checkScan } from './shapes.ts'

export interface ScanInput {
  /** rows × columns bytes. */
  readonly matrix: Uint8Array
  /** A multiple of 16, at most 2^18. */
  readonly columns: number
  /** count × columns words. */
  readonly queries: Uint32Array
}

export interface MultiplyInput {
  /** rows × inner words. */
  readonly matrix: Uint32Array
  /** A multiple of 8, at most 2^16. */
  readonly inner: number
  /** count × inner words. */
  readonly vectors: Uint32Array
}

export interface PatchInput {
  /** width × inner words: rows of a hint. */
  readonly words: Uint32Array
  /** A multiple of 4, at most 2^16. */
  readonly inner: number
  /** count × width: by how much each byte of `count` columns changed, -255 to 255. */
  readonly differences: Int16Array
  /** Rows of `inner` words: the public matrix. */
  readonly matrix: Uint32Array
  /** The row of the matrix for each changed column. */
  readonly columns: Uint32Array
}

export interface GaussInput {
  /** 16 bytes a sample. */
  readonly coins: Uint8Array
}

export interface ExpandInput {
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** The first block of {@link expandRows} rows. */
  readonly from: number
  readonly blocks: number
}

/** Rows of a block of the expansion, and words of a row: the dimension n of the LWE secret. */
export const expandRows = 64
export const expandWords = 1024

/** Rows that engines take at once: a call is cut between them. */
const together = 4

/** Answers of consecutive rows: of each part the words of a query stand together, as they shall in the whole. */
const interleave = (parts: readonly Uint32Array[], sizes: readonly number[]): Uint32Array => {
  if (parts.length === 1) return parts[0]!
  const count = parts[0]!.length / (together * sizes[0]!)
  const out = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (let k = 0; k < count; k++) {
    for (const part of parts) {
      const words = part.length / count
      out.set(part.subarray(k * words, (k + 1) * words), at)
      at += words
    }
  }
  return out
}

/**
 * queries × matrixᵀ: count × rows words, answer k, row r = Σ_j matrix[r][j] · queries[k][j] mod 2^32. Cut by rows of the
 * matrix, so that each thread reads its part of it, where it lies.
 */
export const scan: Kernel<ScanInput, Uint32Array> = {
  name: 'pir/scan',
  run: (input) => reference.scan(checkScan(input)),
  batch: {
    rows: ({ matrix, columns }) => Math.ceil(matrix.length / columns / together),
    slice: ({ matrix, columns, queries }, from, to) => ({
      matrix: matrix.subarray(from * together * columns, to * together * columns),
      columns,
      queries,
    }),
    join: interleave,
  },
}

/** vectors × matrixᵀ: count × rows words mod 2^32. */
export const multiply: Kernel<MultiplyInput, Uint32Array> = {
  name: 'pir/multiply',
  run: (input) => reference.multiply(checkMultiply(input)),
}

/** words + differencesᵀ × rows mod 2^32, `rows` of the matrix: the hint after its matrix changed in `count` columns. */
export const patch: Kernel<PatchInput, Uint32Array> = {
  name: 'pir/patch',
  run: (input) => reference.patch(checkPatch(input)),
}

/**
 * Samples of the discrete Gaussian on the integers with Pr[x] ∝ exp(-x² / (2·16²)): σ = 16. Each takes 16 bytes: 126
 * bits against a cumulative table of |x| in which every entry is off by less than 2^-126, and one bit of sign. The
 * statistical distance of a sample from the exact distribution is below 2^-118.
 */
export const gauss: Kernel<GaussInput, Int32Array> = {
  name: 'pir/gauss',
  run: (input) => reference.gauss(checkGauss(input)),
  batch: {
    rows: ({ coins }) => coins.length / 16,
    slice: ({ coins }, from, to) => ({ coins: coins.subarray(16 * from, 16 * to) }),
    join: (parts) => {
      const out = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
      let at = 0
      for (const part of parts) {
        out.set(part, at)
        at += part.length
      }
      return out
    },
  },
}

/**
 * Rows of the public matrix: block i, 64 rows of 1024 little-endian words, is the ChaCha20 key stream (RFC 8439) under
 * the seed as key, block counter 0 and i as the nonce (96 bits, big-endian). The security of SimplePIR wants a random
 * matrix; that a matrix from a public seed does is the usual assumption on a random oracle.
 */
export const expand: Kernel<ExpandInput, Uint8Array> = {
  name: 'pir/expand',
  run: (input) => reference.expand(checkExpand(input)),
  batch: {
    rows: ({ blocks }) => blocks,
    slice: ({ seed, from }, first, to) => ({ seed, from: from + first, blocks: to - first }),
    join: (parts) => concatBytes(...parts),
  },
}
