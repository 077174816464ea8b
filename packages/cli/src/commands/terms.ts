/** `tally terms new | show | approve`. */
import { randomBytes } from 'node:crypto'
import { canonicalJson, TallyError, toHex, type Json } from '@tallystick/core'
import { choose, type Choice, type Policy, type Request } from '@tallystick/psi'
import { checkTerms, parseTerms, specHash, termsFormat, type PartyTerms, type Terms } from '@tallystick/session'
import { readChain } from '../chain.ts'
import { readAuditor, readDeclaration, type Declaration } from '../declaration.ts'
import { readJson, writeFileWhole } from '../files.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { choiceText, planned } from '../plan.ts'
import { protocolOf } from '../protocols.ts'
import { renderTerms } from '../terms-text.ts'

interface NewOptions {
  readonly receiver: string
  readonly sender: string
  readonly auditor: string
  readonly purpose: string
  readonly output: 'intersection' | 'cardinality'
  readonly to: 'receiver' | 'both'
  /** `auto`, or the id of a protocol. */
  readonly protocol: string
  readonly adversary: NonNullable<Policy['adversary']>
  /** False with --no-lpn. */
  readonly lpn: boolean
  readonly minimumSets?: string
  readonly minimumResult?: string
  readonly days: string
  readonly chain?: string
  readonly out: string
}

const dayMilliseconds = 86_400_000

const partyTerms = (role: string, { identity }: Declaration): PartyTerms => ({ role, ...identity })

/** What an auditor sees in the evidence of a role: its input, and what it received. */
const reveals = (output: NewOptions['output'], learns: boolean, list = false): string => {
  if (list) return learns ? 'its whole list and its tags' : 'its key: with the filter, whether any id is on its list'
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

const requestOf = (options: NewOptions, receiver: Declaration, sender: Declaration): Request => ({
  sizes: { receiver: receiver.data.rows, sender: sender.list?.rows ?? sender.data.rows },
  output: options.output,
  to: options.to,
  list: sender.list,
  policy: { adversary: options.adversary, lpn: options.lpn },
})

/** @throws TallyError terms/unsupported where the protocol that is asked for, or every one, cannot do it */
const choiceOf = ({ protocol: wanted }: NewOptions, request: Request): Choice => {
  // A prepared list is no set of rows: only its own protocol takes it.
  const id = wanted === 'auto' && request.list !== undefined ? 'psi/ra18' : wanted
  return id === 'auto' ? planned(request) : choose(request, { [id]: protocolOf(id).protocol })
}

const minimumOf = ({ minimumSets, minimumResult }: NewOptions): Terms['minimum'] => {
  if (minimumSets === undefined && minimumResult === undefined) return undefined
  const rows = (text: string | undefined, option: string): number => {
    const value = Number(text ?? '0')
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
    throw new TallyError('api/usage', 'self', `expected a number of rows as ${option}, found "${text}"`)
  }
  return { sets: rows(minimumSets, '--minimum-sets'), result: rows(minimumResult, '--minimum-result') }
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
  if (receiver.list !== undefined) {
    throw new TallyError(
      'input/malformed',
      'self',
      `${options.receiver} declares a prepared list: its holder is the sender`,
    )
  }
  const request = requestOf(options, receiver, sender)
  const choice = choiceOf(options, request)
  const { protocol, code } = protocolOf(choice.protocol)
  const minimum = minimumOf(options)
  const { id, version, leakage } = protocol
  const expires = Date.now() + daysOf(options.days) * dayMilliseconds
  const terms = parseTerms({
    format: termsFormat,
    domain: options.chain === undefined ? toHex(randomBytes(32)) : (await readChain(options.chain)).deployment.domain,
    nonce: toHex(randomBytes(32)),
    purpose: options.purpose,
    protocol: { id, version, package: code.version, code: code.digest },
    parameters: choice.parameters as Json,
    parties: [partyTerms('receiver', receiver), partyTerms('sender', sender)],
    receivers: options.to === 'both' ? ['receiver', 'sender'] : ['receiver'],
    data: { receiver: receiver.data, sender: sender.data },
    leakage,
    auditor: {
      name: auditor.name,
      recipient: auditor.recipient,
      limit: 1,
      reveals: {
        receiver: reveals(options.output, true, request.list !== undefined),
        sender: reveals(options.output, options.to === 'both', request.list !== undefined),
      },
      // One side is enough to replay; both together would show the auditor both lists.
      audited: ['receiver'],
    },
    ...(sender.list === undefined ? {} : { resources: { sender: { filter: sender.list.digest } } }),
    ...(minimum === undefined ? {} : { minimum }),
    attempts: 10,
    expires: `${new Date(expires).toISOString().slice(0, 19)}Z`,
    // People start both sides by hand, so the first wait is long.
    deadlines: { handshake: 600, message: 600, close: 600 },
    retention: new Date(expires + 365 * dayMilliseconds).toISOString().slice(0, 10),
  } satisfies Terms)
  checkTerms(terms, protocol, Date.now())
  await writeFileWhole(options.out, `${canonicalJson(terms)}\n`)
  const { reason, predicted } = choice
  output.report(
    {
      event: 'terms',
      file: options.out,
      specHash: specHash(terms),
      protocol: choice.protocol,
      reason,
      predicted: { ...predicted },
    },
    `${renderTerms(terms)}\n\n${choiceText(choice)}\n\n${options.out}: send it to the partner; then both run "tally terms approve".`,
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
