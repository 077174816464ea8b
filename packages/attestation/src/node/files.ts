/** Records, evidence and trust as files. A file is written beside its place and moved there, so it is whole or absent. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { TallyError } from '@tallystick/core'
import type { Evidence } from '../evidence.ts'
import type { Sha256 } from '../merkle.ts'
import { parseRecord, recordBytes, type AttestedRecord } from '../record.ts'
import { openEvidence, sealEvidence, type SealOptions } from '../seal.ts'
import { parseTrust, type TrustAnchor } from '../trust.ts'

/** For a million rows. */
export const nodeSha256: Sha256 = (...parts) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const writeWhole = async (path: string, mode: number, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
  const beside = `${path}.${randomBytes(6).toString('hex')}.part`
  try {
    const file = await open(beside, 'wx', mode)
    try {
      for await (const piece of pieces) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

/** Until its folder is on the disk, a file that was moved there may be gone, or the old one back, after a power loss. */
const syncFolder = async (path: string): Promise<void> => {
  // Windows opens no folders.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const readable = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new TallyError('input/not-found', 'self', `expected a file at ${path}`, { cause })
  }
}

export const writeRecord = (path: string, record: AttestedRecord): Promise<void> =>
  writeWhole(path, 0o644, [recordBytes(record)])

/** @throws TallyError record/malformed, input/not-found */
export const readRecord = (path: string): Promise<AttestedRecord> =>
  readable(path, async () => parseRecord(await readFile(path)))

/** Seals to a file that only its owner may read. @throws TallyError as {@link sealEvidence} */
export const writeEvidence = async (path: string, options: SealOptions): Promise<void> =>
  writeWhole(path, 0o600, await sealEvidence(options))

/** @throws TallyError as {@link openEvidence}, input/not-found */
export const readEvidence = (path: string, identity: string): Promise<Evidence> =>
  readable(path, async () => {
    const file = await open(path)
    await file.close()
    return openEvidence(Readable.toWeb(createReadStream(path)) as unknown as ReadableStream<Uint8Array>, identity)
  })

/** @throws TallyError identity/malformed, input/not-found */
export const readTrust = (path: string): Promise<readonly TrustAnchor[]> =>
  readable(path, async () => parseTrust(await readFile(path, 'utf8')))
