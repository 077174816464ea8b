/**
 * A segment of a journal: what one process appended between open and close. AES-256-GCM throughout.
 *
 *   header  magic 8 · journal id 16 · index u32 · generation u32 · boot digest 16 · salt 32 · entries before u64 ·
 *           tag before 16 · CRC-32 · tag 16
 *   entry   body length u32 · key length u16 · kind u8 · zero u8 · CRC-32 · ciphertext(key ‖ body) · tag 16
 *
 * Nonces never repeat: each segment has its own key, from the journal key and a fresh 256-bit salt, and within it the
 * nonce is the entry's number. A segment is never appended to after it was closed: what comes after a cut tail goes
 * into a new one. The authenticated data of an entry are its header and the tag before it, and a segment's header
 * names the last tag and the count of the segment before, so order, gaps and splices are detected. The CRC tells a
 * header that was damaged from one that was written under another key.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { bytesToUtf8, equalBytes, taggedMac, TallyError, u32 } from '@tallystick/core'
import type { EntryKind } from '../journal.ts'

export const segmentHeaderBytes = 124
export const entryHeaderBytes = 12
export const tagBytes = 16
/** The longest key and body, in bytes. */
export const maxKeyBytes = 2048
export const maxBodyBytes = 256 * 1024 * 1024
const magic = Buffer.from('TALLYJ1\n')
const headerNonce = new Uint8Array(12).fill(0xff)
const readBytes = 256 * 1024

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

const segmentKey = (journalKey: Uint8Array, { salt, index }: SegmentHeader): KeyObject =>
  createSecretKey(taggedMac(journalKey, 'tallystick/journal-segment/v1', salt, u32(index)))

const cipherOptions = { authTagLength: tagBytes }

/** GCM over no plaintext: a MAC of the header under the segment's key. */
const headerTag = (key: KeyObject, header: Uint8Array): Uint8Array => {
  const cipher = createCipheriv('aes-256-gcm', key, headerNonce, cipherOptions)
  cipher.setAAD(header)
  cipher.final()
  return cipher.getAuthTag()
}

const nonceOf = (entry: number): Buffer => {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(Math.floor(entry / 2 ** 32), 4)
  nonce.writeUInt32BE(entry >>> 0, 8)
  return nonce
}

export const corrupt = (what: string, cause?: unknown): TallyError =>
  new TallyError('journal/corrupt', 'self', what, {
    remedy: 'the file was damaged or changed: check the disk; the attempt is lost, begin a new one',
    cause,
  })

/** The header's bytes, and the key that the segment's entries are under. */
export const encodeHeader = (journalKey: Uint8Array, header: SegmentHeader): { bytes: Buffer; key: KeyObject } => {
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
  const key = segmentKey(journalKey, header)
  bytes.set(headerTag(key, bytes.subarray(0, 108)), 108)
  return { bytes, key }
}

/** @throws TallyError journal/corrupt for damaged bytes, journal/wrong-key for whole ones under another key */
export const decodeHeader = (journalKey: Uint8Array, bytes: Buffer): { header: SegmentHeader; key: KeyObject } => {
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
  const key = segmentKey(journalKey, header)
  if (!equalBytes(headerTag(key, bytes.subarray(0, 108)), bytes.subarray(108))) {
    throw new TallyError('journal/wrong-key', 'self', 'the journal does not open with this storage key', {
      remedy: 'use the identity that the journal was written with',
    })
  }
  return { header, key }
}

export interface SealedEntry {
  /** In the order of the file; the last is the tag. */
  readonly pieces: readonly Uint8Array[]
  readonly tag: Uint8Array
  readonly bytes: number
}

/** Ciphertext comes in pieces that the allocator can reuse: larger ones cost more in page faults than in AES. */
const sealBytes = 128 * 1024

/** @param entry number in the segment, from 0: the nonce, so the caller seals each number once, ever */
export const sealEntry = (
  segment: KeyObject,
  entry: number,
  tagBefore: Uint8Array,
  kind: EntryKind,
  key: Uint8Array,
  body: Uint8Array,
): SealedEntry => {
  const data = Buffer.allocUnsafe(entryHeaderBytes + tagBytes)
  data.writeUInt32BE(body.length, 0)
  data.writeUInt16BE(key.length, 4)
  data[6] = kinds.indexOf(kind)
  data[7] = 0
  const header = data.subarray(0, entryHeaderBytes)
  data.writeUInt32BE(crc32(data.subarray(0, 8)), 8)
  data.set(tagBefore, entryHeaderBytes)
  const cipher = createCipheriv('aes-256-gcm', segment, nonceOf(entry), cipherOptions)
  cipher.setAAD(data)
  const pieces: Uint8Array[] = [header, cipher.update(key)]
  for (let at = 0; at < body.length; at += sealBytes)
    pieces.push(cipher.update(body.length <= sealBytes ? body : body.subarray(at, at + sealBytes)))
  cipher.final()
  const tag = cipher.getAuthTag()
  pieces.push(tag)
  return { pieces, tag, bytes: entryHeaderBytes + key.length + body.length + tagBytes }
}

