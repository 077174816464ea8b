/** The hint H = D'·A, D' = D - 128: what an asker downloads once and patches, and the public matrix A behind it. */
import { invariant } from '@tallystick/core'
import { expandRows, pirExpand, pirScan } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Computing } from '../rfc9497/suite.ts'
import type { Table } from './build.ts'
import { centre, linesOf, secretWords, type Shape } from './shape.ts'

/** Columns of A that pass over the matrix at once. */
const batch = 16

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** Words over the bytes of a view, 4-byte aligned. */
export const wordsOver = (bytes: Uint8Array): Uint32Array<ArrayBuffer> => {
  invariant(littleEndian, 'words are little-endian in memory')
  return new Uint32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / 4)
}

/** Blocks of A a call of the kernel: 4 MiB. */
const blocksAtOnce = 16

/**
 * Writes A, columns × 1024 words, into `into` (4096 bytes a column of the table), which may be in an engine's memory.
 * @param seed 32 public bytes
 */
export function* expandMatrix(ctx: Computing, seed: Uint8Array, shape: Shape, into: Uint8Array): Routine<void> {
  const blocks = shape.columns / expandRows
  for (let from = 0; from < blocks; from += blocksAtOnce) {
    const count = Math.min(blocksAtOnce, blocks - from)
    const bytes = yield* ctx.compute(pirExpand, { seed, from, blocks: count })
    into.set(bytes, (from * bytes.length) / count)
  }
}

/**
 * Writes the hint, lines × 1024 words, into `into`. `onProgress` is told the columns of A that are done, of 1024.
 * Cost: lines · columns · 1024 multiplications.
 */
export function* makeHint(
  ctx: Computing,
  { matrix, shape }: Pick<Table, 'matrix' | 'shape'>,
  a: Uint32Array,
  into: Uint32Array,
  onProgress: (done: number) => void = () => {},
): Routine<void> {
  const { columns } = shape
  const lines = linesOf(shape)
  const queries = new Uint32Array(batch * columns)
  for (let k = 0; k < secretWords; k += batch) {
    // Σ_j A[j][k], by which centring shifts every line.
    const sums = new Uint32Array(batch)
    for (let j = 0; j < columns; j++) {
      for (let i = 0; i < batch; i++) {
        const word = a[j * secretWords + k + i]!
        queries[i * columns + j] = word
        sums[i]! += word
      }
    }
    const products = yield* ctx.compute(pirScan, { matrix, columns, queries })
    for (let i = 0; i < batch; i++) {
      const shift = Math.imul(centre, sums[i]!)
      for (let r = 0; r < lines; r++) into[r * secretWords + k + i] = products[i * lines + r]! - shift
    }
    onProgress(k + batch)
  }
}
