/** `tally erase`: what the terms say about retention is done here, and nowhere else. */
import { renderError, type TallyError } from '@tallystick/core'
import { openHome } from '../home.ts'
import { asTallyError, type Output } from '../output.ts'
import { dueJobs } from '../retention.ts'

interface EraseOptions {
  readonly home: string
  readonly dryRun?: true
}

export const erase = async (output: Output, options: EraseOptions): Promise<void> => {
  const { due, unreadable } = dueJobs(await openHome(options.home), Date.now())
  const failures: TallyError[] = [...unreadable]
  for (const { specHash, purpose, retention, folder, erase: eraseJob } of due) {
    try {
      if (options.dryRun !== true) await eraseJob()
    } catch (error) {
      failures.push(asTallyError(error))
      continue
    }
    const did = options.dryRun === true ? 'Would erase' : 'Erased'
    output.report(
      { event: options.dryRun === true ? 'would-erase' : 'erased', specHash, folder },
      `${did} journals and evidence of "${purpose}", to be kept until ${retention}: ${folder}`,
    )
  }
  if (due.length === 0) output.report({ event: 'nothing-due' }, 'No job is past its retention date.')
  const [first, ...others] = failures
  for (const error of others) output.note(renderError(error))
  if (first !== undefined) throw first
}
