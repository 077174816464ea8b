/** A real job between two parties over memory links, with its record and the evidence of the audited party. */
import { concatBytes, taggedDigest, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, type AnyProtocol, type Effect, type Routine } from '@tallystick/protocol'
import { ecdh } from '@tallystick/psi'
import {
  createSigner,
  addressOf,
  memoryJournals,
  memoryNetwork,
  packageVersion,
  partyId,
  runSession,
  specHash,
  type KernelPool,
  type SessionResult,
  type Signer,
  type Terms,
} from '@tallystick/session'
import { commitDataset, type Rows } from '../src/dataset.ts'
import { signDisclosure } from '../src/disclosure.ts'
import { assembleEvidence, type Evidence } from '../src/evidence.ts'
import { computationId } from '../src/ledger/job.ts'
import { codeDigest } from '../src/node/code.ts'
import { disclosureOf, sealRecord, type Anchoring, type AttestedRecord } from '../src/record.ts'
import { createAuditorKey, type AuditorKey } from '../src/seal.ts'
import type { TrustAnchor } from '../src/trust.ts'

export type Role = 'receiver' | 'sender'
export const roles = ['receiver', 'sender'] as const
export const otherOf = (role: Role): Role => (role === 'receiver' ? 'sender' : 'receiver')

export const signerOf = createSigner

export const rowsOf = (items: readonly string[]): Rows => {
  const parts = items.map((item) => utf8ToBytes(item))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: concatBytes(...parts), offsets }
}

const engine = await wasmEngine()
export const pool: KernelPool = { run: (kernel, input) => Promise.resolve(runKernel(engine, kernel, input)) }

/** Whose keys: another label makes other keys under the same names. */
export const keyOf = (role: Role, label = 'real'): Uint8Array => taggedDigest('tallystick/test-key/v1', label, role)
const tlsOf = (role: Role, label: string): Hex => toHex(taggedDigest('tallystick/test-tls/v1', label, role))
const names = { receiver: 'Harbour Bank', sender: 'Valley Bank' }

export const trustOf = (label = 'real'): readonly TrustAnchor[] =>
  roles.map((role) => {
    const signer = addressOf(keyOf(role, label))
    const tls = tlsOf(role, label)
    return { name: names[role], party: partyId(signer, tls), signer, tls }
  })

export const auditor: AuditorKey = await createAuditorKey()

export const lists: Readonly<Record<Role, readonly string[]>> = {
  receiver: ['ada', 'bea', 'cyd', 'dot', 'eva', 'fay', 'gil', 'hal', 'ida'],
  sender: ['eva', 'fay', 'gil', 'kim', 'lou', 'mae', 'ned'],
}

const termsOf = (given: JobOptions, sizes: Readonly<Record<Role, number>>): Terms => {
  const { label = 'real', audited = 'receiver', to = 'both', output = 'intersection' } = given
  const data = { source: 'list.csv', column: 'id', normalisation: 'trim', duplicates: 'refuse' } as const
  return {
    format: 'tallystick/terms/1',
    domain: toHex(new Uint8Array(32).fill(7)),
    nonce: toHex(taggedDigest('tallystick/test-nonce/v1', label, audited)),
    purpose: 'customers on both lists',
    protocol: { id: ecdh.id, version: ecdh.version, package: packageVersion, code: codeDigest() },
    parameters: { sizes: { ...sizes }, output, to, chunkRows: given.chunkRows ?? 4 },
    parties: roles.map((role, i) => ({ role, ...trustOf(label)[i]! })),
    receivers: to === 'both' ? [...roles] : [to],
    data: { receiver: { ...data, rows: sizes.receiver }, sender: { ...data, rows: sizes.sender } },
    leakage: ecdh.leakage,
    auditor: {
      name: 'Supervisor',
      recipient: given.recipient ?? auditor.recipient,
      limit: 1,
      audited: [audited],
      reveals: { receiver: 'its whole list and the intersection', sender: 'its whole list' },
    },
    attempts: 3,
    expires: '2099-01-01T00:00:00Z',
    deadlines: { handshake: 20, message: 60, close: 20 },
    retention: '2099-12-31',
  }
}

export interface JobOptions {
  readonly label?: string
  readonly audited?: Role
  readonly output?: 'intersection' | 'cardinality'
  readonly to?: 'receiver' | 'both'
  readonly chunkRows?: number
  readonly recipient?: string
  /** What the parties enter and commit to. */
  readonly rows?: Readonly<Record<Role, Rows>>
  /** What the audited party enters although it committed to something else. */
  readonly enters?: Rows
  /** What the audited party runs in place of the protocol. */
  readonly cheats?: AnyProtocol
}

