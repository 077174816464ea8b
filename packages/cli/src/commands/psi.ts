/** `tally psi run`: one party's side, from the checks before any network to the sealed evidence. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { sealRecord, type Anchoring } from '@tallystick/attestation'
import { writeEvidence, writeRecord } from '@tallystick/attestation/node'
import { TallyError } from '@tallystick/core'
import { nodePool, type Pool } from '@tallystick/kernels/pool'
import { checkCode, checkTerms, specHash, type Progress as SessionProgress, type Terms } from '@tallystick/session'
import { anchor } from '../anchoring.ts'
import { readChain } from '../chain.ts'
import { createConnector, meetingOf } from '../connection.ts'
import type { Encoding } from '../csv.ts'
import { readDataset, type Dataset } from '../dataset.ts'
import { estimate } from '../estimate.ts'
import { openHome, type Home } from '../home.ts'
import { stopSignal } from '../interrupt.ts'
import { runJob, type Job } from '../job.ts'
import type { Output } from '../output.ts'
import { protocolOf, type Runnable } from '../protocols.ts'
import { writeResult } from '../result.ts'
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

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
/** Milliseconds for the chain to take all entries before the rest is left to a later run. */
const chainPatience = 60_000

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
    `All is in order. The run would exchange ${megabytes(bytes)} in ${rounds} rounds and compute for about ` +
      `${seconds.toFixed(1)} s on this machine, while the partner does about the same. Nothing was sent.`,
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

const reportResult = async (output: Output, dataset: Dataset, value: unknown, folder: string): Promise<void> => {
  const result = value as
    | { kind: 'intersection'; rows: Uint32Array }
    | { kind: 'cardinality'; size: number }
    | { kind: 'none' }
  if (result.kind === 'none') {
    return output.report(
      { event: 'result', kind: 'none' },
      'The partner has the result; this side was to learn nothing.',
    )
  }
  if (result.kind === 'cardinality') {
    const text = `${count(result.size)} ids are on both lists.`
    return output.report({ event: 'result', kind: 'cardinality', size: result.size }, text)
  }
  const file = join(folder, 'result.csv')
  await writeResult(dataset, result.rows, file)
  output.report(
    { event: 'result', kind: 'intersection', size: result.rows.length, file },
    `${count(result.rows.length)} of your rows are on both lists: ${file}`,
  )
}

const tellEvidence = async (
  output: Output,
  terms: Terms,
  { evidence, disclosed }: Job,
  folder: string,
): Promise<void> => {
  if (evidence === undefined) return
  const file = join(folder, 'evidence.age')
  await writeEvidence(file, { terms, specHash: specHash(terms), evidence, disclosed })
  output.report(
    { event: 'evidence', file, auditor: terms.auditor.name },
    `Evidence sealed to ${terms.auditor.name}, to be sent if it asks: ${file}`,
  )
}

/** @returns what the chain has of the job */
const recordOnChain = async (
  output: Output,
  path: string,
  job: Job,
  folder: string,
  signal: AbortSignal,
): Promise<Anchoring | null> => {
  const { anchors, pending } = await anchor({
    record: job.session.record,
    chain: await readChain(path),
    folder,
    patience: chainPatience,
    signal,
    onRecorded(entry, gas) {
      const event = { event: 'recorded', entry: entry.kind, ...(gas === undefined ? {} : { gas }) }
      output.report(
        event,
        `On the chain: ${entry.kind}${gas === undefined ? ' (already there)' : `, ${count(gas)} gas`}`,
      )
    },
    onRetry: (error) => output.note(`The chain does not answer (${error.code}); trying again.`),
  })
  if (pending > 0) {
    const text = `${pending} entries wait for the chain: run the same command again when it is up.`
    output.report({ event: 'pending', entries: pending }, text)
  }
  return anchors
}

/** A worker takes about as long to start as to compute 20,000 rows. */
const workersFor = (rows: number): number => Math.max(1, Math.min(availableParallelism(), Math.ceil(rows / 20_000)))

const chainFile = (home: Home, named: string | undefined): string | undefined => {
  const own = join(home.folder, 'chain.json')
  return named ?? (existsSync(own) ? own : undefined)
}

export const run = async (output: Output, options: RunOptions): Promise<void> => {
  const meeting = options.dryRun === true ? undefined : meetingOf(options)
  const home = await openHome(options.home)
  const terms = await readTerms(options.terms)
  const { role } = home.partyIn(terms)
  const peer = terms.parties.find((party) => party.role !== role)!
  const runnable = protocolOf(terms.protocol.id)
  const folder = home.jobFolder(terms)
  // What has begun may end after the expiry; the session sees to the rest.
  if (!existsSync(folder)) checkTerms(terms, runnable.protocol, Date.now())
  checkCode(terms, runnable.code.digest)
  await home.requireApproved(terms)
  const dataset = await readDeclared(terms, role, options.input, options.encoding)
  output.report(
    { event: 'checked', role, ...dataset.counts },
    `${options.input}: ${count(dataset.counts.rows)} ids enter as ${role}, as the terms say.`,
  )
  await using pool = nodePool({ workers: workersFor(dataset.counts.rows + terms.data[peer.role]!.rows) })
  if (meeting === undefined) return await dryRun(output, runnable, terms, dataset, pool, terms.data[peer.role]!.rows)

  const signal = stopSignal()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await using connector = await createConnector({
    identity: home.keys,
    peer,
    meeting,
    onTrouble: (error, again) => output.note(`${error.code}: ${error.message}${again ? '; trying again' : ''}`),
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

  await reportResult(output, dataset, job.session.output, folder)
  await tellEvidence(output, terms, job, folder)
  const path = chainFile(home, options.chain)
  const anchors = path === undefined ? null : await recordOnChain(output, path, job, folder, signal)
  const record = join(folder, 'record.json')
  await writeRecord(record, await sealRecord(job.session.record, anchors, home.signer))
  output.report({ event: 'record', file: record, attempt: job.session.attempt }, `Record: ${record}`)
  await job.session.close()
}
