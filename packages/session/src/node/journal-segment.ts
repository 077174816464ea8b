/**
 * A segment of a journal: what one process appended between open and close.
 *
 *   header  magic 8 · journal id 16 · index u32 · generation u32 · boot digest 16 · salt 32 · entries before u64 ·
 *           tag before 16 · CRC-32 · tag 16
 *   entry   body length u32 · key length u16 · kind u8 · apart u8 · CRC-32 · ciphertext(key ‖ body) · tag 16
 *   apart   0: the body is here. 1: the body is u64 offset · u32 length, a place in the segment's bodies (journal-bodies.ts)
 *
 * Nothing is encrypted twice under one key stream: each segment has its own keys, from the journal key and a fresh
 * 256-bit salt, and is never appended to after it was closed: what comes after a cut tail goes into a new one. What is
 * authenticated with an entry (journal-seal.ts) are its header and the tag before it, and a segment's header
 * names the last tag and the count of the segment before, so order, gaps and splices are detected. The CRC tells a
 * header that was damaged from one that was written under another key.
 */
import fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { bytesToUtf8, equalBytes, taggedMac, TallyError, u32 } from '@tallystick/core'
import type { EntryKind } from '../journal.ts'
import { createSealer, segmentKeys, tagBytes, unseal, type Sealer, type SegmentKeys } from './journal-seal.ts'

export const segmentHeaderBytes = 124
export const entryHeaderBytes = 12
/** The longest key and body, in bytes. */
export const maxKeyBytes = 2048
export const maxBodyBytes = 256 * 1024 * 1024
/** Bodies below this size stand in their entry, others apart. */
export const apartBytes = 64 * 1024
/** The largest entry. */
export const maxEntryBytes = entryHeaderBytes + maxKeyBytes + apartBytes + tagBytes
const magic = Buffer.from('TALLYJ3\n')

export const kinds: readonly EntryKind[] = ['receive', 'compute', 'state']

export interface SegmentHeader {
  readonly journalId: Uint8Array
  readonly index: number
  readonly generation: number
  readonly boot: Uint8Array
  readonly salt: Uint8Array
  readonly entriesBefore: number
  readonly tagBefore: Uint8Array
}

const keysOf = (journalKey: Uint8Array, { salt, index }: SegmentHeader): SegmentKeys =>
  segmentKeys(taggedMac(journalKey, 'tallystick/journal-segment/v1', salt, u32(index)))

/** What the segment's bodies are under. */
export const bodiesKey = (journalKey: Uint8Array, { salt, index }: SegmentHeader): Uint8Array =>
  taggedMac(journalKey, 'tallystick/journal-bodies/v1', salt, u32(index))

/** Of AES-256-GCM, which bodies are under. */
export const cipherOptions = { authTagLength: tagBytes }

const headerTag = ({ header: key }: SegmentKeys, header: Uint8Array): Uint8Array =>
  taggedMac(key, 'tallystick/journal-header/v1', header).subarray(0, tagBytes)

export const nonceOf = (page: number): Buffer => {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(Math.floor(page / 2 ** 32), 4)
  nonce.writeUInt32BE(page >>> 0, 8)
  return nonce
}

export const corrupt = (what: string, cause?: unknown): TallyError =>
  new TallyError('journal/corrupt', 'self', what, {
    remedy: 'the file was damaged or changed: check the disk; the attempt is lost, begin a new one',
    cause,
  })

/** The header's bytes, and the keys that the segment's entries are under. */
export const encodeHeader = (journalKey: Uint8Array, header: SegmentHeader): { bytes: Buffer; keys: SegmentKeys } => {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  magic.copy(bytes)
  bytes.set(header.journalId, 8)
  bytes.writeUInt32BE(header.index, 24)
  bytes.writeUInt32BE(header.generation, 28)
  bytes.set(header.boot, 32)
  bytes.set(header.salt, 48)
  bytes.writeBigUInt64BE(BigInt(header.entriesBefore), 80)
  bytes.set(header.tagBefore, 88)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 104)), 104)
  const keys = keysOf(journalKey, header)
  bytes.set(headerTag(keys, bytes.subarray(0, 108)), 108)
  return { bytes, keys }
}

