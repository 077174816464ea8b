/** `tally terms new | show | approve`. */
import { randomBytes } from 'node:crypto'
import { canonicalJson, TallyError, toHex } from '@tallystick/core'
import { parseTerms, specHash, termsFormat, type PartyTerms, type Terms } from '@tallystick/session'
import { readChain } from '../chain.ts'
import { readAuditor, readDeclaration, type Declaration } from '../declaration.ts'
import { readJson, writeFileWhole } from '../files.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { protocolOf } from '../protocols.ts'
import { renderTerms } from '../terms-text.ts'

interface NewOptions {
  readonly receiver: string
  readonly sender: string
  readonly auditor: string
  readonly purpose: string
  readonly output: 'intersection' | 'cardinality'
  readonly to: 'receiver' | 'both'
  readonly days: string
  readonly chain?: string
  readonly out: string
}

const dayMilliseconds = 86_400_000

const partyTerms = (role: string, { identity }: Declaration): PartyTerms => ({ role, ...identity })

/** What an auditor sees in the evidence of a role: its input, and what it received. */
const reveals = (output: NewOptions['output'], learns: boolean): string => {
  if (!learns) return 'its whole list'
  return output === 'cardinality'
    ? 'its whole list and the number of common rows'
    : 'its whole list and the common rows'
}

export const readTerms = async (path: string): Promise<Terms> =>
  parseTerms(await readJson(path, 'terms', 'terms/malformed'))

export const daysOf = (text: string): number => {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 3650) return days
  throw new TallyError('api/usage', 'self', `expected a number of days from 1 to 3650 as --days, found "${text}"`)
}

/** Two rules can be meant; that nothing matches because of them is found out too late. */
const tellUnlike = (output: Output, receiver: Declaration, sender: Declaration): void => {
  const [own, other] = [receiver.data.normalisation, sender.data.normalisation]
  if (own === other) return
  output.note(
    `Attention: the receiver's ids are compared as ${own}, the sender's as ${other}. Equal ids may not match.`,
  )
}

export const create = async (output: Output, options: NewOptions): Promise<void> => {
  const [receiver, sender] = await Promise.all([readDeclaration(options.receiver), readDeclaration(options.sender)])
  const auditor = await readAuditor(options.auditor)
  if (receiver.identity.party === sender.identity.party) {
    const message = `${options.receiver} and ${options.sender} are declarations of one party: ${receiver.identity.name}`
    throw new TallyError('input/malformed', 'self', message, {
      remedy: "name the partner's declaration as one of them",
    })
  }
  tellUnlike(output, receiver, sender)
  const { protocol, code } = protocolOf('psi/ecdh')
  const { id, version, leakage } = protocol
  const expires = Date.now() + daysOf(options.days) * dayMilliseconds
  const terms = parseTerms({
    format: termsFormat,
    domain: options.chain === undefined ? toHex(randomBytes(32)) : (await readChain(options.chain)).deployment.domain,
    nonce: toHex(randomBytes(32)),
    purpose: options.purpose,
    protocol: { id, version, package: code.version, code: code.digest },
    parameters: {
      sizes: { receiver: receiver.data.rows, sender: sender.data.rows },
      output: options.output,
      to: options.to,
      chunkRows: 4096,
    },
    parties: [partyTerms('receiver', receiver), partyTerms('sender', sender)],
    receivers: options.to === 'both' ? ['receiver', 'sender'] : ['receiver'],
    data: { receiver: receiver.data, sender: sender.data },
    leakage,
    auditor: {
      name: auditor.name,
      recipient: auditor.recipient,
      limit: 1,
      reveals: { receiver: reveals(options.output, true), sender: reveals(options.output, options.to === 'both') },
      // One side is enough to replay; both together would show the auditor both lists.
      audited: ['receiver'],
    },
    attempts: 10,
    expires: `${new Date(expires).toISOString().slice(0, 19)}Z`,
    // People start both sides by hand, so the first wait is long.
    deadlines: { handshake: 600, message: 600, close: 600 },
    retention: new Date(expires + 365 * dayMilliseconds).toISOString().slice(0, 10),
  } satisfies Terms)
  await writeFileWhole(options.out, `${canonicalJson(terms)}\n`)
  output.report(
    { event: 'terms', file: options.out, specHash: specHash(terms) },
    `${renderTerms(terms)}\n\n${options.out}: send it to the partner; then both run "tally terms approve".`,
  )
}

export const show = async (output: Output, _options: unknown, path: string): Promise<void> => {
  const terms = await readTerms(path)
  output.report(
    { event: 'terms', file: path, specHash: specHash(terms), terms: terms as never, canonical: canonicalJson(terms) },
    renderTerms(terms),
  )
}

export const approve = async (output: Output, options: { readonly home: string }, path: string): Promise<void> => {
  const terms = await readTerms(path)
  const home = await openHome(options.home)
  const { role, name } = await home.approve(terms)
  output.report(
    { event: 'approved', specHash: specHash(terms), role, name },
    `${renderTerms(terms)}\n\nApproved as ${role} (${name}).`,
  )
}
