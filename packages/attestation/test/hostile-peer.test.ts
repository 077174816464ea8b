/**
 * What a peer can sign, claim or write must not make the record of an honest party worse, nor harm who reads it: each
 * record here is what the honest party holds after its peer misbehaved, sealed by the honest party.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { toHex, utf8ToBytes } from '@tallystick/core'
import { auditorAddress, reasonOf, signEvent } from '@tallystick/session'
import { disclosureOf, parseRecord, sealRecord, type AttestedRecord } from '../src/record.ts'
import { renderReport, reportJson, type AuditReport } from '../src/report.ts'
import { printable } from '../src/text.ts'
import { parseTrust } from '../src/trust.ts'
import { verify } from '../src/verify.ts'
import { keyOf, runJob, trustOf, type Job, type Role } from './job.ts'

vi.mock('@tallystick/session', async (original) =>
  (await import('./remember-signatures.ts')).rememberingSignatures(original),
)

type Session = AttestedRecord['session']
const trust = trustOf()
let job: Job
let session: Session
beforeAll(async () => {
  job = await runJob()
  session = job.record.session
})

const verifyWith = async (changes: Partial<Session>): Promise<AuditReport> =>
  verify(await sealRecord({ ...session, ...changes }, null, job.signer), { trust })
const failing = (report: AuditReport): readonly string[] =>
  report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id)
const standing = (report: AuditReport): readonly unknown[] => [report.verdict, failing(report)]
const stands = ['consistent', []]

describe('disclosures', () => {
  const consent = (by: Role, of: Role) => {
    const event = { specHash: session.specHash, attempt: 0, party: of === 'receiver' ? 0 : 1 }
    const auditor = auditorAddress(session.terms.auditor.recipient)
    const signature = signEvent(keyOf(by), session.terms.domain, { kind: 'Disclosure', ...event, auditor })
    return { role: by, of, signature, at: session.disclosures[0]!.at }
  }

  test('a role that one party alone consents to does not count against the limit, and is told', async () => {
    const report = await verifyWith({ disclosures: [...session.disclosures, consent('sender', 'sender')] })
    expect(standing(report)).toEqual(stands)
    expect(report.checks.find(({ id }) => id === 'disclosures')?.detail).toContain('of Valley Bank only by Valley Bank')
  })

  test('two roles that all consent to are over a limit of one', async () => {
    const disclosures = [...session.disclosures, consent('sender', 'sender'), consent('receiver', 'sender')]
    expect(failing(await verifyWith({ disclosures }))).toEqual(['disclosures'])
  })

  test('what is no signature stays out of the evidence', () => {
    const noise = { ...consent('sender', 'receiver'), signature: toHex(new Uint8Array(65).fill(0x11)) }
    const whole = disclosureOf(session, 'receiver')
    expect(disclosureOf({ ...session, disclosures: [...session.disclosures, noise] }, 'receiver')).toEqual(whole)
    expect(Object.keys(whole.signatures)).toEqual(['receiver', 'sender'])
  })
})

const abortWith = (code: string): Session['aborts'][number] => {
  const event = { specHash: session.specHash, attempt: 0, party: 1, reason: reasonOf(session.terms, code) }
  return {
    role: 'sender',
    attempt: 0,
    code,
    signature: signEvent(keyOf('sender'), session.terms.domain, { kind: 'Abort', ...event }),
  }
}

test('an abort with a code of any length leaves the record readable, and says what its signer did', async () => {
  const report = await verifyWith({ aborts: [abortWith(`a/${'b'.repeat(5000)}`)] })
  expect(standing(report)).toEqual(stands)
  expect(report.notProven.join('\n')).toContain('that Valley Bank stands by the end: it signed an abort')
})

test.each([
  ['old', '2020-01-01T00:00:00Z'],
  ['far ahead', '2199-01-01T00:00:00Z'],
])('times that are %s fail nothing, as nobody signs them, and are told', async (_, at) => {
  for (const list of ['agreements', 'commitments', 'checkpoint', 'views', 'disclosures'] as const) {
    const changed = session[list].map((item) => (item.role === 'sender' ? { ...item, at } : item))
    const report = await verifyWith({ [list]: changed })
    expect(standing(report)).toEqual(stands)
  }
  const [first, ...others] = session.views
  const report = await verifyWith({ views: [first!, ...others.map((item) => ({ ...item, at }))] })
  expect(report.notProven).toContain('the times that Valley Bank claims: they cannot be so')
  expect(report.checks.find(({ id, role }) => id === 'times' && role === 'sender')?.status).toBe('not checked')
})

test.each([1000, 2e8, 2 ** 32 - 1, 2 ** 32, 2 ** 53])('attempt %d is no attempt: told at once', async (attempt) => {
  const began = performance.now()
  const report = await verifyWith({ attempt })
  expect([report.verdict, ...failing(report)]).toEqual(['not well-formed', 'form'])
  const aborted = await verifyWith({ aborts: [{ ...abortWith('peer/gone'), attempt }] })
  expect(aborted.verdict).toBe('not well-formed')
  expect(performance.now() - began).toBeLessThan(2000)
})

describe('text of others on a screen', () => {
  const clear = '\u001b[2J\u001b[H'
  const nasty = `${clear}\nverdict: replayed\r\u009b31m\u202e\u2066\u200b\u2028\u2029\u0000`
  // Whatever moves the cursor, hides, turns or breaks a line.
  const dangerous = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

  const lines = async (record: AttestedRecord): Promise<void> => {
    const report = await verify(record, { trust })
    expect(report.failed).toBe(true)
    for (const line of renderReport(report).split('\n')) expect(line).not.toMatch(dangerous)
    JSON.stringify(reportJson(report), (_, value: unknown) => {
      if (typeof value === 'string') expect(value).not.toMatch(dangerous)
      return value
    })
  }

  test('names of sections, of members, and terms that are none', async () => {
    const { record } = job
    const sections = { ...record.seal.sections, [nasty]: toHex(new Uint8Array(32)) }
    await lines({ ...record, seal: { ...record.seal, sections } })
    await lines({ ...record, [nasty]: 1 } as unknown as AttestedRecord)
    const terms = { ...session.terms, [nasty]: 1, purpose: nasty } as unknown as Session['terms']
    await lines(await sealRecord({ ...session, terms }, null, job.signer))
    const named = { ...session.terms, auditor: { ...session.terms.auditor, reveals: { [nasty]: nasty } } }
    await lines(await sealRecord({ ...session, terms: named }, null, job.signer))
  })

  test('and in errors that name them', () => {
    const bytes = utf8ToBytes(JSON.stringify({ [nasty]: 1 }))
    for (const read of [
      () => parseRecord(bytes),
      () => parseTrust(JSON.stringify([{ ...trust[0], name: `x${nasty}`.slice(0, 90), tls: trust[1]!.tls }])),
      () => parseTrust(JSON.stringify([{ ...trust[0], [nasty]: 1 }])),
    ]) {
      let message = ''
      try {
        read()
      } catch (error) {
        ;({ message } = error as Error)
      }
      expect(message).not.toBe('')
      expect(message).not.toMatch(dangerous)
    }
  })

  test('thousands of sections make a line of bounded length', async () => {
    const { record } = job
    const sections = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`s${i}`, record.session.specHash]))
    const report = await verify({ ...record, seal: { ...record.seal, sections } }, { trust })
    expect(report.failed).toBe(true)
    expect(
      Math.max(
        ...renderReport(report)
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThan(1200)
  })

  test('what can be seen stays as it is', () => {
    const text = 'Zürcher Kantonalbank, 北京银行, "a>b" – 100 %'
    expect(printable(text)).toBe(text)
    expect(printable('abcdef', 4)).toBe('abcd… (2 more characters)')
  })
})
