/** `tally query terms`: terms of one job against one version of a table. */
import { randomBytes } from 'node:crypto'
import { canonicalJson, TallyError, toHex, type Hex } from '@tallystick/core'
import { maxQueries } from '@tallystick/query'
import { parseTerms, specHash, termsFormat, type PartyTerms } from '@tallystick/session'
import { loadPublicIdentity } from '@tallystick/session/node'
import { readChain } from '../chain.ts'
import { readAuditor } from '../declaration.ts'
import { writeFileWhole } from '../files.ts'
import type { Output } from '../output.ts'
import { protocolOf } from '../protocols.ts'
import { parametersFor, readDescription } from '../query/description.ts'
import { renderTerms } from '../terms-text.ts'
import { daysOf } from './terms.ts'

interface TermsOptions {
  readonly asker: string
  readonly holder: string
  readonly auditor: string
  readonly purpose: string
  readonly queries: string
  readonly prepared?: string
  readonly days: string
  readonly chain?: string
  readonly out: string
}

const dayMilliseconds = 86_400_000

const partyOf = (role: string, file: string): PartyTerms => {
  const { name, party, signer, tls } = loadPublicIdentity(file)
  return { role, name, party, signer, tls }
}

const queriesOf = (text: string): number => {
  const queries = Number(text)
  if (Number.isInteger(queries) && queries >= 1 && queries <= maxQueries) return queries
  throw new TallyError('api/usage', 'self', `expected 1 to ${maxQueries} as --queries, found "${text}"`)
}

/** The root of prepared units, which the terms name. */
const rootOf = (text: string | undefined): Hex => {
  if (text !== undefined && /^0x[0-9a-f]{64}$/.test(text)) return text as Hex
  throw new TallyError('api/usage', 'self', 'expected --prepared: the root of prepared queries', {
    remedy: 'prepare some (tally query prepare) and give what it prints, 0x and 64 digits',
  })
}

export const queryTerms = async (output: Output, options: TermsOptions, tableFile: string): Promise<void> => {
  const description = await readDescription(tableFile)
  const auditor = await readAuditor(options.auditor)
  const queries = queriesOf(options.queries)
  const { protocol, code } = protocolOf(`query/${description.kind}`)
  const expires = Date.now() + daysOf(options.days) * dayMilliseconds
  const resources =
    description.kind === 'simplepir' ? { asker: { 'query/prepared': rootOf(options.prepared) } } : undefined
  const terms = parseTerms({
    format: termsFormat,
    domain: options.chain === undefined ? toHex(randomBytes(32)) : (await readChain(options.chain)).deployment.domain,
    nonce: toHex(randomBytes(32)),
    purpose: options.purpose,
    protocol: { id: protocol.id, version: protocol.version, package: code.version, code: code.digest },
    parameters: { ...parametersFor(description, queries) },
    parties: [partyOf('asker', options.asker), partyOf('holder', options.holder)],
    receivers: ['asker'],
    // What is committed is ids and a version of a table, whose digests stand in the parameters.
    data: {},
    leakage: protocol.leakage,
    auditor: {
      name: auditor.name,
      recipient: auditor.recipient,
      limit: 1,
      reveals: {
        asker: 'the ids that it asked for, and its answers',
        holder: 'its OPRF key and the sealed table: with guessed ids, every row',
      },
      audited: ['asker'],
    },
    ...(resources === undefined ? {} : { resources }),
    // Each would count against the grant, and needs its own units of the prepared part. What broke off is resumed.
    attempts: 1,
    expires: `${new Date(expires).toISOString().slice(0, 19)}Z`,
    deadlines: { handshake: 600, message: 600, close: 600 },
    retention: new Date(expires + 365 * dayMilliseconds).toISOString().slice(0, 10),
  })
  await writeFileWhole(options.out, `${canonicalJson(terms)}\n`)
  output.report(
    { event: 'terms', file: options.out, specHash: specHash(terms) },
    `${renderTerms(terms)}\n\n${options.out}: send it to the partner; then both run "tally terms approve".`,
  )
}
