/**
 * One bank of the test, the same text in Node and in a tab: identity, session, record, evidence. What differs is handed
 * in: the links and the pool.
 */
import {
  assembleEvidence,
  commitDataset,
  disclosureOf,
  recordBytes,
  sealEvidence,
  sealRecord,
  signDisclosure,
} from '@tallystick/attestation'
import { bytesToUtf8, concatBytes, fromHex, taggedDigest, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import type { Hash } from '@tallystick/protocol'
import { ecdh, type Items, type Outcome } from '@tallystick/psi'
import {
  createSigner,
  memoryJournals,
  runSession,
  specHash,
  type KernelPool,
  type SessionOptions,
  type SessionResult,
  type Terms,
} from '@tallystick/session'

export type Role = 'receiver' | 'sender'
export const roles = ['receiver', 'sender'] as const
export const otherOf = (role: Role): Role => (role === 'receiver' ? 'sender' : 'receiver')

export const signerOf = createSigner

/** Flat items, over shared memory where the platform lets a page have it. */
export const itemsOf = (ids: readonly string[]): Items => {
  const parts = ids.map((id) => utf8ToBytes(id))
  const joined = concatBytes(...parts)
  const shared = typeof SharedArrayBuffer === 'function'
  const bytes = shared ? new Uint8Array(new SharedArrayBuffer(joined.length)) : joined
  if (shared) bytes.set(joined)
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes, offsets }
}

export interface PartyOptions {
  readonly terms: Terms
  readonly role: Role
  readonly key: Uint8Array
  readonly ids: readonly string[]
  /** Digest of the code that runs here. */
  readonly code: Hex
  readonly links: SessionOptions['links']
  readonly pool: KernelPool
  readonly hash?: Hash
  readonly onPhase?: (phase: string) => void
}

/** What a party has in the end, as JSON. */
export interface Report {
  /** Own rows of the intersection. */
  readonly rows: readonly number[]
  /** The record's file. */
  readonly record: string
  /** The evidence sealed to the auditor, where the terms name this role. */
  readonly evidence: Hex | null
  /** Connections that it took. */
  readonly connections: number
}

export const runParty = async (options: PartyOptions): Promise<Report> => {
  const { terms, role, key, ids, code, pool, hash, onPhase } = options
  const signer = signerOf(key)
  const items = itemsOf(ids)
  const datasetId = taggedDigest('tallystick/test-dataset/v1', role)
  const commit = (sessionId: Hex) =>
    commitDataset(items, {
      partySecret: taggedDigest('tallystick/test-secret/v1', key),
      sessionId: fromHex(sessionId),
      datasetId,
    })
  let connections = 0
  const result = await runSession({
    terms,
    role,
    protocol: ecdh,
    code,
    signer,
    async links(signal) {
      const links = await options.links(signal)
      connections++
      return links
    },
    input: items,
    commitInput: (sessionId) => commit(sessionId),
    pool,
    journals: memoryJournals(),
    hash,
    disclose: (of, attempt) => signDisclosure(terms, { specHash: specHash(terms), attempt, role: of }, signer, []),
    onProgress: ({ phase }) => onPhase?.(phase),
  })
  const record = await sealRecord(result.record, null, signer)
  const { jobSaltKey } = commit(result.record.sessionId)
  const evidence = terms.auditor.audited?.includes(role)
    ? await sealed(terms, result, { rows: items, datasetId: toHex(datasetId), jobSaltKey, code })
    : null
  await result.close()
  return {
    rows: [...(result.output as Outcome & { readonly kind: 'intersection' }).rows],
    record: bytesToUtf8(recordBytes(record)),
    evidence,
    connections,
  }
}

const sealed = async (
  terms: Terms,
  { record, evidence }: SessionResult,
  parts: { readonly rows: Items; readonly datasetId: Hex; readonly jobSaltKey: Uint8Array; readonly code: Hex },
): Promise<Hex> => {
  const disclosure = disclosureOf(record, record.role)
  const opened = assembleEvidence(evidence, { ...parts, package: terms.protocol.package, disclosure })
  const file = await sealEvidence({ terms, specHash: record.specHash, evidence: opened, disclosed: [] })
  return toHex(new Uint8Array(await new Response(file as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()))
}
