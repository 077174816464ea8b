/** Building a table: sealing in pieces that survive an interruption, then hint and files, then the switch. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createRng, fromHex, toHex, TallyError, type Hex, type Rng } from '@tallystick/core'
import { resident, sharedResident } from '@tallystick/kernels/engine'
import type { Pool } from '@tallystick/kernels/pool'
import type { Routine } from '@tallystick/protocol'
import {
  chooseShape,
  columnOf,
  computing,
  emptyTable,
  epochBytes,
  evaluate,
  expandMatrix,
  linesOf,
  listDigest,
  makeHint,
  matrixBytesOf,
  patchHint,
  place,
  rowCount,
  rowKeys,
  rowOf,
  sealedList,
  sealRows,
  stashOf,
  wordsOver,
  type Delta,
  type Epochs,
  type Items,
  type Shape,
  type Table,
} from '@tallystick/query'
import { writeFileWhole, writeJson } from '../files.ts'
import type { List } from './values.ts'
import { tableFormat, type Description, type PirDescription, type RowsDescription } from './description.ts'
import { keyOf, readInto, sha256Of } from './table.ts'

/** Rows of a piece: about a third of a second, which is what an interruption costs. */
export const pieceRows = 8192

/** Drives a routine that only computes over a pool. */
export const runOver = async <T>(pool: Pool, routine: Routine<T>): Promise<T> => {
  let next = routine.next()
  while (next.done !== true) {
    const effect = next.value
    if (effect.kind !== 'compute') {
      throw new TallyError('api/misuse', 'self', `expected a routine that only computes, found ${effect.kind}`)
    }
    next = routine.next(await pool.run(effect.kernel, effect.input))
  }
  return next.value
}

export const freshRng = (): Rng => createRng(new Uint8Array(randomBytes(32)))

/** What an interrupted build was about: other rows or another key begin anew, under another salt. */
export interface Plan {
  readonly kind: 'rows' | 'members'
  /** Of ids and values as they are sealed: a salt and version never seal two contents. */
  readonly list: string
  readonly valueBytes: number
  readonly version: number
  readonly publicKey: string
  readonly salt: string
  /** Of the version: the nonces of its rows. */
  readonly epoch: string
}

export const planOf = async (folder: string, wanted: Omit<Plan, 'salt' | 'epoch'>): Promise<Plan> => {
  const file = join(folder, 'building', 'plan.json')
  if (existsSync(file)) {
    const found = JSON.parse(await readFile(file, 'utf8')) as Plan
    const drawn = { salt: undefined, epoch: undefined }
    if (JSON.stringify({ ...found, ...drawn }) === JSON.stringify({ ...wanted, ...drawn })) return found
    await rm(join(folder, 'building'), { recursive: true })
  }
  const plan = { ...wanted, salt: toHex(randomBytes(12)), epoch: toHex(randomBytes(epochBytes)) }
  await mkdir(join(folder, 'building'), { recursive: true, mode: 0o700 })
  await writeJson(file, plan, true)
  return plan
}

export const itemsDigest = (...all: readonly Items[]): Hex =>
  sha256Of(
    ...all.map(({ offsets }) => new Uint8Array(Uint32Array.from(offsets).buffer)),
    ...all.map(({ bytes }) => bytes),
  )

/** The ids of rows `from` to `to`. */
export const partOf = ({ bytes, offsets }: Items, from: number, to: number): Items => {
  const start = offsets[from]!
  return {
    bytes: bytes.subarray(start, offsets[to]),
    offsets: Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - start),
  }
}

/** The pieces of an interrupted build, those that are missing made by `make`; each is kept before the next is begun. */
export const piecesOf = async (
  folder: string,
  rows: number,
  make: (from: number, to: number) => Promise<Uint8Array>,
  onProgress: (done: number) => void,
): Promise<readonly Uint8Array[]> => {
  const pieces: Uint8Array[] = []
  for (let from = 0; from < rows; from += pieceRows) {
    const to = Math.min(rows, from + pieceRows)
    const file = join(folder, 'building', `${from}.bin`)
    if (existsSync(file)) pieces.push(await readFile(file))
    else {
      const piece = await make(from, to)
      await writeFileWhole(file, piece, true)
      pieces.push(piece)
    }
    onProgress(to / rows)
  }
  return pieces
}

/** A piece as it is kept: for each row 4 bytes that choose its column, and its slot. */
const sealPiece = async (
  pool: Pool,
  secretKey: Uint8Array,
  { ids, values }: List,
  plan: Plan,
  [from, to]: readonly [from: number, to: number],
): Promise<Uint8Array> => {
  const outputs = await runOver(pool, evaluate(computing, partOf(ids, from, to), secretKey))
  const width = 4 + 30 + plan.valueBytes
  const out = new Uint8Array(width * (to - from))
  const view = new DataView(out.buffer)
  const keys = Array.from({ length: to - from }, (_, i) =>
    rowKeys(outputs.subarray(64 * i, 64 * (i + 1)), fromHex(plan.salt)),
  )
  const own = keys.map((_, i) => rowOf(values, from + i))
  const seal = { version: plan.version, epoch: fromHex(plan.epoch) }
  const slots = await runOver(pool, sealRows(computing, keys, seal, own, plan.valueBytes))
  keys.forEach(({ column }, i) => {
    view.setUint32(width * i, column, true)
    out.set(slots[i]!, width * i + 4)
  })
  return out
}

interface Sealed {
  readonly salt: Uint8Array
  readonly epochs: Epochs
  /** Pieces of rows, each 4 bytes for the column and a slot. */
  readonly pieces: readonly Uint8Array[]
  readonly width: number
}

