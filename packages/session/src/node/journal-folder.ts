/** The segments of a journal's folder: opened, checked, indexed, read. */
import fs from 'node:fs'
import path from 'node:path'
import { compareBytes, deriveKey, equalBytes, TallyError, taggedDigest } from '@tallystick/core'
import type { Secret } from '@tallystick/core'
import type { EntryKind, Journal } from '../journal.ts'
import { syncFolder, writeNewFile } from './files.ts'
import { checkBody, openBody } from './journal-bodies.ts'
import { tagBytes, type SegmentKeys } from './journal-seal.ts'
import * as segments from './journal-segment.ts'

export interface Segment {
  readonly fd: number
  readonly keys: SegmentKeys
  readonly header: segments.SegmentHeader
  readonly bodies: BodiesFile
}

/** The file of a segment's large bodies; there once the first was written. */
interface BodiesFile {
  readonly file: string
  readonly key: Uint8Array
  /** Opened when a body is first read. */
  fd: number | undefined
}

const bodiesFile = (folder: string, journalKey: Uint8Array, header: segments.SegmentHeader): BodiesFile => ({
  file: path.join(folder, `${String(header.index).padStart(4, '0')}.bodies`),
  key: segments.bodiesKey(journalKey, header),
  fd: undefined,
})

const bodiesFd = ({ bodies }: Segment): number => (bodies.fd ??= fs.openSync(bodies.file, 'r+'))

/** Everything that was written to the segment is on the disk when this returns: bodies before what names them. */
export const syncSegment = (segment: Segment): void => {
  if (fs.existsSync(segment.bodies.file)) fs.fdatasyncSync(bodiesFd(segment))
  fs.fdatasyncSync(segment.fd)
}

export const closeSegment = ({ fd, bodies }: Segment): void => {
  fs.closeSync(fd)
  if (bodies.fd !== undefined) fs.closeSync(bodies.fd)
}

export interface Loaded {
  readonly segments: readonly Segment[]
  readonly index: Index
  readonly end: number
  readonly lastTag: Uint8Array
  readonly tail: segments.Tail
}

export const io = (what: string, cause: unknown): TallyError => {
  if (cause instanceof TallyError) return cause
  return new TallyError('journal/io', 'self', `${what}: ${(cause as NodeJS.ErrnoException).code ?? 'failed'}`, {
    remedy: 'check space, permissions and health of the disk, then run again: the attempt resumes',
    cause,
  })
}

export const guarded = <T>(what: string, action: () => T): T => {
  try {
    return action()
  } catch (cause) {
    throw io(what, cause)
  }
}

export const readId = (folder: string): { secret: Uint8Array; id: Uint8Array } => {
  const secret = guarded(`reading the journal in ${folder}`, () => fs.readFileSync(path.join(folder, 'id')))
  if (secret.length !== 32) throw segments.corrupt('expected 32 bytes as the id of the journal')
  return { secret, id: taggedDigest('tallystick/journal-id/v1', secret).slice(0, 16) }
}

export const journalKeyOf = (storageKey: Secret<Uint8Array>, secret: Uint8Array): Uint8Array =>
  deriveKey(storageKey.expose(), secret, 'tallystick/journal/v1', new Uint8Array(0))

const segmentFile = (folder: string, index: number): string =>
  path.join(folder, `${String(index).padStart(4, '0')}.segment`)

/** Where each key's entry stands. */
export interface Index {
  add(kind: EntryKind, key: string, segment: number, entry: number, offset: number): void
  has(kind: EntryKind, key: string): boolean
  find(kind: EntryKind, key: string): { segment: number; entry: number; offset: number } | undefined
  keys(kind: EntryKind): Iterable<string>
  readonly size: number
}

