/**
 * A prepared list as it is shipped: a filter over the tags of one version, and the tags that came and went since. Its
 * bytes, little endian, are what the terms name by digest:
 *
 *     magic ‖ version ‖ rows ‖ words a slot ‖ seed ‖ added ‖ removed ‖ 0     eight words of 32 bits
 *     slots ‖ added tags, ascending ‖ removed tags, ascending                tags have 16 bytes
 *
 * An update is the tags that came and went from one version to the next, with the digests of both.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  taggedDigest,
  TallyError,
  toHex,
  type Hex,
} from '@tallystick/core'
import { buildFuse, inFuse, slotCount, type Fuse } from './fuse.ts'
import { maxListRows, tagBytes } from './messages.ts'

export interface PreparedList {
  /** From 1 on; one more with every update. */
  readonly version: number
  readonly fuse: Fuse
  /** Tags of 16 bytes, ascending. */
  readonly added: Uint8Array
  readonly removed: Uint8Array
}

/** Tags of 16 bytes in any order. */
export interface Change {
  readonly added: Uint8Array
  readonly removed: Uint8Array
}

export interface Update extends Change {
  readonly version: number
  readonly from: Hex
  readonly to: Hex
}

/** SHA-256; the caller brings a fast one. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

const listMagic = 0x4c535431
const updateMagic = 0x55535431
const headWords = 8

const malformed = (text: string): TallyError =>
  new TallyError('input/malformed', 'self', `a prepared list: ${text}`, {
    remedy: 'ask the holder for the file again; it is not what `tally list` wrote',
  })

const rowsOf = (tags: Uint8Array): Uint8Array[] =>
  Array.from({ length: tags.length / tagBytes }, (_, i) => tags.subarray(tagBytes * i, tagBytes * (i + 1)))
const sorted = (tags: readonly Uint8Array[]): Uint8Array => concatBytes(...tags.toSorted(compareBytes))
const wordBytes = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** A copy, also of a Node Buffer, whose `slice` makes none. */
const copy = (bytes: Uint8Array, from: number, to?: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(bytes.subarray(from, to))

/** Whether an ascending table holds a tag. */
const holds = (table: Uint8Array, tag: Uint8Array): boolean => {
  let [low, high] = [0, table.length / tagBytes]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes(table.subarray(tagBytes * middle, tagBytes * (middle + 1)), tag) < 0) low = middle + 1
    else high = middle
  }
  return tagBytes * low < table.length && equalBytes(table.subarray(tagBytes * low, tagBytes * (low + 1)), tag)
}

/**
 * @param tags of distinct ids, 16 bytes each
 * @param fingerprint bits: 32 or 64
 * @throws TallyError input/duplicate
 */
export const prepareList = (tags: Uint8Array, fingerprint: 32 | 64, version = 1): PreparedList => ({
  version,
  fuse: buildFuse(tags, fingerprint === 32 ? 1 : 2),
  added: new Uint8Array(),
  removed: new Uint8Array(),
})

/** Ids on the list. */
export const listRows = ({ fuse, added, removed }: PreparedList): number =>
  fuse.rows + (added.length - removed.length) / tagBytes

export const encodeList = ({ version, fuse, added, removed }: PreparedList): Uint8Array => {
  const { rows, width, seed, slots } = fuse
  const counts = [added.length / tagBytes, removed.length / tagBytes]
  const head = Uint32Array.of(listMagic, version, rows, width, seed, ...counts, 0)
  return concatBytes(wordBytes(head), wordBytes(slots), added, removed)
}

const isAscending = (tags: Uint8Array): boolean =>
  rowsOf(tags).every((tag, i, all) => i === 0 || compareBytes(all[i - 1]!, tag) < 0)

const headOf = (bytes: Uint8Array, magic: number): Uint32Array => {
  if (bytes.length < 4 * headWords) throw malformed(`expected a head of ${4 * headWords} bytes, found ${bytes.length}`)
  const head = new Uint32Array(copy(bytes, 0, 4 * headWords).buffer)
  if (head[0] !== magic) throw malformed('expected another kind of file')
  return head
}

