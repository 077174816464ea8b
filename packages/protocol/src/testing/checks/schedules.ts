/** The order in which concurrent branches and parties happen to move changes no frame, no output and no coin. */
import { expectedOf, run } from '../case.ts'
import { notebook, type Check } from '../finding.ts'
import { idealProblems } from './ideal.ts'

export const checkSchedules: Check = (subject) => {
  const { find, count, report } = notebook('schedules')
  const { protocol, schedules, seed } = subject
  const clean = run(subject)
  const expected = expectedOf(subject, clean)
  for (let i = 0; i < schedules; i++) {
    const plan = { schedule: `${seed}/schedule/${i}` }
    const result = run(subject, { plan })
    count('schedules')
    for (const problem of idealProblems(subject, expected, result)) find(problem, plan)
    if (result.transcript !== clean.transcript) find('the schedule changed the frames', plan)
    for (const role of protocol.roles as readonly string[]) {
      if (result.coins[role] !== clean.coins[role]) find(`the schedule changed the coins that ${role} draws`, plan)
    }
  }
  return report()
}
