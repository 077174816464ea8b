/**
 * The table of a holder for `query/quorum`: a cuckoo table of three functions (Pinkas, Schneider and Zohner, TOPS 2018,
 * section 3) whose cells are elements of ristretto255: k · H(y) in one of the three cells of each row y, a random element
 * where no row stands. Without k it is a vector of random elements (decisional Diffie-Hellman, H a random oracle); it
 * holds no values. Positions follow a digest of the id under the table's salt, which is drawn after the rows.
 *
 * Cells. 1.27 a row from 2^14 rows on: 2^-40 for a row without a place by the experiments of the paper. Below, as many as
 * make it unlikely that two rows share all three cells, or three rows two: b with rows² / (2 b^5) ≤ 2^-42. Where rows find no
 * place all the same, another salt is drawn.
 *
 * Each build has a salt and a key of its own: two tables of a folder say nothing of what they share.
 */
import { concatBytes, invariant, taggedDigest, TallyError, utf8ToBytes, type Rng } from '@tallystick/core'
import { blake3Ids, cuckooPlace, emptyBin, oprfBlind, oprfHash, tableDuplicate } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Computing, Items } from '../rfc9497/suite.ts'
import { deriveKeyPair, type KeyPair } from '../rfc9497/suite.ts'

export const cellBytes = 32
/** Functions of the table: cells that an id may stand in. */
export const candidates = 3
/** Keeps a table below 2.6 GB. */
export const maxMembers = 2 ** 26
const leastCells = 64

/** Domain of H. */
export const membersTag = utf8ToBytes('HashToGroup-tallystick/query/members/v1-ristretto255-SHA512')

/** Cells of a table of `rows` rows. */
export const cellsFor = (rows: number): number =>
  Math.max(leastCells, Math.ceil(1.27 * rows), Math.ceil((rows ** 2 * 2 ** 41) ** 0.2))

/** The key of one build: another for each salt. @param seed secret of the folder, 32 bytes */
export const membersKey = (seed: Uint8Array, salt: Uint8Array): KeyPair =>
  deriveKeyPair(seed, concatBytes(utf8ToBytes('tallystick/query/members/v1'), salt))

const positionsKey = (salt: Uint8Array): Uint8Array => taggedDigest('tallystick/query/members/positions/v1', salt)

/** The three cells of each id, one id after the other; the functions of the kernel `cuckoo/place`. */
export function* cellsOf(ctx: Computing, salt: Uint8Array, rows: number, ids: Items): Routine<Uint32Array> {
  const { first } = yield* ctx.compute(blake3Ids, { key: positionsKey(salt), ...ids })
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength)
  const cells = cellsFor(rows)
  const out = new Uint32Array((candidates * first.length) / 16)
  for (let i = 0; i < out.length; i++) {
    const word = view.getUint32(16 * Math.floor(i / candidates) + 4 * (i % candidates), true)
    out[i] = Number((BigInt(word) * BigInt(cells)) >> 32n)
  }
  return out
}

/** What an asker reads for its ids: {@link candidates} cells an id. */
export function* pickCells(
  ctx: Computing,
  table: { readonly salt: Uint8Array; readonly rows: number; readonly cells: Uint8Array },
  ids: Items,
): Routine<Uint8Array> {
  const { salt, rows, cells } = table
  invariant(cells.length === cellBytes * cellsFor(rows), 'a table has the cells of its number of rows')
  const places = yield* cellsOf(ctx, salt, rows, ids)
  const out = new Uint8Array(cellBytes * places.length)
  places.forEach((place, i) => out.set(cells.subarray(cellBytes * place, cellBytes * (place + 1)), cellBytes * i))
  return out
}

const part = ({ bytes, offsets }: Items, from: number, to: number): Items => {
  const start = offsets[from]!
  const own = Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - start)
  return { bytes: bytes.subarray(start, offsets[to]), offsets: own }
}

/** Rows that are evaluated at once. */
const pieceRows = 16_384

const fillerBytes = 32

