/**
 * The matrix of a table: its lines in blocks, one after the other, each of whole lines in a memory of its own. A memory
 * of WebAssembly ends at 4 GiB and a buffer elsewhere soon after; a table does not. A query passes over one block after the
 * other, and its answer is theirs one after the other: nothing of it shows in a message, a hint or a digest.
 */
import { invariant } from '@tallystick/core'
import { pirScan } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Computing } from '../rfc9497/suite.ts'
import { linesOf, matrixBytesOf, slotBytesOf, type Shape } from './shape.ts'

/** Blocks of lines of `columns` bytes; all but the last have as many, a multiple of four. */
export type Matrix = readonly Uint8Array[]

/** Bytes of a block, unless the caller wants others. */
const blockBytes = 2 ** 30

type Allocate = (bytes: number) => Uint8Array

/** Zeros in blocks of at most `most` bytes, each but the last a multiple of `unit`. */
export const blocksOf = (bytes: number, unit: number, allocate: Allocate, most = blockBytes): Matrix => {
  const size = Math.max(1, Math.floor(most / unit)) * unit
  return Array.from({ length: Math.ceil(bytes / size) }, (_, i) => allocate(Math.min(size, bytes - i * size)))
}

/** Blocks are cut between multiples of so many bytes: four lines, which engines take at once. */
export const unitOf = ({ columns }: Pick<Shape, 'columns'>): number => 4 * columns

/**
 * Zeros for a table of this shape.
 * @param allocate gives zero bytes, in the memory of an engine for a matrix that is scanned
 * @param most bytes of a block; a block has four lines at least
 */
export const makeMatrix = (
  shape: Shape,
  allocate: Allocate = (bytes) => new Uint8Array(bytes),
  most?: number,
): Matrix => blocksOf(matrixBytesOf(shape), unitOf(shape), allocate, most)

const linesIn = (block: Uint8Array | undefined, { columns }: Pick<Shape, 'columns'>): number =>
  (block?.length ?? 0) / columns

/** Bytes of all blocks. */
export const matrixLength = (matrix: Matrix): number => matrix.reduce((sum, { length }) => sum + length, 0)

/** Whether these are the blocks of a table of this shape. */
export const isMatrixOf = (shape: Shape, matrix: Matrix): boolean => {
  const tall = linesIn(matrix[0], shape)
  return (
    matrixLength(matrix) === linesOf(shape) * shape.columns &&
    matrix.every((block, i) =>
      i < matrix.length - 1 ? linesIn(block, shape) === tall && tall % 4 === 0 : linesIn(block, shape) <= tall,
    )
  )
}

/** Calls `run` for the bytes of a column from line `line` on, block by block: where they begin, and how many there are. */
const inColumn = (
  matrix: Matrix,
  shape: Shape,
  column: number,
  line: number,
  count: number,
  run: (block: Uint8Array, at: number, from: number, to: number) => void,
): void => {
  const tall = linesIn(matrix[0], shape)
  for (let from = 0; from < count;) {
    const index = Math.floor((line + from) / tall)
    const to = Math.min(count, (index + 1) * tall - line)
    run(matrix[index]!, (line + from - index * tall) * shape.columns + column, from, to)
    from = to
  }
}

/** `count` bytes of a column, from a line on. */
export const readColumn = (matrix: Matrix, shape: Shape, column: number, line: number, count: number): Uint8Array => {
  const out = new Uint8Array(count)
  const { columns } = shape
  inColumn(matrix, shape, column, line, count, (block, at, from, to) => {
    for (let b = from, place = at; b < to; b++, place += columns) out[b] = block[place]!
  })
  return out
}

export const writeColumn = (matrix: Matrix, shape: Shape, column: number, line: number, bytes: Uint8Array): void => {
  const { columns } = shape
  inColumn(matrix, shape, column, line, bytes.length, (block, at, from, to) => {
    for (let b = from, place = at; b < to; b++, place += columns) block[place] = bytes[b]!
  })
}

/** Whether these bytes stand in a column from a line on; the holder's own look at its table, not in constant time. */
export const columnHas = (matrix: Matrix, shape: Shape, column: number, line: number, bytes: Uint8Array): boolean => {
  const tall = linesIn(matrix[0], shape)
  return bytes.every((byte, b) => {
    const index = Math.floor((line + b) / tall)
    return matrix[index]![(line + b - index * tall) * shape.columns + column] === byte
  })
}

export const readSlot = (matrix: Matrix, shape: Shape, column: number, slot: number): Uint8Array =>
  readColumn(matrix, shape, column, slot * slotBytesOf(shape), slotBytesOf(shape))

export const writeSlot = (matrix: Matrix, shape: Shape, column: number, slot: number, bytes: Uint8Array): void =>
  writeColumn(matrix, shape, column, slot * bytes.length, bytes)

/** Answers of one block after the other: of each the words of a query stand together, as they shall in the whole. */
const oneAfterTheOther = (parts: readonly Uint32Array[], queries: number): Uint32Array => {
  if (parts.length === 1) return parts[0]!
  const out = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (let k = 0; k < queries; k++) {
    for (const part of parts) {
      const lines = part.length / queries
      out.set(part.subarray(k * lines, (k + 1) * lines), at)
      at += lines
    }
  }
  return out
}

/** queries × matrixᵀ: count × lines words, as `pir/scan` of the whole would give them. */
export function* scanMatrix(
  ctx: Computing,
  matrix: Matrix,
  columns: number,
  queries: Uint32Array,
): Routine<Uint32Array> {
  invariant(matrix.length > 0, 'a table has lines')
  const parts: Uint32Array[] = []
  for (const block of matrix) parts.push(yield* ctx.compute(pirScan, { matrix: block, columns, queries }))
  return oneAfterTheOther(parts, queries.length / columns)
}
