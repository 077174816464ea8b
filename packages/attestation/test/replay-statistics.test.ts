/** Replay of a statistics job: one party's evidence re-executes; altered shares and rows are found and named. */
import { expect, test } from 'vitest'
import { fromHex, toHex, type Hex, type Json } from '@tallystick/core'
import { encodeTable, statistics, tableInput, type Table, type TableSchema } from '@tallystick/statistics'
import type { AnyProtocol, Effect } from '@tallystick/protocol'
import { checkTerms, specHash } from '@tallystick/session'
import { keyOf, runAll, setting, signerOf, tlsOf } from '../../session/test/fixture.ts'
import { commitDataset, type Rows } from '../src/dataset.ts'
import { signDisclosure } from '../src/disclosure.ts'
import { assembleEvidence, type Evidence } from '../src/evidence.ts'
import { disclosureOf, sealRecord, type AttestedRecord } from '../src/record.ts'
import { replay, type ReplayOptions } from '../src/replay.ts'
import type { AuditReport } from '../src/report.ts'
import { auditor, cheating, pool } from './job.ts'

const roles = ['p0', 'p1', 'p2'] as const
const numeric = (name: string) => ({ name, type: 'numeric', minimum: 0, maximum: 50, decimals: 0 }) as const
const schema: TableSchema = { columns: [numeric('a'), numeric('b')] }
const parameters = {
  layout: 'horizontal',
  outputs: [
    { name: 'r', statistic: { kind: 'correlation', x: ['a', 'b'], method: 'pearson' } },
    { name: 'mean', statistic: { kind: 'mean', x: 'a' } },
    // Of coins that each party has committed to.
    { name: 'noisy', statistic: { kind: 'variance', x: 'b' }, privacy: { mechanism: 'laplace', epsilon: 1 } },
  ],
  minimumCount: 0,
  to: 'all',
  sizes: { p0: 3, p1: 3, p2: 3 },
  tables: { p0: schema, p1: schema, p2: schema },
}

const tableOf = (a: readonly number[], b: readonly number[]): Table => ({
  rows: a.length,
  codes: [Float64Array.from(a), Float64Array.from(b)],
  ids: new Uint8Array(0),
})
const tables = {
  p0: tableOf([1, 2, 3], [2, 4, 7]),
  p1: tableOf([4, 5, 6], [8, 9, 13]),
  p2: tableOf([7, 8, 9], [14, 17, 17]),
}

interface Audit {
  readonly record: AttestedRecord
  readonly evidence: Evidence
  readonly options: ReplayOptions
}

