/** Jobs whose terms say that by now their journals and evidence are erased. */
import { existsSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex, TallyError } from '@tallystick/core'
import { parseTerms, type Terms } from '@tallystick/session'
import type { Job } from '@tallystick/session/node'
import { syncFolder } from './files.ts'
import type { Home } from './home.ts'
import { jobsOf } from './journals.ts'
import { asTallyError, type Output } from './output.ts'
import { plural } from './text.ts'

export interface DueJob {
  readonly specHash: Hex
  readonly purpose: string
  /** The last day on which they may be kept. */
  readonly retention: string
  readonly folder: string
  /** @throws TallyError journal/locked while the job runs; journal/io */
  erase(): Promise<void>
}

const dayMilliseconds = 86_400_000

const evidenceFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name === 'evidence.age' || /^evidence\.age\..*\.part$/.test(name))

const termsOf = (job: Job): Terms => parseTerms(JSON.parse(new TextDecoder().decode(job.terms)))

const holdsSomething = (job: Job): boolean =>
  job.attempts().some(({ attempt }) => existsSync(join(job.folder, `attempt-${attempt}`, 'journal'))) ||
  evidenceFiles(job.folder).length > 0

/**
 * @param now milliseconds since the epoch; a day of the terms ends everywhere when it ends in UTC
 * @returns the jobs that are due, and what stood in the way of looking at others
 */
export const dueJobs = (home: Home, now: number): { readonly due: DueJob[]; readonly unreadable: TallyError[] } => {
  const jobs = jobsOf(home)
  const due: DueJob[] = []
  const unreadable: TallyError[] = []
  const look = (specHash: Hex): void => {
    const job = jobs.find(specHash)!
    const { purpose, retention } = termsOf(job)
    if (now < Date.parse(retention) + dayMilliseconds || !holdsSomething(job)) return
    due.push({
      ...{ specHash, purpose, retention, folder: job.folder },
      async erase() {
        job.eraseJournals()
        for (const name of evidenceFiles(job.folder)) await rm(join(job.folder, name))
        await syncFolder(job.folder)
      },
    })
  }
  for (const specHash of jobs.list()) {
    try {
      look(specHash)
    } catch (error) {
      unreadable.push(asTallyError(error))
    }
  }
  return { due, unreadable }
}

/** Reminds; erasing is the decision of a person, or of a timer that calls the command. */
export const tellDue = (output: Output, home: Home): void => {
  const { due } = dueJobs(home, Date.now())
  if (due.length === 0) return
  const jobs = plural(due.length, 'job is', 'jobs are')
  output.report(
    { event: 'due', jobs: due.length },
    `${jobs} past the retention date: "tally erase --home ${home.folder}" erases journals and evidence.`,
  )
}
