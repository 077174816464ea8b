/** What an audit found, for a person and for a program. */
import type { Hex, Json } from '@tallystick/core'
import type { Check, Verdict } from './checks.ts'
import { printable } from './text.ts'
import type { Subjects } from './verify-session.ts'

export interface AuditReport {
  readonly verdict: Verdict
  /** Some check failed, of whatever level. */
  readonly failed: boolean
  readonly checks: readonly Check[]
  /** What nobody should read into the verdict. */
  readonly notProven: readonly string[]
  readonly specHash?: Hex
  readonly attempt?: number
  /** The party whose evidence was replayed. */
  readonly replayed?: string
}

interface Found {
  readonly checks: readonly Check[]
  readonly verdict: Verdict
  readonly subjects?: Subjects
  /** Role whose evidence was replayed. */
  readonly replayed?: string
}

const always = [
  'that the committed data were true of the world, or complete',
  'anything against parties who all collude: together they can sign whatever they like',
]

/** Statements of single parties that cannot stand beside what the record shows. */
const doubts = ({ subjects, checks }: Found): string[] => {
  if (subjects === undefined) return []
  const { session, nameOf } = subjects
  const lost =
    session.outcome === 'completed' ? session.aborts.filter(({ attempt }) => attempt === session.attempt) : []
  return [
    ...checks
      .filter(
        ({ id, status, detail }) => id === 'times' && status === 'not checked' && detail.startsWith('cannot be so'),
      )
      .map(({ role = '' }) => `the times that ${nameOf(role)} claims: they cannot be so`),
    ...lost.map(({ role }) => `that ${nameOf(role)} stands by the end: it signed an abort of this attempt as well`),
    ...checks
      .filter(({ status, detail }) => status === 'not checked' && detail.startsWith('against '))
      .map(saysAgainst),
  ]
}
const saysAgainst = ({ detail }: Check): string => `which of two statements is true, ${detail}`

const notProven = (found: Found): string[] => {
  const { verdict, subjects, replayed, checks } = found
  if (verdict === 'not well-formed') return ['anything: this is no record as Tallystick makes them']
  const gaps: string[] = []
  if (verdict === 'well-formed') gaps.push('who made it: anybody can make a record like this with keys of their own')
  if (verdict === 'well-formed' || verdict === 'recorded') {
    gaps.push('that the statements of the parties fit together')
  }
  if (subjects === undefined) return [...gaps, ...always]
  const { roles, nameOf, session } = subjects
  const others = roles.filter((role) => verdict !== 'replayed' || role !== replayed)
  gaps.push(
    `that ${others.map(nameOf).join(' and ')} ran the agreed program on what ${others.length > 1 ? 'they' : 'it'} ` +
      'committed to: only a replay of its evidence shows that',
  )
  const onChain = checks.some(({ id, status }) => id === 'chain-times' && status === 'passed')
  const late = checks.some(({ id, detail }) => id === 'chain-order' && detail.startsWith('order: by signatures only'))
  gaps.push(
    onChain
      ? `when it happened, more closely than: the signers' own claims, and before the times of the blocks`
      : "when it happened: all times are the signers' own claims",
  )
  gaps.push(
    onChain && !late
      ? `the order of events by anything but the signatures over each other, and the time that ${nameOf(session.role)} recorded for the end`
      : 'the order of events by anything but the signatures over each other',
  )
  gaps.push(...doubts(found))
  if (session.attempt > 0) {
    gaps.push(`that the joint coin is unbiased: attempts given up before (${session.attempt}) let a party draw again`)
  }
  const unsigned = roles.filter((role) => !session.close?.signatures.some((item) => item.role === role))
  if (unsigned.length > 0)
    gaps.push(`that ${unsigned.map(nameOf).join(' and ')} accepted the end: the signature is missing`)
  gaps.push('that nobody but the auditor of the terms saw the evidence: the limit binds honest software only')
  return [...gaps, ...always]
}

/** A check says what stands in files of others: nothing of it reaches a screen, or a program, but plain lines of text. */
const plain = (one: Check): Check => ({
  ...one,
  what: printable(one.what),
  detail: printable(one.detail),
  ...(one.role === undefined ? {} : { role: printable(one.role) }),
  ...(one.step === undefined ? {} : { step: printable(one.step) }),
})

export const reportOf = (found: Found): AuditReport => {
  const { verdict, subjects, replayed } = found
  const checks = found.checks.map(plain)
  return {
    verdict,
    failed: checks.some(({ status }) => status === 'failed'),
    checks,
    notProven: notProven({ ...found, checks }).map((gap) => printable(gap)),
    ...(subjects === undefined ? {} : { specHash: subjects.run.specHash, attempt: subjects.run.attempt }),
    ...(replayed === undefined ? {} : { replayed: printable(replayed) }),
  }
}

const meanings: Readonly<Record<Verdict, string>> = {
  'not well-formed': 'not a record that can be read',
  'well-formed': 'it fits itself; who made it is not known',
  recorded: 'who claimed what, and when they claimed it',
  consistent: 'signatures, both ends of every link and all hashes fit',
  replayed: 'the evidence re-executes to what was signed',
}

const marks = { passed: 'passed     ', failed: 'FAILED     ', 'not checked': 'not checked' } as const

/** Plain text, one line a check. */
export const renderReport = (report: AuditReport): string => {
  const line = ({ status, id, what, role, step, detail }: Check): string => {
    const where = [role, step].filter((part) => part !== undefined).join(', ')
    return `  ${marks[status]}  ${id}${where === '' ? '' : ` (${where})`}: ${what}: ${detail}`
  }
  return [
    `verdict: ${report.verdict} (${meanings[report.verdict]})${report.failed ? ', with checks that FAILED' : ''}`,
    ...report.checks.map(line),
    'not proven:',
    ...report.notProven.map((gap) => `  - ${gap}`),
    '',
  ].join('\n')
}

export const reportJson = (report: AuditReport): Json => JSON.parse(JSON.stringify(report)) as Json
