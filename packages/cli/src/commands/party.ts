/** `tally party init | show`. */
import { join } from 'node:path'
import { createIdentity, loadPublicIdentity, saveIdentity, type PublicIdentity } from '@tallystick/session/node'
import { passphrase } from '../home.ts'
import type { Output } from '../output.ts'

const describe = ({ name, party, signer, tls }: PublicIdentity): string =>
  [name, `  party     ${party}`, `  signs as  ${signer}`, `  TLS key   ${tls}`].join('\n')

const fields = ({ name, party, signer, tls }: PublicIdentity) => ({ name, party, signer, tls })

export const init = async (
  output: Output,
  options: { readonly home: string; readonly name: string },
): Promise<void> => {
  const identity = await createIdentity(options.name)
  saveIdentity(options.home, identity, passphrase())
  const file = join(options.home, 'identity.json')
  const kept = passphrase() === undefined ? 'not encrypted; set TALLY_PASSPHRASE to change that' : 'encrypted'
  output.report(
    { event: 'party', file, ...fields(identity) },
    `${describe(identity)}\n\n${file}: send it to partners and auditors.\n` +
      `${join(options.home, 'secret.json')}: keep it (${kept}); its keys cannot be made again.`,
  )
}

export const show = async (
  output: Output,
  options: { readonly home: string },
  path = join(options.home, 'identity.json'),
): Promise<void> => {
  const identity = loadPublicIdentity(path)
  output.report(
    { event: 'party', file: path, ...fields(identity) },
    `${describe(identity)}\n\nThe file fits together. That it is theirs, a call to a known number tells: compare "party".`,
  )
}
