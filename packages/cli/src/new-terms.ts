/** Terms that a party writes for all to approve: what is the same whatever they compute. */
import { randomBytes } from 'node:crypto'
import { canonicalJson, toHex, type Json } from '@tallystick/core'
import { parseTerms, specHash, termsFormat, type PartyTerms, type Terms } from '@tallystick/session'
import { loadPublicIdentity } from '@tallystick/session/node'
import { readChain } from './chain.ts'
import { daysOf } from './commands/terms.ts'
import { auditorOf, readAuditor } from './declaration.ts'
import { writeFileWhole } from './files.ts'
import type { Output } from './output.ts'
import { protocolOf } from './protocols.ts'
import { renderTerms } from './terms-text.ts'

/** Options that every command which writes terms has. */
export interface NewTermsOptions {
  readonly auditor: string
  readonly purpose: string
  readonly days: string
  readonly chain?: string
  readonly out: string
}

/** What the protocol says of them. */
export interface Agreement extends Pick<Terms, 'parties' | 'receivers' | 'data' | 'attempts' | 'resources'> {
  readonly id: string
  readonly parameters: object
  /** What the evidence of a role tells whoever opens it. */
  readonly reveals: Terms['auditor']['reveals']
  /** Roles whose evidence the auditor may open, one of them. */
  readonly audited: readonly string[]
}

const dayMilliseconds = 86_400_000

/** @throws TallyError terms/malformed, input/not-found or input/malformed */
export const newTerms = async (options: NewTermsOptions, agreement: Agreement): Promise<Terms> => {
  const { id, parameters, reveals, audited, resources, ...rest } = agreement
  const { protocol, code } = await protocolOf(id)
  const expires = Date.now() + daysOf(options.days) * dayMilliseconds
  return parseTerms({
    format: termsFormat,
    domain: options.chain === undefined ? toHex(randomBytes(32)) : (await readChain(options.chain)).deployment.domain,
    nonce: toHex(randomBytes(32)),
    purpose: options.purpose,
    protocol: { id: protocol.id, version: protocol.version, package: code.version, code: code.digest },
    parameters: parameters as Json,
    ...rest,
    ...(resources === undefined ? {} : { resources }),
    leakage: protocol.leakage,
    auditor: { ...auditorOf(await readAuditor(options.auditor)), limit: 1, reveals, audited },
    expires: `${new Date(expires).toISOString().slice(0, 19)}Z`,
    // People start their sides by hand, so the first wait is long.
    deadlines: { handshake: 600, message: 600, close: 600 },
    retention: new Date(expires + 365 * dayMilliseconds).toISOString().slice(0, 10),
  })
}

/** Writes the terms and tells them, with what a run takes where that is known. */
export const tellTerms = async (
  output: Output,
  { out }: NewTermsOptions,
  terms: Terms,
  plan?: { readonly report: Json; readonly text: string },
): Promise<void> => {
  await writeFileWhole(out, `${canonicalJson(terms)}\n`)
  const next = terms.parties.length === 2 ? 'partner; then both' : 'partners; then all'
  output.report(
    { event: 'terms', file: out, specHash: specHash(terms), ...(plan === undefined ? {} : { plan: plan.report }) },
    [
      await renderTerms(terms),
      ...(plan === undefined ? [] : [plan.text]),
      `${out}: send it to the ${next} run "tally terms approve".`,
    ].join('\n\n'),
  )
}

/** A party that brings no table: by its identity file. */
export const partyFrom = (role: string, file: string): PartyTerms => {
  const { name, party, signer, tls } = loadPublicIdentity(file)
  return { role, name, party, signer, tls }
}
