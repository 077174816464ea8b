/**
 * A party that dies at any effect leaves its peers with an output or a typed error, and all parties come back from
 * their journals to byte-identical frames and the ideal outputs, also from journals without the computations.
 */
import { equalBytes, TallyError } from '@tallystick/core'
import type { SimulatedJournal } from '../../simulate.ts'
import { expectedOf, run, sameValue, type Observation } from '../case.ts'
import { dice, sampleOf } from '../faults.ts'
import { describeError, notebook, type Check } from '../finding.ts'
import { idealProblems } from './ideal.ts'

type Journals = Record<string, SimulatedJournal>

const copyJournals = (journals: Journals, keep: (key: string) => boolean): Journals =>
  Object.fromEntries(
    Object.entries(journals).map(([role, journal]) => [role, new Map([...journal].filter(([key]) => keep(key)))]),
  )

/** The first frame of a run that the clean run did not send, or not so. */
const strangeFrame = (clean: Observation, other: Observation): string | undefined => {
  for (const [key, body] of other.bodies) {
    const expected = clean.bodies.get(key)
    if (expected === undefined || !equalBytes(expected, body)) return key
  }
  return undefined
}

export const checkCrashes: Check = (subject) => {
  const { find, count, report } = notebook('crashes')
  const { protocol, seed } = subject
  const roles = protocol.roles as readonly string[]
  const clean = run(subject)
  const expected = expectedOf(subject, clean)
  const points = roles.flatMap((role) => Array.from({ length: clean.effects[role]! }, (_, at) => ({ role, at })))
  // Of a sample: the first and the last effect of every role.
  const groupsOf = ({ role, at }: (typeof points)[number]): readonly string[] =>
    at === 0 || at === clean.effects[role]! - 1 ? [`${role} ${at}`] : []
  for (const crash of sampleOf(points, subject.sample / 2, groupsOf, dice(`${seed}/crashes/sample`))) {
    const plan = { crash, schedule: `${seed}/crash/${crash.role}/${crash.at}`, close: false }
    const journals: Journals = Object.fromEntries(roles.map((role) => [role, new Map()]))
    const broken = run(subject, { plan, journals })
    count('crashes')
    for (const role of roles) {
      if (role === crash.role) continue
      const error = broken.errors[role]
      if (role in broken.outputs) {
        count('survivors with an output')
        if (!sameValue(broken.outputs[role], expected[role])) find(`survivor ${role} has a wrong output`, plan)
      } else {
        count('survivors with a typed error')
        if (!(error instanceof TallyError)) find(`survivor ${role} ended with ${describeError(error)}`, plan)
      }
    }
    const strange = strangeFrame(clean, broken)
    if (strange !== undefined) find(`before the crash ${strange} was sent otherwise than in the clean run`, plan)
    for (const keep of ['all', 'no computations'] as const) {
      const kept = copyJournals(journals, (key) => keep === 'all' || !key.startsWith('compute:'))
      const resumed = run(subject, { plan: { schedule: `${plan.schedule}/${keep}` }, journals: kept })
      count('resumes')
      for (const problem of idealProblems(subject, expected, resumed)) find(`resumed (${keep}): ${problem}`, plan)
      if (resumed.transcript !== clean.transcript) {
        const frame = strangeFrame(clean, resumed) ?? 'a frame less'
        find(`resumed (${keep}): the frames differ from the clean run's, first ${frame}`, plan)
      }
    }
  }
  return report()
}
