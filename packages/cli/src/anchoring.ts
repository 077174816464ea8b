/** The chain's part of a job: what the parties signed goes into an outbox, and from there to the chain when it is up. */
import { join } from 'node:path'
import type { Anchoring } from '@tallystick/attestation'
import {
  computationId,
  evmLedger,
  openOutbox,
  type Entry,
  type Job,
  type OutboxItem,
  type Signed,
} from '@tallystick/attestation/ledger'
import { TallyError } from '@tallystick/core'
import { commitmentsDigest, headsDigest, type SessionRecord } from '@tallystick/session'
import { accountOf, type ChainFile } from './chain.ts'

/** The job as the contracts know it: pseudonymous addresses and hashes. */
const jobOf = ({ terms, specHash, attempt }: SessionRecord): Job => ({
  specHash,
  attempt,
  registered: false,
  parties: terms.parties.map(({ signer }) => signer),
  receivers: terms.parties.flatMap(({ role }, i) => (terms.receivers.includes(role) ? [i] : [])),
  // An attempt that ran in time may be recorded later.
  deadline: 0,
})

/** What of a record belongs on the chain, in the order of its states. */
const entriesOf = (record: SessionRecord): Entry[] => {
  const { terms, agreements, commitments, checkpoint, close } = record
  const job = jobOf(record)
  const indexOf = (role: string): number => terms.parties.findIndex((party) => party.role === role)
  const by = ({ role, signature }: SessionRecord['agreements'][number]): Signed => ({ party: indexOf(role), signature })
  const entries: Entry[] = [{ kind: 'propose', job, agreements: agreements.map(by) }]
  for (const { input, seed, coin, ...signed } of commitments) {
    entries.push({ kind: 'commit', job, input, seed, coin, by: by(signed) })
  }
  if (checkpoint.length === terms.parties.length) {
    const heads = checkpoint.map((one) => headsDigest(one.heads))
    entries.push({
      kind: 'start',
      job,
      commitments: commitmentsDigest(commitments),
      heads,
      checkpoints: checkpoint.map(by),
    })
  }
  if (close !== null) {
    const { heads, result, signatures } = close
    entries.push({ kind: 'close', job, heads, result, signatures: signatures.map(by) })
  }
  return entries
}

export interface AnchoringOptions {
  readonly record: SessionRecord
  readonly chain: ChainFile
  /** Of the job. */
  readonly folder: string
  /** How long to wait for the chain before leaving the rest to a later run. */
  readonly patience: number
  readonly signal: AbortSignal
  /** `gas` is undefined if the entry was there before. */
  readonly onRecorded: (entry: Entry, gas: number | undefined) => void
  readonly onRetry: (error: TallyError) => void
}

const anchored = (items: readonly OutboxItem[], chain: ChainFile, record: SessionRecord): Anchoring | null => {
  const job = jobOf(record)
  const entries = items.flatMap(({ entry, at }) =>
    at === undefined ? [] : [{ kind: entry.kind, party: entry.kind === 'commit' ? entry.by.party : null, at }],
  )
  if (entries.length === 0) return null
  const computation = computationId(chain.deployment.domain, job)
  return { deployment: chain.deployment, computation, registered: job.registered, deadline: job.deadline, entries }
}

/**
 * Brings what was signed to the chain. The chain never stands between a party and its result: what it does not take in
 * time waits in the outbox for the next run of the same command.
 * @throws TallyError ledger/conflict if the chain was set up with another signature domain than the terms
 */
export const anchor = async (options: AnchoringOptions): Promise<{ anchors: Anchoring | null; pending: number }> => {
  const { record, chain, folder, patience, signal } = options
  const { deployment, rpcUrl } = chain
  if (deployment.domain !== record.terms.domain) {
    throw new TallyError(
      'ledger/conflict',
      'self',
      'the contracts of chain.json have another signature domain than the terms',
      {
        remedy: 'name the chain for which the terms were written (tally terms new --chain)',
      },
    )
  }
  const party = record.terms.parties.findIndex(({ role }) => role === record.role)
  const privateKey = accountOf(chain, party)
  const outbox = await openOutbox(join(folder, 'outbox'))
  const ledger = evmLedger({ rpcUrl, deployment, ...(privateKey === undefined ? {} : { privateKey }) })
  try {
    for (const entry of entriesOf(record)) await outbox.add(entry)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    await outbox
      .drain(ledger, {
        signal: limit,
        onRecorded: ({ entry }, gas) => options.onRecorded(entry, gas),
        onRetry: (error) => options.onRetry(error),
      })
      .catch((error: unknown) => {
        if (!limit.aborted) throw error
      })
    const items = outbox.items()
    return {
      anchors: anchored(items, chain, record),
      pending: items.filter(({ status }) => status !== 'final').length,
    }
  } finally {
    ledger.close()
    await outbox.close()
  }
}
