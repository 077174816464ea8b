/** A build that was stopped goes on with what it had sealed; another list begins anew. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@tallystick/core'
import { inlinePool } from '@tallystick/kernels/pool'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { build, cleanUp } from '../src/query/building.ts'
import { buildMembersTable, changeMembers, writeChangedVersion, writeMembersVersion } from '../src/query/members.ts'
import { pieceRows } from '../src/query/sealing.ts'
import { readTable, writePirVersion } from '../src/query/table.ts'
import { openList } from '../src/query/values.ts'

let folder = ''
const pool = inlinePool(await nodeEngine())
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-building-'))))
afterAll(async () => {
  await pool[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const listOf = async (rows: number, value = 'v') => {
  const path = join(folder, `list-${rows}.csv`)
  await writeFile(path, `id,value\n${Array.from({ length: rows }, (_, i) => `p${i},${value}${i}`).join('\n')}\n`)
  const rule = { column: 'id', normalisation: 'trim/1', duplicates: 'refuse', encoding: 'utf-8' } as const
  return openList(path, rule, undefined)
}

const built = async (list: Awaited<ReturnType<typeof listOf>>) => {
  const progress: number[] = []
  const { description } = await build({
    ...{ folder: join(folder, 'table'), pool, list, kind: 'sealed-list', valueBytes: 16, version: 1 },
    about: { source: 'list', column: 'id', normalisation: 'trim/1' },
    onProgress: (_, done) => progress.push(done),
  })
  return { digest: description.kind === 'sealed-list' ? description.list : '', salt: description.salt, progress }
}

it('seals each piece once, and the same again', { timeout: 60_000 }, async () => {
  const list = await listOf(pieceRows + 10)
  const first = await built(list)
  expect(first.progress.at(-1)).toBe(1)
  const building = join(folder, 'table', 'building')
  expect((await readdir(building)).toSorted()).toEqual(['0.bin', `${pieceRows}.bin`, 'plan.json'])
  // Stopped before its last piece.
  await unlink(join(building, `${pieceRows}.bin`))
  const again = await built(list)
  expect([again.digest, again.salt]).toEqual([first.digest, first.salt])

  // The same file, other values of it.
  const changed = await listOf(pieceRows + 10, 'w')
  const anew = await built(changed)
  expect(anew.salt).not.toBe(first.salt)
  // The file changes while it is read: what was sealed of it is thrown away, and nothing is made.
  await listOf(pieceRows + 10, 'x')
  await expect(built(changed)).rejects.toMatchObject({ code: 'input/changed' })
  expect(existsSync(building)).toBe(false)
  await listOf(pieceRows + 10)

  const other = await built(await listOf(5))
  expect(other.salt).not.toBe(first.salt)
  expect((await readdir(building)).toSorted()).toEqual(['0.bin', 'plan.json'])
  await cleanUp(join(folder, 'table'))
  expect(existsSync(building)).toBe(false)
  // A build that was finished is not gone on with: its rows bear another salt.
  expect((await built(list)).salt).not.toBe(first.salt)
})

it(
  'goes on with rows that were placed and parts of the hint that were made, in blocks of any size',
  { timeout: 60_000 },
  async () => {
    const own = join(folder, 'pir')
    const list = await listOf(600)
    const progress: string[] = []
    const made = (blockBytes: number, keepFrom?: number) => {
      progress.length = 0
      return build({
        ...{
          folder: own,
          pool,
          list,
          kind: 'simplepir',
          valueBytes: 40,
          version: 1,
          blockBytes,
          ...(keepFrom === undefined ? {} : { keepFrom }),
        },
        about: { source: 'list', column: 'id', normalisation: 'trim/1' },
        onProgress: (what, done) => progress.push(`${what} ${done === 1}`),
      })
    }
    const first = await made(1 << 14, 0)
    if (!('table' in first)) throw new Error('expected a table')
    expect(first.table.matrix.length).toBeGreaterThan(2)
    const building = join(own, 'building')
    expect(await readdir(building)).toEqual(
      expect.arrayContaining(['matrix.bin', 'placed.json', 'hint-0.bin', 'hint-63.bin']),
    )
    await unlink(join(building, 'hint-63.bin'))
    const again = await made(1 << 20)
    expect(again).toMatchObject({ description: first.description })
    expect(progress).not.toContain('placing rows true')
    // The matrix was cut short: rows are placed anew, and no part of the hint before is taken.
    await writeFile(join(building, 'matrix.bin'), (await readFile(join(building, 'matrix.bin'))).fill(1, 5, 9))
    const third = await made(1 << 15)
    expect(progress).toContain('placing rows true')
    expect(third.description).not.toEqual(first.description)
    if (!('table' in third)) throw new Error('expected a table')
    await writePirVersion(own, third.description, third.table, third.hint, third)
    expect(existsSync(join(building, 'matrix.bin'))).toBe(false)
    const read = await readTable(own, third.description, 1 << 13)
    expect(Buffer.concat(read.matrix).equals(Buffer.concat(third.table.matrix))).toBe(true)
    expect(read.stash).toEqual(third.table.stash.toSorted(Buffer.compare))
  },
)

it('evaluates each piece of a table of members once, and changes what it built', { timeout: 60_000 }, async () => {
  const list = await listOf(pieceRows + 10)
  const own = join(folder, 'members')
  const about = { source: 'list', column: 'id', normalisation: 'trim/1' }
  const progress: string[] = []
  const onProgress = (what: string, done: number): void => void progress.push(`${what} ${done === 1}`)
  const made = () => buildMembersTable({ folder: own, pool, list, version: 1, about, onProgress })
  const first = await made()
  const building = join(own, 'building')
  expect((await readdir(building)).toSorted()).toEqual(['0.bin', `${pieceRows}.bin`, 'plan.json'])
  // Stopped before its last piece; what the first one evaluated is taken as it is, here with a row that was altered.
  await unlink(join(building, `${pieceRows}.bin`))
  const piece = await readFile(join(building, '0.bin'))
  const [was, altered] = [Buffer.from(piece.subarray(0, 32)), Buffer.alloc(32, 7)]
  piece.set(altered)
  await writeFile(join(building, '0.bin'), piece)
  const again = await made()
  expect([again.description.salt, again.description.publicKey]).toEqual([
    first.description.salt,
    first.description.publicKey,
  ])
  const place = Buffer.from(first.cells).indexOf(was)
  expect(Buffer.from(again.cells).indexOf(altered)).toBe(place)

  await writeMembersVersion(own, first.description, first.cells)
  const ids = (...texts: readonly string[]) => ({
    bytes: Buffer.from(texts.join('')),
    offsets: Uint32Array.from([0, ...texts.map((_, i) => texts.slice(0, i + 1).join('').length)]),
  })
  const change = async (before: typeof first.description, added: readonly string[], removed: readonly string[]) => {
    const named = { added: ids(...added), removed: ids(...removed) }
    const changed = await changeMembers(own, pool, before, before.version + 1, named)
    await writeChangedVersion(own, before, changed)
    return changed
  }
  const second = await change(first.description, ['new', 'p1'], ['p2', 'nobody'])
  expect(Buffer.from(second.differing.bytes).toString()).toBe('newp2')
  // The large table stays, the small one bears nothing of the one before; what came back differs no more.
  const third = await change(second.description, ['p2', 'newer'], [])
  expect(Buffer.from(third.differing.bytes).toString()).toBe('newnewer')
  expect(third.description.cells).toBe(first.description.cells)
  const [one, two] = [second, third].map(({ description }) => description.changes!)
  expect([one!.rows, two!.rows]).toEqual([64, 64])
  expect(one!.salt).not.toBe(two!.salt)
  expect(one!.publicKey).not.toBe(two!.publicKey)
  const cellsIn = (cells: Uint8Array) =>
    Array.from({ length: cells.length / 32 }, (_, i) => toHex(cells.subarray(32 * i, 32 * i + 32)))
  expect(new Set([...cellsIn(second.cells), ...cellsIn(third.cells)]).size).toBe(2 * cellsIn(second.cells).length)
  // A large table that was altered is not built upon.
  const file = join(own, 'versions', '3', 'public', 'cells.bin')
  const bytes = await readFile(file)
  bytes[5]! ^= 1
  await unlink(file)
  await writeFile(file, bytes)
  await expect(change(third.description, ['other'], [])).rejects.toMatchObject({ code: 'input/changed' })
})