export interface Job {
  readonly terms: Terms
  readonly results: Readonly<Record<Role, SessionResult>>
  /** The record of the audited party. */
  readonly record: AttestedRecord
  readonly evidence: Evidence
  readonly signer: Signer
  /** Milliseconds from the first link to both outputs. */
  readonly milliseconds: number
}

export const runJob = async (given: JobOptions = {}): Promise<Job> => {
  const { label = 'real', audited = 'receiver' } = given
  const rows = given.rows ?? { receiver: rowsOf(lists.receiver), sender: rowsOf(lists.sender) }
  const sizes = { receiver: rows.receiver.offsets.length - 1, sender: rows.sender.offsets.length - 1 }
  const terms = termsOf(given, sizes)
  const hash = specHash(terms)
  const network = memoryNetwork(roles)
  const datasetId = new Uint8Array(32).fill(3)
  const saltOptions = (role: Role, sessionId: Hex) => ({
    partySecret: taggedDigest('tallystick/test-secret/v1', role),
    sessionId: Uint8Array.from(Buffer.from(sessionId.slice(2), 'hex')),
    datasetId,
  })
  const run = (role: Role): Promise<SessionResult> => {
    const signer = signerOf(keyOf(role, label))
    const cheater = role === audited
    return runSession({
      terms,
      role,
      protocol: cheater && given.cheats !== undefined ? given.cheats : ecdh,
      signer,
      links: network.dial(role),
      input: cheater && given.enters !== undefined ? given.enters : rows[role],
      commitInput: (sessionId) => commitDataset(rows[role], saltOptions(role, sessionId)),
      pool,
      journals: memoryJournals(),
      disclose: (of, attempt) => signDisclosure(terms, { specHash: hash, attempt, role: of }, signer, []),
    })
  }
  const began = performance.now()
  const [receiver, sender] = await Promise.all([run('receiver'), run('sender')])
  const milliseconds = performance.now() - began
  await Promise.all([receiver.settled, sender.settled])
  const results = { receiver, sender }
  const { record: session, evidence: material } = results[audited]
  const signer = signerOf(keyOf(audited, label))
  const record = await sealRecord(session, null, signer)
  const evidence = assembleEvidence(material, {
    rows: rows[audited],
    datasetId: toHex(datasetId),
    jobSaltKey: commitDataset(rows[audited], saltOptions(audited, session.sessionId)).jobSaltKey,
    package: packageVersion,
    code: codeDigest(),
    disclosure: disclosureOf(session, audited),
  })
  await Promise.all([receiver.close(), sender.close()])
  return { terms, results, record, evidence, signer, milliseconds }
}

/** Another program for a role: every effect passes through `change` before the world sees it. */
export const cheating = (role: string, change: (effect: Effect) => Effect, honest: AnyProtocol = ecdh): AnyProtocol => {
  function* through(routine: Routine<unknown>): Routine<unknown> {
    let next = routine.next()
    while (next.done !== true) {
      const effect = change(next.value)
      const value: unknown = yield effect.kind === 'join'
        ? { ...effect, branches: effect.branches.map((branch) => through(branch)) }
        : effect
      next = routine.next(value)
    }
    return next.value
  }
  const party = honest.parties[role]!
  const cheat: typeof party = (ctx, parameters, input) => through(party(ctx, parameters, input))
  return { ...honest, parties: { ...honest.parties, [role]: cheat } }
}

/** Anchors of a chain that nobody asks. */
export const anchorsOf = (terms: Terms): Anchoring => {
  const hex = (bytes: number, fill: number): Hex => toHex(new Uint8Array(bytes).fill(fill))
  const at = { block: 12, blockHash: hex(32, 5), transaction: hex(32, 6), time: 1_700_000_000 }
  const job = {
    specHash: specHash(terms),
    attempt: 0,
    registered: false,
    parties: terms.parties.map((party) => party.signer),
    receivers: terms.parties.flatMap((party, i) => (terms.receivers.includes(party.role) ? [i] : [])),
    deadline: 0,
  }
  return {
    deployment: {
      domain: terms.domain,
      chainId: 31337,
      partyRegistry: hex(20, 1),
      computationRegistry: hex(20, 2),
      anchor: hex(20, 3),
      block: 1,
      ticksPerSecond: 1,
    },
    computation: computationId(terms.domain, job),
    registered: false,
    deadline: 0,
    entries: [
      { kind: 'propose', party: null, at },
      { kind: 'commit', party: 1, at },
    ],
  }
}
