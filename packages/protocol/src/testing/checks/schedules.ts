/** The order in which concurrent branches and parties happen to move changes no frame, no output and no coin. */
import { run } from '../case.ts'
import { notebook, type Check } from '../finding.ts'
import { idealProblems } from './ideal.ts'

export const checkSchedules: Check = (subject) => {
  const { find, count, report } = notebook('schedules')
  const { protocol, case: test, schedules, seed } = subject
  const ideal = protocol.ideal(protocol.parameters(test.parameters), test.inputs)
  const clean = run(subject)
  for (let i = 0; i < schedules; i++) {
    const plan = { schedule: `${seed}/schedule/${i}` }
    const result = run(subject, { plan })
    count('schedules')
    for (const problem of idealProblems(subject, ideal, result)) find(problem, plan)
    if (result.transcript !== clean.transcript) find('the schedule changed the frames', plan)
    for (const role of protocol.roles as readonly string[]) {
      if (result.coins[role] !== clean.coins[role]) find(`the schedule changed the coins that ${role} draws`, plan)
    }
  }
  return report()
}
