/** What the commands that run under encryption have in common once their input is read. */
import type { Json } from '@tallystick/core'
import { sealPool } from '@tallystick/homomorphic/pool'
import type { Job, Source } from './job.ts'
import type { Output } from './output.ts'
import { runParty, workersOf, type Prepared, type RunOptions } from './party-run.ts'

/** Ring, security, bytes and seconds: for programs and as a person reads them. */
export interface Explained {
  readonly report: Json
  readonly text: string
}

/** Tells what the run takes where that is asked for, and runs unless it is a dry run. */
export const runEncrypted = async (
  output: Output,
  options: RunOptions & { readonly explain?: true },
  prepared: Prepared,
  side: {
    readonly dataset: Source
    readonly explained: () => Explained
    readonly keepResult: (folder: string, job: Job) => Promise<void>
    /** Threads of a side that has little to compute; by the rows of the terms unless given. */
    readonly workers?: number
  },
): Promise<void> => {
  const { home, terms, meeting } = prepared
  if (options.explain === true || meeting === undefined) {
    const { report, text } = side.explained()
    output.report({ event: 'explained', plan: report }, text)
  }
  if (meeting === undefined) return
  await using pool = sealPool({ workers: side.workers ?? workersOf(prepared) })
  await runParty({
    ...{ output, prepared, meeting, dataset: side.dataset, pool, chain: options.chain },
    keepResult: (job) => side.keepResult(home.jobFolder(terms), job),
  })
}
