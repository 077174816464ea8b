/** Checks and the verdict that follows from them. */

export const levels = ['well-formed', 'recorded', 'consistent', 'replayed'] as const
/**
 * What a set of checks establishes:
 *   well-formed  the record fits itself; anyone could have made it, with keys of its own
 *   recorded     who claimed what, and when they claimed it
 *   consistent   signatures, states, both ends of every link and all hashes fit
 *   replayed     a party's evidence re-executes to the frames and the result that it signed
 */
export type Level = (typeof levels)[number]
export type Verdict = Level | 'not well-formed'
export type Status = 'passed' | 'failed' | 'not checked'

export interface Check {
  /** Stable name, for scripts. */
  readonly id: string
  readonly level: Level
  /** What was looked at, as a person would say it. */
  readonly what: string
  readonly status: Status
  readonly detail: string
  /** The party that the check is about. */
  readonly role?: string
  /** The step of the protocol where it failed. */
  readonly step?: string
  /** Whether its level needs it: what is optional may stay unchecked, though it must not fail. */
  readonly optional?: boolean
}

export interface Finding {
  readonly status: Status
  readonly detail: string
  readonly step?: string
}

export const passed = (detail: string): Finding => ({ status: 'passed', detail })
export const failed = (detail: string, step?: string): Finding => ({
  status: 'failed',
  detail,
  ...(step === undefined ? {} : { step }),
})
export const notChecked = (detail: string): Finding => ({ status: 'not checked', detail })
/** @param good what to say if it holds, @param bad if it does not */
export const holds = (condition: boolean, good: string, bad: string): Finding =>
  condition ? passed(good) : failed(bad)

export interface Subject {
  readonly id: string
  readonly level: Level
  readonly what: string
  readonly role?: string
  readonly optional?: boolean
}

/** @param find throws for what cannot be read, which is a failure of the check */
export const check = (subject: Subject, find: () => Finding): Check => {
  try {
    return { ...subject, ...find() }
  } catch (error) {
    return { ...subject, ...failed(error instanceof Error ? error.message : String(error)) }
  }
}

/** The highest level whose checks all passed, and those of every level below it. */
export const verdictOf = (checks: readonly Check[]): Verdict => {
  let verdict: Verdict = 'not well-formed'
  for (const level of levels) {
    const own = checks.filter((one) => one.level === level)
    const stands = own.every(
      ({ status, optional }) => status === 'passed' || (optional === true && status !== 'failed'),
    )
    if (own.length === 0 || !stands) return verdict
    verdict = level
  }
  return verdict
}