/** Random elements for the cells without a row. */
function* filler(ctx: Computing, rng: Rng, count: number): Routine<Uint8Array> {
  const offsets = Uint32Array.from({ length: count + 1 }, (_, i) => fillerBytes * i)
  return yield* ctx.compute(oprfHash, { dst: membersTag, bytes: rng.bytes(fillerBytes * count), offsets })
}

/** Where the rows of a table stand. */
export interface Placement {
  /** By row. */
  readonly cellOf: Uint32Array
  readonly empty: readonly number[]
}

/**
 * Places for rows in a table that has the cells of `capacity` rows, or undefined where some row has none under this salt:
 * draw another.
 * @throws TallyError input/duplicate: an id that stood twice would count as absent
 */
export function* placeMembers(
  ctx: Computing,
  salt: Uint8Array,
  ids: Items,
  capacity = ids.offsets.length - 1,
): Routine<Placement | undefined> {
  const rows = ids.offsets.length - 1
  invariant(rows <= capacity, 'a table has room for its rows')
  const twice = yield* ctx.compute(tableDuplicate, ids)
  if (twice.length > 0) {
    throw new TallyError('input/duplicate', 'self', `row ${twice[0]! + 1} has the id of row ${twice[1]! + 1}`, {
      remedy: 'name each id once',
    })
  }
  const { first } = yield* ctx.compute(blake3Ids, { key: positionsKey(salt), ...ids })
  const { table, unplaced } = yield* ctx.compute(cuckooPlace, { digests: first, bins: cellsFor(capacity) })
  if (unplaced.length > 0) return undefined
  const cellOf = new Uint32Array(rows)
  const empty: number[] = []
  table.forEach((entry, cell) => {
    if (entry === emptyBin) empty.push(cell)
    else cellOf[entry >>> 2] = cell
  })
  return { cellOf, empty }
}

/** k · H(y) of rows `from` to `to`: what a build that was stopped need not make again. */
export function* memberElements(
  ctx: Computing,
  { secretKey }: Pick<KeyPair, 'secretKey'>,
  ids: Items,
  from: number,
  to: number,
): Routine<Uint8Array> {
  return yield* ctx.compute(oprfBlind, { dst: membersTag, ...part(ids, from, to), scalars: secretKey })
}

/** The cells of a table. @param elements of the rows, in pieces that follow each other */
export function* fillMembers(
  ctx: Computing,
  { cellOf, empty }: Placement,
  elements: Iterable<Uint8Array>,
  rng: Rng,
): Routine<Uint8Array> {
  const cells = new Uint8Array(cellBytes * (cellOf.length + empty.length))
  let row = 0
  for (const piece of elements) {
    for (let at = 0; at < piece.length; at += cellBytes) {
      cells.set(piece.subarray(at, at + cellBytes), cellBytes * cellOf[row++]!)
    }
  }
  invariant(row === cellOf.length, 'every row has an element')
  for (let from = 0; from < empty.length; from += pieceRows) {
    const some = empty.slice(from, from + pieceRows)
    const points = yield* filler(ctx, rng, some.length)
    some.forEach((cell, i) => cells.set(points.subarray(cellBytes * i, cellBytes * (i + 1)), cellBytes * cell))
  }
  return cells
}

/** The three steps at once. @throws TallyError input/duplicate */
export function* buildMembers(
  ctx: Computing,
  keyPair: Pick<KeyPair, 'secretKey'>,
  salt: Uint8Array,
  ids: Items,
  rng: Rng,
  capacity = ids.offsets.length - 1,
): Routine<Uint8Array | undefined> {
  const placement = yield* placeMembers(ctx, salt, ids, capacity)
  if (placement === undefined) return undefined
  const rows = ids.offsets.length - 1
  const elements: Uint8Array[] = []
  for (let from = 0; from < rows; from += pieceRows) {
    elements.push(yield* memberElements(ctx, keyPair, ids, from, Math.min(rows, from + pieceRows)))
  }
  return yield* fillMembers(ctx, placement, elements, rng)
}
