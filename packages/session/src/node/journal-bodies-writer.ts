/** What the thread behind journal-bodies.ts does: seals what comes over the ring and writes it, in order. */
import { createCipheriv, type CipherGCM } from 'node:crypto'
import fs from 'node:fs'
import { workerData } from 'node:worker_threads'
import { control, lastPiece, pageBytes, pieceBytes, ringPieces, stopPiece, type WriterData } from './journal-bodies.ts'
import { tagBytes } from './journal-seal.ts'
import { cipherOptions, nonceOf } from './journal-segment.ts'
import { madeShortLived } from './short-lived.ts'

const { file, offset, key, ring } = workerData as WriterData
const { words, pieces } = ring

/** Written at once: large writes are what makes a disk fast. */
const writeBytes = 512 * 1024
/** Ciphertext comes in pieces that the allocator reuses: larger ones cost more in page faults than in AES. */
const sealBytes = 32 * 1024
/** Sealed and waiting; WebAssembly's memory starts at a page, as writing past the cache demands. */
let sealed: Uint8Array<ArrayBuffer>
let filled = 0

const flags = fs.constants.O_WRONLY
/** 0 where the system has no such flag. */
const past = process.platform === 'linux' ? fs.constants.O_DIRECT : 0
let direct = past !== 0

const open = (): number => {
  try {
    if (direct) return fs.openSync(file, flags | past)
  } catch {
    direct = false // a file system without it
  }
  return fs.openSync(file, flags)
}
let fd: number
let end = offset

const cached = (): void => {
  direct = false
  fs.closeSync(fd)
  fd = open()
}

const write = (): void => {
  for (let at = 0; at < filled;) {
    try {
      at += fs.writeSync(fd, sealed, at, filled - at, end + at)
      if (direct && at % pageBytes !== 0) cached()
    } catch (error) {
      if (!direct || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
      cached()
    }
  }
  end += filled
  filled = 0
}

let cipher: CipherGCM | undefined
const seal = (piece: Uint8Array, last: boolean): void => {
  cipher ??= createCipheriv('aes-256-gcm', key, nonceOf((end + filled) / pageBytes), cipherOptions)
  for (let at = 0; at < piece.length; at += sealBytes) {
    madeShortLived(sealBytes)
    sealed.set(cipher.update(piece.subarray(at, at + sealBytes)), filled)
    filled += Math.min(sealBytes, piece.length - at)
  }
  if (!last) return
  cipher.final()
  sealed.set(cipher.getAuthTag(), filled)
  cipher = undefined
  const used = filled + tagBytes
  filled = Math.ceil(used / pageBytes) * pageBytes
  sealed.fill(0, used, filled)
}

const run = (): void => {
  for (let taken = 0; ;) {
    const put = Atomics.load(words, control.put)
    if (put === taken) {
      // Whoever waits, waits for what is here: nothing is held back for a larger write.
      if (filled > 0) write()
      Atomics.store(words, control.written, taken)
      Atomics.notify(words, control.written)
      Atomics.wait(words, control.put, taken)
      continue
    }
    const slot = taken & (ringPieces - 1)
    const length = Atomics.load(words, control.lengths + slot)
    if (length === stopPiece) {
      if (filled > 0) write()
      return fs.closeSync(fd)
    }
    const bytes = length & (lastPiece - 1)
    seal(pieces.subarray(slot * pieceBytes, slot * pieceBytes + bytes), length !== bytes)
    taken = (taken + 1) | 0
    Atomics.store(words, control.taken, taken)
    Atomics.notify(words, control.taken)
    if (filled >= writeBytes) {
      write()
      Atomics.store(words, control.written, taken)
      Atomics.notify(words, control.written)
    }
  }
}

sealed = new Uint8Array(new WebAssembly.Memory({ initial: (writeBytes + 2 * pieceBytes) / 65536 }).buffer)
fd = open()
run()
