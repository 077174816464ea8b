/** One party's side of one job: the session over its journals, and what comes out of it. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import {
  assembleEvidence,
  commitDataset,
  disclosureEvent,
  jobSaltKey,
  type DisclosedRole,
  type Evidence,
} from '@tallystick/attestation'
import { nodeSha256, openDisclosureLog } from '@tallystick/attestation/node'
import { canonicalBytes, fromHex, taggedDigest, toHex, type Hex } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import { runOf, runSession, specHash, type Progress, type SessionResult, type Terms } from '@tallystick/session'
import type { Connector } from './connection.ts'
import type { Dataset } from './dataset.ts'
import type { Home } from './home.ts'
import { journalsOf } from './journals.ts'
import type { Runnable } from './protocols.ts'

export interface JobOptions {
  readonly home: Home
  readonly terms: Terms
  readonly runnable: Runnable
  readonly dataset: Dataset
  readonly pool: Pool
  readonly links: Connector['links']
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/** SHA-256 of OpenSSL over the parts of a chain's link, one after the other. */
const chainHash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Names the snapshot: the bytes of the file, and how ids are taken from it. */
const datasetIdOf = (dataset: Dataset, data: Terms['data'][string]): Uint8Array =>
  taggedDigest('tallystick/dataset/v1', fromHex(`0x${dataset.digest}`), canonicalBytes(data))

export interface Job {
  readonly session: SessionResult
  /** Undefined where not all parties consented to show this role's evidence to the auditor. */
  readonly evidence: Evidence | undefined
  readonly disclosed: readonly DisclosedRole[]
}

export const runJob = async (options: JobOptions): Promise<Job> => {
  const { home, terms, runnable, dataset, pool, links, signal, onProgress } = options
  const { role } = home.partyIn(terms)
  const hash = specHash(terms)
  const datasetId = datasetIdOf(dataset, terms.data[role]!)
  const partySecret = home.keys.partySecret.expose()
  const log = openDisclosureLog(join(home.folder, 'disclosures'))
  const session = await runSession({
    terms,
    role,
    protocol: runnable.protocol,
    code: runnable.code.digest,
    signer: home.signer,
    links,
    input: dataset.items,
    commitInput: (sessionId) =>
      commitDataset(dataset.items, { partySecret, sessionId: fromHex(sessionId), datasetId, sha256: nodeSha256 }),
    pool,
    journals: journalsOf(home, terms),
    hash: chainHash,
    signal,
    disclose: (of, attempt) => log.sign(terms, { specHash: hash, attempt, role: of }, home.signer),
    onProgress,
  })
  const saltKey = jobSaltKey(partySecret, fromHex(runOf(hash, session.attempt).sessionId), datasetId)
  return {
    session,
    evidence: evidenceOf(terms, runnable, session, dataset, { datasetId: toHex(datasetId), jobSaltKey: saltKey }),
    disclosed: log.disclosed,
  }
}

/** The evidence as the auditor gets it, where all parties have countersigned its disclosure. */
const evidenceOf = (
  terms: Terms,
  runnable: Runnable,
  { record, evidence, attempt }: SessionResult,
  dataset: Dataset,
  ids: { readonly datasetId: Hex; readonly jobSaltKey: Uint8Array },
): Evidence | undefined => {
  const { role } = evidence
  const signatures = record.disclosures.filter(({ of }) => of === role)
  if (terms.parties.some((party) => !signatures.some((signed) => signed.role === party.role))) return undefined
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
      signatures: Object.fromEntries(signatures.map((signed) => [signed.role, signed.signature])),
    },
  })
}
