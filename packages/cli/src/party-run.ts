/** One party's side of an approved job: the checks before any network, the run, and what is kept of it. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodePool, type Pool } from '@tallystick/kernels/pool'
import {
  checkCode,
  checkTerms,
  type CorrelationStore,
  type PartyTerms,
  type Progress as SessionProgress,
  type Terms,
} from '@tallystick/session'
import { guardBudget } from './budget.ts'
import { createConnector, meetingOf, type Meeting } from './connection.ts'
import { openHome, type Home } from './home.ts'
import { stopSignal } from './interrupt.ts'
import { runJob, type Job, type Source } from './job.ts'
import { isBegun, lastAttempt } from './journals.ts'
import { keepOutcome } from './outcome.ts'
import type { Output } from './output.ts'
import { protocolOf, type Runnable } from './protocols.ts'
import { tellDue } from './retention.ts'
import { readTerms } from './commands/terms.ts'

/** Options that every command which runs a job has. */
export interface RunOptions {
  readonly terms: string
  readonly home: string
  readonly listen?: string
  readonly connect?: readonly string[] | string
  readonly chain?: string
  readonly dryRun?: true
}

/** What is known before the data are read and any connection is made. */
export interface Prepared {
  readonly home: Home
  readonly terms: Terms
  readonly own: PartyTerms
  readonly peers: readonly PartyTerms[]
  readonly runnable: Runnable
  /** Undefined for a dry run. */
  readonly meeting: Meeting | undefined
}

/** @throws TallyError unless the terms are approved, unexpired and for this program */
export const prepare = async (output: Output, options: RunOptions): Promise<Prepared> => {
  const meeting = options.dryRun === true ? undefined : meetingOf(options)
  const home = await openHome(options.home)
  const terms = await readTerms(options.terms)
  const own = home.partyIn(terms)
  const peers = terms.parties.filter((party) => party.role !== own.role)
  const runnable = await protocolOf(terms.protocol.id)
  // What has begun may end after the expiry; the session sees to the rest.
  if (!isBegun(lastAttempt(home, terms))) checkTerms(terms, runnable.protocol, Date.now())
  checkCode(terms, runnable.code.digest)
  await home.requireApproved(terms)
  tellDue(output, home)
  return { home, terms, own, peers, runnable, meeting }
}

/** A worker takes about as long to start as to compute 20,000 rows. */
const workersFor = (rows: number): number => Math.max(1, Math.min(availableParallelism(), Math.ceil(rows / 20_000)))

export const workersOf = ({ terms }: Prepared): number =>
  workersFor(Object.values(terms.data).reduce((sum, { rows }) => sum + rows, 0))

export const poolFor = (prepared: Prepared): Pool => nodePool({ workers: workersOf(prepared) })

