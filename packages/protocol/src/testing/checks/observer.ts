/** Sizes, order and addressees of all frames depend on public parameters only. */
import { run, sameValue } from '../case.ts'
import { notebook, type Check } from '../finding.ts'

export const checkObserver: Check = (subject) => {
  const { find, count, report } = notebook('observer')
  const { inputs, alternative } = subject.case
  if (alternative === undefined) return report()
  if (sameValue(inputs, alternative)) find('the alternative inputs are the inputs: this check could not fail')
  const [one, other] = [inputs, alternative].map((inputs) => run(subject, { inputs }).trace)
  count('frames compared', one!.length)
  if (one!.length !== other!.length) {
    find(`the secrets decide the number of frames: ${one!.length} and ${other!.length} under the same parameters`)
  }
  for (const [i, frame] of one!.entries()) {
    if (other![i] === undefined || sameValue({ ...frame }, { ...other![i] })) continue
    find(`the secrets decide frame ${i}: ${JSON.stringify(frame)} and ${JSON.stringify(other![i])}`)
    break
  }
  return report()
}
