/** A build that was stopped goes on with what it had sealed; another list begins anew. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inlinePool } from '@tallystick/kernels/pool'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { build, cleanUp, pieceRows } from '../src/query/building.ts'
import { readList } from '../src/query/values.ts'

let folder = ''
const pool = inlinePool(await nodeEngine())
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-building-'))))
afterAll(async () => {
  await pool[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const listOf = async (rows: number) => {
  const path = join(folder, `list-${rows}.csv`)
  await writeFile(path, `id,value\n${Array.from({ length: rows }, (_, i) => `p${i},v${i}`).join('\n')}\n`)
  const rule = { column: 'id', normalisation: 'trim/1', duplicates: 'refuse', encoding: 'utf-8' } as const
  return readList(path, rule, undefined)
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
  const values = { ...list.values, bytes: list.values.bytes.map((byte) => byte ^ 1) }
  expect((await built({ ...list, values })).salt).not.toBe(first.salt)

  const other = await built(await listOf(5))
  expect(other.salt).not.toBe(first.salt)
  expect((await readdir(building)).toSorted()).toEqual(['0.bin', 'plan.json'])
  await cleanUp(join(folder, 'table'))
  expect(existsSync(building)).toBe(false)
  // A build that was finished is not gone on with: its rows bear another salt.
  expect((await built(list)).salt).not.toBe(first.salt)
})
