/**
 * A party's jobs on disk:
 *
 *   <home>/jobs/<specHash>/terms.json            the canonical bytes that were approved
 *   <home>/jobs/<specHash>/attempt-<n>/journal/  see disk-journal.ts
 *   <home>/jobs/<specHash>/attempt-<n>/state     `closed` or `aborted`, once the attempt has ended
 *
 * Which attempts were begun is also kept with the generations, outside backups: a number is used once on a machine,
 * also when the home was put back from a copy that knows nothing of it.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fromHex, taggedDigest, taggedMac, TallyError, toHex } from '@tallystick/core'
import type { Hex, Secret } from '@tallystick/core'
import type { Journal } from '../journal.ts'
import type { JournalStore } from '../session.ts'
import { eraseJournal, openJournal, readJournal } from './disk-journal.ts'
import { replaceFile } from './files.ts'
import { defaultGenerations } from './generation.ts'

/** `running`: has a journal and no end; the process may be alive or not. */
export type AttemptState = 'running' | 'closed' | 'aborted' | 'burned' | 'missing'

export interface AttemptInfo {
  readonly attempt: number
  readonly state: AttemptState
}

export interface JobStoreOptions {
  readonly home: string
  readonly storageKey: Secret<Uint8Array>
  /** Where generations are kept: outside everything that is backed up. */
  readonly generations?: string
  /** Names the running boot; for tests. */
  readonly boot?: string
}

export interface Job {
  readonly specHash: Hex
  readonly folder: string
  /** The canonical bytes of the terms. */
  readonly terms: Uint8Array
  attempts(): readonly AttemptInfo[]
  /** What `runSession` wants. */
  readonly journals: JournalStore
  /** For the record and the evidence: reads without resuming. */
  read(attempt: number): Journal
  /** Erases the journals of all attempts; terms and states stay. */
  eraseJournals(): void
}

export interface JobStore {
  /** The job of these terms, made if it is not there. @throws TallyError input/changed if its file holds others */
  open(terms: Uint8Array): Job
  find(specHash: Hex): Job | undefined
  list(): readonly Hex[]
  /** Jobs whose last attempt is running: what `resume` offers. */
  unfinished(): readonly { readonly job: Job; readonly attempt: number }[]
}

const specHashOf = (terms: Uint8Array): Hex => toHex(taggedDigest('tallystick/terms/v1', terms))

