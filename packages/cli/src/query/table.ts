/**
 * The folder of a table at its holder:
 *
 *   secret.json                   the OPRF key, readable by its owner only
 *   grants/<party>.json           who may ask, how often and what for; grants/<party>/ what was asked
 *   versions/<n>/public/          table.json and what askers download: hint.bin and stash.bin, or list.bin; delta.bin;
 *                                 of a table of members cells.bin, and changes.bin where it changed since
 *   versions/<n>/matrix.bin       what is scanned, with occupied.bin: which of its slots hold rows
 *   versions/<n>/changed.json     of a table of members: the ids of changes.bin, in clear
 *   current.json                  the version for new terms; replaced whole, so that queries under way keep theirs
 *   building/                     of a build that was interrupted: sealed rows, the matrix, parts of the hint
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { concatBytes, fromHex, toHex, utf8ToBytes, TallyError, type Hex } from '@tallystick/core'
import { sharedResident } from '@tallystick/kernels/engine'
import {
  blocksOf,
  deriveKeyPair,
  digestRows,
  holderOffsets,
  listDigest,
  makeMatrix,
  matrixBytesOf,
  matrixOutside,
  membersKey,
  slotBytesOf,
  splitEpochs,
  stashOf,
  tablesOf,
  type KeyPair,
  type Matrix,
  type Outside,
  type Table,
} from '@tallystick/query'
import { z } from 'zod'
import { readFormat } from '../declaration.ts'
import { readBytes, syncFolder, writeFileWhole, writeJson, writeWhole } from '../files.ts'
import type { Source } from '../job.ts'
import {
  isAbout,
  membersOf,
  otherVersion,
  readDescription,
  shapeOf,
  type Description,
  type PirDescription,
} from './description.ts'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])
const secretFormat = 'tallystick/query-key/1'
const secretSchema = z.strictObject({ format: z.literal(secretFormat), seed: hex(32) })
const currentSchema = z.strictObject({ version: z.int().min(1) })

const seedOf = async (folder: string): Promise<Uint8Array> => {
  const file = join(folder, 'secret.json')
  if (!existsSync(file)) await writeJson(file, { format: secretFormat, seed: toHex(randomBytes(32)) }, true)
  const { seed } = await readFormat(file, secretSchema, 'the OPRF key of a table', 'tally query build')
  return fromHex(seed)
}

/** The OPRF key of a folder, made where it is not there yet. */
export const keyOf = async (folder: string): Promise<KeyPair> =>
  deriveKeyPair(await seedOf(folder), utf8ToBytes('tallystick/query/v1'))

/** The key of a table of members: another for each build, by its salt. */
export const membersKeyOf = async (folder: string, salt: Uint8Array): Promise<KeyPair> =>
  membersKey(await seedOf(folder), salt)

export const versionFolder = (folder: string, version: number): string => join(folder, 'versions', `${version}`)

export const sha256Of = (...parts: readonly Uint8Array[]): Hex => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return `0x${hash.digest('hex')}`
}

const piece = 1 << 24

/** Large bytes in pieces; whole or not at all. */
export const writeLarge = (path: string, blocks: readonly Uint8Array[], mode = 0o644): Promise<void> =>
  writeWhole(path, mode, async (file) => {
    for (const bytes of blocks) {
      for (let at = 0; at < bytes.length; at += piece) await file.write(bytes.subarray(at, at + piece))
    }
  })

/** Reads a file into bytes that may lie in the memory of an engine. @throws TallyError input/changed for another size */
export const readInto = async (path: string, ...blocks: readonly Uint8Array[]): Promise<void> => {
  const total = blocks.reduce((sum, { length }) => sum + length, 0)
  if (!existsSync(path)) await readBytes(path, 'a part of a table')
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size !== total) {
      throw new TallyError('input/changed', 'self', `${path}: expected ${total} bytes, found ${size}`, {
        remedy: 'build the table again, or fetch the file again',
      })
    }
    let start = 0
    for (const bytes of blocks) {
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await file.read(bytes, at, Math.min(piece, bytes.length - at), start + at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      start += bytes.length
    }
  } finally {
    await file.close()
  }
}

export const fileDigest = async (path: string): Promise<Hex> => {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array)
  return `0x${hash.digest('hex')}`
}

export const currentVersion = async (folder: string): Promise<number> =>
  (await readFormat(join(folder, 'current.json'), currentSchema, 'the current version', 'tally query build')).version

/** Makes a version that is written whole the one for new terms. */
export const switchTo = (folder: string, version: number): Promise<void> =>
  writeJson(join(folder, 'current.json'), { version })

export const publicFolder = (folder: string, version: number): string => join(versionFolder(folder, version), 'public')

const moveTo = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  await syncFolder(dirname(to))
}

/**
 * Writes a version; nothing refers to it until {@link switchTo}.
 * @param made the delta to it, and the file that its matrix lies in already, which is moved
 */
export const writePirVersion = async (
  folder: string,
  description: PirDescription,
  table: Table,
  hint: Uint8Array,
  made: { readonly delta?: Uint8Array; readonly file?: string },
): Promise<void> => {
  const { delta, file } = made
  const own = versionFolder(folder, description.version)
  const shown = publicFolder(folder, description.version)
  if (file === undefined) await writeLarge(join(own, 'matrix.bin'), table.matrix, 0o600)
  else await moveTo(file, join(own, 'matrix.bin'))
  await writeLarge(join(own, 'occupied.bin'), [table.occupied], 0o600)
  await writeLarge(join(shown, 'hint.bin'), [hint])
  await writeFileWhole(join(shown, 'stash.bin'), stashOf(table))
  if (delta !== undefined) await writeFileWhole(join(shown, 'delta.bin'), delta)
  await writeJson(join(shown, 'table.json'), description)
}

