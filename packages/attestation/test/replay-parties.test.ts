/** Replay of an intersection of three sets: a member that enters rows other than it committed to is found and named. */
import { expect, test } from 'vitest'
import { concatBytes, fromHex, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { kmprt17 } from '@tallystick/psi'
import { specHash } from '@tallystick/session'
import { keyOf, runAll, setting, signerOf, tlsOf } from '../../session/test/fixture.ts'
import { commitDataset, type Rows } from '../src/dataset.ts'
import { signDisclosure } from '../src/disclosure.ts'
import { assembleEvidence } from '../src/evidence.ts'
import { programs } from '../src/programs/index.ts'
import { disclosureOf, sealRecord } from '../src/record.ts'
import { replay } from '../src/replay.ts'
import { auditor, pool } from './job.ts'

const protocol = kmprt17.get(3)!
const { roles } = protocol

const rowsOf = (ids: readonly string[]): Rows => {
  const encoded = ids.map((id) => utf8ToBytes(id))
  const offsets = new Uint32Array(ids.length + 1)
  encoded.forEach((id, i) => (offsets[i + 1] = offsets[i]! + id.length))
  return { bytes: concatBytes(...encoded), offsets }
}

const committed: Readonly<Record<string, Rows>> = {
  leader: rowsOf(['ada', 'bob', 'cyd', 'dan']),
  'member-1': rowsOf(['cyd', 'eve', 'ada']),
  'member-2': rowsOf(['ada', 'dan', 'cyd']),
}
const sizes = { leader: 4, 'member-1': 3, 'member-2': 3 }
const declared = { source: 'ids.csv', column: 'id', normalisation: 'exact/1', duplicates: 'refuse' } as const

/** Runs the job, in which member-1 enters the given rows, and audits one role. */
const audited = async (role: string, enters: Rows, known = programs) => {
  const given = setting(
    protocol,
    { sizes, output: 'intersection', to: 'leader', chunkRows: 1000 },
    { ...committed, 'member-1': enters },
    {
      auditor: { name: 'Supervisor', recipient: auditor.recipient, limit: 1, audited: [role], reveals: {} },
      receivers: ['leader'],
      data: Object.fromEntries(Object.entries(sizes).map(([of, rows]) => [of, { ...declared, rows }])),
    },
  )
  const datasetId = new Uint8Array(32)
  const commit = (of: string, sessionId: Hex) =>
    commitDataset(committed[of]!, { partySecret: keyOf(of), sessionId: fromHex(sessionId), datasetId })
  const disclose = (by: string) => (of: string, attempt: number) =>
    signDisclosure(given.terms, { specHash: specHash(given.terms), attempt, role: of }, signerOf(keyOf(by)), [])
  const changes = roles.map((by) => {
    const commitInput = (sessionId: Hex) => commit(by, sessionId)
    return [by, { pool, commitInput, disclose: disclose(by) }] as const
  })
  const results = await runAll(given, Object.fromEntries(changes))
  const { record: session, evidence: material } = results[role]!
  const { code, package: version } = given.terms.protocol
  const report = await replay(
    await sealRecord(session, null, signerOf(keyOf(role))),
    assembleEvidence(material, {
      rows: committed[role]!,
      datasetId: toHex(datasetId),
      jobSaltKey: commit(role, session.sessionId).jobSaltKey,
      package: version,
      code,
      disclosure: disclosureOf(session, role),
    }),
    {
      trust: given.terms.parties.map(({ role: of, name, party, signer }) => ({ name, party, signer, tls: tlsOf(of) })),
      code,
      pool,
      sample: 'all',
      programs: known,
    },
  )
  return { output: results['leader']!.output, report, failed: report.checks.filter((c) => c.status === 'failed') }
}

test('the evidence of the leader and of a member replays', { timeout: 60_000 }, async () => {
  for (const role of ['leader', 'member-2']) {
    const { output, report, failed } = await audited(role, committed['member-1']!)
    expect(output).toEqual({ kind: 'intersection', rows: Uint32Array.of(0, 2) })
    expect(failed).toEqual([])
    expect(report.verdict).toBe('replayed')
  }
})

test('a member that enters another row is found at the step of its hint', { timeout: 60_000 }, async () => {
  const { output, failed } = await audited('member-1', rowsOf(['cyd', 'bob', 'ada']))
  expect(output).toEqual({ kind: 'intersection', rows: Uint32Array.of(0, 2) })
  expect(failed.map(({ id, step }) => [id, step])).toEqual(
    expect.arrayContaining([['sent', expect.stringContaining('hints/member-1/hint')]]),
  )
})

test('rows that are no input of the program are found, and end no replay', { timeout: 60_000 }, async () => {
  const input = (): never => {
    throw new RangeError('offset is out of bounds')
  }
  const { report, failed } = await audited('leader', committed['member-1']!, { [protocol.id]: { protocol, input } })
  expect(failed.find(({ id }) => id === 'end')?.detail).toContain('offset is out of bounds')
  expect(report.verdict).not.toBe('replayed')
})