interface EntryHeader {
  readonly bodyLength: number
  readonly keyLength: number
  readonly kind: EntryKind
}

const decodeEntryHeader = (bytes: Buffer): EntryHeader | undefined => {
  if (bytes.readUInt32BE(8) !== crc32(bytes.subarray(0, 8))) return undefined
  const kind = kinds[bytes[6]!]
  const header = { bodyLength: bytes.readUInt32BE(0), keyLength: bytes.readUInt16BE(4) }
  if (kind === undefined || bytes[7] !== 0 || header.keyLength === 0) return undefined
  if (header.keyLength > maxKeyBytes || header.bodyLength > maxBodyBytes) return undefined
  return { ...header, kind }
}

const readFully = (fd: number, into: Uint8Array, position: number): boolean => {
  for (let at = 0; at < into.length;) {
    const read = fs.readSync(fd, into, at, into.length - at, position + at)
    if (read === 0) return false
    at += read
  }
  return true
}

/** The entry that starts at `offset`, checked. @throws TallyError journal/corrupt */
export const openEntry = (fd: number, segment: KeyObject, entry: number, offset: number): Uint8Array => {
  const lead = Buffer.alloc(tagBytes + entryHeaderBytes)
  if (!readFully(fd, lead, offset - tagBytes)) throw corrupt('expected an entry, found the end of the file')
  const bytes = lead.subarray(tagBytes)
  const header = decodeEntryHeader(bytes)
  if (header === undefined) throw corrupt('expected the header of an entry')
  const sealed = new Uint8Array(header.keyLength + header.bodyLength + tagBytes)
  if (!readFully(fd, sealed, offset + entryHeaderBytes))
    throw corrupt('expected a whole entry, found the end of the file')
  const decipher = createDecipheriv('aes-256-gcm', segment, nonceOf(entry), cipherOptions)
  decipher.setAAD(Buffer.concat([bytes, lead.subarray(0, tagBytes)]))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  decipher.update(sealed.subarray(0, header.keyLength))
  const body = decipher.update(sealed.subarray(header.keyLength, sealed.length - tagBytes))
  try {
    decipher.final()
  } catch (cause) {
    throw corrupt('an entry of the journal does not match its tag', cause)
  }
  return new Uint8Array(body.buffer, body.byteOffset, body.length)
}

export interface ScannedEntry {
  readonly kind: EntryKind
  readonly key: string
  readonly offset: number
  readonly bodyLength: number
}

export interface Scan {
  readonly entries: number
  /** Where the last whole entry ends. */
  readonly end: number
  readonly lastTag: Uint8Array
  /** What follows the last whole entry: nothing, the beginning of an entry, or bytes that are none. */
  readonly tail: 'none' | 'torn' | 'corrupt'
}

/** Reads a segment from its first entry, checking every tag, in pieces of 256 KiB. */
export const scanSegment = (
  fd: number,
  segment: KeyObject,
  headerTagBytes: Uint8Array,
  found: (entry: ScannedEntry) => void,
): Scan => {
  const size = fs.fstatSync(fd).size
  const header = Buffer.alloc(entryHeaderBytes)
  const buffer = Buffer.alloc(readBytes)
  let offset = segmentHeaderBytes
  let entries = 0
  let lastTag = headerTagBytes
  const stop = (tail: Scan['tail']): Scan => ({ entries, end: offset, lastTag, tail })
  while (offset < size) {
    if (!readFully(fd, header, offset)) return stop('torn')
    const fields = decodeEntryHeader(header)
    if (fields === undefined) return stop('corrupt')
    const length = fields.keyLength + fields.bodyLength
    const next = offset + entryHeaderBytes + length + tagBytes
    if (next > size) return stop('torn')
    const decipher = createDecipheriv('aes-256-gcm', segment, nonceOf(entries), cipherOptions)
    decipher.setAAD(Buffer.concat([header, lastTag]))
    let key: Uint8Array = new Uint8Array(0)
    for (let at = 0; at < length;) {
      const take = at === 0 ? fields.keyLength : Math.min(readBytes, length - at)
      const part = buffer.subarray(0, take)
      readFully(fd, part, offset + entryHeaderBytes + at)
      const plain = decipher.update(part)
      if (at === 0) key = plain
      at += take
    }
    const tag = new Uint8Array(tagBytes)
    readFully(fd, tag, next - tagBytes)
    try {
      decipher.setAuthTag(tag)
      decipher.final()
    } catch {
      return stop('corrupt')
    }
    found({ kind: fields.kind, key: bytesToUtf8(key), offset, bodyLength: fields.bodyLength })
    lastTag = tag
    offset = next
    entries++
  }
  return stop('none')
}