/** Writes a version that is shipped whole. */
export const writeListVersion = async (folder: string, description: Description, list: Uint8Array): Promise<void> => {
  const shown = publicFolder(folder, description.version)
  await writeLarge(join(shown, 'list.bin'), [list])
  await writeJson(join(shown, 'table.json'), description)
}

/** Numbers of all versions that were begun, highest first: none is ever given to another content. */
export const versionsIn = async (folder: string): Promise<readonly number[]> => {
  const names = await readdir(join(folder, 'versions')).catch(() => [])
  return names
    .map(Number)
    .filter(Number.isInteger)
    .toSorted((a, b) => b - a)
}

/** The version that terms name, newest first. @throws TallyError terms/mismatch */
export const versionFor = async (folder: string, parameters: unknown): Promise<Description> => {
  for (const version of await versionsIn(folder)) {
    const file = join(publicFolder(folder, version), 'table.json')
    if (!existsSync(file)) continue
    const description = await readDescription(file)
    if (isAbout(parameters, description)) return description
  }
  throw otherVersion(folder)
}

/** The table of a version, for a change of it. */
export const readTable = async (folder: string, description: PirDescription, blockBytes?: number): Promise<Table> => {
  const own = versionFolder(folder, description.version)
  const shape = shapeOf(description)
  const matrix = makeMatrix(shape, sharedResident, blockBytes)
  const occupied = new Uint8Array(shape.columns * shape.slots)
  await readInto(join(own, 'matrix.bin'), ...matrix)
  await readInto(join(own, 'occupied.bin'), occupied)
  const stash = await readBytes(join(publicFolder(folder, description.version), 'stash.bin'), 'the stash of a table')
  if (sha256Of(...matrix) !== description.matrix || listDigest(stash) !== description.stash) {
    throw new TallyError('input/changed', 'self', `${own}: the table is not the one that its description names`, {
      remedy: 'restore the folder, or build the table again',
    })
  }
  const width = slotBytesOf(shape)
  const { epochs, rows } = splitEpochs(stash, width)
  const slots = Array.from(
    { length: description.stashRows },
    (_, i) => new Uint8Array(rows.subarray(i * width, (i + 1) * width)),
  )
  const { version } = description
  return { shape, salt: fromHex(description.salt), version, epochs, matrix, occupied, stash: slots }
}

const otherMatrix = (path: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the matrix is not the one that the terms name`, {
    remedy: 'restore the folder, or build the table again and agree on new terms',
  })

/** A matrix off the disk, in the memories in which it is scanned. @throws TallyError input/changed, input/not-found */
export const readMatrix = async (
  path: string,
  { bytes, unit, sha256 }: Pick<Outside, 'bytes' | 'unit' | 'sha256'>,
  blockBytes?: number,
): Promise<Matrix> => {
  const found = await stat(path).catch(() => undefined)
  if (found?.size !== bytes) throw otherMatrix(path)
  const matrix = blocksOf(bytes, unit, sharedResident, blockBytes)
  await readInto(path, ...matrix)
  if (sha256Of(...matrix) !== sha256) throw otherMatrix(path)
  return matrix
}

/** The matrix of the version in a table's folder that has this digest; undefined where there is none. */
export const matrixFile = async (folder: string, sha256: Hex): Promise<string | undefined> => {
  for (const version of await versionsIn(folder)) {
    const file = join(publicFolder(folder, version), 'table.json')
    if (!existsSync(file)) continue
    const description = await readDescription(file)
    if (description.kind === 'simplepir' && description.matrix === sha256) {
      return join(versionFolder(folder, version), 'matrix.bin')
    }
  }
  return undefined
}

/**
 * What the holder commits to: its key and the lines of the matrix, in the memory in which they are scanned; or its key and
 * the digest of the matrix, which lies beside in blocks.
 * @param parameters what the terms say of this table
 */
export const holderSource = async (
  folder: string,
  description: Description,
  parameters: unknown,
  blockBytes?: number,
): Promise<Source> => {
  if (description.kind === 'members') {
    const tables = tablesOf(membersOf(description))
    const keys = await Promise.all(tables.map(({ salt }) => membersKeyOf(folder, fromHex(salt))))
    const bytes = concatBytes(...keys.map(({ secretKey }) => secretKey))
    const items = { bytes, offsets: holderOffsets(bytes.length, 32) }
    return { path: folder, digest: description.cells.slice(2), items }
  }
  const { secretKey } = await keyOf(folder)
  if (description.kind === 'sealed-list') {
    const items = { bytes: secretKey, offsets: holderOffsets(secretKey.length, 0) }
    return { path: folder, digest: description.list.slice(2), items }
  }
  const path = join(versionFolder(folder, description.version), 'matrix.bin')
  const outside = matrixOutside('holder', { ...(parameters as object), ...shapeOf(description) })
  if (outside !== undefined) {
    const items = digestRows(secretKey, description.matrix)
    return {
      path: folder,
      digest: description.matrix.slice(2),
      items,
      outside: await readMatrix(path, outside, blockBytes),
    }
  }
  const total = 32 + matrixBytesOf(shapeOf(description))
  // The key lies just before the matrix, whose lines start aligned.
  const memory = sharedResident(32 + total)
  memory.set(secretKey, 32)
  await readInto(path, memory.subarray(64))
  if (sha256Of(memory.subarray(64)) !== description.matrix) throw otherMatrix(path)
  const items = { bytes: memory.subarray(32), offsets: holderOffsets(total, description.columns) }
  return { path: folder, digest: description.matrix.slice(2), items }
}
