/** `tally auditor init`. */
import { join } from 'node:path'
import { access } from 'node:fs/promises'
import { createAuditorKey } from '@tallystick/attestation'
import { TallyError } from '@tallystick/core'
import { loadPublicIdentity } from '@tallystick/session/node'
import { auditorFormat, type Auditor } from '../declaration.ts'
import { writeFileWhole, writeJson } from '../files.ts'
import type { Output } from '../output.ts'

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

export const init = async (
  output: Output,
  options: { readonly home: string; readonly name: string },
): Promise<void> => {
  const keyFile = join(options.home, 'auditor.key')
  const publicFile = join(options.home, 'auditor.json')
  if (await exists(keyFile)) {
    throw new TallyError('identity/exists', 'self', `${keyFile}: there is a key already`, {
      remedy: 'use it, or name another --home; evidence sealed to a lost key can be opened by nobody',
    })
  }
  const { identity, recipient } = await createAuditorKey()
  // The form of the age tool: `age --decrypt --identity auditor.key evidence.age` opens evidence as well.
  await writeFileWhole(keyFile, `# public key: ${recipient}\n${identity}\n`, true)
  // The home of a party: its terms must say that this auditor is a party.
  const own = join(options.home, 'identity.json')
  const party = (await exists(own)) ? { party: loadPublicIdentity(own).party } : {}
  await writeJson(publicFile, { format: auditorFormat, name: options.name, recipient, ...party } satisfies Auditor)
  output.report(
    { event: 'auditor', name: options.name, recipient, ...party, key: keyFile, file: publicFile },
    `${publicFile}: send it to the parties.\n${keyFile}: keep it; it opens what they seal to you.`,
  )
}
