import { beforeAll, describe, expect, test } from 'vitest'
import { canonicalJson, toHex } from '@tallystick/core'
import { codeDigest } from '../src/node/code.ts'
import { parseRecord, recordBytes, sealRecord, type AttestedRecord } from '../src/record.ts'
import { replay, type ReplayOptions } from '../src/replay.ts'
import { renderReport, reportJson, type AuditReport } from '../src/report.ts'
import { verify } from '../src/verify.ts'
import { lists, pool, runJob, trustOf, type Job } from './job.ts'

const trust = trustOf()
const options: ReplayOptions = { trust, code: codeDigest(), pool, sample: 'all' }
const failedOf = (report: AuditReport): string[] =>
  report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id)
const statusOf = (report: AuditReport, id: string, role?: string): string | undefined =>
  report.checks.find((one) => one.id === id && (role === undefined || one.role === role))?.status

let job: Job
beforeAll(async () => {
  job = await runJob()
})
const withSession = (changes: Partial<AttestedRecord['session']>): Promise<AttestedRecord> =>
  sealRecord({ ...job.record.session, ...changes }, null, job.signer)

describe('an honest job', () => {
  test('verifies to consistent, and without trust anchors to no more than well-formed', async () => {
    const report = await verify(job.record, { trust })
    expect(failedOf(report)).toEqual([])
    expect(report.verdict).toBe('consistent')
    const untrusted = await verify(job.record)
    expect(untrusted.verdict).toBe('well-formed')
    expect(statusOf(untrusted, 'signers', 'receiver')).toBe('not checked')
    expect(untrusted.failed).toBe(false)
  })

  test('comes back from its file, which is one line of canonical JSON', () => {
    const bytes = recordBytes(job.record)
    expect(parseRecord(bytes)).toEqual(job.record)
    expect(new TextDecoder().decode(bytes)).toBe(`${canonicalJson(job.record)}\n`)
    const spaced = new TextEncoder().encode(JSON.stringify(job.record, null, 1))
    expect(() => parseRecord(spaced)).toThrow('canonical')
  })

  test('replays, and says what was computed again', async () => {
    const seen: number[] = []
    const report = await replay(job.record, job.evidence, { ...options, onProgress: ({ rows }) => seen.push(rows) })
    expect(failedOf(report)).toEqual([])
    expect(report.verdict).toBe('replayed')
    expect(report.checks.find(({ id }) => id === 'kernels')?.detail).toContain('17 of 17 rows')
    expect(seen.length).toBeGreaterThan(0)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  test('has a record without rows, seeds, salts or results', () => {
    const text = new TextDecoder().decode(recordBytes(job.record))
    const { seed, input } = job.evidence
    for (const secret of [seed.value, seed.nonce, input.jobSaltKey, input.nonce, input.datasetId]) {
      expect(text).not.toContain(secret.slice(2))
    }
    for (const item of [...lists.receiver, ...lists.sender]) expect(text).not.toMatch(new RegExp(`"${item}"`))
    expect(text).not.toContain(toHex(input.rows.bytes).slice(2))
  })

  test('is reported in words that do not say too much', async () => {
    const report = await replay(job.record, job.evidence, options)
    const text = renderReport(report)
    expect(text).toMatch(/^verdict: replayed \(the evidence re-executes to what was signed\)\n/)
    expect(text.split('\n').filter((line) => line.startsWith('  passed')).length).toBeGreaterThan(30)
    expect(text).toContain('that Valley Bank ran the agreed program')
    expect(text).not.toContain('that Harbour Bank ran')
    expect(text).toContain('that the committed data were true of the world')
    expect(text).toContain('collude')
    expect(reportJson(report)).toMatchObject({ verdict: 'replayed', failed: false, replayed: 'receiver', attempt: 0 })
    expect(renderReport(await verify(job.record, { trust }))).toContain('Harbour Bank and Valley Bank ran the agreed')
  })
})

describe('a run that did not end well', () => {
  test('without one last signature is "completed, k of n signed", and not void', async () => {
    const { close } = job.record.session
    const [first] = close!.signatures
    const report = await verify(await withSession({ close: { ...close!, signatures: [first!] } }), { trust })
    expect(report.verdict).toBe('consistent')
    const missing = report.checks.find(({ id, role }) => id === 'close-signature' && role === 'sender')
    expect(missing).toMatchObject({ status: 'not checked', what: 'signature at the end (1 of 2)' })
    expect(report.notProven.join()).toContain('that Valley Bank accepted the end')
  })

  test('before the views is recorded, and no more', async () => {
    const open = { outcome: 'open', views: [], close: null, disclosures: [] } as const
    const report = await verify(await withSession(open), { trust })
    expect(failedOf(report)).toEqual([])
    expect(report.verdict).toBe('recorded')
    expect((await replay(await withSession(open), job.evidence, options)).verdict).toBe('recorded')
  })

  test('and is called completed, fails', async () => {
    const report = await verify(await withSession({ views: [], close: null }), { trust })
    expect(failedOf(report)).toEqual(expect.arrayContaining(['outcome', 'view']))
    expect(report.verdict).not.toBe('consistent')
  })
})
