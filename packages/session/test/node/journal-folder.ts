/** A folder with a journal for each test of the file that imports this. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Secret, TallyError } from '@tallystick/core'
import { afterEach, beforeEach } from 'vitest'
import { openJournal, type JournalOptions } from '../../src/node/disk-journal.ts'
import { segmentHeaderBytes } from '../../src/node/journal-segment.ts'

export let home: string
/** Of the journal of the test that runs. */
export let options: JournalOptions
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-journal-'))
  options = {
    folder: path.join(home, 'journal'),
    storageKey: Secret.of(new Uint8Array(32).fill(1)),
    generations: path.join(home, 'generations'),
    boot: 'boot 1',
  }
})
afterEach(() => fs.rmSync(home, { recursive: true, force: true }))

export const bytes = (length: number, seed = 1): Uint8Array =>
  new Uint8Array(length).map((_, i) => (i * 31 + seed) & 255)
export const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof TallyError) return error.code
    throw error
  }
  return 'none'
}
/** Opens, runs and closes: a process that ends in order. The lock goes either way. */
export const using = <T>(
  action: (journal: ReturnType<typeof openJournal>) => T,
  more: Partial<JournalOptions> = {},
): T => {
  const journal = openJournal({ ...options, ...more })
  try {
    return action(journal)
  } finally {
    journal.close()
  }
}
export const fill = (count = 5): void =>
  using((journal) => {
    for (let i = 0; i < count; i++) journal.append('receive', `s#${i}`, bytes(100 + i, i))
  })
export const files = (suffix = '.segment'): string[] =>
  fs
    .readdirSync(options.folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => path.join(options.folder, name))
export const written = (): string => files().find((file) => fs.statSync(file).size > segmentHeaderBytes)!
