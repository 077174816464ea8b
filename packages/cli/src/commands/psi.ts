/** `tally psi run`: one party's side, from the checks before any network to the sealed evidence. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TallyError } from '@tallystick/core'
import { nodePool, type Pool } from '@tallystick/kernels/pool'
import { checkCode, checkTerms, type Progress as SessionProgress, type Terms } from '@tallystick/session'
import { createConnector, meetingOf } from '../connection.ts'
import type { Encoding } from '../csv.ts'
import { readDataset, type Dataset } from '../dataset.ts'
import { estimate } from '../estimate.ts'
import { openHome, type Home } from '../home.ts'
import { stopSignal } from '../interrupt.ts'
import { runJob, type Job } from '../job.ts'
import { isBegun, lastAttempt } from '../journals.ts'
import { keepOutcome } from '../outcome.ts'
import type { Output } from '../output.ts'
import { protocolOf, type Runnable } from '../protocols.ts'
import { tellDue } from '../retention.ts'
import { readTerms } from './terms.ts'
import { count } from '../text.ts'

interface RunOptions {
  readonly terms: string
  readonly input: string
  readonly home: string
  readonly encoding: Encoding
  readonly listen?: string
  readonly connect?: string
  readonly chain?: string
  readonly dryRun?: true
}

const traffic = (bytes: number): string =>
  bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
/** Milliseconds for the partner to take the last signatures before a person is told that this is waited for. */
const quietWait = 1500

/** The list as it was declared: same rule, same number of ids. */
const readDeclared = async (terms: Terms, role: string, path: string, encoding: Encoding): Promise<Dataset> => {
  const declared = terms.data[role]!
  const dataset = await readDataset(path, { ...declared, encoding })
  const { rows } = dataset.counts
  if (rows === declared.rows) return dataset
  throw new TallyError(
    'input/changed',
    'self',
    `${path}: the terms say ${count(declared.rows)} ids, the list has ${count(rows)}`,
    { remedy: 'put the declared list back, or declare this one and agree on new terms' },
  )
}

const dryRun = async (
  output: Output,
  { protocol }: Runnable,
  terms: Terms,
  dataset: Dataset,
  pool: Pool,
  peerRows: number,
): Promise<void> => {
  const { bytes, seconds, rounds } = await estimate(protocol, terms.parameters, pool, dataset.items, peerRows)
  output.report(
    { event: 'dry-run', rows: dataset.counts.rows, peerRows, bytes, rounds, seconds },
    `All is in order. The run would exchange ${traffic(bytes)} in ${rounds} rounds and compute for about ` +
      `${Math.max(0.1, seconds).toFixed(1)} s on this machine, while the partner does about the same. Nothing was sent.`,
  )
}

const phases: Readonly<Record<SessionProgress['phase'], string>> = {
  connecting: 'waiting for the partner',
  handshake: 'comparing terms',
  committing: 'committing to input and coins',
  running: 'computing',
  checkpoint: 'signing what was exchanged',
  closing: 'comparing and signing the end',
  closed: 'closed',
}

const fraction = ({ phase, bytesSent, bytesReceived, declaredBytes }: SessionProgress): number =>
  phase === 'closing' || phase === 'closed' ? 1 : declaredBytes === 0 ? 0 : (bytesSent + bytesReceived) / declaredBytes

/** A worker takes about as long to start as to compute 20,000 rows. */
const workersFor = (rows: number): number => Math.max(1, Math.min(availableParallelism(), Math.ceil(rows / 20_000)))

const chainFile = (home: Home, named: string | undefined): string | undefined => {
  const own = join(home.folder, 'chain.json')
  return named ?? (existsSync(own) ? own : undefined)
}

/** A partner that crashed at the very end still gets the signatures that it lacks. */
const leave = async (output: Output, { session }: Job, peer: string): Promise<void> => {
  const telling = setTimeout(
    () =>
      output.note(`Waiting for ${peer} to take the last signatures. Stop if you like: run again if it asks for them.`),
    quietWait,
  )
  await session.close().finally(() => clearTimeout(telling))
}

export const run = async (output: Output, options: RunOptions): Promise<void> => {
  const meeting = options.dryRun === true ? undefined : meetingOf(options)
  const home = await openHome(options.home)
  const terms = await readTerms(options.terms)
  const { role } = home.partyIn(terms)
  const peer = terms.parties.find((party) => party.role !== role)!
  const runnable = protocolOf(terms.protocol.id)
  // What has begun may end after the expiry; the session sees to the rest.
  const last = lastAttempt(home, terms)
  if (!isBegun(last)) checkTerms(terms, runnable.protocol, Date.now())
  checkCode(terms, runnable.code.digest)
  await home.requireApproved(terms)
  tellDue(output, home)
  const dataset = await readDeclared(terms, role, options.input, options.encoding)
  output.report(
    { event: 'checked', role, ...dataset.counts },
    `${options.input}: ${count(dataset.counts.rows)} ids enter as ${role}, as the terms say.`,
  )
  await using pool = nodePool({ workers: workersFor(dataset.counts.rows + terms.data[peer.role]!.rows) })
  if (meeting === undefined) return await dryRun(output, runnable, terms, dataset, pool, terms.data[peer.role]!.rows)

  if (last?.state === 'missing' || last?.state === 'burned') {
    const why = last.state === 'missing' ? 'its journal is gone' : 'its journal was put back from a copy'
    output.note(`Attempt ${last.attempt} cannot go on (${why}): a new one begins once ${peer.name} is there.`)
  }
  const signal = stopSignal()
  await using connector = await createConnector({
    identity: home.keys,
    peer,
    meeting,
    onTrouble: (error, again) =>
      output.note(`${again ? 'Trying again' : 'A connection was refused'}: ${error.message} (${error.code})`),
  })
  let told = false
  const tellWaiting = (): void => {
    const { port } = connector
    if (told || port === undefined) return
    told = true
    output.report({ event: 'listening', port }, `Waiting for ${peer.name} on port ${port}.`)
  }
  const progress = await output.progress()
  const job = await runJob({
    ...{ home, terms, runnable, dataset, pool, signal },
    links: connector.links,
    onProgress(now) {
      if (now.phase === 'connecting') tellWaiting()
      progress.update(phases[now.phase], fraction(now))
    },
  }).finally(() => progress.stop())

  try {
    await keepOutcome({ output, home, terms, dataset, job, chainFile: chainFile(home, options.chain), signal })
  } catch (error) {
    // What failed here is told soon; the partner had its chance meanwhile, and has another when this is run again.
    await Promise.race([job.session.settled, sleep(quietWait, undefined, { ref: false })])
    await job.session.close(false)
    throw error
  }
  await leave(output, job, peer.name)
}
