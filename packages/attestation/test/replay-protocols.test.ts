/** Replay of protocols other than set intersection: three parties, preprocessed correlations. */
import { describe, expect, test } from 'vitest'
import { fixedBytes, fromHex, readU32, taggedDigest, toHex, u32, type Hex } from '@tallystick/core'
import { defineProtocol, message, opening, type AnyProtocol } from '@tallystick/protocol'
import { specHash, type CorrelationStore, type Terms } from '@tallystick/session'
import { keyOf, runAll, setting, signerOf, tlsOf, trio } from '../../session/test/fixture.ts'
import { commitDataset, type Rows } from '../src/dataset.ts'
import { signDisclosure } from '../src/disclosure.ts'
import { assembleEvidence, type Evidence } from '../src/evidence.ts'
import { disclosureOf, sealRecord, type AttestedRecord } from '../src/record.ts'
import { replay, type ReplayOptions } from '../src/replay.ts'
import type { AuditReport } from '../src/report.ts'
import { auditor, pool } from './job.ts'

interface Audit {
  readonly record: AttestedRecord
  readonly evidence: Evidence
  readonly options: ReplayOptions
}

/** Runs a protocol whose inputs are numbers, and prepares the audit of one role. */
const auditOf = async (
  protocol: AnyProtocol,
  role: string,
  changes: Partial<Terms> = {},
  correlations?: CorrelationStore,
): Promise<Audit> => {
  const roles = protocol.roles as string[]
  const rows = (of: string): Rows => ({ bytes: u32(of.charCodeAt(0)), offsets: Uint32Array.of(0, 4) })
  const inputs = Object.fromEntries(roles.map((of) => [of, of.charCodeAt(0)]))
  const auditing = { name: 'Supervisor', recipient: auditor.recipient, limit: 1, audited: [role], reveals: {} }
  const given = setting(protocol, {}, inputs, { auditor: auditing, ...changes })
  const datasetId = new Uint8Array(32)
  const commit = (of: string, sessionId: Hex) =>
    commitDataset(rows(of), { partySecret: keyOf(of), sessionId: fromHex(sessionId), datasetId })
  const disclose = (by: string) => (of: string, attempt: number) =>
    signDisclosure(given.terms, { specHash: specHash(given.terms), attempt, role: of }, signerOf(keyOf(by)), [])
  const results = await runAll(
    given,
    Object.fromEntries(
      roles.map((of) => [
        of,
        { commitInput: (sessionId: Hex) => commit(of, sessionId), disclose: disclose(of), correlations },
      ]),
    ),
  )
  const { record: session, evidence: material } = results[role]!
  const { code, package: version } = given.terms.protocol
  return {
    record: await sealRecord(session, null, signerOf(keyOf(role))),
    evidence: assembleEvidence(material, {
      rows: rows(role),
      datasetId: toHex(datasetId),
      jobSaltKey: commit(role, session.sessionId).jobSaltKey,
      package: version,
      code,
      disclosure: disclosureOf(session, role),
    }),
    options: {
      trust: given.terms.parties.map(({ role: of, name, party, signer }) => ({ name, party, signer, tls: tlsOf(of) })),
      code,
      pool,
      sample: 'all',
      programs: { [protocol.id]: { protocol, input: ({ bytes }) => readU32(bytes) } },
    },
  }
}

const failed = (report: AuditReport) => report.checks.filter(({ status }) => status === 'failed')

test('three parties: the evidence of one replays, and a swapped frame of either peer is named', async () => {
  const { record, evidence, options } = await auditOf(trio, 'b')
  const report = await replay(record, evidence, options)
  expect(failed(report)).toEqual([])
  expect(report.verdict).toBe('replayed')
  expect(report.checks.filter(({ id }) => id === 'sent').map(({ what }) => what)).toEqual([
    'frames to a',
    'frames to c',
  ])
  for (const peer of ['a', 'c']) {
    const inbox = evidence.inbox.map((frame) => (frame.from === peer ? { ...frame, body: u32(1) } : frame))
    const found = failed(await replay(record, { ...evidence, inbox }, options))
    expect(found.map(({ id, what }) => [id, what])).toEqual([['evidence-inbox', `frames from ${peer}`]])
  }
})

