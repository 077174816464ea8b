/**
 * A list that its holder has prepared for `psi/ra18`, as a folder that only its owner may enter:
 *
 *   list.json            what is prepared: the list, its version, the digest of the filter, the key's public part
 *   key                  the secret key, in hex
 *   filter-<version>     the filter with all updates: a copy goes to every asker, once
 *   rows-<version>       16 bytes an id under a hash that the key keeps secret: finds out what an update changes
 *   tags-<version>       16 bytes an id, in the same order
 *   updates/<version>    what changed from the version before: goes to every asker, in order
 *
 * `list.json` is written last, so a crash leaves the version before.
 */
import { createHash, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concatBytes, fromHex, taggedDigest, TallyError, toHex } from '@tallystick/core'
import { blake3Ids, oprfEvaluate, oprfScale, tableIntersect } from '@tallystick/kernels'
import type { Pool } from '@tallystick/kernels/pool'
import {
  changeList,
  commonRows,
  decodeList,
  encodeList,
  encodeUpdate,
  filterDigest,
  generator,
  groupTag,
  listRows,
  prepareList,
  scalarsFromCoins,
  tagBytes,
  tagsOf,
  type ListTerms,
  type PreparedList,
} from '@tallystick/psi/unbalanced'
import type { DataTerms } from '@tallystick/session'
import { z } from 'zod'
import { readFormat } from './declaration.ts'
import type { Items } from './distinct.ts'
import { readBytes, readText, writeFileWhole, writeJson } from './files.ts'

const listFormat = 'tallystick/prepared-list/1'
const hex32 = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)])
const schema = z.strictObject({
  format: z.literal(listFormat),
  source: z.string().min(1),
  column: z.string().min(1),
  normalisation: z.string().min(1),
  duplicates: z.enum(['refuse', 'keep-first', 'count']),
  rows: z.int().min(1),
  version: z.int().min(1),
  digest: hex32,
  key: hex32,
  fingerprint: z.union([z.literal(32), z.literal(64)]),
})
export type Manifest = z.infer<typeof schema>

export type About = Pick<Manifest, 'source' | 'column' | 'normalisation' | 'duplicates'>

/** Ids evaluated in one call: progress, and bounded copies. */
const pieceRows = 65_536

export const nodeSha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

export const readManifest = (folder: string): Promise<Manifest> =>
  readFormat(join(folder, 'list.json'), schema, 'a prepared list', 'tally list prepare')

const readKey = async (folder: string): Promise<Uint8Array> => {
  const text = (await readText(join(folder, 'key'), 'the key of a prepared list')).trim()
  if (/^0x[0-9a-f]{64}$/.test(text)) return fromHex(text, 32)
  throw new TallyError('input/malformed', 'self', `${join(folder, 'key')}: expected a key of 32 bytes in hex`)
}

const piece = ({ bytes, offsets }: Items, from: number, to: number): Items => ({
  bytes: bytes.subarray(offsets[from], offsets[to]),
  offsets: Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - offsets[from]!),
})

const pick = ({ bytes, offsets }: Items, rows: readonly number[]): Items => {
  const picked = Uint32Array.from({ length: rows.length + 1 })
  for (const [i, row] of rows.entries()) picked[i + 1] = picked[i]! + offsets[row + 1]! - offsets[row]!
  return { bytes: concatBytes(...rows.map((row) => bytes.subarray(offsets[row], offsets[row + 1]))), offsets: picked }
}

/** Tags of all items, in order. */
const evaluate = async (
  pool: Pool,
  key: Uint8Array,
  items: Items,
  onProgress: (done: number) => void,
): Promise<Uint8Array> => {
  const rows = items.offsets.length - 1
  const tags = new Uint8Array(tagBytes * rows)
  for (let from = 0; from < rows; from += pieceRows) {
    const to = Math.min(rows, from + pieceRows)
    const outputs = await pool.run(oprfEvaluate, { dst: groupTag, ...piece(items, from, to), scalars: key })
    tags.set(tagsOf(outputs), tagBytes * from)
    onProgress(to / rows)
  }
  return tags
}

