/**
 * Building a table: sealing (sealing.ts), placing, the hint, files, then the switch. Each step leaves what it made in
 * building/, where a build that was stopped finds it: sealed pieces, the matrix with its rows placed, parts of the hint.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex, toHex, TallyError, type Hex } from '@tallystick/core'
import { resident, sharedResident } from '@tallystick/kernels/engine'
import type { Pool } from '@tallystick/kernels/pool'
import {
  chooseShape,
  columnOf,
  computing,
  emptyTable,
  expandMatrix,
  hintPart,
  hintParts,
  linesOf,
  listDigest,
  makeMatrix,
  matrixBytesOf,
  patchHint,
  placeAt,
  rowCount,
  sealedList,
  splitEpochs,
  slotBytesOf,
  stashOf,
  wordsOver,
  writeHintPart,
  type Delta,
  type Shape,
  type Table,
} from '@tallystick/query'
import { readJson, writeFileWhole, writeJson } from '../files.ts'
import { freshRng, runOver, seal, type Sealed } from './sealing.ts'
import type { OpenList } from './values.ts'
import { tableFormat, type Description, type PirDescription, type RowsDescription } from './description.ts'
import { keyOf, readInto, sha256Of, writeLarge } from './table.ts'

/** Words in the memory of an engine. */
export const residentWords = (count: number): Uint32Array<ArrayBuffer> => wordsOver(resident(4 * count))
export const bytesOver = (words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

const hintFile = (building: string, part: number): string => join(building, `hint-${part}.bin`)

/**
 * The public matrix of a seed, and the hint of a table under it, whose parts are taken from a folder where they are.
 * @param keep puts parts there as they are made
 */
const hintOf = async (
  pool: Pool,
  table: Table,
  seed: Uint8Array,
  building: string,
  keep: boolean,
  onProgress: (done: number) => void,
): Promise<Uint8Array> => {
  const { shape } = table
  const a = residentWords(1024 * shape.columns)
  await runOver(pool, expandMatrix(computing, seed, shape, bytesOver(a)))
  const hint = residentWords(1024 * linesOf(shape))
  for (let part = 0; part < hintParts; part++) {
    const file = hintFile(building, part)
    if (existsSync(file)) writeHintPart(hint, wordsOver(new Uint8Array(await readFile(file))), part)
    else {
      const words = await runOver(pool, hintPart(computing, table, a, part))
      if (keep) await writeFileWhole(file, bytesOver(words), true)
      writeHintPart(hint, words, part)
    }
    onProgress((part + 1) / hintParts)
  }
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
  readonly list: OpenList
  readonly kind: RowsDescription['kind']
  readonly valueBytes: number
  readonly version: number
  /** What the holder commits to in a job; by the size of the matrix where left out. */
  readonly committed?: 'lines' | 'digest' | undefined
  /** Bytes of a memory, of which a large matrix takes several. */
  readonly blockBytes?: number
  /** Bytes of a matrix from which on the parts of its hint are kept for a build that goes on. */
  readonly keepFrom?: number
  readonly about: Pick<Description, 'source' | 'column' | 'normalisation'>
  readonly onProgress: (what: string, done: number) => void
}

export type Built =
  | {
      readonly description: PirDescription
      readonly table: Table
      readonly hint: Uint8Array
      /** In which the matrix lies already. */
      readonly file: string
    }
  | { readonly description: Exclude<RowsDescription, PirDescription>; readonly list: Uint8Array }

export const describePir = (
  about: Pick<PirDescription, 'source' | 'column' | 'normalisation' | 'values' | 'publicKey' | 'committed'>,
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
  matrix: sha256Of(...table.matrix),
  hint: sha256Of(hint),
  stashRows: table.stash.length,
  stash: listDigest(stashOf(table)),
})

/** A table whose rows are placed, as a build that goes on finds it. */
interface Placed {
  readonly table: Table
  readonly seed: Uint8Array
  /** Where its matrix lies. */
  readonly file: string
}

interface PlacedFile {
  readonly seed: Hex
  readonly matrix: Hex
}