/** "Bank A", "Bank A and Bank B", "Bank A, Bank B and Bank C" */
export const namesOf = (parties: readonly PartyTerms[]): string => {
  const names = parties.map(({ name }) => name)
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

const phasesFor = (peers: readonly PartyTerms[]): Readonly<Record<SessionProgress['phase'], string>> => ({
  connecting: peers.length === 1 ? 'waiting for the partner' : 'waiting for the partners',
  handshake: 'comparing terms',
  committing: 'committing to input and coins',
  running: 'computing',
  checkpoint: 'signing what was exchanged',
  closing: 'comparing and signing the end',
  closed: 'closed',
})

const fraction = ({ phase, bytesSent, bytesReceived, declaredBytes }: SessionProgress): number =>
  phase === 'closing' || phase === 'closed' ? 1 : declaredBytes === 0 ? 0 : (bytesSent + bytesReceived) / declaredBytes

/** Seconds that the rest of the traffic takes at the rate so far; nothing before a tenth of it has passed. */
const remaining = ({ phase, bytesSent, bytesReceived, declaredBytes, bytesPerSecond }: SessionProgress): string => {
  const done = bytesSent + bytesReceived
  if (phase !== 'running' || bytesPerSecond === 0 || done < declaredBytes / 10 || done >= declaredBytes) return ''
  const seconds = (declaredBytes - done) / bytesPerSecond
  return seconds < 2 ? '' : `, about ${Math.ceil(seconds)} s left at this rate`
}

const chainFile = (home: Home, named: string | undefined): string | undefined => {
  const own = join(home.folder, 'chain.json')
  return named ?? (existsSync(own) ? own : undefined)
}

/** Milliseconds for the partners to take the last signatures before a person is told that this is waited for. */
const quietWait = 1500

/** A partner that crashed at the very end still gets the signatures that it lacks. */
const leave = async (output: Output, { session }: Job, peers: string): Promise<void> => {
  const telling = setTimeout(
    () =>
      output.note(`Waiting for ${peers} to take the last signatures. Stop if you like: run again if it asks for them.`),
    quietWait,
  )
  await session.close().finally(() => clearTimeout(telling))
}

export interface PartyRun {
  readonly output: Output
  readonly prepared: Prepared
  readonly meeting: Meeting
  readonly dataset: Source
  readonly pool: Pool
  /** What was made ahead of time and is used once. */
  readonly correlations?: CorrelationStore | undefined
  /** Of the command line; null for a job that no chain records by itself. */
  readonly chain: string | undefined | null
  /** Tells and writes the output of the session. */
  readonly keepResult: (job: Job) => Promise<void>
  readonly onProgress?: (progress: SessionProgress) => void
}

/** Runs the job or resumes it, then keeps record, result and evidence. */
export const runParty = async (run: PartyRun): Promise<void> => {
  const { output, prepared, meeting, dataset, pool } = run
  const { home, terms, own, peers, runnable } = prepared
  const uncounted = await guardBudget(home.folder, terms, {
    source: terms.data[own.role]?.source ?? '',
    file: dataset.digest,
  })
  if (uncounted !== undefined) output.note(uncounted)
  const last = lastAttempt(home, terms)
  if (last?.state === 'missing' || last?.state === 'burned') {
    const why = last.state === 'missing' ? 'its journal is gone' : 'its journal was put back from a copy'
    const there = peers.length === 1 ? `${peers[0]!.name} is there` : 'all partners are there'
    output.note(`Attempt ${last.attempt} cannot go on (${why}): a new one begins once ${there}.`)
  }
  const signal = stopSignal()
  await using connector = await createConnector({
    identity: home.keys,
    peers,
    meeting,
    onTrouble: (error, again) =>
      output.note(`${again ? 'Trying again' : 'A connection was refused'}: ${error.message} (${error.code})`),
  })
  let told = false
  const tellWaiting = (): void => {
    const { port, awaited } = connector
    if (told || port === undefined) return
    told = true
    output.report({ event: 'listening', port }, `Waiting for ${namesOf(awaited)} on port ${port}.`)
  }
  const phases = phasesFor(peers)
  const progress = await output.progress()
  const job = await runJob({
    ...{ home, terms, runnable, dataset, pool, signal, correlations: run.correlations },
    links: connector.links,
    onProgress(now) {
      if (now.phase === 'connecting') tellWaiting()
      progress.update(`${phases[now.phase]}${remaining(now)}`, fraction(now))
      run.onProgress?.(now)
    },
  }).finally(() => progress.stop())

  try {
    const chain = run.chain === null ? undefined : chainFile(home, run.chain)
    await keepOutcome({ output, home, terms, job, chainFile: chain, signal, keepResult: () => run.keepResult(job) })
  } catch (error) {
    // What failed here is told soon; the partner had its chance meanwhile, and has another when this is run again.
    await Promise.race([job.session.settled, sleep(quietWait, undefined, { ref: false })])
    await job.session.close(false)
    throw error
  }
  await leave(output, job, namesOf(peers))
}
