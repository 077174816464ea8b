import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { writeFileWhole, writeWhole } from '../src/files.ts'

let folder = ''
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-files-'))))
afterEach(() => rm(folder, { recursive: true }))

it('syncs a file before it gets its name, and the folder after', async () => {
  const any = await open(folder, 'r')
  const handles = Object.getPrototypeOf(any) as { sync: () => Promise<void> }
  await any.close()
  const seen: string[][] = []
  const { sync } = handles
  const spy = vi.spyOn(handles, 'sync').mockImplementation(async function (this: unknown) {
    await sync.call(this)
    seen.push(await readdir(folder))
  })
  await writeFileWhole(join(folder, 'x'), 'y').finally(() => spy.mockRestore())
  expect(seen).toEqual([[expect.stringMatching(/^x\..*\.part$/)], ['x']])
})

it('leaves the old file where the new one fails half-way', async () => {
  const path = join(folder, 'x')
  await writeFileWhole(path, 'old')
  const failing = writeWhole(path, 0o600, async (file) => {
    await file.writeFile('ne')
    throw new Error('the disk is full')
  })
  await expect(failing).rejects.toThrow('the disk is full')
  expect(await readdir(folder)).toEqual(['x'])
  expect(await readFile(path, 'utf8')).toBe('old')
})
