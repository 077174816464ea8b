/** From a session's record to the entries of a ledger, and from their places on the chain back into the record. */
import { commitmentsDigest, headsDigest, reasonOf, type SessionRecord, type Signed } from '@tallystick/session'
import type { Deployment } from './ledger/deploy.ts'
import { computationId, type Entry, type Job, type Signed as SignedEntry } from './ledger/job.ts'
import type { Place } from './ledger/log.ts'
import type { AnchoredEntry, Anchoring } from './record.ts'

export interface AnchorChoices {
  /** Parties are named by their ids in the registry; plain addresses where absent. */
  readonly registered?: boolean
  /** Unix seconds after which the chain takes no more of the job; 0 for none. */
  readonly deadline?: number
}

const indexOf = ({ terms }: SessionRecord, role: string): number =>
  terms.parties.findIndex((party) => party.role === role)

export const jobOf = (session: SessionRecord, { registered = false, deadline = 0 }: AnchorChoices = {}): Job => ({
  specHash: session.specHash,
  attempt: session.attempt,
  registered,
  parties: session.terms.parties.map((party) => (registered ? party.party : party.signer)),
  receivers: session.terms.receivers.map((role) => indexOf(session, role)).sort((a, b) => a - b),
  deadline,
})

/** Everything that a chain can hold of a run, in the order of the run: what is not there yet is left out. */
export const entriesOf = (session: SessionRecord, choices: AnchorChoices = {}): readonly Entry[] => {
  const job = jobOf(session, choices)
  const parties = session.terms.parties
  const by = ({ role, signature }: Pick<Signed, 'role' | 'signature'>): SignedEntry => {
    const { signer } = parties[indexOf(session, role)]!
    return { party: indexOf(session, role), signature, ...(job.registered ? { key: signer } : {}) }
  }
  const { agreements, commitments, checkpoint, close, aborts, outcome } = session
  const own = aborts.filter(({ attempt }) => attempt === session.attempt)
  const entries: Entry[] = []
  if (agreements.length > 0) entries.push({ kind: 'propose', job, agreements: agreements.map(by) })
  for (const item of commitments) {
    entries.push({ kind: 'commit', job, input: item.input, seed: item.seed, coin: item.coin, by: by(item) })
  }
  if (checkpoint.length === parties.length) {
    const heads = checkpoint.map((item) => headsDigest(item.heads))
    entries.push({
      kind: 'start',
      job,
      commitments: commitmentsDigest(commitments),
      heads,
      checkpoints: checkpoint.map(by),
    })
  }
  if (close !== null) {
    entries.push({ kind: 'close', job, heads: close.heads, result: close.result, signatures: close.signatures.map(by) })
  }
  const [abort] = own
  if (outcome === 'aborted' && abort !== undefined) {
    entries.push({ kind: 'abort', job, reason: reasonOf(session.terms, abort.code), by: by(abort) })
  }
  return entries
}

/** What the record says of the chain. @param placed entries that are on it, and where */
export const anchoringOf = (
  session: SessionRecord,
  deployment: Deployment,
  placed: readonly { readonly entry: Entry; readonly at: Place }[],
  choices: AnchorChoices = {},
): Anchoring => {
  const { registered = false, deadline = 0 } = choices
  const entries = placed.map(({ entry, at }): AnchoredEntry => {
    const party = entry.kind === 'commit' || entry.kind === 'abort' ? entry.by.party : null
    return { kind: entry.kind, party, at }
  })
  const computation = computationId(deployment.domain, jobOf(session, choices))
  return { deployment, computation, registered, deadline, entries }
}
