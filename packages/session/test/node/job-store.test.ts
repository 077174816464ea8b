import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Secret, TallyError, utf8ToBytes } from '@tallystick/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJobStore, type JobStoreOptions } from '../../src/node/job-store.ts'

let folder: string
let options: JobStoreOptions
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-jobs-'))
  const storageKey = Secret.of(new Uint8Array(32).fill(3))
  options = {
    home: path.join(folder, 'home'),
    generations: path.join(folder, 'generations'),
    storageKey,
    boot: 'boot 1',
  }
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const terms = utf8ToBytes('{"a":1}')
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof TallyError) return error.code
    throw error
  }
  return 'none'
}

test('a job is found again with its terms, attempts and what is unfinished', () => {
  const store = openJobStore(options)
  expect(store.list()).toEqual([])
  const job = store.open(terms)
  expect(job.attempts()).toEqual([])
  const journal = job.journals.open(0)
  journal.append('state', 'terms', terms)
  journal.close()

  const again = openJobStore(options)
  expect(again.list()).toEqual([job.specHash])
  expect(again.open(terms).specHash).toBe(job.specHash)
  expect(again.find(job.specHash)!.terms).toEqual(terms)
  expect(again.find(`0x${'00'.repeat(32)}`)).toBeUndefined()
  expect(again.unfinished().map(({ attempt }) => attempt)).toEqual([0])
  again.find(job.specHash)!.journals.finish!(0, 'aborted')
  expect(again.unfinished()).toEqual([])
  job.journals.open(1).close()
  expect(job.attempts()).toEqual([
    { attempt: 0, state: 'aborted' },
    { attempt: 1, state: 'running' },
  ])
  const reading = job.read(0)
  expect(reading.get('state', 'terms')).toEqual(terms)
  reading.close()
})

test('a number is used once, also when the home was put back from before', () => {
  const job = openJobStore(options).open(terms)
  fs.cpSync(options.home, path.join(folder, 'copy'), { recursive: true })
  job.journals.open(0).close()
  job.journals.open(1).close()
  fs.rmSync(options.home, { recursive: true })
  fs.renameSync(path.join(folder, 'copy'), options.home)
  const restored = openJobStore(options).find(job.specHash)!
  expect(restored.journals.attempts()).toEqual([0, 1])
  expect(restored.attempts().map(({ state }) => state)).toEqual(['missing', 'missing'])
  expect(codeOf(() => restored.journals.open(0))).toBe('journal/rewound')
  expect(codeOf(() => restored.journals.open(1))).toBe('journal/rewound')
  restored.journals.open(2).close()
})

test('two parties of a job on one machine count their own attempts', () => {
  const first = openJobStore(options).open(terms)
  first.journals.open(0).close()
  const storageKey = Secret.of(new Uint8Array(32).fill(4))
  const other = openJobStore({ ...options, home: path.join(folder, 'other'), storageKey }).open(terms)
  expect(other.journals.attempts()).toEqual([])
  other.journals.open(0).close()
})

test('a burned attempt is shown as such', () => {
  const job = openJobStore(options).open(terms)
  const journal = job.journals.open(0)
  journal.append('receive', 'a', terms)
  journal.markSent()
  journal.close()
  const later = openJobStore({ ...options, boot: 'boot 2' }).find(job.specHash)!
  expect(codeOf(() => later.journals.open(0))).toBe('journal/rewound')
  expect(later.attempts()).toEqual([{ attempt: 0, state: 'burned' }])
})

test('changed terms are refused, and journals can be erased', () => {
  const store = openJobStore(options)
  const job = store.open(terms)
  job.journals.open(0).close()
  job.eraseJournals()
  expect(job.attempts()).toEqual([{ attempt: 0, state: 'missing' }])
  fs.writeFileSync(path.join(job.folder, 'terms.json'), '{"a":2}')
  expect(codeOf(() => store.find(job.specHash))).toBe('input/changed')
})
