/**
 * The holder's table: sealed rows in hash buckets. A row stands in some slot of the column that its OPRF output names;
 * rows that find their column full stand in the stash, which every asker has. An empty slot bears the version of its
 * last change, as a sealed one does, and is otherwise random bytes, as that is to whoever lacks its output.
 */
import { invariant, TallyError, type Rng } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { evaluate, type Computing, type Items } from '../rfc9497/suite.ts'
import { sealOf, startEpochs, type Epochs, type Seal } from '../sealed/epochs.ts'
import { sealedList } from '../sealed/list.ts'
import {
  maxVersion,
  outputBytes,
  rowKeys,
  saltBytes,
  sealRows,
  slotOverhead,
  tagBytes,
  versionBytes,
  writeVersion,
} from '../sealed/row.ts'
import { isMatrixOf, makeMatrix, writeColumn, writeSlot, type Matrix } from './matrix.ts'
import { checkShape, linesOf, matrixBytesOf, slotBytesOf, type Shape } from './shape.ts'

/** A table as its holder has it. Changed in place by {@link fill} and by updates. */
export interface Table {
  readonly shape: Shape
  /** 12 random bytes, new for each build. */
  readonly salt: Uint8Array
  /** Of the last change: rows that it wrote bear it. */
  version: number
  /** Of all versions so far, fresh for each. */
  epochs: Epochs
  /** lines × columns bytes. */
  readonly matrix: Matrix
  /** 1 for a slot that holds a row, at slot · columns + column. */
  readonly occupied: Uint8Array
  /** Sealed rows that overflowed. */
  stash: readonly Uint8Array[]
}

/** Rows to be sealed: ids and, with the same number of offsets, values. */
export interface Rows {
  readonly ids: Items
  readonly values: Items
}

/** What rows of the current version are sealed under. */
const currentSeal = ({ epochs, version }: Table): Seal => {
  const seal = sealOf(epochs, version)
  invariant(seal !== undefined, 'a table has an epoch for its version')
  return seal
}

const randomPiece = 1 << 16

/** A slot without a row: to whoever lacks all outputs, like one that was sealed under this version. */
export const emptySlot = (shape: Shape, version: number, rng: Rng): Uint8Array => {
  const slot = rng.bytes(slotBytesOf(shape))
  writeVersion(slot, version)
  return slot
}

/**
 * A table without rows. `matrix` may be blocks of the caller's, in the memory of an engine.
 * @param rng 12 bytes for the salt, 8 for the epoch, then a byte for each of the matrix
 * @param version of the build: rows must be sealed under it, or empty slots stand out
 */
export const emptyTable = (shape: Shape, rng: Rng, matrix: Matrix = makeMatrix(shape), version = 1): Table => {
  checkShape(shape)
  invariant(isMatrixOf(shape, matrix), 'the matrix has the size of its shape')
  const salt = rng.bytes(saltBytes)
  const epochs = startEpochs(version, rng)
  for (const block of matrix) {
    for (let at = 0; at < block.length; at += randomPiece) {
      block.set(rng.bytes(Math.min(randomPiece, block.length - at)), at)
    }
  }
  const { columns, slots } = shape
  const head = new Uint8Array(slotOverhead)
  writeVersion(head, version)
  const bytes = head.subarray(tagBytes, tagBytes + versionBytes)
  for (let slot = 0; slot < slots; slot++) {
    const line = slot * slotBytesOf(shape) + tagBytes
    for (let column = 0; column < columns; column++) writeColumn(matrix, shape, column, line, bytes)
  }
  return { shape, salt, version, epochs, matrix, occupied: new Uint8Array(columns * slots), stash: [] }
}

export const columnOf = ({ columns }: Shape, keys: { readonly column: number }): number => keys.column & (columns - 1)

/** A free slot of a column, or -1. */
const freeSlot = ({ shape, occupied }: Table, column: number): number => {
  for (let slot = 0; slot < shape.slots; slot++) if (occupied[slot * shape.columns + column] === 0) return slot
  return -1
}

/** Puts a sealed row where it belongs; the slot, or -1 for the stash. */
export const place = (table: Table, column: number, sealed: Uint8Array): number => {
  const slot = freeSlot(table, column)
  if (slot >= 0) placeAt(table, column, slot, sealed)
  return slot
}

/** Puts a sealed row into a slot that is free. */
export const placeAt = (table: Table, column: number, slot: number, sealed: Uint8Array): void => {
  writeSlot(table.matrix, table.shape, column, slot, sealed)
  table.occupied[slot * table.shape.columns + column] = 1
}

export const rowOf = ({ bytes, offsets }: Items, i: number): Uint8Array => bytes.subarray(offsets[i], offsets[i + 1])

export const rowCount = ({ offsets }: Items): number => offsets.length - 1

/**
 * Seals rows into a table under construction; call it for one piece of the list after the other. Ids are distinct over
 * all pieces: a repeated id would stand twice, and either row be found.
 * @throws TallyError input/oversize for a value over the table's capacity
 */
export function* fill(ctx: Computing, table: Table, secretKey: Uint8Array, { ids, values }: Rows): Routine<void> {
  const { shape, salt } = table
  const outputs = yield* evaluate(ctx, ids, secretKey)
  const overflow: Uint8Array[] = []
  const indices = Array.from({ length: rowCount(ids) }, (_, i) => i)
  const keys = indices.map((i) => rowKeys(outputs.subarray(outputBytes * i, outputBytes * (i + 1)), salt))
  const own = indices.map((i) => rowOf(values, i))
  const slots = yield* sealRows(ctx, keys, currentSeal(table), own, shape.valueBytes)
  for (const i of indices) {
    if (place(table, columnOf(shape, keys[i]!), slots[i]!) < 0) overflow.push(slots[i]!)
  }
  if (overflow.length > 0) table.stash = [...table.stash, ...overflow]
}

/** The stash as it is shipped. */
export const stashOf = (table: Table): Uint8Array => sealedList(table.epochs, table.stash)

/** Numbers the next change. @throws TallyError input/oversize when the versions are used up */
export const nextVersion = (table: Table): number => {
  if (table.version < maxVersion) return table.version + 1
  throw new TallyError('input/oversize', 'self', 'the versions of this table are used up', {
    remedy: 'build the table in a new folder, under a new key',
  })
}

export const tableBytes = (shape: Shape) => ({
  matrix: matrixBytesOf(shape),
  hint: 4 * 1024 * linesOf(shape),
  slot: slotBytesOf(shape),
})
