/** `tally terms new | show | approve`. */
import { randomBytes } from 'node:crypto'
import { canonicalJson, TallyError, toHex, type Json } from '@tallystick/core'
import { choose, leastParties, mostParties, rolesFor } from '@tallystick/psi'
import type { Choice, Policy, Request, SetOutput } from '@tallystick/psi'
import {
  checkCode,
  checkTerms,
  parseTerms,
  specHash,
  termsFormat,
  type PartyTerms,
  type Terms,
} from '@tallystick/session'
import { readChain } from '../chain.ts'
import { auditorOf, readAuditor, readDeclaration, type Declaration } from '../declaration.ts'
import { readJson, writeFileWhole } from '../files.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { choiceText, planned } from '../plan.ts'
import { protocolOf } from '../protocols.ts'
import { renderTerms } from '../terms-text.ts'

interface NewOptions {
  readonly receiver?: string
  readonly sender?: string
  /** Of three and more: the leader first. */
  readonly party?: readonly string[]
  readonly auditor: string
  readonly purpose: string
  readonly output: SetOutput
  readonly threshold?: string
  readonly idBytes?: string
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

/** A party to be, and the file that says so. */
interface Partner {
  readonly role: string
  readonly path: string
  readonly declaration: Declaration
}

const dayMilliseconds = 86_400_000

const learned: Readonly<Record<SetOutput, string>> = {
  intersection: 'the common rows',
  cardinality: 'the number of common rows',
  sum: 'its values and their sum over the common rows',
  union: 'the other list but for what is common',
  'in-any': 'which of its rows are on another list',
  'at-least': 'which of its rows are on enough other lists',
  difference: 'which of its rows are on no other list',
  statistics: 'its values and the sums over the common rows',
}

/** What an auditor sees in the evidence of a role: its input, and what it received. */
const reveals = (output: SetOutput, learns: boolean, parties: number, list = false): string => {
  if (list) return learns ? 'its whole list and its tags' : 'its key: with the filter, whether any id is on its list'
  const gained = output === 'union' && parties > 2 ? 'the union of all lists' : learned[output]
  return learns ? `its whole list and ${gained}` : 'its whole list'
}

export const readTerms = async (path: string): Promise<Terms> =>
  parseTerms(await readJson(path, 'terms', 'terms/malformed'))

export const daysOf = (text: string): number => {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 3650) return days
  throw new TallyError('api/usage', 'self', `expected a number of days from 1 to 3650 as --days, found "${text}"`)
}

/** Two rules can be meant; that nothing matches because of them is found out too late. */
const tellUnlike = (output: Output, [first, ...others]: readonly Partner[]): void => {
  const own = first!.declaration.data.normalisation
  for (const { role, declaration } of others) {
    const other = declaration.data.normalisation
    if (own === other) continue
    output.note(
      `Attention: the ${first!.role}'s ids are compared as ${own}, the ${role}'s as ${other}. Equal ids may not match.`,
    )
  }
}

const usage = (message: string): TallyError =>
  new TallyError('api/usage', 'self', message, {
    remedy: 'two parties: --receiver and --sender; three to ten: --party with all declarations, the leader first',
  })

/** @throws TallyError api/usage, input/malformed where one party comes twice or a prepared list is not the sender's */
const partnersOf = async ({ receiver, sender, party, output }: NewOptions): Promise<readonly Partner[]> => {
  const two = receiver !== undefined || sender !== undefined
  if (two === (party !== undefined)) throw usage('expected --receiver and --sender, or --party')
  if (two && (receiver === undefined || sender === undefined)) throw usage('expected both --receiver and --sender')
  const paths = party ?? [receiver!, sender!]
  if (!two && (paths.length < leastParties || paths.length > mostParties)) {
    throw usage(`expected ${leastParties} to ${mostParties} declarations as --party, found ${paths.length}`)
  }
  const declarations = await Promise.all(paths.map((path) => readDeclaration(path)))
  const partners = rolesFor(paths.length, output).map((role, i) => ({
    ...{ role, path: paths[i]!, declaration: declarations[i]! },
  }))
  for (const [i, { path, declaration }] of partners.entries()) {
    const { party: id, name } = declaration.identity
    const before = partners.slice(0, i).find((each) => each.declaration.identity.party === id)
    if (before !== undefined) {
      const message = `${before.path} and ${path} are declarations of one party: ${name}`
      throw new TallyError('input/malformed', 'self', message, { remedy: "name each partner's declaration once" })
    }
    if (declaration.list !== undefined && !(two && i === 1)) {
      const message = `${path} declares a prepared list: its holder is the sender of two`
      throw new TallyError('input/malformed', 'self', message)
    }
  }
  return partners
}