/** @throws TallyError input/malformed for anything that `encodeList` does not write */
export const decodeList = (bytes: Uint8Array): PreparedList => {
  const [, version, rows, width, seed, added, removed, rest] = headOf(bytes, listMagic) as unknown as number[]
  if ((width !== 1 && width !== 2) || rest !== 0 || version === 0) throw malformed('a head that no list has')
  if (rows! > maxListRows || removed! > rows!) throw malformed('counts that no list has')
  const size = 4 * width * slotCount(rows!)
  const from = 4 * headWords + size
  const expected = from + tagBytes * (added! + removed!)
  if (bytes.length !== expected) throw malformed(`expected ${expected} bytes, found ${bytes.length}`)
  const list: PreparedList = {
    version: version!,
    fuse: { rows: rows!, width, seed: seed!, slots: new Uint32Array(copy(bytes, 4 * headWords, from).buffer) },
    added: copy(bytes, from, from + tagBytes * added!),
    removed: copy(bytes, from + tagBytes * added!),
  }
  if (!isAscending(list.added) || !isAscending(list.removed)) throw malformed('changes out of order')
  return list
}

/** What the terms name. */
export const filterDigest = (bytes: Uint8Array, sha256: Sha256): Hex =>
  toHex(taggedDigest('tallystick/prepared-list/v1', sha256(bytes)))

/** The next version. @throws TallyError input/malformed for an id that comes twice, or goes without being there */
export const changeList = (list: PreparedList, change: Change): PreparedList => {
  const key = (tag: Uint8Array): string => bytesToHex(tag)
  const added = new Map(rowsOf(list.added).map((tag) => [key(tag), tag]))
  const removed = new Map(rowsOf(list.removed).map((tag) => [key(tag), tag]))
  for (const tag of rowsOf(change.removed)) {
    if (added.delete(key(tag))) continue
    if (removed.has(key(tag))) throw malformed('an update removes what is gone already')
    removed.set(key(tag), tag)
  }
  for (const tag of rowsOf(change.added)) {
    if (removed.delete(key(tag))) continue
    if (added.has(key(tag))) throw malformed('an update adds what is there already')
    added.set(key(tag), tag)
  }
  if (removed.size > list.fuse.rows) throw malformed('an update removes more than there is')
  return {
    ...{ version: list.version + 1, fuse: list.fuse },
    ...{ added: sorted([...added.values()]), removed: sorted([...removed.values()]) },
  }
}

export const encodeUpdate = ({ version, from, to, added, removed }: Update): Uint8Array => {
  const head = Uint32Array.of(updateMagic, version, added.length / tagBytes, removed.length / tagBytes, 0, 0, 0, 0)
  return concatBytes(wordBytes(head), fromHex(from, 32), fromHex(to, 32), added, removed)
}

/** @throws TallyError input/malformed */
export const decodeUpdate = (bytes: Uint8Array): Update => {
  const [, version, added, removed, ...rest] = headOf(bytes, updateMagic)
  const from = 4 * headWords + 64
  const expected = from + tagBytes * (added! + removed!)
  if (bytes.length !== expected) throw malformed(`expected ${expected} bytes of update, found ${bytes.length}`)
  if (rest.some((word) => word !== 0)) throw malformed('a head that no update has')
  return {
    version: version!,
    from: toHex(copy(bytes, from - 64, from - 32)),
    to: toHex(copy(bytes, from - 32, from)),
    added: copy(bytes, from, from + tagBytes * added!),
    removed: copy(bytes, from + tagBytes * added!),
  }
}

/**
 * Bytes of the next version.
 * @throws TallyError input/malformed, input/changed where the update is not for these bytes, or does not end as it says
 */
export const applyUpdate = (bytes: Uint8Array, update: Update, sha256: Sha256): Uint8Array => {
  const changed = (text: string): TallyError =>
    new TallyError('input/changed', 'self', text, { remedy: 'apply the updates in their order, each once' })
  if (filterDigest(bytes, sha256) !== update.from) throw changed('the update is for another version of the list')
  const next = encodeList({ ...changeList(decodeList(bytes), update), version: update.version })
  if (filterDigest(next, sha256) !== update.to) throw changed('the list after the update is not the one that it names')
  return next
}

/** Rows whose tags are on the list, ascending: what follows from the output of a session and the filter. */
export const commonRows = (list: PreparedList, tags: Uint8Array): Uint32Array => {
  const inFilter = inFuse(list.fuse, tags)
  return Uint32Array.from(
    rowsOf(tags).flatMap((tag, row) =>
      holds(list.added, tag) || (inFilter[row]! && !holds(list.removed, tag)) ? [row] : [],
    ),
  )
}