/** Runs the job and prepares the audit of p0, which may enter another table than it committed to, or cheat. */
const auditOf = async (enters: Table = tables.p0, cheats?: AnyProtocol): Promise<Audit> => {
  const role = 'p0'
  const rows = Object.fromEntries(roles.map((of) => [of, encodeTable(schema, tables[of], false)])) as Record<
    string,
    Rows
  >
  const auditing = { name: 'Supervisor', recipient: auditor.recipient, limit: 1, audited: [role], reveals: {} }
  const inputs = { ...tables, p0: enters }
  const declared = {
    source: 'table.csv',
    column: 'a, b',
    normalisation: 'table/1',
    duplicates: 'refuse',
    rows: 3,
  } as const
  const data = { p0: declared, p1: declared, p2: declared }
  const given = setting(statistics, parameters as unknown as Json, inputs, {
    auditor: auditing,
    attempts: 1,
    receivers: [...roles],
    data,
  })
  const datasetId = new Uint8Array(32)
  const commit = (of: string, sessionId: Hex) =>
    commitDataset(rows[of]!, { partySecret: keyOf(of), sessionId: fromHex(sessionId), datasetId })
  const results = await runAll(
    given,
    Object.fromEntries(
      roles.map((by) => [
        by,
        {
          pool,
          ...(by === role && cheats !== undefined && { protocol: cheats }),
          commitInput: (sessionId: Hex) => commit(by, sessionId),
          disclose: (of: string, attempt: number) =>
            signDisclosure(
              given.terms,
              { specHash: specHash(given.terms), attempt, role: of },
              signerOf(keyOf(by)),
              [],
            ),
        },
      ]),
    ),
  )
  const { record: session, evidence: material } = results[role]!
  const { code, package: version } = given.terms.protocol
  return {
    record: await sealRecord(session, null, signerOf(keyOf(role))),
    evidence: assembleEvidence(material, {
      rows: rows[role]!,
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
      programs: { [statistics.id]: { protocol: statistics, input: tableInput } },
    },
  }
}

const failed = (report: AuditReport) => report.checks.filter(({ status }) => status === 'failed')

test('the evidence of one of three parties replays, and an altered share or row is found', async () => {
  const { record, evidence, options } = await auditOf()
  const report = await replay(record, evidence, options)
  expect(failed(report)).toEqual([])
  expect(report.verdict).toBe('replayed')

  const shared = evidence.inbox.findIndex(({ step, body }) => step.endsWith('/share') && body.length > 0)
  expect(shared).toBeGreaterThanOrEqual(0)
  const { from } = evidence.inbox[shared]!
  const flip = (body: Uint8Array): Uint8Array => body.map((byte, i) => (i === 3 ? byte ^ 4 : byte))
  const inbox = evidence.inbox.map((frame, i) => (i === shared ? { ...frame, body: flip(frame.body) } : frame))
  const share = failed(await replay(record, { ...evidence, inbox }, options))
  expect(share.map(({ id, what }) => [id, what])).toEqual([['evidence-inbox', `frames from ${from}`]])

  // Every message that it received: shares of inputs and products, and what was opened.
  const steps = new Map(evidence.inbox.flatMap(({ step, body }, i) => (body.length > 0 ? [[step, i] as const] : [])))
  expect(steps.size).toBeGreaterThan(10)
  for (const at of steps.values()) {
    const frames = evidence.inbox.map((frame, i) => (i === at ? { ...frame, body: flip(frame.body) } : frame))
    const found = failed(await replay(record, { ...evidence, inbox: frames }, options))
    expect(found.map(({ id, what }) => [id, what])).toEqual([
      ['evidence-inbox', `frames from ${evidence.inbox[at]!.from}`],
    ])
  }
  // A bit of its own randomness, and of its share of the joint coin.
  const other = (value: Hex): Hex => toHex(flip(fromHex(value)))
  const seed = { ...evidence.seed, value: other(evidence.seed.value) }
  expect(failed(await replay(record, { ...evidence, seed }, options)).map(({ id }) => id)).toContain('evidence-seed')
  const coin = { ...evidence.coin, share: other(evidence.coin.share) }
  expect(failed(await replay(record, { ...evidence, coin }, options)).map(({ id }) => id)).toContain('evidence-coin')

  const { rows } = evidence.input
  const altered = { ...evidence, input: { ...evidence.input, rows: { ...rows, bytes: flip(rows.bytes) } } }
  expect(failed(await replay(record, altered, options)).map(({ id }) => id)).toContain('evidence-input')
})

test('a party that shares another table than it committed to is found at the step of its shares', async () => {
  const { record, evidence, options } = await auditOf(tableOf([1, 2, 30], [2, 4, 7]))
  const found = failed(await replay(record, evidence, options))
  expect(found.map(({ id, step }) => [id, step])).toEqual(
    expect.arrayContaining([['sent', expect.stringContaining('inputs/p0/share')]]),
  )
})

/** Flips a bit of the first message at a step that matches, however often the party is asked for it. */
const alters = (
  at: (send: Extract<Effect, { kind: 'send' }>) => boolean,
): { readonly cheats: AnyProtocol; readonly step: () => string } => {
  let first: string | undefined
  const cheats = cheating(
    'p0',
    (effect) => {
      if (effect.kind !== 'send' || effect.body.length === 0 || !at(effect)) return effect
      first ??= effect.step
      if (effect.step !== first) return effect
      return { ...effect, body: effect.body.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) }
    },
    statistics,
  )
  return { cheats, step: () => first! }
}

test.each([
  ['shares of its rows and of its noise', ({ step }) => step.endsWith('inputs/p0/share')],
  ['a product', ({ step }) => step.endsWith('/product')],
  ['what it opens', ({ opening }) => opening],
] satisfies [string, Parameters<typeof alters>[0]][])(
  'a party that alters %s and signs is found at that step',
  async (_, at) => {
    const { cheats, step } = alters(at)
    const { record, evidence, options } = await auditOf(tables.p0, cheats)
    const found = failed(await replay(record, evidence, options))
    expect(found.filter(({ id }) => id === 'sent').map(({ step: where }) => where)).toEqual([step()])
  },
)

test('one auditor is shown one party of a job: terms of two are not run, and a second one gets no signature', async () => {
  const { terms } = (await auditOf()).record.session
  const limited = (limit: number) => ({ ...terms, auditor: { ...terms.auditor, limit } })
  expect(() => checkTerms(limited(1), statistics, 0)).not.toThrow()
  expect(() => checkTerms(limited(2), statistics, 0)).toThrow('expected at most 1 of the roles of statistics/rep3')
  const event = (role: string) => ({ specHash: specHash(terms), attempt: 0, role })
  await expect(signDisclosure(terms, event('p0'), signerOf(keyOf('p1')), [])).resolves.toMatch(/^0x/)
  const second = signDisclosure(terms, event('p1'), signerOf(keyOf('p1')), [event('p0')])
  await expect(second).rejects.toMatchObject({ code: 'evidence/over-limit' })
})