/** Rows that were placed before an interruption; undefined where none were, or not all of it is there. */
const placedBefore = async (building: string, shape: Shape, sealed: Sealed, version: number, blockBytes?: number) => {
  const [record, file] = [join(building, 'placed.json'), join(building, 'matrix.bin')]
  if (!existsSync(record) || !existsSync(file)) return undefined
  const { seed, matrix: digest } = (await readJson(record, 'a build', 'input/malformed')) as PlacedFile
  const matrix = makeMatrix(shape, sharedResident, blockBytes)
  const occupied = new Uint8Array(shape.columns * shape.slots)
  await readInto(file, ...matrix)
  await readInto(join(building, 'occupied.bin'), occupied)
  if (sha256Of(...matrix) !== digest) return undefined
  const width = slotBytesOf(shape)
  const { rows } = splitEpochs(new Uint8Array(await readFile(join(building, 'stash.bin'))), width)
  const stash = Array.from({ length: rows.length / width }, (_, i) => rows.slice(width * i, width * (i + 1)))
  const { salt, epochs } = sealed
  return { table: { shape, salt, version, epochs, matrix, occupied, stash }, seed: fromHex(seed), file }
}

/** Places all rows that were sealed, and keeps what comes of it. */
const placeRows = async (
  building: string,
  shape: Shape,
  sealed: Sealed,
  options: Pick<BuildOptions, 'version' | 'blockBytes' | 'onProgress'>,
  rows: number,
): Promise<Placed> => {
  const { version, blockBytes, onProgress } = options
  const before = await placedBefore(building, shape, sealed, version, blockBytes)
  if (before !== undefined) return before
  // Parts of a hint are those of a matrix that is there whole.
  for (const name of await readdir(building)) if (name.startsWith('hint-')) await rm(join(building, name))
  const empty = emptyTable(shape, freshRng(), makeMatrix(shape, sharedResident, blockBytes), version)
  const table: Table = { ...empty, salt: sealed.salt, epochs: sealed.epochs }
  const heights = new Uint32Array(shape.columns)
  const overflow: Uint8Array[] = []
  let done = 0
  for await (const piece of sealed.pieces()) {
    for (const { column: random, slot } of piece) {
      const column = columnOf(shape, { column: random })
      const height = heights[column]!
      if (height === shape.slots) {
        overflow.push(slot.slice())
        continue
      }
      placeAt(table, column, height, slot)
      heights[column] = height + 1
    }
    onProgress('placing rows', (done += piece.length) / rows)
  }
  table.stash = overflow
  const seed = new Uint8Array(randomBytes(32))
  const file = join(building, 'matrix.bin')
  await writeLarge(file, table.matrix, 0o600)
  await writeLarge(join(building, 'occupied.bin'), [table.occupied], 0o600)
  await writeFileWhole(join(building, 'stash.bin'), stashOf(table), true)
  const placed: PlacedFile = { seed: toHex(seed), matrix: sha256Of(...table.matrix) }
  await writeJson(join(building, 'placed.json'), placed, true)
  return { table, seed, file }
}

/** Parts of the hint of a smaller matrix are made again sooner than kept: a few seconds. */
const keptMatrix = 2 ** 26

/** Matrices from so many bytes on are committed to by their digest, unless the user says otherwise. */
const largeMatrix = 2 ** 30

/** Seals, places and makes the hint; writes nothing but what an interrupted build goes on with. */
export const build = async (options: BuildOptions): Promise<Built> => {
  const { folder, pool, list, kind, valueBytes, version, about, onProgress } = options
  const sealed = await seal(folder, pool, list, valueBytes, version, (done) => onProgress('sealing rows', done))
  const { publicKey } = await keyOf(folder)
  const told = { ...about, values: [...list.names], publicKey: toHex(publicKey) }
  const rows = rowCount(list.ids)
  if (kind === 'sealed-list') {
    const slots: Uint8Array[] = []
    for await (const piece of sealed.pieces()) slots.push(...piece.map(({ slot }) => slot.slice()))
    const whole = sealedList(sealed.epochs, slots)
    const digests = { salt: toHex(sealed.salt), version, valueBytes, rows, list: listDigest(whole) }
    return { description: { kind, format: tableFormat, ...told, ...digests }, list: whole }
  }
  const shape: Shape = chooseShape(rows, valueBytes)
  const building = join(folder, 'building')
  const { table, seed, file } = await placeRows(building, shape, sealed, options, rows)
  const keep = matrixBytesOf(shape) >= (options.keepFrom ?? keptMatrix)
  const hint = await hintOf(pool, table, seed, building, keep, (done) => onProgress('making the hint', done))
  const digest =
    options.committed === 'digest' || (options.committed === undefined && matrixBytesOf(shape) >= largeMatrix)
  const description = describePir({ ...told, ...(digest ? { committed: 'digest' } : {}) }, table, seed, hint)
  return { description, table, hint, file }
}

/** Forgets what is left of a build that is done. */
export const cleanUp = (folder: string): Promise<void> => rm(join(folder, 'building'), { recursive: true, force: true })
