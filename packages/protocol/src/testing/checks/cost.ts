/** Declared = measured (or a bound, where opened values decide): rounds, bytes, private coins of each role, correlations. */
import { run } from '../case.ts'
import { notebook, type Check } from '../finding.ts'

export const checkCost: Check = (subject) => {
  const { find, count, report } = notebook('cost')
  const { protocol, case: test } = subject
  const declared = protocol.cost(protocol.parameters(test.parameters))
  for (const inputs of [test.inputs, test.alternative]) {
    if (inputs === undefined) continue
    const measured = run(subject, { inputs })
    const compare = (what: string, expected: number, found: number): void => {
      if (expected !== found) find(`cost() declares ${expected} ${what}, measured ${found}`)
    }
    const atMost = (what: string, bound: number, found: number): void => {
      if (found > bound) find(`cost() declares at most ${bound} ${what}, measured ${found}`)
    }
    if (declared.expected === undefined) {
      compare('rounds', declared.rounds, measured.rounds)
      compare('bytes', declared.bytes, measured.bytes)
    } else {
      atMost('rounds', declared.rounds, measured.rounds)
      atMost('bytes', declared.bytes, measured.bytes)
    }
    for (const role of protocol.roles as readonly string[]) {
      compare(`bytes of coins of ${role}`, declared.coins[role] ?? 0, measured.coins[role]!)
    }
    for (const name of Object.keys({ ...declared.correlations, ...measured.correlations })) {
      compare(`units of ${name}`, declared.correlations[name] ?? 0, measured.correlations[name] ?? 0)
    }
    count('frames', measured.trace.length)
    count('bytes', measured.bytes)
  }
  return report()
}
