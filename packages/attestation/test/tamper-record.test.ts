/** Every field of the record altered in turn: each alteration is found, and a failing check points at the place. */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { canonicalBytes, type Json } from '@tallystick/core'
import { reasonOf, signEvent } from '@tallystick/session'
import { sealRecord, type AttestedRecord } from '../src/record.ts'
import type { AuditReport } from '../src/report.ts'
import { verify } from '../src/verify.ts'
import { changedLeaves, changedShapes, leavesOf, type Path } from './alter.ts'
import { anchorsOf, keyOf, runJob, signerOf, trustOf, type Job } from './job.ts'

vi.mock('@tallystick/session', async (original) =>
  (await import('./remember-signatures.ts')).rememberingSignatures(original),
)

let job: Job
let record: AttestedRecord
beforeAll(async () => {
  job = await runJob()
  record = await sealRecord(job.record.session, anchorsOf(job.terms), job.signer)
})

const trust = trustOf()
const asJson = (): Json => JSON.parse(JSON.stringify(record)) as Json
const verifyJson = (value: Json): Promise<AuditReport> => verify(canonicalBytes(value), { trust })

/** Whether a failing check names the place: as a section of the seal, or as the member of a shape. */
const pointsAt = (report: AuditReport, path: Path): boolean => {
  const details = report.checks.filter(({ status }) => status === 'failed').map(({ detail }) => detail)
  if (path[0] === 'seal') return details.some((detail) => /changed: .*(?:seal|session|anchors)/.test(detail))
  const section = path.slice(0, 3).join('.')
  const member = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')
  return details.some((detail) => [section, `record${member}:`].some((name) => detail.includes(name)))
}

describe('the record', () => {
  test('passes unaltered', async () => {
    const report = await verifyJson(asJson())
    expect(report.failed).toBe(false)
    expect(report.verdict).toBe('consistent')
  })

  test('with any one leaf changed fails, and names the place', async () => {
    const alterations = changedLeaves(asJson())
    expect(alterations.length).toBeGreaterThan(150)
    const missed: string[] = []
    for (const { path, value } of alterations) {
      const report = await verifyJson(value)
      if (!report.failed || report.verdict === 'consistent') missed.push(`undetected ${path.join('.')}`)
      else if (!pointsAt(report, path)) missed.push(`unnamed ${path.join('.')}`)
    }
    expect(missed).toEqual([])
  }, 60_000)

  test('with any one member dropped, added, repeated or moved fails', async () => {
    const missed: string[] = []
    const alterations = changedShapes(asJson())
    const sections = alterations.filter(({ path }) => path[1] === 'sections')
    // All sections are compared by the same loop: some stand for all.
    for (const { path, how, value } of alterations.filter((one) => !sections.slice(5).includes(one))) {
      const report = await verifyJson(value)
      if (!report.failed || report.verdict === 'consistent') missed.push(`${how} ${path.join('.')}`)
    }
    expect(missed).toEqual([])
  }, 60_000)

  test('changed and sealed again by its own party still fails, but for the claims of that party', async () => {
    const undetected: string[] = []
    const alterations = changedLeaves(asJson()).filter(({ path }) => path[0] !== 'seal' && path[0] !== 'format')
    const terms = alterations.filter(({ path }) => path[1] === 'terms')
    // Any change of the terms changes their hash: some stand for all.
    for (const { path, value } of alterations.filter((one) => !terms.slice(5).includes(one))) {
      const { session, anchors } = value as unknown as AttestedRecord
      const report = await verify(await sealRecord(session, anchors, job.signer), { trust })
      if (!report.failed) undetected.push(path.join('.'))
    }
    // Times are claims, and the record says by whom; places on a chain are checked against the chain.
    const claims = leavesOf(asJson())
      .map((path) => path.join('.'))
      .filter((path) => path.endsWith('.at') || /^anchors\.(entries\.|deployment\.(?!domain))/.test(path))
    expect(undetected.filter((path) => !claims.includes(path))).toEqual([])
    expect(undetected.some((path) => path.endsWith('.at'))).toBe(true)
  }, 60_000)
})

test('aborts are signed: each leaf of one, changed and sealed again, fails', async () => {
  const { session } = record
  const code = 'peer/timeout'
  const event = {
    kind: 'Abort',
    specHash: session.specHash,
    attempt: 0,
    party: 1,
    reason: reasonOf(session.terms, code),
  } as const
  const signature = signEvent(keyOf('sender'), session.terms.domain, event)
  const abort = { role: 'sender', attempt: 0, code, signature }
  const verifyWith = async (aborts: AttestedRecord['session']['aborts']) =>
    verify(await sealRecord({ ...session, aborts }, record.anchors, job.signer), { trust })
  expect((await verifyWith([abort])).failed).toBe(false)
  for (const { value } of changedLeaves(abort)) {
    const failed = (await verifyWith([value as unknown as typeof abort])).checks.filter((c) => c.status === 'failed')
    expect(failed.map(({ id }) => id)).toEqual(['attempts'])
  }
})

describe('a whole record forged under fresh keys', () => {
  test('verifies to well-formed at most, and fails where the auditor knows the keys', async () => {
    const forged = await runJob({ label: 'forged' })
    expect((await verify(forged.record)).verdict).toBe('well-formed')
    const report = await verify(forged.record, { trust })
    expect(report.verdict).toBe('well-formed')
    const failed = report.checks.filter(({ status }) => status === 'failed')
    expect(failed.map(({ id, role }) => [id, role])).toEqual([
      ['signers', 'receiver'],
      ['signers', 'sender'],
    ])
  })

  test('with one real and one forged party, fails for the forged one', async () => {
    const forged = await runJob({ label: 'forged' })
    const [receiver] = trustOf('forged')
    const report = await verify(forged.record, { trust: [receiver!, trust[1]!] })
    const failed = report.checks.filter(({ status }) => status === 'failed')
    expect(failed.map(({ id, role }) => [id, role])).toEqual([['signers', 'sender']])
  })

  test('under the right keys and another name, fails', async () => {
    const renamed = trust.map((anchor) => ({ ...anchor, name: `${anchor.name} Holding` }))
    expect((await verify(record, { trust: renamed })).verdict).toBe('well-formed')
  })
})

test('a swapped commitment of another run fails although it is signed', async () => {
  const other = await runJob({ audited: 'sender' })
  const [receiver, sender] = record.session.commitments
  const foreign = other.record.session.commitments[0]!
  for (const commitments of [
    [foreign, sender!],
    [
      { ...sender!, role: 'receiver' },
      { ...receiver!, role: 'sender' },
    ],
  ]) {
    const sealed = await sealRecord({ ...record.session, commitments }, record.anchors, job.signer)
    const report = await verify(sealed, { trust })
    const failed = report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id)
    expect(failed).toContain('commitment')
    expect(report.verdict).toBe('well-formed')
  }
})

test('a record sealed by the other party in the name of this one fails', async () => {
  const sealed = await sealRecord(record.session, record.anchors, signerOf(keyOf('sender')))
  const report = await verify(sealed, { trust })
  expect(report.checks.find(({ id }) => id === 'seal')).toMatchObject({ status: 'failed', detail: 'changed: seal' })
})
