import { TallyError } from '@tallystick/core'
import type { Subject } from './case.ts'
import type { FaultPlan } from './faults.ts'

export type CheckName = 'ideal' | 'cost' | 'schedules' | 'crashes' | 'mutations' | 'observer' | 'openings' | 'coverage'

/** Something that a protocol does and must not. */
export interface Finding {
  readonly check: CheckName
  readonly message: string
  /** What to hand to `runPlan` to see it again. */
  readonly plan?: FaultPlan
}

export interface Report {
  readonly findings: readonly Finding[]
  /** How much was tried and how it ended, by name. */
  readonly counts: Readonly<Record<string, number>>
}

export type Check = (subject: Subject) => Report

/** Collects the findings of one check. */
export const notebook = (check: CheckName) => {
  const findings: Finding[] = []
  const counts: Record<string, number> = {}
  return {
    find: (message: string, plan?: FaultPlan): void => {
      findings.push(plan === undefined ? { check, message } : { check, message, plan })
    },
    count: (name: string, by = 1): void => {
      counts[name] = (counts[name] ?? 0) + by
    },
    report: (): Report => ({ findings, counts }),
  }
}

export const describeError = (error: unknown): string =>
  error instanceof TallyError ? `${error.code} (${error.message})` : `an untyped exception: ${String(error)}`

/** One finding for a person, with what reproduces it. */
export const renderFinding = (subject: Subject, { check, message, plan }: Finding): string => {
  const where = `${subject.protocol.id}, case "${subject.case.name}", ${check}: ${message}`
  return plan === undefined
    ? where
    : `${where}\n  seed ${subject.seed}, runPlan(protocol, case, ${JSON.stringify(plan)})`
}
