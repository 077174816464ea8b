/**
 * What an asker keeps of a table, under query/<salt>/ of its home: the version that it has (table.json, hint.bin and
 * stash.bin, or list.bin; of a table of members <root>.bin and <root>.nodes for each of its one or two tables). Prepared
 * units are in units.ts.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concatBytes, fromHex, TallyError, type Hex } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import {
  bindUnits,
  cellBytes,
  cellsFor,
  computing,
  decodeDelta,
  expandMatrix,
  linesOf,
  listDigest,
  makeTree,
  makeUnits,
  openCells,
  patchHint,
  rowCount,
  tablesOf,
  type Items,
  type Reader,
} from '@tallystick/query'
import { readBytes, writeFileWhole, writeJson } from '../files.ts'
import type { Home } from '../home.ts'
import { bytesOver, residentWords } from './building.ts'
import { freshRng, runOver } from './sealing.ts'
import {
  isAbout,
  membersOf,
  otherVersion,
  readDescription,
  shapeOf,
  type Description,
  type MembersDescription,
  type PirDescription,
  type RowsDescription,
} from './description.ts'
import { fileDigest, readInto, sha256Of } from './table.ts'
import { keepUnits } from './units.ts'

const tableFolder = ({ folder }: Home, salt: Hex): string => join(folder, 'query', salt.slice(2))

const damaged = (path: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the file is not the one that table.json names`, {
    remedy: 'fetch the version from its holder again, all files together',
  })

/** The version of this table that is here, or none. */
export const keptVersion = async (home: Home, salt: Hex): Promise<Description | undefined> => {
  const file = join(tableFolder(home, salt), 'table.json')
  return existsSync(file) ? readDescription(file) : undefined
}

/** @param parameters of the one holder @throws TallyError terms/mismatch unless the version of the terms is here */
export const keptFor = async (home: Home, parameters: unknown): Promise<Description> => {
  const { salt } = parameters as { readonly salt: Hex }
  const kept = await keptVersion(home, salt)
  if (kept !== undefined && isAbout(parameters, kept)) return kept
  throw otherVersion(tableFolder(home, salt))
}

export type Fetched = 'whole' | 'delta'

const cellsFile = (folder: string, root: Hex): string => join(folder, `${root.slice(2)}.bin`)
const nodesFile = (folder: string, root: Hex): string => join(folder, `${root.slice(2)}.nodes`)

/**
 * Takes the tables over that are not here, under names that follow from what is in them: a fetch that breaks off spoils
 * nothing. A version that only changed has its large table here already.
 */
const fetchMembers = async (folder: string, from: string, description: MembersDescription): Promise<Fetched> => {
  let how: Fetched = 'whole'
  for (const [i, { rows, cells: root }] of tablesOf(membersOf(description)).entries()) {
    const size = cellBytes * cellsFor(rows)
    const [kept, nodesKept] = [cellsFile(folder, root), nodesFile(folder, root)]
    if (existsSync(nodesKept) && existsSync(kept) && statSync(kept).size === size) {
      if (i === 0) how = 'delta'
      continue
    }
    const file = join(from, i === 0 ? 'cells.bin' : 'changes.bin')
    const cells = await readBytes(file, 'a table of members')
    const { nodes, root: found } = makeTree(rows, cells)
    if (cells.length !== size || found !== root) throw damaged(file)
    await writeFileWhole(kept, cells)
    // Last: a table is here once its tree is.
    await writeFileWhole(nodesKept, nodes)
  }
  return how
}

/** Removes the tables of earlier versions. */
const dropOthers = async (folder: string, description: MembersDescription): Promise<void> => {
  const roots = tablesOf(membersOf(description)).map(({ cells }) => cells.slice(2))
  for (const name of await readdir(folder)) {
    const own = /^([0-9a-f]{64})\.(?:bin|nodes)$/.exec(name)
    if (own !== null && !roots.includes(own[1]!)) await rm(join(folder, name))
  }
}

/** Brings the hint from the version that is here to the next, without downloading it. */
const patched = async (
  home: Home,
  from: string,
  pool: Pool,
  kept: PirDescription,
  next: PirDescription,
): Promise<Uint8Array | undefined> => {
  const file = join(from, 'delta.bin')
  if (!existsSync(file) || kept.seed !== next.seed || kept.columns !== next.columns) return undefined
  const delta = decodeDelta(await readBytes(file, 'a delta'), shapeOf(next))
  if (delta.from !== kept.version || delta.to !== next.version || listDigest(delta.stash) !== next.stash)
    return undefined
  const { a, hint } = await loadHint(home, pool, kept)
  await runOver(pool, patchHint(computing, shapeOf(next), a, hint, delta))
  const bytes = bytesOver(hint)
  return sha256Of(bytes) === next.hint ? bytes : undefined
}