test('a role whose name begins another role: its chains are in the order of the transcript', async () => {
  const { a: adder } = trio.parties
  const prefixed: AnyProtocol = {
    ...trio,
    id: 'test/prefixed',
    roles: ['p', 'p1', 'q'],
    leakage: { p: 'nothing', p1: 'nothing', q: 'nothing' },
    parties: { p: adder, p1: adder, q: adder },
  }
  for (const role of ['p', 'q']) {
    const { record, evidence, options } = await auditOf(prefixed, role)
    const report = await replay(record, evidence, options)
    expect(failed(report)).toEqual([])
    expect(report.verdict).toBe('replayed')
  }
})

/** The left party adds a preprocessed pad to its number and opens the sum. */
const padded = defineProtocol({
  id: 'test/padded',
  version: 1,
  roles: ['left', 'right'],
  messages: {
    hello: message('right', 'left', fixedBytes(4)),
    sum: opening('left', 'right', fixedBytes(4)),
  },
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 40,
    assumptions: [],
    refusal: 'nothing',
  },
  leakage: { left: 'nothing', right: 'nothing' },
  parameters: (value) => value as Record<string, never>,
  cost: () => ({ rounds: 2, bytes: 8, coins: { left: 0, right: 0 }, correlations: { pad: 4 } }),
  ideal: (_, inputs: { left: number; right: number }) => ({ left: null, right: inputs.left }),
  parties: {
    *left(ctx, _, input: number) {
      yield* ctx.receive('hello')
      const pad = readU32(yield* ctx.reserve('pad', 4))
      yield* ctx.checkpoint()
      yield* ctx.send('sum', u32((input + pad) >>> 0))
      return null
    },
    *right(ctx, _, input: number) {
      yield* ctx.send('hello', u32(input))
      yield* ctx.checkpoint()
      return readU32(yield* ctx.receive('sum'))
    },
  },
})

describe('preprocessed correlations', () => {
  const units = u32(123_456)
  const digest = toHex(taggedDigest('tallystick/test-pad/v1', units))
  const store: CorrelationStore = { digest: () => digest, reserve: () => Promise.resolve(units) }
  const isPad: ReplayOptions['resources'] = (resource, ranges) =>
    ranges.every(({ body }) => toHex(taggedDigest('tallystick/test-pad/v1', body)) === resource.digest)
  const prepared = () => auditOf(padded, 'left', { resources: { left: { pad: digest } } }, store)

  test('replay where the auditor can check them, and stay below "replayed" where it cannot', async () => {
    const { record, evidence, options } = await prepared()
    expect(evidence.resources).toHaveLength(1)
    expect((await replay(record, evidence, { ...options, resources: isPad })).verdict).toBe('replayed')
    const blind = await replay(record, evidence, options)
    expect(failed(blind)).toEqual([])
    expect(blind.verdict).toBe('consistent')
  })

  test('other than those in the terms, or of no terms, are found', async () => {
    const { record, evidence, options } = await prepared()
    const [range] = evidence.resources
    const altered = async (resources: Evidence['resources']) =>
      failed(await replay(record, { ...evidence, resources }, { ...options, resources: isPad })).map(({ id }) => id)
    expect(await altered([{ ...range!, body: u32(1) }])).toEqual(['evidence-resources'])
    expect(await altered([{ ...range!, correlation: 'free' }])).toEqual(['evidence-resources'])
    expect(await altered([])).toEqual(['sent', 'end', 'checkpoint-chains'])
    expect(await altered([range!, { ...range!, ordinal: 1 }])).toEqual(['unread'])
    expect(await altered([{ ...range!, step: 'elsewhere' }])).toContain('end')
  })
})
