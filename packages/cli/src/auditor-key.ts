/** The auditor's key file, in the form of the age tool: comments, and one identity a line. */
import { stat } from 'node:fs/promises'
import { TallyError } from '@tallystick/core'
import { readText } from './files.ts'

/** @returns AGE-SECRET-KEY-… @throws TallyError identity/malformed for another file, or one that others may read */
export const readAuditorKey = async (path: string): Promise<string> => {
  const text = await readText(path, "the auditor's key", 'identity/not-found')
  const key = text.split(/\r?\n/).find((line) => line.startsWith('AGE-SECRET-KEY-'))
  if (key !== undefined) {
    const { mode } = await stat(path)
    if (process.platform === 'win32' || (mode & 0o077) === 0) return key.trim()
    const found = (mode & 0o777).toString(8)
    throw new TallyError(
      'identity/malformed',
      'self',
      `expected mode 600 for ${path}, found ${found}: others may read it`,
      {
        remedy: `run: chmod 600 '${path}'; if others had access, make a new key`,
      },
    )
  }
  throw new TallyError('identity/malformed', 'self', `${path}: expected a line AGE-SECRET-KEY-…, found none`, {
    remedy: 'give the auditor.key that "tally auditor init" wrote',
  })
}
