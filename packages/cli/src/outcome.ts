/**
 * What a job leaves with a party: its record first, which nobody else can make again, then its result, its evidence and
 * its part on a chain. What fails on the way leaves the others alone, and is told at the end.
 */
import { join } from 'node:path'
import { sealRecord, type Anchoring } from '@tallystick/attestation'
import { readRecord, writeEvidence, writeRecord } from '@tallystick/attestation/node'
import { renderError } from '@tallystick/core'
import { specHash, type SessionRecord, type Terms } from '@tallystick/session'
import { readChain } from './chain.ts'
import type { Home } from './home.ts'
import type { Job } from './job.ts'
import { asTallyError, type Output } from './output.ts'
import { count } from './text.ts'

export interface OutcomeOptions {
  readonly output: Output
  readonly home: Home
  readonly terms: Terms
  readonly job: Job
  /** Of the chain that records the job, if one does. */
  readonly chainFile: string | undefined
  readonly signal: AbortSignal
  /** Tells and writes the output of the session. */
  readonly keepResult: () => Promise<void>
}

/** Milliseconds for the chain to take all entries before the rest is left to a later run. */
const chainPatience = 60_000

const keepEvidence = async ({ output, home, terms, job }: OutcomeOptions): Promise<void> => {
  const { role } = home.partyIn(terms)
  if (terms.auditor.audited?.includes(role) !== true) return
  if (job.unsigned.length > 0) {
    const names = job.unsigned.join(' and ')
    const text = `No evidence is sealed: ${names} did not countersign that ${terms.auditor.name} may see it.`
    return output.report({ event: 'evidence-withheld', unsigned: job.unsigned }, text)
  }
  const file = join(home.jobFolder(terms), 'evidence.age')
  await writeEvidence(file, { terms, specHash: specHash(terms), evidence: job.evidence(), disclosed: job.disclosed })
  output.report(
    { event: 'evidence', file, auditor: terms.auditor.name },
    `Evidence sealed to ${terms.auditor.name}, to be sent if it asks: ${file}`,
  )
}

/** @returns what the chain has of the job */
const recordOnChain = async (options: OutcomeOptions, path: string): Promise<Anchoring | null> => {
  const { output, home, terms, job, signal } = options
  // The EVM library is loaded only where there is something to do for it.
  const { anchor } = await import('./anchoring.ts')
  const { anchors, pending } = await anchor({
    record: job.session.record,
    chain: await readChain(path),
    folder: home.jobFolder(terms),
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

/** What an earlier run of the same command found on the chain, so that one without the chain does not forget it. */
const anchorsBefore = async (file: string, { specHash: hash, attempt }: SessionRecord): Promise<Anchoring | null> => {
  const before = await readRecord(file).catch(() => undefined)
  return before?.session.specHash === hash && before.session.attempt === attempt ? before.anchors : null
}

/** @throws the first failure, after everything else was kept */
export const keepOutcome = async (options: OutcomeOptions): Promise<void> => {
  const { output, home, terms, job, chainFile } = options
  const { record, attempt } = job.session
  const file = join(home.jobFolder(terms), 'record.json')
  let anchors = await anchorsBefore(file, record)
  const keepRecord = async (): Promise<void> => writeRecord(file, await sealRecord(record, anchors, home.signer))
  await keepRecord()
  const failures: unknown[] = []
  const attempting = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => void failures.push(error))
  await attempting(options.keepResult())
  await attempting(keepEvidence(options))
  if (chainFile !== undefined) {
    const onChain = async (): Promise<void> => {
      anchors = (await recordOnChain(options, chainFile)) ?? anchors
      await keepRecord()
    }
    await attempting(onChain())
  }
  output.report({ event: 'record', file, attempt }, `Record: ${file}`)
  const [first, ...others] = failures
  for (const error of others) output.note(renderError(asTallyError(error)))
  if (first !== undefined) throw first
}
