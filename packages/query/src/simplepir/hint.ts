/** The hint H = D'·A, D' = D - 128: what an asker downloads once and patches, and the public matrix A behind it. */
import { invariant } from '@tallystick/core'
import { expandRows, pirExpand } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Computing } from '../rfc9497/suite.ts'
import type { Table } from './build.ts'
import { scanMatrix } from './matrix.ts'
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

/** A hint is made in so many parts, each by one pass over the matrix. */
export const hintParts = secretWords / batch

/** Part `part` of the hint: lines × 16 words, its columns from 16 · part on. Cost: lines · columns · 16 multiplications. */
export function* hintPart(
  ctx: Computing,
  { matrix, shape }: Pick<Table, 'matrix' | 'shape'>,
  a: Uint32Array,
  part: number,
): Routine<Uint32Array<ArrayBuffer>> {
  const { columns } = shape
  const lines = linesOf(shape)
  const queries = new Uint32Array(batch * columns)
  // Σ_j A[j][k], by which centring shifts every line.
  const sums = new Uint32Array(batch)
  for (let j = 0; j < columns; j++) {
    for (let i = 0; i < batch; i++) {
      const word = a[j * secretWords + part * batch + i]!
      queries[i * columns + j] = word
      sums[i]! += word
    }
  }
  const products = yield* scanMatrix(ctx, matrix, columns, queries)
  const out = new Uint32Array(lines * batch)
  for (let i = 0; i < batch; i++) {
    const shift = Math.imul(centre, sums[i]!)
    for (let r = 0; r < lines; r++) out[r * batch + i] = products[i * lines + r]! - shift
  }
  return out
}

/** Writes a part into the hint, lines × 1024 words. */
export const writeHintPart = (hint: Uint32Array, words: Uint32Array, part: number): void => {
  const lines = hint.length / secretWords
  invariant(words.length === lines * batch, 'a part has 16 words a line')
  for (let r = 0; r < lines; r++) hint.set(words.subarray(r * batch, (r + 1) * batch), r * secretWords + part * batch)
}

/** Writes the whole hint, lines × 1024 words, into `into`. */
export function* makeHint(
  ctx: Computing,
  table: Pick<Table, 'matrix' | 'shape'>,
  a: Uint32Array,
  into: Uint32Array,
): Routine<void> {
  for (let part = 0; part < hintParts; part++) writeHintPart(into, yield* hintPart(ctx, table, a, part), part)
}