/** What tells rows apart from one version to the next; says nothing without the key. */
const digestsOf = async (pool: Pool, key: Uint8Array, items: Items): Promise<Uint8Array> =>
  (await pool.run(blake3Ids, { key: taggedDigest('tallystick/prepared-list/rows/v1', key), ...items })).first

interface Version {
  readonly list: PreparedList
  readonly digests: Uint8Array
  readonly tags: Uint8Array
}

const write = async (
  folder: string,
  about: About & Pick<Manifest, 'key' | 'fingerprint'>,
  { list, digests, tags }: Version,
): Promise<Manifest> => {
  const bytes = encodeList(list)
  const { version } = list
  for (const [name, content] of [
    [`filter-${version}`, bytes],
    [`rows-${version}`, digests],
    [`tags-${version}`, tags],
  ] as const) {
    await writeFileWhole(join(folder, name), content, true)
  }
  const digest = filterDigest(bytes, nodeSha256)
  const manifest: Manifest = { format: listFormat, ...about, rows: listRows(list), version, digest }
  await writeJson(join(folder, 'list.json'), manifest, true)
  return manifest
}

export const filterFile = (folder: string, { version }: Pick<Manifest, 'version'>): string =>
  join(folder, `filter-${version}`)

/** Prepares a list under a new key. */
export const prepareFolder = async (
  folder: string,
  {
    pool,
    items,
    about,
    fingerprint,
    onProgress,
  }: {
    readonly pool: Pool
    readonly items: Items
    readonly about: About
    readonly fingerprint: 32 | 64
    readonly onProgress: (done: number) => void
  },
): Promise<Manifest> => {
  const key = scalarsFromCoins(randomBytes(64))
  const { points } = await pool.run(oprfScale, { scalars: key, points: generator })
  const tags = await evaluate(pool, key, items, onProgress)
  const list = prepareList(tags, fingerprint)
  await writeFileWhole(join(folder, 'key'), `${toHex(key)}\n`, true)
  const digests = await digestsOf(pool, key, items)
  return write(folder, { ...about, key: toHex(points), fingerprint }, { list, digests, tags })
}

export interface Changed {
  readonly manifest: Manifest
  readonly added: number
  readonly removed: number
  /** Undefined where nothing changed. */
  readonly file: string | undefined
}

const rowsWithout = (found: Int32Array): number[] => Array.from(found.keys()).filter((row) => found[row]! < 0)

const pickTags = (tags: Uint8Array, rows: readonly number[]): Uint8Array =>
  concatBytes(...rows.map((row) => tags.subarray(tagBytes * row, tagBytes * (row + 1))))

/** Brings a prepared list to what the list says now: only new ids are evaluated. */
export const updateFolder = async (folder: string, pool: Pool, items: Items): Promise<Changed> => {
  const [before, key] = await Promise.all([readManifest(folder), readKey(folder)])
  const read = (name: string): Promise<Uint8Array> =>
    readBytes(join(folder, `${name}-${before.version}`), 'a prepared list')
  const [bytes, rows, tags] = await Promise.all([read('filter'), read('rows'), read('tags')])
  const digests = await digestsOf(pool, key, items)
  const [found, kept] = await Promise.all([
    pool.run(tableIntersect, { left: digests, right: rows, width: tagBytes }),
    pool.run(tableIntersect, { left: rows, right: digests, width: tagBytes }),
  ])
  const [fresh, gone] = [rowsWithout(found), rowsWithout(kept)]
  if (fresh.length + gone.length === 0) return { manifest: before, added: 0, removed: 0, file: undefined }
  const added = await evaluate(pool, key, pick(items, fresh), () => {})
  const removed = pickTags(tags, gone)
  const list = changeList(decodeList(bytes), { added, removed })
  // Tags in the order of the list as it is now: those that stayed from where they stood.
  const now = new Uint8Array(tagBytes * found.length)
  let next = 0
  for (const [row, at] of found.entries()) {
    const from = at < 0 ? tagBytes * next++ : tagBytes * at
    now.set((at < 0 ? added : tags).subarray(from, from + tagBytes), tagBytes * row)
  }
  const { format: _, rows: _rows, version: _version, digest: from, ...about } = before
  const manifest = await write(folder, about, { list, digests, tags: now })
  const { version, digest: to } = manifest
  const file = join(folder, 'updates', String(version))
  await writeFileWhole(file, encodeUpdate({ version, from, to, added, removed }), true)
  for (const name of ['filter', 'rows', 'tags']) await rm(join(folder, `${name}-${before.version}`), { force: true })
  return { manifest, added: fresh.length, removed: gone.length, file }
}

