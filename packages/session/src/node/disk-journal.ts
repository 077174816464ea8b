/**
 * The journal of an attempt on disk: encrypted, append-only, chained (see journal-segment.ts), in a folder of its own:
 *
 *   id              32 random bytes; the journal key is HKDF(storage key, id), so erasing these erases the journal
 *   0001.segment …  one for each time that the journal was opened
 *   burned          there once the journal was found rewound: it stays so
 *   lock            see lock.ts
 *
 * `append` seals an entry, `flush` gives what was sealed to the system and counts it outside the folder: from there on it
 * survives `kill -9`. `sync` returns when everything is on the disk.
 *
 * Why a routine may see a frame before it is written. A party is a function of its terms, input, seed and inbox, and the
 * world sees nothing of it but frames, signatures and outputs. So all that must never be lost is what one of those
 * depends on: every frame leaves after a `flush` (attempt.ts, beforeSend), every signature, range and output after a
 * `sync`. An entry that a crash takes with it was seen by nobody; the peer sends its frame again, and another frame at
 * that step then meets a party that has answered none. So entries are written together: one write for all that came
 * in before an answer, and in a stream that is not answered now and then, for a resume to go on from.
 *
 * Rewind. After a restart of the same boot the journal must hold at least the entries counted outside. After another
 * boot it must hold those of the last sync, and nothing may have been sent since. A lower generation, a lost count file
 * or a generation from the future mean that a copy was put back. In each of these cases the attempt is burned: a party
 * that continued could answer a peer differently at the same step.
 */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { equalBytes, invariant, TallyError, toHex } from '@tallystick/core'
import type { Secret } from '@tallystick/core'
import type { Journal } from '../journal.ts'
import { syncFolder, writeNewFile } from './files.ts'
import { bootDigest, currentBoot, defaultGenerations, openGeneration, removeGeneration } from './generation.ts'
import type { Generation, GenerationFile } from './generation.ts'
import { createBodies, ringPieces, type Bodies } from './journal-bodies.ts'
import {
  closeSegment,
  createSegment,
  guarded,
  io,
  journalKeyOf,
  load,
  readId,
  readingOf,
  syncSegment,
} from './journal-folder.ts'
import type { Loaded, Segment } from './journal-folder.ts'
import { tagBytes } from './journal-seal.ts'
import * as segments from './journal-segment.ts'
import { lockFolder, type Lock } from './lock.ts'

export interface JournalOptions {
  /** The journal's own folder. */
  readonly folder: string
  readonly storageKey: Secret<Uint8Array>
  /** Where generations are kept: outside everything that is backed up. */
  readonly generations?: string
  /** Names the running boot; for tests. */
  readonly boot?: string
}

/** Entries are written together up to this size, or once they speak of so many pieces of bodies. */
const batchBytes = 512 * 1024
const batchPieces = ringPieces / 2

/** Why the attempt must not continue, if so. @throws TallyError journal/corrupt */
const rewoundBy = (loaded: Loaded, known: Generation | undefined, sameBoot: boolean): string | undefined => {
  const { index, tail } = loaded
  const last = loaded.segments.at(-1)!.header.generation
  if (known === undefined) return 'its generation is not known on this machine'
  if (known.status === 'burned') return 'it was burned before'
  // A crash between the two writes of an opening leaves the segment first, and empty: as many as there were crashes.
  const after = loaded.segments.filter(({ header }) => header.generation > known.generation)
  const empty = after.every(({ header }) => header.entriesBefore === index.size)
  if (last < known.generation || !empty)
    return `expected generation ${known.generation}, found ${last}: a copy was put back`
  const lost = (expected: number): string => `expected at least ${expected} entries, found ${index.size}`
  if (sameBoot) {
    if (tail === 'corrupt') throw segments.corrupt(`entry ${index.size} of the journal is damaged`)
    return index.size < known.entries ? lost(known.entries) : undefined
  }
  if (index.size < known.syncedEntries) {
    if (tail === 'corrupt') throw segments.corrupt(`entry ${index.size} of the journal is damaged`)
    return lost(known.syncedEntries)
  }
  return known.status === 'sent' ? 'the system was restarted, and frames had left since the last sync' : undefined
}

const rewound = (folder: string, why: string): TallyError =>
  new TallyError('journal/rewound', 'self', `the journal in ${folder} must not be resumed: ${why}`, {
    remedy: 'begin a new attempt; the peers see this one as aborted',
  })

const burn = (folder: string, why: string): void => {
  const marker = path.join(folder, 'burned')
  if (fs.existsSync(marker)) return
  writeNewFile(marker, Buffer.from(`${why}\n`), 0o600)
  syncFolder(folder)
}