export const openJobStore = (options: JobStoreOptions): JobStore => {
  const { home, storageKey, generations = defaultGenerations() } = options
  const root = path.join(home, 'jobs')
  const folderOf = (specHash: Hex): string => path.join(root, toHex(fromHex(specHash, 32)).slice(2))

  const jobAt = (specHash: Hex, terms: Uint8Array): Job => {
    const folder = folderOf(specHash)
    // Of this party only: another on the same machine counts its own attempts of the same terms.
    const mark = taggedMac(storageKey.expose(), 'tallystick/attempts/v1', fromHex(specHash, 32))
    const begunFile = path.join(generations, `attempts-${toHex(mark).slice(2, 34)}`)
    const attemptFolder = (attempt: number): string => path.join(folder, `attempt-${attempt}`)
    const journalFolder = (attempt: number): string => path.join(attemptFolder(attempt), 'journal')

    /** Number of the highest attempt that this machine has begun, or -1. */
    const highest = (): number => {
      if (!fs.existsSync(begunFile)) return -1
      const text = fs.readFileSync(begunFile, 'utf8').trim()
      if (/^\d{1,9}$/.test(text)) return Number(text)
      throw new TallyError('journal/corrupt', 'self', `expected a number of attempts in ${begunFile}`, {
        remedy: 'the file was changed or damaged: agree new terms with the peers, under which nothing was begun',
      })
    }
    const numbers = (): number[] => {
      const found = new Set<number>()
      for (let attempt = 0; attempt <= highest(); attempt++) found.add(attempt)
      for (const name of fs.readdirSync(folder)) {
        const match = /^attempt-(\d{1,9})$/.exec(name)
        if (match !== null && fs.existsSync(path.join(folder, name, 'journal'))) found.add(Number(match[1]))
      }
      return [...found].sort((a, b) => a - b)
    }
    const stateOf = (attempt: number): AttemptState => {
      if (!fs.existsSync(journalFolder(attempt))) return 'missing'
      const file = path.join(attemptFolder(attempt), 'state')
      if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8').trim() === 'closed' ? 'closed' : 'aborted'
      return fs.existsSync(path.join(journalFolder(attempt), 'burned')) ? 'burned' : 'running'
    }
    const journalOptions = (attempt: number) => ({
      folder: journalFolder(attempt),
      storageKey,
      generations,
      ...(options.boot === undefined ? {} : { boot: options.boot }),
    })
    const openAttempt = (attempt: number): Journal => {
      if (!fs.existsSync(journalFolder(attempt))) {
        if (attempt <= highest()) {
          throw new TallyError(
            'journal/rewound',
            'self',
            `attempt ${attempt} was begun on this machine and its journal is gone`,
            { remedy: 'begin a new attempt; the peers see this one as aborted' },
          )
        }
        fs.mkdirSync(attemptFolder(attempt), { recursive: true, mode: 0o700 })
      }
      const journal = openJournal(journalOptions(attempt))
      try {
        // Before anything is written to the journal: from here on the number is used.
        if (attempt > highest()) replaceFile(begunFile, Buffer.from(`${attempt}\n`))
      } catch (error) {
        journal.close()
        throw error
      }
      return journal
    }
    const finish = (attempt: number, state: 'closed' | 'aborted'): void => {
      if (stateOf(attempt) === state) return
      try {
        replaceFile(path.join(attemptFolder(attempt), 'state'), Buffer.from(`${state}\n`))
      } catch {
        // The journal says it, durably: a job does not fail for want of a note. The next end of it is noted again.
      }
    }
    return {
      specHash,
      folder,
      terms,
      attempts: () => numbers().map((attempt) => ({ attempt, state: stateOf(attempt) })),
      journals: { attempts: numbers, open: openAttempt, finish },
      read: (attempt) => readJournal({ folder: journalFolder(attempt), storageKey }),
      eraseJournals() {
        for (const attempt of numbers()) eraseJournal({ folder: journalFolder(attempt), generations })
      },
    }
  }

  const find = (specHash: Hex): Job | undefined => {
    const file = path.join(folderOf(specHash), 'terms.json')
    if (!fs.existsSync(file)) return undefined
    const terms = Uint8Array.from(fs.readFileSync(file))
    if (specHashOf(terms) === specHash) return jobAt(specHash, terms)
    throw new TallyError(
      'input/changed',
      'self',
      `expected the terms ${specHash} in ${file}, found ${specHashOf(terms)}`,
      {
        remedy: 'put the approved terms back; a job is named by the hash of its terms',
      },
    )
  }
  const list = (): Hex[] =>
    fs.existsSync(root)
      ? fs
          .readdirSync(root)
          .filter((name) => /^[0-9a-f]{64}$/.test(name) && fs.existsSync(path.join(root, name, 'terms.json')))
          .sort()
          .map((name): Hex => `0x${name}`)
      : []

  return {
    open(terms) {
      const specHash = specHashOf(terms)
      const known = find(specHash)
      if (known !== undefined) return known
      fs.mkdirSync(folderOf(specHash), { recursive: true, mode: 0o700 })
      replaceFile(path.join(folderOf(specHash), 'terms.json'), terms)
      return jobAt(specHash, terms)
    },
    find,
    list,
    unfinished: () =>
      list().flatMap((specHash) => {
        const job = find(specHash)!
        const last = job.attempts().at(-1)
        return last?.state === 'running' ? [{ job, attempt: last.attempt }] : []
      }),
  }
}