/** @throws TallyError journal/corrupt for damaged bytes, journal/wrong-key for whole ones under another key */
export const decodeHeader = (journalKey: Uint8Array, bytes: Buffer): { header: SegmentHeader; keys: SegmentKeys } => {
  if (bytes.length !== segmentHeaderBytes || !bytes.subarray(0, 8).equals(magic))
    throw corrupt('expected the header of a journal segment')
  if (bytes.readUInt32BE(104) !== crc32(bytes.subarray(0, 104))) throw corrupt('expected a whole segment header')
  const header: SegmentHeader = {
    journalId: Uint8Array.from(bytes.subarray(8, 24)),
    index: bytes.readUInt32BE(24),
    generation: bytes.readUInt32BE(28),
    boot: Uint8Array.from(bytes.subarray(32, 48)),
    salt: Uint8Array.from(bytes.subarray(48, 80)),
    entriesBefore: Number(bytes.readBigUInt64BE(80)),
    tagBefore: Uint8Array.from(bytes.subarray(88, 104)),
  }
  const keys = keysOf(journalKey, header)
  if (!equalBytes(headerTag(keys, bytes.subarray(0, 108)), bytes.subarray(108))) {
    throw new TallyError('journal/wrong-key', 'self', 'the journal does not open with this storage key', {
      remedy: 'use the identity that the journal was written with',
    })
  }
  return { header, keys }
}

/** Where a body stands that is apart. */
export interface Place {
  readonly offset: number
  readonly length: number
}

const encodePlace = ({ offset, length }: Place): Uint8Array => {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64BE(BigInt(offset))
  bytes.writeUInt32BE(length, 8)
  return bytes
}

const decodePlace = (bytes: Buffer): Place => ({
  offset: Number(bytes.readBigUInt64BE()),
  length: bytes.readUInt32BE(8),
})

const plain = Buffer.allocUnsafeSlow(maxKeyBytes + apartBytes)
const lead = Buffer.alloc(entryHeaderBytes)

/** Of a segment that is begun. */
export const sealerOf = (keys: SegmentKeys): Sealer => createSealer(keys, entryHeaderBytes, plain.length)

/** Writes a sealed entry into `target` and returns where it ends; the sealer's entries one after the other. */
export const sealEntry = (
  sealer: Sealer,
  tagBefore: Uint8Array,
  kind: EntryKind,
  key: string,
  content: Uint8Array | Place,
  target: Buffer,
  at: number,
): number => {
  const apart = !(content instanceof Uint8Array)
  const body = apart ? encodePlace(content) : content
  const keyLength = plain.write(key)
  plain.set(body, keyLength)
  lead.writeUInt32BE(body.length, 0)
  lead.writeUInt16BE(keyLength, 4)
  lead[6] = kinds.indexOf(kind)
  lead[7] = apart ? 1 : 0
  lead.writeUInt32BE(crc32(lead.subarray(0, 8)), 8)
  return sealer.seal(lead, tagBefore, plain.subarray(0, keyLength + body.length), target, at)
}

interface EntryHeader {
  readonly bodyLength: number
  readonly keyLength: number
  readonly kind: EntryKind
  readonly apart: boolean
}

const decodeEntryHeader = (bytes: Buffer): EntryHeader | undefined => {
  if (bytes.readUInt32BE(8) !== crc32(bytes.subarray(0, 8))) return undefined
  const kind = kinds[bytes[6]!]
  const header = { bodyLength: bytes.readUInt32BE(0), keyLength: bytes.readUInt16BE(4), apart: bytes[7] === 1 }
  if (kind === undefined || bytes[7]! > 1 || header.keyLength === 0) return undefined
  if (header.keyLength > maxKeyBytes || header.bodyLength >= apartBytes) return undefined
  return header.apart && header.bodyLength !== 12 ? undefined : { ...header, kind }
}