const createIndex = (): Index => {
  const places: Record<EntryKind, Map<string, number>> = { receive: new Map(), compute: new Map(), state: new Map() }
  const offsets: number[] = []
  const starts: number[] = [] // first entry of each segment
  return {
    add(kind, key, segment, entry, offset) {
      starts[segment] ??= offsets.length - entry
      places[kind].set(key, offsets.length)
      offsets.push(offset)
    },
    find(kind, key) {
      const place = places[kind].get(key)
      if (place === undefined) return undefined
      const segment = starts.findLastIndex((start) => start !== undefined && start <= place)
      return { segment, entry: place - starts[segment]!, offset: offsets[place]! }
    },
    has: (kind, key) => places[kind].has(key),
    keys: (kind) => places[kind].keys(),
    get size() {
      return offsets.length
    },
  }
}

/** Opens and checks every segment. @throws TallyError journal/corrupt, journal/wrong-key */
export const load = (folder: string, journalKey: Uint8Array, id: Uint8Array, opened: Segment[]): Loaded => {
  const files = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.segment'))
    .sort()
  const index = createIndex()
  let end = 0
  let lastTag: Uint8Array = new Uint8Array(tagBytes)
  let tail: Loaded['tail'] = 'none'
  files.forEach((name, i) => {
    if (name !== path.basename(segmentFile(folder, i + 1)))
      throw segments.corrupt(`expected segment ${i + 1}, found ${name}`)
    if (tail !== 'none') throw segments.corrupt(`expected segment ${i} to be whole`)
    const fd = fs.openSync(path.join(folder, name), 'r+')
    const bytes = Buffer.alloc(segments.segmentHeaderBytes)
    const read = fs.readSync(fd, bytes, 0, bytes.length, 0)
    let decoded: ReturnType<typeof segments.decodeHeader>
    try {
      decoded = segments.decodeHeader(journalKey, bytes.subarray(0, read))
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
    const { header, keys } = decoded
    const segment: Segment = { fd, keys, header, bodies: bodiesFile(folder, journalKey, header) }
    opened.push(segment)
    const check = (place: segments.Place): segments.Tail =>
      fs.existsSync(segment.bodies.file) ? checkBody(bodiesFd(segment), segment.bodies.key, place) : 'torn'
    const follows = header.index === i + 1 && header.entriesBefore === index.size && equalBytes(header.journalId, id)
    if (!follows || compareBytes(header.tagBefore, lastTag) !== 0)
      throw segments.corrupt(`expected segment ${i + 1} to follow the one before it`)
    let entry = 0
    const scan = segments.scanSegment(fd, keys, bytes.subarray(108), check, (found) => {
      if (index.has(found.kind, found.key)) throw segments.corrupt('expected each key once')
      index.add(found.kind, found.key, i, entry++, found.offset)
    })
    end = scan.end
    lastTag = scan.lastTag
    tail = scan.tail
  })
  if (files.length === 0) throw segments.corrupt('expected at least one segment')
  return { segments: opened, index, end, lastTag, tail }
}

export const createSegment = (folder: string, journalKey: Uint8Array, header: segments.SegmentHeader): Segment => {
  const file = segmentFile(folder, header.index)
  const { bytes, keys } = segments.encodeHeader(journalKey, header)
  const draft = `${file}.draft`
  fs.rmSync(draft, { force: true })
  writeNewFile(draft, bytes, 0o600)
  fs.renameSync(draft, file)
  syncFolder(folder)
  return { fd: fs.openSync(file, 'r+'), keys, header, bodies: bodiesFile(folder, journalKey, header) }
}

export const readingOf = (opened: readonly Segment[], index: Index): Pick<Journal, 'has' | 'get' | 'keys'> => ({
  has: index.has,
  get(kind, key) {
    const place = index.find(kind, key)
    if (place === undefined) return undefined
    const segment = opened[place.segment]!
    return guarded('reading the journal', () => {
      const content = segments.openEntry(segment.fd, segment.keys, place.entry, place.offset)
      return content instanceof Uint8Array ? content : openBody(bodiesFd(segment), segment.bodies.key, content)
    })
  },
  keys: (kind) => index.keys(kind),
})