/** Takes a public folder of a version over, by its delta where that leads from the version that is here. */
export const fetchTable = async (
  home: Home,
  from: string,
  pool: Pool,
): Promise<{ description: Description; how: Fetched }> => {
  const description = await readDescription(join(from, 'table.json'))
  const folder = tableFolder(home, description.salt)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const kept = await keptVersion(home, description.salt)
  let how: Fetched = 'whole'
  if (description.kind === 'members') {
    how = await fetchMembers(folder, from, description)
  } else if (description.kind === 'sealed-list') {
    const list = await readBytes(join(from, 'list.bin'), 'a sealed list')
    if (listDigest(list) !== description.list) throw damaged(join(from, 'list.bin'))
    await writeFileWhole(join(folder, 'list.bin'), list)
  } else {
    const stash = await readBytes(join(from, 'stash.bin'), 'the stash of a table')
    if (listDigest(stash) !== description.stash) throw damaged(join(from, 'stash.bin'))
    const hint = kept?.kind === 'simplepir' ? await patched(home, from, pool, kept, description) : undefined
    if (hint === undefined) {
      if ((await fileDigest(join(from, 'hint.bin'))) !== description.hint) throw damaged(join(from, 'hint.bin'))
      await copyFile(join(from, 'hint.bin'), join(folder, 'hint.bin'))
    } else {
      how = 'delta'
      await writeFileWhole(join(folder, 'hint.bin'), hint)
    }
    await writeFileWhole(join(folder, 'stash.bin'), stash)
  }
  // Last: a version is here once its description is.
  await writeJson(join(folder, 'table.json'), description)
  if (description.kind === 'members') await dropOthers(folder, description)
  return { description, how }
}

/** Sealed rows that the asker has whole: list or stash. */
export const sealedRows = (home: Home, description: RowsDescription): Promise<Uint8Array> =>
  readBytes(
    join(tableFolder(home, description.salt), description.kind === 'sealed-list' ? 'list.bin' : 'stash.bin'),
    'the sealed rows of a table',
  )

/** Ids from which on the files of a table are read whole. */
const manyIds = 256

/** Reads parts of a file, or of its bytes where many parts are wanted. */
const readerOf = async (path: string, whole: boolean): Promise<Reader & Disposable> => {
  if (!existsSync(path)) throw damaged(path)
  if (whole) {
    const bytes = await readBytes(path, 'a table of members')
    const read: Reader = (position, length) => bytes.subarray(position, position + length)
    return Object.assign(read, { [Symbol.dispose]: () => {} })
  }
  const file = openSync(path, 'r')
  const read: Reader = (position, length) => {
    const out = new Uint8Array(length)
    if (readSync(file, out, 0, length, position) !== length) throw damaged(path)
    return out
  }
  return Object.assign(read, { [Symbol.dispose]: () => closeSync(file) })
}

/** The cells at which ids may stand, table by table, with their paths to the roots that the terms name. */
export const cellsAt = async (
  home: Home,
  description: MembersDescription,
  ids: Items,
  pool: Pool,
): Promise<Uint8Array> => {
  const many = rowCount(ids) >= manyIds
  const folder = tableFolder(home, description.salt)
  const openings: Uint8Array[] = []
  for (const { salt, rows, cells: root } of tablesOf(membersOf(description))) {
    using cells = await readerOf(cellsFile(folder, root), many)
    using nodes = await readerOf(nodesFile(folder, root), many)
    openings.push(await runOver(pool, openCells(computing, { salt: fromHex(salt), rows }, ids, cells, nodes)))
  }
  return concatBytes(...openings)
}

const loadHint = async (home: Home, pool: Pool, description: PirDescription) => {
  const shape = shapeOf(description)
  const a = residentWords(1024 * shape.columns)
  await runOver(pool, expandMatrix(computing, fromHex(description.seed), shape, bytesOver(a)))
  const hint = residentWords(1024 * linesOf(shape))
  const path = join(tableFolder(home, description.salt), 'hint.bin')
  await readInto(path, bytesOver(hint))
  if (sha256Of(bytesOver(hint)) !== description.hint) throw damaged(path)
  return { a, hint }
}

/** Makes units ahead of time; the root is what terms name. */
export const prepareUnits = async (
  home: Home,
  pool: Pool,
  description: PirDescription,
  count: number,
  onProgress: (done: number) => void,
): Promise<Hex> => {
  const { a, hint } = await loadHint(home, pool, description)
  const bodies: Uint8Array[] = []
  const batch = 16
  while (bodies.length < count) {
    const size = Math.min(batch, count - bodies.length)
    bodies.push(...(await runOver(pool, makeUnits(computing, shapeOf(description), a, hint, freshRng(), size))))
    onProgress(bodies.length / count)
  }
  const { root, units } = bindUnits(bodies)
  await keepUnits(home.folder, root, concatBytes(...units))
  return root
}