const requestOf = (options: NewOptions, partners: readonly Partner[], minimum: Terms['minimum']): Request => ({
  sizes: Object.fromEntries(
    partners.map(({ role, declaration }) => [role, declaration.list?.rows ?? declaration.data.rows]),
  ),
  output: options.output,
  to: options.to,
  parties: partners.length,
  list: partners[1]!.declaration.list,
  threshold: options.threshold === undefined ? undefined : Number(options.threshold),
  idBytes: options.idBytes === undefined ? undefined : Number(options.idBytes),
  values: partners[0]!.declaration.values,
  senderValues: partners.length === 2 ? partners[1]!.declaration.values : undefined,
  minimum: minimum?.result,
  policy: { adversary: options.adversary, lpn: options.lpn },
})

/** @throws TallyError terms/unsupported where the protocol that is asked for, or every one, cannot do it */
const choiceOf = async ({ protocol: wanted }: NewOptions, request: Request): Promise<Choice> => {
  // A prepared list is no set of rows: only its own protocol takes it.
  const id = wanted === 'auto' && request.list !== undefined ? 'psi/ra18' : wanted
  if (id === 'auto') return planned(request)
  if (!id.startsWith('psi/') && !id.startsWith('mpc/ba12-')) {
    throw new TallyError('api/usage', 'self', `expected a protocol for sets as --protocol, found "${id}"`, {
      remedy:
        'use auto or one of docs/psi-operator.md; query, stats, score, encrypted and lookup have terms of their own',
    })
  }
  return choose(request, { [id]: (await protocolOf(id)).protocol })
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
  const partners = await partnersOf(options)
  const auditor = await readAuditor(options.auditor)
  tellUnlike(output, partners)
  const minimum = minimumOf(options)
  const request = requestOf(options, partners, minimum)
  const choice = await choiceOf(options, request)
  const { protocol, code } = await protocolOf(choice.protocol)
  const { id, version, leakage } = protocol
  const expires = Date.now() + daysOf(options.days) * dayMilliseconds
  const roles = partners.map(({ role }) => role)
  const [first, ...others] = roles
  const list = request.list
  const byRole = <T>(of: (partner: Partner) => T): Record<string, T> =>
    Object.fromEntries(partners.map((partner) => [partner.role, of(partner)]))
  const terms = parseTerms({
    format: termsFormat,
    domain: options.chain === undefined ? toHex(randomBytes(32)) : (await readChain(options.chain)).deployment.domain,
    nonce: toHex(randomBytes(32)),
    purpose: options.purpose,
    protocol: { id, version, package: code.version, code: code.digest },
    parameters: choice.parameters as Json,
    parties: partners.map(({ role, declaration }): PartyTerms => ({ role, ...declaration.identity })),
    receivers: options.to === 'both' ? roles : [first!],
    data: byRole(({ declaration }) => declaration.data),
    leakage,
    auditor: {
      ...auditorOf(auditor),
      limit: 1,
      reveals: byRole(({ role }) =>
        reveals(options.output, role === first || options.to === 'both', roles.length, list !== undefined),
      ),
      // One side is enough to replay; several together would show the auditor their lists.
      audited: [first!],
    },
    ...(list === undefined ? {} : { resources: { [others[0]!]: { filter: list.digest } } }),
    ...(minimum === undefined ? {} : { minimum }),
    attempts: protocol.attempts ?? 10,
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
    `${await renderTerms(terms)}\n\n${choiceText(choice)}\n\n${options.out}: send it to the ${others.length === 1 ? 'partner; then both' : 'partners; then all'} run "tally terms approve".`,
  )
}

export const show = async (output: Output, _options: unknown, path: string): Promise<void> => {
  const terms = await readTerms(path)
  output.report(
    { event: 'terms', file: path, specHash: specHash(terms), terms: terms as never, canonical: canonicalJson(terms) },
    await renderTerms(terms),
  )
}

/** Signs what a run would accept and nothing else: who approves should not find out later that it was of no use. */
export const approve = async (output: Output, options: { readonly home: string }, path: string): Promise<void> => {
  const terms = await readTerms(path)
  const home = await openHome(options.home)
  home.partyIn(terms)
  const { protocol, code } = await protocolOf(terms.protocol.id)
  checkTerms(terms, protocol, Date.now())
  checkCode(terms, code.digest)
  const { role, name } = await home.approve(terms)
  output.report(
    { event: 'approved', specHash: specHash(terms), role, name },
    `${await renderTerms(terms)}\n\nApproved as ${role} (${name}).`,
  )
}
