/** Tables of members at their holder: building in pieces that survive an interruption, and changes (query/src/quorum/changes.ts). */
import { randomBytes } from 'node:crypto'
import { copyFile, link, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesToUtf8, fromHex, toHex, TallyError, utf8ToBytes } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import {
  buildMembers,
  changesCapacity,
  computing,
  differingAfter,
  fillMembers,
  makeTree,
  memberElements,
  placeMembers,
  rowCount,
  rowOf,
  type Items,
} from '@tallystick/query'
import { z } from 'zod'
import { readFormat } from '../declaration.ts'
import { readBytes, writeJson } from '../files.ts'
import type { BuildOptions } from './building.ts'
import { freshRng, piecesOf, planOf, runOver } from './sealing.ts'
import { itemsDigest } from './values.ts'
import { tableFormat, type MembersDescription } from './description.ts'
import { keyOf, membersKeyOf, publicFolder, versionFolder, writeLarge } from './table.ts'

const saltBytes = 12
/** Salts that are tried: rows without a place are expected once in 2^40. */
const salts = 8

const noPlace = (): TallyError =>
  new TallyError('input/malformed', 'self', `no salt of ${salts} gives every row a place`, {
    remedy: 'report this: it happens by chance less than once in 2^300 builds',
  })

const describe = (
  { version, about }: Pick<BuildOptions, 'version' | 'about'>,
  table: Pick<MembersDescription, 'publicKey' | 'salt' | 'rows' | 'cells'>,
): MembersDescription => ({
  kind: 'members',
  format: tableFormat,
  ...about,
  values: [],
  version,
  valueBytes: 0,
  ...table,
})

/** Builds a table; what an interrupted build of the same list had evaluated is taken from it. */
export const buildMembersTable = async (
  options: Omit<BuildOptions, 'kind' | 'valueBytes'>,
): Promise<{ readonly description: MembersDescription; readonly cells: Uint8Array }> => {
  const { folder, pool, version, onProgress } = options
  const { ids } = options.list
  // Of the folder: the key of the table follows from it and the salt.
  const publicKey = toHex((await keyOf(folder)).publicKey)
  for (let i = 0; i < salts; i++) {
    const plan = await planOf(folder, { kind: 'members', list: itemsDigest(ids), valueBytes: 0, version, publicKey })
    const salt = fromHex(plan.salt)
    const placement = await runOver(pool, placeMembers(computing, salt, ids))
    if (placement === undefined) {
      await rm(join(folder, 'building'), { recursive: true })
      continue
    }
    const keyPair = await membersKeyOf(folder, salt)
    const elements = await piecesOf(
      folder,
      rowCount(ids),
      (from, to) => runOver(pool, memberElements(computing, keyPair, ids, from, to)),
      (done) => onProgress('evaluating rows', done),
    )
    onProgress('filling empty cells', 1)
    const cells = await runOver(pool, fillMembers(computing, placement, elements, freshRng()))
    const { root } = makeTree(rowCount(ids), cells)
    const table = { publicKey: toHex(keyPair.publicKey), salt: toHex(salt), rows: rowCount(ids), cells: root }
    return { description: describe(options, table), cells }
  }
  throw noPlace()
}

/** A second name of the file, or where the disk has none, a copy. */
const taken = async (from: string, to: string): Promise<void> => {
  await rm(to, { force: true })
  await link(from, to).catch(() => copyFile(from, to))
}

const changedFormat = 'tallystick/query-changed/1'
const changedSchema = z.strictObject({ format: z.literal(changedFormat), ids: z.array(z.string()) })

const changedFile = (folder: string, version: number): string => join(versionFolder(folder, version), 'changed.json')

const itemsOf = (texts: readonly string[]): Items => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Buffer.concat(parts), offsets }
}

/** The ids whose membership differs from the large table, as the version before has them. */
const differingIn = async (folder: string, { version, changes }: MembersDescription): Promise<Items> => {
  if (changes === undefined) return itemsOf([])
  const file = changedFile(folder, version)
  return itemsOf((await readFormat(file, changedSchema, 'the changes of a table', 'tally query update')).ids)
}

interface Changed {
  readonly description: MembersDescription
  readonly cells: Uint8Array
  readonly differing: Items
}

/** The version after a change; writes nothing. */
export const changeMembers = async (
  folder: string,
  pool: Pool,
  before: MembersDescription,
  version: number,
  named: { readonly added: Items; readonly removed: Items },
): Promise<Changed> => {
  const path = join(publicFolder(folder, before.version), 'cells.bin')
  const cells = await readBytes(path, 'a table of members')
  const { rows } = before
  if (makeTree(rows, cells).root !== before.cells) {
    throw new TallyError('input/changed', 'self', `${path}: the table is not the one that its description names`, {
      remedy: 'restore the folder, or build the table again',
    })
  }
  const salt = fromHex(before.salt)
  const keyPair = await membersKeyOf(folder, salt)
  const was = await differingIn(folder, before)
  const differing = await runOver(pool, differingAfter(computing, { salt, rows, cells }, keyPair, was, named))
  const capacity = changesCapacity(rowCount(differing), before.changes?.rows)
  for (let i = 0; i < salts; i++) {
    const fresh = new Uint8Array(randomBytes(saltBytes))
    const own = await membersKeyOf(folder, fresh)
    const small = await runOver(pool, buildMembers(computing, own, fresh, differing, freshRng(), capacity))
    if (small === undefined) continue
    const { root } = makeTree(capacity, small)
    const changes = { publicKey: toHex(own.publicKey), salt: toHex(fresh), rows: capacity, cells: root }
    return { description: { ...before, version, changes }, cells: small, differing }
  }
  throw noPlace()
}

/** Writes a version that was built; nothing refers to it until the switch. */
export const writeMembersVersion = async (
  folder: string,
  description: MembersDescription,
  cells: Uint8Array,
): Promise<void> => {
  const shown = publicFolder(folder, description.version)
  await writeLarge(join(shown, 'cells.bin'), [cells])
  await writeJson(join(shown, 'table.json'), description)
}

/** Writes a version that was changed; the large table is the one of the version before. */
export const writeChangedVersion = async (
  folder: string,
  before: MembersDescription,
  { description, cells, differing }: Changed,
): Promise<void> => {
  const { version } = description
  const shown = publicFolder(folder, version)
  const ids = Array.from({ length: rowCount(differing) }, (_, i) => bytesToUtf8(rowOf(differing, i)))
  await writeJson(changedFile(folder, version), { format: changedFormat, ids }, true)
  await writeLarge(join(shown, 'changes.bin'), [cells])
  await taken(join(publicFolder(folder, before.version), 'cells.bin'), join(shown, 'cells.bin'))
  await writeJson(join(shown, 'table.json'), description)
}