export const readFully = (fd: number, into: Uint8Array, position: number): boolean => {
  for (let at = 0; at < into.length;) {
    const read = fs.readSync(fd, into, at, into.length - at, position + at)
    if (read === 0) return false
    at += read
  }
  return true
}

interface OpenedEntry extends EntryHeader {
  readonly key: string
  readonly body: Uint8Array
  /** Where the body stands, if it is apart. */
  readonly place: Place | undefined
  readonly tag: Uint8Array
  readonly end: number
}

/** The entry at `offset`: `torn` where the file ends before it does, `corrupt` where it is none of this segment. */
const readEntry = (
  fd: number,
  segment: SegmentKeys,
  entry: number,
  tagBefore: Uint8Array,
  offset: number,
): OpenedEntry | 'torn' | 'corrupt' => {
  const lead = Buffer.alloc(entryHeaderBytes)
  if (!readFully(fd, lead, offset)) return 'torn'
  const header = decodeEntryHeader(lead)
  if (header === undefined) return 'corrupt'
  const sealed = Buffer.allocUnsafeSlow(header.keyLength + header.bodyLength + tagBytes)
  if (!readFully(fd, sealed, offset + entryHeaderBytes)) return 'torn'
  const tag = Uint8Array.from(sealed.subarray(sealed.length - tagBytes))
  // What the entries before encrypt: all that lies before but for their headers and tags.
  const position = offset - segmentHeaderBytes - entry * (entryHeaderBytes + tagBytes)
  const opened = unseal(segment, lead, tagBefore, position, sealed.subarray(0, sealed.length - tagBytes), tag)
  if (opened === undefined) return 'corrupt'
  const key = opened.subarray(0, header.keyLength)
  const body = opened.subarray(header.keyLength)
  const place = header.apart ? decodePlace(body) : undefined
  return { ...header, key: bytesToUtf8(key), body, place, tag, end: offset + entryHeaderBytes + sealed.length }
}

/** The entry that starts at `offset`, checked. @throws TallyError journal/corrupt */
export const openEntry = (fd: number, segment: SegmentKeys, entry: number, offset: number): Uint8Array | Place => {
  const tagBefore = Buffer.alloc(tagBytes)
  readFully(fd, tagBefore, offset - tagBytes)
  const opened = readEntry(fd, segment, entry, tagBefore, offset)
  if (opened === 'torn') throw corrupt('expected a whole entry, found the end of the file')
  if (opened === 'corrupt') throw corrupt('an entry of the journal does not match its tag')
  return opened.place ?? Uint8Array.from(opened.body)
}

export interface ScannedEntry {
  readonly kind: EntryKind
  readonly key: string
  readonly offset: number
}

export type Tail = 'none' | 'torn' | 'corrupt'

export interface Scan {
  readonly entries: number
  /** Where the last whole entry ends. */
  readonly end: number
  readonly lastTag: Uint8Array
  /** What follows the last whole entry: nothing, the beginning of an entry, or bytes that are none. */
  readonly tail: Tail
}

/**
 * Reads a segment from its first entry, checking every tag.
 * @param check of the bodies that are apart: an entry without its body counts for as little as half an entry
 */
export const scanSegment = (
  fd: number,
  segment: SegmentKeys,
  headerTagBytes: Uint8Array,
  check: (place: Place) => Tail,
  found: (entry: ScannedEntry) => void,
): Scan => {
  const size = fs.fstatSync(fd).size
  let offset = segmentHeaderBytes
  let entries = 0
  let lastTag = headerTagBytes
  const stop = (tail: Tail): Scan => ({ entries, end: offset, lastTag, tail })
  while (offset < size) {
    const opened = readEntry(fd, segment, entries, lastTag, offset)
    if (typeof opened === 'string') return stop(opened)
    const body = opened.place === undefined ? 'none' : check(opened.place)
    if (body !== 'none') return stop(body)
    found({ kind: opened.kind, key: opened.key, offset })
    lastTag = opened.tag
    offset = opened.end
    entries++
  }
  return stop('none')
}
