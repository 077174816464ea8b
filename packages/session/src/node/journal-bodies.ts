/**
 * Large bodies of a segment, apart from its entries.
 *
 *   block   AES-256-GCM(body) · tag 16 · zeros up to a multiple of 4096
 *
 * The nonce is the number of the block's first page. Pages are written once, in order, and the key is the segment's, so
 * none repeats; which block belongs to which entry stands in the entry, sealed.
 *
 * The first are sealed and written at once. From there on a thread does it, so that a stream costs the thread that runs
 * the protocol no more than a copy. The thread writes past the page cache where the file system lets it (O_DIRECT): a
 * stream of gigabytes else drives everything out of memory that is read again, to keep there what hardly ever is, and
 * on a virtual machine it costs more to get that memory from the host than to write to the disk. A party whose disk is
 * slower than its network waits for the disk.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import fs from 'node:fs'
import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'
import { tagBytes } from './journal-seal.ts'
import { cipherOptions, corrupt, nonceOf, readFully, type Place, type Tail } from './journal-segment.ts'

export const pageBytes = 4096
/** Bodies pass to the thread in pieces of this size, over a ring of so many. */
export const pieceBytes = 256 * 1024
export const ringPieces = 16
/** Places in the control words: pieces handed over, taken out of the ring, and written; errno of what failed. */
export const control = { put: 0, taken: 1, written: 2, failed: 3, lengths: 4 } as const
/** Set in the length of the last piece of a body. */
export const lastPiece = 1 << 30
/** A length that ends the thread. */
export const stopPiece = -1

export interface Ring {
  readonly words: Int32Array<SharedArrayBuffer>
  readonly pieces: Uint8Array<SharedArrayBuffer>
}

export interface WriterData {
  /** The module that does the work. */
  readonly writer: string
  readonly control: typeof control
  readonly file: string
  /** Where it goes on. */
  readonly offset: number
  readonly key: Uint8Array
  readonly ring: Ring
}

/** The bytes that a body takes up in the file. */
export const blockBytes = (body: number): number => Math.ceil((body + tagBytes) / pageBytes) * pageBytes

export interface Bodies {
  /** How many pieces were handed over: what {@link Bodies.wait} takes. */
  readonly put: number
  /** Takes a copy, and says where it will stand. Waits while the ring is full. */
  add(body: Uint8Array): Place
  /** Returns when the pieces up to this one are with the system: they survive `kill -9`. @throws what the disk said */
  wait(piece: number): void
  close(): void
}

/** The thread is woken for so many pieces, or for whoever waits: waking it costs more than sealing a piece. */
const wakePieces = 4
const lookMilliseconds = 1000
const patienceLooks = 60

/** A thread of its own pays from here on; it takes its time to start. */
const threadFromBytes = 8 * 1024 * 1024

const writeBlock = (file: string, key: Uint8Array, body: Uint8Array, offset: number): void => {
  const block = Buffer.alloc(blockBytes(body.length))
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(offset / pageBytes), cipherOptions)
  block.set(cipher.update(body))
  cipher.final()
  block.set(cipher.getAuthTag(), body.length)
  const fd = fs.openSync(file, 'r+')
  try {
    for (let at = 0; at < block.length;) at += fs.writeSync(fd, block, at, block.length - at, offset + at)
  } finally {
    fs.closeSync(fd)
  }
}

const writerModule = new URL('./journal-bodies-writer.ts', import.meta.url).href

/**
 * The bodies of a segment, in a file that is there and empty.
 * @param writer what runs in the thread; another in tests
 */
export const createBodies = (file: string, key: Uint8Array, writer = writerModule): Bodies => {
  let thread: BodiesThread | undefined
  let end = 0
  return {
    get put() {
      return thread?.put ?? 0
    },
    add(body) {
      const place = { offset: end, length: body.length }
      if (end >= threadFromBytes) thread ??= startThread({ writer, file, key, offset: end })
      if (thread === undefined) writeBlock(file, key, body, end)
      else thread.add(body)
      end += blockBytes(body.length)
      return place
    },
    wait: (piece) => thread?.wait(piece),
    close: () => thread?.close(),
  }
}