/** Makes the folder of a new journal; complete or not there, whatever happens. */
const createFolder = (options: JournalOptions, generations: string, boot: string): void => {
  const { folder } = options
  const secret = Uint8Array.from(randomBytes(32))
  const draft = `${folder}.${randomBytes(6).toString('hex')}.draft`
  fs.mkdirSync(draft, { recursive: true, mode: 0o700 })
  writeNewFile(path.join(draft, 'id'), secret, 0o600)
  const { id } = readId(draft)
  const journalKey = journalKeyOf(options.storageKey, secret)
  const first = createSegment(draft, journalKey, {
    journalId: id,
    index: 1,
    generation: 1,
    boot: bootDigest(boot, id),
    salt: Uint8Array.from(randomBytes(32)),
    entriesBefore: 0,
    tagBefore: new Uint8Array(tagBytes),
  })
  closeSegment(first)
  const generation = openGeneration(generations, id, journalKey)
  generation.write(1, 'clean', 0)
  generation.close()
  fs.renameSync(draft, folder)
  syncFolder(path.dirname(folder))
}

const writeAll = (fd: number, bytes: Uint8Array, length: number, position: number): void => {
  for (let at = 0; at < length;) at += fs.writeSync(fd, bytes, at, length - at, position + at)
}

const lockGeneration = (generations: string, id: Uint8Array, first: Lock): Lock => {
  const folder = path.join(generations, `${toHex(id).slice(2)}.lock`)
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    return lockFolder(folder)
  } catch (error) {
    first.release()
    throw error
  }
}

/** Opens the journal of an attempt for writing, or makes it. @throws TallyError journal/* */
export const openJournal = (options: JournalOptions): Journal => {
  const { folder, generations = defaultGenerations(), boot = currentBoot() } = options
  if (!fs.existsSync(folder)) guarded('making a journal', () => createFolder(options, generations, boot))
  const { secret, id } = readId(folder)
  const journalKey = journalKeyOf(options.storageKey, secret)
  const lock = guarded('locking the journal', () => lockFolder(folder))
  // A copy of the folder is another folder, but the same journal: one process at a time, wherever the copies lie.
  const single = guarded('locking the journal', () => lockGeneration(generations, id, lock))
  const opened: Segment[] = []
  const generation = openGeneration(generations, id, journalKey)
  const release = (): void => {
    for (const segment of opened) closeSegment(segment)
    generation.close()
    single.release()
    lock.release()
  }
  try {
    return guarded('opening the journal', () => {
      const marker = path.join(folder, 'burned')
      if (fs.existsSync(marker)) throw rewound(folder, fs.readFileSync(marker, 'utf8').trim())
      const loaded = load(folder, journalKey, id, opened)
      const sameBoot = equalBytes(loaded.segments.at(-1)!.header.boot, bootDigest(boot, id))
      const known = generation.read()
      const why = rewoundBy(loaded, known, sameBoot)
      if (why !== undefined) {
        burn(folder, why)
        generation.write(known?.generation ?? 0, 'burned', 0)
        throw rewound(folder, why)
      }
      return continueJournal(folder, journalKey, id, boot, loaded, opened, generation, release)
    })
  } catch (error) {
    release()
    throw error
  }
}