/**
 * Whether a prepared list is what its manifest says, of this list and no other: for its holder, and for an auditor who is
 * given list and folder.
 * @throws TallyError input/changed with what differs
 */
export const checkFolder = async (
  folder: string,
  pool: Pool,
  items: Items,
  onProgress: (done: number) => void,
): Promise<Manifest> => {
  const [manifest, key] = await Promise.all([readManifest(folder), readKey(folder)])
  const differs = (what: string): TallyError =>
    new TallyError('input/changed', 'self', `${folder}: ${what}`, {
      remedy: 'name the list that was prepared, or prepare this one (tally list update)',
    })
  const bytes = await readBytes(filterFile(folder, manifest), 'a prepared list')
  if (filterDigest(bytes, nodeSha256) !== manifest.digest) throw differs('the filter has another digest')
  const { points } = await pool.run(oprfScale, { scalars: key, points: generator })
  if (toHex(points) !== manifest.key) throw differs('the key is another one')
  const list = decodeList(bytes)
  const rows = items.offsets.length - 1
  if (listRows(list) !== rows) throw differs(`the filter is of ${listRows(list)} ids, the list has ${rows}`)
  const missing = rows - commonRows(list, await evaluate(pool, key, items, onProgress)).length
  if (missing > 0) throw differs(`${missing} ids of the list are not in the filter`)
  return manifest
}

export const listTermsOf = ({ rows, digest, version, key, fingerprint }: Manifest): ListTerms => ({
  ...{ rows, digest, version, key, fingerprint },
})

/** What of a prepared list stands in the terms as data: its key, the one row that enters a session. */
export const dataTermsOf = ({ source, column, normalisation, duplicates, rows, version }: Manifest): DataTerms => ({
  ...{ source: `key of the prepared list "${source}": ${rows} ids, version ${version}`.slice(0, 200) },
  ...{ column, normalisation, duplicates, rows: 1 },
})

const other = (path: string, found: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the terms name another version of the list (${found})`, {
    remedy: 'bring the list to the version of the terms (tally list apply), or agree on new terms',
  })

/** The key as the one row that enters. @throws TallyError input/changed unless it is the list of the terms */
export const readKeyFor = async (folder: string, { digest }: ListTerms) => {
  const manifest = await readManifest(folder)
  if (manifest.digest !== digest) throw other(folder, `this is version ${manifest.version}`)
  const key = await readKey(folder)
  const items: Items = { bytes: key, offsets: Uint32Array.of(0, key.length) }
  return { path: folder, digest: Buffer.from(nodeSha256(key)).toString('hex'), items, manifest }
}

/** The filter of the terms. @throws TallyError input/not-found, input/changed */
export const readFilterFor = async (
  path: string | undefined,
  { digest, version }: ListTerms,
): Promise<PreparedList> => {
  if (path === undefined) {
    throw new TallyError('api/usage', 'self', 'expected --filter: the copy of the filter that the holder sent', {
      remedy: 'ask the holder of the list for it; tally list prepare wrote it',
    })
  }
  const bytes = await readBytes(path, 'the filter of a prepared list')
  if (filterDigest(bytes, nodeSha256) !== digest) throw other(path, `they want version ${version}`)
  return decodeList(bytes)
}
