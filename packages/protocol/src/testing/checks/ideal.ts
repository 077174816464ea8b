/** Real = ideal: honest parties get what a trusted third party would give them; and the run is a function. */
import { canonicalBytes, parseCanonical } from '@tallystick/core'
import { run, sameValue, type Observation, type Subject } from '../case.ts'
import { describeError, notebook, type Check } from '../finding.ts'

/** What is wrong with the outputs of a run that has to succeed. */
export const idealProblems = (
  { protocol }: Subject,
  ideal: any,
  { outputs, errors }: Observation,
  equal: (output: unknown, ideal: unknown, role: string) => boolean = sameValue,
): string[] =>
  (protocol.roles as readonly string[]).flatMap((role) => {
    if (role in errors) return [`${role} ended with ${describeError(errors[role])}`]
    if (!(role in outputs)) return [`${role} has no output`]
    return equal(outputs[role], ideal[role], role) ? [] : [`the output of ${role} is not the ideal one`]
  })

export const checkIdeal: Check = (subject) => {
  const { find, report } = notebook('ideal')
  const { protocol, case: test } = subject
  const parameters = protocol.parameters(test.parameters)
  const signed = protocol.parameters(parseCanonical(canonicalBytes(parameters)))
  if (!sameValue(signed, parameters))
    find('the parameters do not survive canonical JSON: what is signed is not what runs')
  for (const inputs of [test.inputs, test.alternative]) {
    if (inputs === undefined) continue
    const first = run(subject, { inputs })
    for (const problem of idealProblems(subject, protocol.ideal(parameters, inputs), first, test.equal)) find(problem)
    if (run(subject, { inputs }).transcript !== first.transcript) {
      find('two runs on the same inputs and coins send different frames: something outside of them has a say')
    }
  }
  return report()
}
