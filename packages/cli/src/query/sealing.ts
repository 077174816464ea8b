/**
 * Sealing a list in pieces that survive an interruption. The values of a list are read from its file piece by piece, sealed,
 * and kept on the disk, so that a list of any size takes the memory of its ids and of one piece.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concatBytes, createRng, fromHex, toHex, TallyError, type Rng } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import type { Routine } from '@tallystick/protocol'
import {
  computing,
  epochBytes,
  evaluate,
  rowCount,
  rowKeys,
  rowOf,
  sealRows,
  slotOverhead,
  type Epochs,
  type Items,
} from '@tallystick/query'
import { writeFileWhole, writeJson } from '../files.ts'
import { keyOf, readInto } from './table.ts'
import { itemsDigest, type OpenList } from './values.ts'

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

/** The ids of rows `from` to `to`. */
export const partOf = ({ bytes, offsets }: Items, from: number, to: number): Items => {
  const start = offsets[from]!
  return {
    bytes: bytes.subarray(start, offsets[to]),
    offsets: Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - start),
  }
}

const pieceFile = (folder: string, from: number): string => join(folder, 'building', `${from}.bin`)

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
    const file = pieceFile(folder, from)
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

/** What a piece begins with: the SHA-256 of the rows that it seals. */
const headBytes = 32

/** A piece as it is kept: the digest of its rows, then for each 4 bytes that choose its column, and its slot. */
const sealPiece = async (
  pool: Pool,
  secretKey: Uint8Array,
  ids: Items,
  values: Items,
  plan: Plan,
): Promise<Uint8Array> => {
  const rows = rowCount(ids)
  const outputs = await runOver(pool, evaluate(computing, ids, secretKey))
  const width = widthOf(plan)
  const out = new Uint8Array(width * rows)
  const view = new DataView(out.buffer)
  const keys = Array.from({ length: rows }, (_, i) =>
    rowKeys(outputs.subarray(64 * i, 64 * (i + 1)), fromHex(plan.salt)),
  )
  const own = keys.map((_, i) => rowOf(values, i))
  const seal = { version: plan.version, epoch: fromHex(plan.epoch) }
  const slots = await runOver(pool, sealRows(computing, keys, seal, own, plan.valueBytes))
  keys.forEach(({ column }, i) => {
    view.setUint32(width * i, column, true)
    out.set(slots[i]!, width * i + 4)
  })
  return concatBytes(fromHex(itemsDigest(ids, values)), out)
}

const widthOf = ({ valueBytes }: Pick<Plan, 'valueBytes'>): number => 4 + slotOverhead + valueBytes

/** Sealed rows on the disk. */
export interface Sealed {
  readonly salt: Uint8Array
  readonly epochs: Epochs
  /** In the order of the list; slots are those of one piece until the next is asked for. */
  readonly pieces: () => AsyncGenerator<readonly SealedRow[]>
}

export interface SealedRow {
  /** 32 bits that choose the column. */
  readonly column: number
  readonly slot: Uint8Array
}

const headOf = async (file: string): Promise<string | undefined> => {
  if (!existsSync(file)) return undefined
  const opened = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await opened.read({ buffer: new Uint8Array(headBytes) })
    return toHex(buffer.subarray(0, bytesRead))
  } finally {
    await opened.close()
  }
}

async function* sealedPieces(folder: string, rows: number, width: number): AsyncGenerator<readonly SealedRow[]> {
  // One for all pieces: what is thrown away is not collected soon enough where pieces are large.
  const whole = new Uint8Array(headBytes + width * Math.min(rows, pieceRows))
  for (let from = 0; from < rows; from += pieceRows) {
    const own = whole.subarray(0, headBytes + width * Math.min(pieceRows, rows - from))
    await readInto(pieceFile(folder, from), own)
    const piece = own.subarray(headBytes)
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength)
    yield Array.from({ length: piece.length / width }, (_, i) => ({
      column: view.getUint32(width * i, true),
      slot: piece.subarray(width * i + 4, width * (i + 1)),
    }))
  }
}

/**
 * Seals a list; what an interrupted build of the same list had sealed is taken from it.
 * @throws TallyError input/changed where the file is another one by now: what was sealed of it is thrown away
 */
export const seal = async (
  folder: string,
  pool: Pool,
  list: OpenList,
  valueBytes: number,
  version: number,
  onProgress: (done: number) => void,
): Promise<Sealed> => {
  const { secretKey, publicKey } = await keyOf(folder)
  const { ids, contents } = list
  const rows = rowCount(ids)
  const plan = await planOf(folder, { kind: 'rows', list: contents, valueBytes, version, publicKey: toHex(publicKey) })
  try {
    await list.pieces(pieceRows, async (from, values) => {
      const part = partOf(ids, from, from + rowCount(values))
      const file = pieceFile(folder, from)
      const head = await headOf(file)
      if (head === undefined) await writeFileWhole(file, await sealPiece(pool, secretKey, part, values, plan), true)
      else if (head !== itemsDigest(part, values)) throw otherRows()
      onProgress((from + rowCount(values)) / rows)
    })
  } catch (error) {
    // A salt seals one content: what was sealed of a file that changed is not gone on with.
    const changed = error instanceof TallyError && error.code === 'input/changed'
    if (changed) await rm(join(folder, 'building'), { recursive: true, force: true })
    throw error
  }
  return {
    salt: fromHex(plan.salt),
    epochs: { first: version, bytes: fromHex(plan.epoch) },
    pieces: () => sealedPieces(folder, rows, widthOf(plan)),
  }
}

const otherRows = (): TallyError =>
  new TallyError('input/changed', 'self', 'the list has other rows than when this build was begun', {
    remedy: 'run the command again: it begins anew',
  })
