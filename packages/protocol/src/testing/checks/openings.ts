/** What opens something waits for the checkpoint. */
import { run } from '../case.ts'
import { notebook, type Check } from '../finding.ts'

export const checkOpenings: Check = (subject) => {
  const { find, count, report } = notebook('openings')
  const messages: Record<string, { readonly opening: boolean }> = subject.protocol.messages
  const opens = Object.values(messages).some(({ opening }) => opening)
  if (!opens) {
    if (subject.opens) find('no message is marked as opening, though the parties learn something')
    return report()
  }
  const { trace, checkpoints } = run(subject)
  if (checkpoints.length !== 1) {
    find(`expected one checkpoint of all roles before the opening messages, found ${checkpoints.length}`)
  }
  const early = trace.findIndex(({ opening }, i) => opening && i < (checkpoints[0] ?? trace.length))
  if (early >= 0) find(`opening frame ${early} (${trace[early]!.step}) left before the checkpoint`)
  count('opening frames', trace.filter(({ opening }) => opening).length)
  return report()
}
