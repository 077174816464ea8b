/** Tables, ids and coins that the tests share. */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, createRng, taggedDigest, toHex, utf8ToBytes, type Rng } from '@tallystick/core'
import { resident, wasmEngine } from '@tallystick/kernels/engine'
import {
  bindUnits,
  computing,
  deriveKeyPair,
  emptyTable,
  expandMatrix,
  fill,
  linesOf,
  listDigest,
  makeHint,
  makeUnits,
  matrixBytesOf,
  runLocally,
  sealedList,
  stashOf,
  wordsOver,
  type Items,
  type Matrix,
  type PirParameters,
  type Rows,
  type Shape,
  type Table,
} from '@tallystick/query'

export const engine = await wasmEngine()

export const rngOf = (label: string): Rng => createRng(taggedDigest('tallystick/query/test/v1', label))

export const itemsOf = (rows: readonly (string | Uint8Array)[]): Items => {
  const parts = rows.map((row) => (typeof row === 'string' ? utf8ToBytes(row) : row))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  const bytes = new Uint8Array(offsets[parts.length]!)
  parts.forEach((part, i) => bytes.set(part, offsets[i]))
  return { bytes, offsets }
}

export const keyPair = deriveKeyPair(new Uint8Array(32).fill(7), utf8ToBytes('test'))
export const publicKey = toHex(keyPair.publicKey)

export const idOf = (i: number): string => `id-${i}`
export const valueOf = (i: number, version = 0): string => `row ${i} v${version}`

export const rowsOf = (from: number, to: number, version = 0): Rows => {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i)
  return { ids: itemsOf(numbers.map(idOf)), values: itemsOf(numbers.map((i) => valueOf(i, version))) }
}

export interface World {
  readonly table: Table
  readonly a: Uint32Array<ArrayBuffer>
  readonly hint: Uint32Array<ArrayBuffer>
}

const words = (length: number): Uint32Array<ArrayBuffer> => wordsOver(resident(4 * length))

/** A table with rows 0 … n, its public matrix and its hint. */
export const worldOf = (
  shape: Shape,
  rows: number,
  label = 'world',
  matrix: Matrix = [resident(matrixBytesOf(shape))],
): World => {
  const table = emptyTable(shape, rngOf(`${label}/table`), matrix)
  runLocally(fill(computing, table, keyPair.secretKey, rowsOf(0, rows)), engine)
  const a = words(1024 * shape.columns)
  const bytes = new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  runLocally(expandMatrix(computing, rngOf(`${label}/seed`).bytes(32), shape, bytes), engine)
  const hint = words(1024 * linesOf(shape))
  runLocally(makeHint(computing, table, a, hint), engine)
  return { table, a, hint }
}

export const parametersOf = ({ table }: Pick<World, 'table'>, queries: number): PirParameters => {
  const stash = stashOf(table)
  return {
    ...table.shape,
    queries,
    publicKey,
    salt: toHex(table.salt),
    table: `0x${'00'.repeat(32)}`,
    matrix: toHex(sha256(concatBytes(...table.matrix))),
    stashRows: table.stash.length,
    stash: listDigest(stash),
  }
}

export const unitsOf = ({ table, a, hint }: World, count: number, label: string) =>
  bindUnits(runLocally(makeUnits(computing, table.shape, a, hint, rngOf(label), count), engine))

/** The rows 0 … n as a list that is shipped whole. */
export const listOf = (rows: number, valueBytes: number) => {
  const table = emptyTable({ columns: 64, slots: 1, valueBytes }, rngOf('list'))
  // Everything overflows: a table whose slots are taken.
  table.occupied.fill(1)
  runLocally(fill(computing, table, keyPair.secretKey, rowsOf(0, rows)), engine)
  const list = sealedList(table.epochs, table.stash)
  return { list, salt: toHex(table.salt), digest: listDigest(list) }
}
