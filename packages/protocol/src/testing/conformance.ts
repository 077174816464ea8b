/**
 * The conformance kit: one call registers every check of every case with vitest. A protocol that passes states its
 * cost exactly, survives a crash anywhere, and never releases a wrong output because of what a peer sent.
 */
import { describe, expect, it } from 'vitest'
import type { Protocol } from '../protocol.ts'
import { subjectOf, whole, type Case, type Options, type Subject } from './case.ts'
import { checkCost } from './checks/cost.ts'
import { checkCrashes } from './checks/crashes.ts'
import { checkIdeal } from './checks/ideal.ts'
import { checkMutations, preventedCount } from './checks/mutations.ts'
import { checkObserver } from './checks/observer.ts'
import { checkOpenings } from './checks/openings.ts'
import { checkSchedules } from './checks/schedules.ts'
import { renderFinding, type Check, type Finding, type Report } from './finding.ts'

declare const console: { log(text: string): void }

export const checks = {
  ideal: checkIdeal,
  cost: checkCost,
  schedules: checkSchedules,
  crashes: checkCrashes,
  mutations: checkMutations,
  observer: checkObserver,
  openings: checkOpenings,
} as const satisfies Record<string, Check>

const timeout = whole ? 3_600_000 : 120_000

const total = (reports: readonly Report[]): Record<string, number> => {
  const sum: Record<string, number> = {}
  for (const { counts } of reports) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
  }
  return sum
}

/** What shows over all cases only: checks that could not have failed. */
export const checkCoverage = (
  subjects: readonly Subject[],
  mutations: readonly Report[],
  verifiable = false,
): readonly Finding[] => {
  const findings: Finding[] = []
  const find = (message: string): void => void findings.push({ check: 'coverage', message })
  if (!subjects.some((subject) => subject.case.alternative !== undefined)) {
    find('no case gives alternative inputs: whether frames depend on secrets was not looked at')
  }
  const sum = total(mutations)
  const prevented = sum[preventedCount] ?? 0
  if (verifiable && prevented > 0) {
    find(`${prevented} mutations give a wrong output without the close, though every frame is said to be checked`)
  }
  if (!verifiable && prevented === 0) {
    find(`no mutation of ${sum['mutations'] ?? 0} gives a wrong output without the close: the mutations change nothing`)
  }
  return findings
}

/** Registers the checks of all cases; failures print the seed and the plan that reproduce them. */
export const conformance = <R extends string, P, In extends Record<R, unknown>, Out extends Record<R, unknown>>(
  protocol: Protocol<R, any, P, In, Out>,
  cases: readonly Case<P, In>[],
  options: Options = {},
): void => {
  const subjects = cases.map((test) => subjectOf(protocol, test, options))
  const reports = new Map<string, Report>()
  const reportOf = (subject: Subject, name: keyof typeof checks): Report => {
    const key = `${name}/${subject.case.name}`
    const report = reports.get(key) ?? checks[name](subject)
    reports.set(key, report)
    return report
  }
  const shown = (subject: Subject, findings: readonly Finding[]): string[] => {
    const all = findings.map((finding) => renderFinding(subject, finding))
    return all.length <= 5 ? all : [...all.slice(0, 5), `and ${all.length - 5} more`]
  }
  describe(`${protocol.id} conforms`, () => {
    for (const subject of subjects) {
      for (const name of Object.keys(checks) as (keyof typeof checks)[]) {
        it(`${subject.case.name}: ${name}`, { timeout }, () => {
          expect(shown(subject, reportOf(subject, name).findings)).toEqual([])
        })
      }
    }
    it('could have failed', { timeout }, () => {
      const mutations = subjects.map((subject) => reportOf(subject, 'mutations'))
      expect(shown(subjects[0]!, checkCoverage(subjects, mutations, options.verifiable))).toEqual([])
      const counts = Object.entries(total([...reports.values()])).map(([name, count]) => `${count} ${name}`)
      console.log(`${protocol.id}: ${counts.join(', ')}`)
    })
  })
}
