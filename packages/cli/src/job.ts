/** One party's side of one job: the session over its journals, and what comes out of it. */
import {
  assembleEvidence,
  commitRows,
  disclosureEvent,
  jobSaltKey,
  saltingOf,
  tileRoots,
  type DisclosedRole,
  type Evidence,
  type Rows,
} from '@tallystick/attestation'
import { canonicalBytes, fromHex, taggedDigest, TallyError, toHex, type Hex } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import {
  runOf,
  runSession,
  specHash,
  type CorrelationStore,
  type Progress,
  type SessionResult,
  type Terms,
} from '@tallystick/session'
import { chainHash } from '@tallystick/session/node'
import type { Connector } from './connection.ts'
import { openDisclosures } from './disclosures.ts'
import type { Home } from './home.ts'
import { storedJob } from './journals.ts'
import type { Runnable } from './protocols.ts'

/** What a party brings: the file, and the rows of it that enter. */
export interface Source {
  readonly path: string
  /** SHA-256 of the file, hex. */
  readonly digest: string
  readonly items: Rows
  /** What the program reads beside the rows, which name it by a digest. */
  readonly outside?: readonly Uint8Array[]
}

/** Of a party that computes or learns on the rows of others; the digest is that of no bytes. */
export const noTable: Source = {
  path: '(no table)',
  digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  items: { bytes: new Uint8Array(0), offsets: new Uint32Array(1) },
}

export interface JobOptions {
  readonly home: Home
  readonly terms: Terms
  readonly runnable: Runnable
  readonly dataset: Source
  readonly pool: Pool
  readonly correlations?: CorrelationStore | undefined
  readonly links: Connector['links']
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/** Names the snapshot: the bytes of the file, and how ids are taken from it. */
const datasetIdOf = (dataset: Source, data: Terms['data'][string] | undefined): Uint8Array =>
  taggedDigest('tallystick/dataset/v1', fromHex(`0x${dataset.digest}`), canonicalBytes(data ?? null))

export interface Job {
  readonly session: SessionResult
  /** Parties that did not consent to show this role's evidence to the auditor; all where the terms do not want it. */
  readonly unsigned: readonly string[]
  /** Reads the journal. To be asked for where all have consented. */
  evidence(): Evidence
  readonly disclosed: readonly DisclosedRole[]
}

/**
 * Runs the job, resumes it, or gives its outcome again.
 * @throws TallyError input/changed if the list is not the one that entered: rows would be read off another list
 */
export const runJob = async (options: JobOptions): Promise<Job> => {
  const { home, terms, runnable, dataset, pool, links, signal, onProgress } = options
  const { role } = home.partyIn(terms)
  const hash = specHash(terms)
  const datasetId = datasetIdOf(dataset, terms.data[role])
  const partySecret = home.keys.partySecret.expose()
  const disclosures = openDisclosures(home)
  const roots = new Map<Hex, Uint8Array>()
  const rootIn = async (sessionId: Hex): Promise<Uint8Array> => {
    const salting = saltingOf({ partySecret, sessionId: fromHex(sessionId), datasetId })
    const root =
      roots.get(sessionId) ?? commitRows(dataset.items, salting, await tileRoots(pool, dataset.items, salting)).root
    roots.set(sessionId, root)
    return root
  }
  const session = await runSession({
    terms,
    role,
    protocol: runnable.protocol,
    code: runnable.code.digest,
    signer: home.signer,
    links,
    input: runnable.input(dataset.items, role, terms.parameters, dataset.outside),
    commitInput: async (sessionId) => ({ root: await rootIn(sessionId) }),
    pool,
    journals: storedJob(home, terms).journals,
    correlations: options.correlations,
    hash: chainHash,
    signal,
    disclose: (of, attempt) => disclosures.sign(terms, { specHash: hash, attempt, role: of }, home.signer),
    onProgress,
  })
  const { sessionId } = runOf(hash, session.attempt)
  // A session that has ended asks for no commitment any more, and its rows are those of the list that was committed to.
  if (toHex(await rootIn(sessionId)) !== session.evidence.inputRoot) {
    await session.close(false)
    throw otherList(dataset.path)
  }
  const ids = { datasetId: toHex(datasetId), jobSaltKey: jobSaltKey(partySecret, fromHex(sessionId), datasetId) }
  return {
    session,
    unsigned: unsignedIn(terms, session),
    evidence: () => evidenceOf(terms, runnable, session, dataset, ids),
    disclosed: disclosures.disclosed,
  }
}

const otherList = (path: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: this job has ended with another list; nothing was written`, {
    remedy: 'name the list that entered, byte for byte as it was; for this list, agree on new terms',
  })

const consentsIn = ({ record, evidence }: SessionResult) => record.disclosures.filter(({ of }) => of === evidence.role)

const unsignedIn = (terms: Terms, session: SessionResult): readonly string[] => {
  const signed = consentsIn(session).map(({ role }) => role)
  return terms.parties.filter(({ role }) => !signed.includes(role)).map(({ name }) => name)
}

/** The evidence as the auditor gets it. */
const evidenceOf = (
  terms: Terms,
  runnable: Runnable,
  session: SessionResult,
  dataset: Source,
  ids: { readonly datasetId: Hex; readonly jobSaltKey: Uint8Array },
): Evidence => {
  const { record, evidence, attempt } = session
  const { role } = evidence
  const { auditor } = disclosureEvent(terms, { specHash: record.specHash, attempt, role })
  return assembleEvidence(evidence, {
    rows: dataset.items,
    ...ids,
    package: runnable.code.version,
    code: runnable.code.digest,
    disclosure: {
      role,
      attempt,
      auditor,
      signatures: Object.fromEntries(consentsIn(session).map((signed) => [signed.role, signed.signature])),
    },
  })
}