const seal = async (
  folder: string,
  pool: Pool,
  list: List,
  valueBytes: number,
  version: number,
  onProgress: (done: number) => void,
): Promise<Sealed> => {
  const { secretKey, publicKey } = await keyOf(folder)
  const { ids, values } = list
  const digest = itemsDigest(ids, values)
  const plan = await planOf(folder, { kind: 'rows', list: digest, valueBytes, version, publicKey: toHex(publicKey) })
  const make = (from: number, to: number) => sealPiece(pool, secretKey, list, plan, [from, to])
  const pieces = await piecesOf(folder, rowCount(list.ids), make, onProgress)
  return {
    salt: fromHex(plan.salt),
    epochs: { first: version, bytes: fromHex(plan.epoch) },
    pieces,
    width: 34 + valueBytes,
  }
}

function* rowsOf({ pieces, width }: Sealed): Generator<{ readonly column: number; readonly slot: Uint8Array }> {
  for (const piece of pieces) {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength)
    for (let at = 0; at < piece.length; at += width) {
      yield { column: view.getUint32(at, true), slot: piece.subarray(at + 4, at + width) }
    }
  }
}

/** Words in the memory of an engine. */
export const residentWords = (count: number): Uint32Array<ArrayBuffer> => wordsOver(resident(4 * count))
export const bytesOver = (words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** The public matrix of a seed, and the hint of a table under it. */
export const hintOf = async (
  pool: Pool,
  table: Table,
  seed: Uint8Array,
  onProgress: (done: number) => void,
): Promise<Uint8Array> => {
  const { shape } = table
  const a = residentWords(1024 * shape.columns)
  await runOver(pool, expandMatrix(computing, seed, shape, bytesOver(a)))
  const hint = residentWords(1024 * linesOf(shape))
  await runOver(
    pool,
    makeHint(computing, table, a, hint, (done) => onProgress(done / 1024)),
  )
  return bytesOver(hint)
}

/** The hint after a change, from the one before it. @throws TallyError input/changed if that is not the one of its version */
export const hintAfter = async (
  pool: Pool,
  before: { readonly path: string; readonly digest: Hex },
  table: Table,
  seed: Uint8Array,
  delta: Delta,
): Promise<Uint8Array> => {
  const { shape } = table
  const hint = residentWords(1024 * linesOf(shape))
  await readInto(before.path, bytesOver(hint))
  if (sha256Of(bytesOver(hint)) !== before.digest) {
    throw new TallyError('input/changed', 'self', `${before.path}: the hint is not the one of its version`, {
      remedy: 'restore the folder, or build the table again',
    })
  }
  const a = residentWords(1024 * shape.columns)
  await runOver(pool, expandMatrix(computing, seed, shape, bytesOver(a)))
  await runOver(pool, patchHint(computing, shape, a, hint, delta))
  return bytesOver(hint)
}

export interface BuildOptions {
  readonly folder: string
  readonly pool: Pool
  readonly list: List
  readonly kind: RowsDescription['kind']
  readonly valueBytes: number
  readonly version: number
  readonly about: Pick<Description, 'source' | 'column' | 'normalisation'>
  readonly onProgress: (what: string, done: number) => void
}

export type Built =
  | { readonly description: PirDescription; readonly table: Table; readonly hint: Uint8Array }
  | { readonly description: Exclude<RowsDescription, PirDescription>; readonly list: Uint8Array }

export const describePir = (
  about: Pick<PirDescription, 'source' | 'column' | 'normalisation' | 'values' | 'publicKey'>,
  table: Table,
  seed: Uint8Array,
  hint: Uint8Array,
): PirDescription => ({
  kind: 'simplepir',
  format: tableFormat,
  ...about,
  ...table.shape,
  salt: toHex(table.salt),
  version: table.version,
  seed: toHex(seed),
  matrix: sha256Of(table.matrix),
  hint: sha256Of(hint),
  stashRows: table.stash.length,
  stash: listDigest(stashOf(table)),
})

/** Seals, places and makes the hint; writes nothing but the pieces of an interrupted build. */
export const build = async (options: BuildOptions): Promise<Built> => {
  const { folder, pool, list, kind, valueBytes, version, about, onProgress } = options
  const sealed = await seal(folder, pool, list, valueBytes, version, (done) => onProgress('sealing rows', done))
  const { publicKey } = await keyOf(folder)
  const told = { ...about, values: [...list.names], publicKey: toHex(publicKey) }
  if (kind === 'sealed-list') {
    const whole = sealedList(
      sealed.epochs,
      [...rowsOf(sealed)].map(({ slot }) => slot),
    )
    const digests = { salt: toHex(sealed.salt), version, valueBytes, rows: rowCount(list.ids), list: listDigest(whole) }
    return { description: { kind, format: tableFormat, ...told, ...digests }, list: whole }
  }
  const shape: Shape = chooseShape(rowCount(list.ids), valueBytes)
  const empty = emptyTable(shape, freshRng(), sharedResident(matrixBytesOf(shape)), version)
  const table: Table = { ...empty, salt: sealed.salt, epochs: sealed.epochs }
  const overflow: Uint8Array[] = []
  for (const { column, slot } of rowsOf(sealed)) {
    if (place(table, columnOf(shape, { column }), slot) < 0) overflow.push(slot)
  }
  table.stash = overflow
  const seed = new Uint8Array(randomBytes(32))
  const hint = await hintOf(pool, table, seed, (done) => onProgress('making the hint', done))
  return { description: describePir(told, table, seed, hint), table, hint }
}

/** Forgets the pieces of a build that is done. */
export const cleanUp = (folder: string): Promise<void> => rm(join(folder, 'building'), { recursive: true, force: true })