interface BodiesThread extends Omit<Bodies, 'add'> {
  add(body: Uint8Array): void
}

const startThread = (given: Omit<WriterData, 'ring' | 'control'>): BodiesThread => {
  const words = new Int32Array(new SharedArrayBuffer(4 * (control.lengths + ringPieces)))
  const pieces = new Uint8Array(new SharedArrayBuffer(ringPieces * pieceBytes))
  const workerData: WriterData = { ...given, control, ring: { words, pieces } }
  const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 }
  const thread = new Worker(new URL('./journal-bodies-guard.ts', import.meta.url), { workerData, resourceLimits })
  thread.unref()
  // What fails there is told in the control words: nobody may be in the event loop to hear of it.
  thread.on('error', () => {})
  let put = 0

  /** Until a word of the thread's has come to `least`; distances, since the counts wrap. */
  const until = (word: number, least: number): void => {
    for (let looks = 0; ;) {
      const now = Atomics.load(words, word)
      if (((now - least) | 0) >= 0) return
      if (looks === 0) Atomics.notify(words, control.put)
      const errno = Atomics.load(words, control.failed)
      if (errno !== 0) throw Object.assign(new Error('bodies were not written'), { code: getSystemErrorName(errno) })
      if (Atomics.wait(words, word, now, lookMilliseconds) === 'timed-out' && ++looks === patienceLooks)
        throw Object.assign(new Error('no byte was written for a minute'), { code: 'ETIMEDOUT' })
    }
  }
  const hand = (length: number): void => {
    Atomics.store(words, control.lengths + (put & (ringPieces - 1)), length)
    put = (put + 1) | 0
    Atomics.store(words, control.put, put)
    const behind = (put - Atomics.load(words, control.taken)) | 0
    if (behind >= wakePieces || length === stopPiece) Atomics.notify(words, control.put)
  }
  return {
    get put() {
      return put
    },
    add(body) {
      for (let at = 0; at < body.length; at += pieceBytes) {
        until(control.taken, (put - ringPieces + 1) | 0)
        const piece = body.subarray(at, at + pieceBytes)
        pieces.set(piece, (put & (ringPieces - 1)) * pieceBytes)
        hand(at + piece.length === body.length ? piece.length | lastPiece : piece.length)
      }
    },
    wait: (piece) => until(control.written, piece),
    close() {
      if (Atomics.load(words, control.failed) !== 0) return
      if (((put - Atomics.load(words, control.taken)) | 0) < ringPieces) return hand(stopPiece)
      // Nothing waits for what is in a full ring: a flush came before, or has failed.
      Atomics.store(words, control.failed, -constants.errno.ECANCELED)
      void thread.terminate()
    },
  }
}

const readBytes = 256 * 1024

/** Decrypts a block piece by piece; the last tells whether the others were true. */
const openPieces = (fd: number, key: Uint8Array, { offset, length }: Place, piece: (plain: Buffer) => void): Tail => {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(offset / pageBytes), cipherOptions)
  const tag = Buffer.alloc(tagBytes)
  if (!readFully(fd, tag, offset + length)) return 'torn'
  const sealed = Buffer.allocUnsafeSlow(Math.min(readBytes, length))
  for (let at = 0; at < length; at += readBytes) {
    const part = sealed.subarray(0, Math.min(readBytes, length - at))
    if (!readFully(fd, part, offset + at)) return 'torn'
    piece(decipher.update(part))
  }
  try {
    decipher.setAuthTag(tag)
    decipher.final()
    return 'none'
  } catch {
    return 'corrupt'
  }
}

export const checkBody = (fd: number, key: Uint8Array, place: Place): Tail => openPieces(fd, key, place, () => {})

/** @throws TallyError journal/corrupt */
export const openBody = (fd: number, key: Uint8Array, place: Place): Uint8Array => {
  const body = new Uint8Array(place.length)
  let at = 0
  const found = openPieces(fd, key, place, (plain) => {
    body.set(plain, at)
    at += plain.length
  })
  if (found === 'none') return body
  throw corrupt(
    found === 'torn'
      ? 'expected a body of the journal, found the end of the file'
      : 'a body of the journal does not match its tag',
  )
}
