/** The auditor's key file, in the form of the age tool: comments, and one identity a line. */
import { TallyError } from '@tallystick/core'
import { readText } from './files.ts'

/** @returns AGE-SECRET-KEY-… */
export const readAuditorKey = async (path: string): Promise<string> => {
  const text = await readText(path, "the auditor's key", 'identity/not-found')
  const key = text.split(/\r?\n/).find((line) => line.startsWith('AGE-SECRET-KEY-'))
  if (key !== undefined) return key.trim()
  throw new TallyError('identity/malformed', 'self', `${path}: expected a line AGE-SECRET-KEY-…, found none`, {
    remedy: 'give the auditor.key that "tally auditor init" wrote',
  })
}