/** Cuts what was never acknowledged, makes all that is left durable, and appends in a new segment. */
const continueJournal = (
  folder: string,
  journalKey: Uint8Array,
  id: Uint8Array,
  boot: string,
  loaded: Loaded,
  opened: Segment[],
  generation: GenerationFile,
  release: () => void,
): Journal => {
  const { index } = loaded
  const resumed = index.size > 0
  const last = loaded.segments.at(-1)!
  if (loaded.tail !== 'none') fs.ftruncateSync(last.fd, loaded.end)
  syncSegment(last)
  const header: segments.SegmentHeader = {
    journalId: id,
    index: last.header.index + 1,
    generation: last.header.generation + 1,
    boot: bootDigest(boot, id),
    salt: Uint8Array.from(randomBytes(32)),
    entriesBefore: index.size,
    tagBefore: loaded.lastTag,
  }
  const current = createSegment(folder, journalKey, header)
  opened.push(current)
  generation.count(index.size)
  generation.write(header.generation, 'clean', index.size)

  const lastTag = Buffer.alloc(tagBytes)
  fs.readSync(current.fd, lastTag, 0, lastTag.length, segments.segmentHeaderBytes - tagBytes)
  const sealer = segments.sealerOf(current.keys)
  let written = segments.segmentHeaderBytes
  let entries = 0
  let synced = index.size
  let sent = false
  let closed = false
  /** Sealed entries that are not with the system yet, up to `filled`; those up to `ready` speak of no later piece. */
  const batch = Buffer.allocUnsafeSlow(batchBytes)
  let filled = 0
  let ready = { bytes: 0, entries: index.size, pieces: 0 }
  let bodies: Bodies | undefined
  // After a failed write the file may hold half an entry under this nonce: nothing is written after it.
  let failed: TallyError | undefined
  const check = (): void => {
    if (failed !== undefined) throw failed
    if (closed) throw new TallyError('api/misuse', 'self', 'the journal is closed')
  }
  const attempting = (what: string, action: () => void): void => {
    check()
    try {
      action()
    } catch (cause) {
      throw (failed = io(what, cause))
    }
  }
  const now = () => ({ bytes: filled, entries: index.size, pieces: bodies?.put ?? 0 })
  /** Writes the entries up to a mark: the bodies that they speak of before them, and their count after them. */
  const write = (mark: typeof ready): void => {
    bodies?.wait(mark.pieces)
    writeAll(current.fd, batch, mark.bytes, written)
    generation.count(mark.entries)
    written += mark.bytes
    if (mark.bytes < filled) batch.copyWithin(0, mark.bytes, filled)
    filled -= mark.bytes
    ready = { ...now(), bytes: 0 }
  }
  const flush = (): void => {
    check()
    if (filled > 0) attempting('writing the journal', () => write(now()))
  }
  /** With a ring half full of bodies behind the mark, those before it are written: nobody waits. */
  const advance = (): void => {
    if (bodies === undefined || bodies.put - ready.pieces < batchPieces) return
    const mark = now()
    if (ready.bytes > 0) write(ready)
    ready = { ...mark, bytes: filled }
  }
  const addBody = (body: Uint8Array): segments.Place => {
    if (bodies === undefined) {
      writeNewFile(current.bodies.file, new Uint8Array(0), 0o600)
      syncFolder(folder)
      bodies = createBodies(current.bodies.file, current.bodies.key)
    }
    return bodies.add(body)
  }
  const reading = readingOf(opened, index)
  return {
    resumed,
    has: reading.has,
    get(kind, key) {
      if (!closed) flush()
      return reading.get(kind, key)
    },
    keys: reading.keys,
    append(kind, key, body) {
      check()
      const keyBytes = Buffer.byteLength(key)
      invariant(keyBytes > 0 && keyBytes <= segments.maxKeyBytes, 'a journal key has 1 to 2048 bytes')
      invariant(body.length <= segments.maxBodyBytes, 'a journal entry has at most 256 MiB')
      if (index.has(kind, key)) throw new TallyError('api/misuse', 'self', `the journal holds ${kind} "${key}" already`)
      attempting('writing the journal', () => {
        if (filled + segments.maxEntryBytes > batchBytes) write(now())
        const content = body.length < segments.apartBytes ? body : addBody(body)
        const end = segments.sealEntry(sealer, lastTag, kind, key, content, batch, filled)
        batch.copy(lastTag, 0, end - tagBytes, end)
        index.add(kind, key, opened.length - 1, entries, written + filled)
        filled = end
        entries++
        advance()
      })
    },
    flush,
    sync() {
      flush()
      attempting('syncing the journal', () => {
        syncSegment(current)
        synced = index.size
        generation.write(header.generation, 'clean', synced)
        sent = false
      })
    },
    markSent() {
      if (sent) return
      // Before the first frame leaves: after a power loss a mark that was lost would let the attempt resume.
      attempting('marking the journal', () => {
        generation.write(header.generation, 'sent', synced)
        sent = true
      })
    },
    close() {
      if (closed) return
      try {
        if (failed === undefined) flush()
      } finally {
        closed = true
        try {
          bodies?.close()
        } finally {
          release()
        }
      }
    },
  }
}

/**
 * Reads a journal without opening the attempt again: for the record and the evidence, also of a burned attempt. A torn
 * tail is left out; whether entries are missing at the end is not checked.
 */
export const readJournal = (options: Pick<JournalOptions, 'folder' | 'storageKey'>): Journal => {
  const { secret, id } = readId(options.folder)
  const opened: Segment[] = []
  const release = (): void => {
    for (const segment of opened.splice(0)) closeSegment(segment)
  }
  const refuse = (): never => {
    throw new TallyError('api/misuse', 'self', 'the journal was opened for reading')
  }
  try {
    const { index, tail } = guarded('reading the journal', () =>
      load(options.folder, journalKeyOf(options.storageKey, secret), id, opened),
    )
    if (tail === 'corrupt') throw segments.corrupt(`entry ${index.size} of the journal is damaged`)
    const reading = readingOf(opened, index)
    return { resumed: true, ...reading, append: refuse, flush: refuse, sync: refuse, markSent: refuse, close: release }
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Erases a journal: its id first, without which no copy of the segments opens, then the files. On disks that keep old
 * blocks (SSD, copy-on-write) and in backups that hold the id, the storage key is what protects the rest.
 */
export const eraseJournal = (options: Pick<JournalOptions, 'folder' | 'generations'>): void => {
  const { folder, generations = defaultGenerations() } = options
  if (!fs.existsSync(folder)) return
  const lock = guarded('locking the journal', () => lockFolder(folder))
  try {
    guarded('erasing the journal', () => {
      const file = path.join(folder, 'id')
      if (fs.existsSync(file)) {
        const { id } = readId(folder)
        // A copy that another process goes on with needs the generation that is removed here.
        lockGeneration(generations, id, lock).release()
        const fd = fs.openSync(file, 'r+')
        fs.writeSync(fd, randomBytes(32), 0, 32, 0)
        fs.fsyncSync(fd)
        fs.closeSync(fd)
        removeGeneration(generations, id)
      }
    })
  } finally {
    lock.release()
  }
  guarded('erasing the journal', () => {
    fs.rmSync(folder, { recursive: true, force: true })
    syncFolder(path.dirname(folder))
  })
}
