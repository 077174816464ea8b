/** `tally query terms`: terms of one job against one version of a table. */
import { TallyError, type Hex } from '@tallystick/core'
import { holderRoles, leastHolders, maxQueries, mostHolders, preparedFor, preparedQuery } from '@tallystick/query'
import { newTerms, partyFrom, tellTerms, type NewTermsOptions } from '../new-terms.ts'
import type { Output } from '../output.ts'
import { protocolOf } from '../protocols.ts'
import { heldBy, membersOf, parametersFor, readDescription } from '../query/description.ts'
import { tellsOf, type Tells } from '../query/grants.ts'

interface TermsOptions extends NewTermsOptions {
  readonly asker: string
  readonly holder: readonly string[]
  readonly queries: string
  readonly tells: string
  readonly prepared?: readonly string[]
  readonly audited: string
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

/** The tables in the order of their holders, and the role of each. */
const tablesOf = async (files: readonly string[], { holder }: TermsOptions) => {
  if (files.length !== holder.length) {
    throw new TallyError(
      'api/usage',
      'self',
      `expected a holder for each table, found ${files.length} tables and ${holder.length} holders`,
    )
  }
  if (files.length > mostHolders) {
    throw new TallyError('api/usage', 'self', `expected at most ${mostHolders} holders, found ${files.length}`)
  }
  const roles = files.length === 1 ? ['holder'] : holderRoles(files.length)
  const descriptions = await Promise.all(files.map((file) => readDescription(file)))
  return roles.map((role, i) => ({ role, identity: holder[i]!, description: descriptions[i]! }))
}
type Tables = Awaited<ReturnType<typeof tablesOf>>

const wrongKind = (expected: string, remedy: string): TallyError =>
  new TallyError('terms/malformed', 'self', `expected ${expected}`, { remedy })

/** Protocol and parameters of a question that gives rows. */
const rowsQuestion = (tables: Tables, queries: number) => {
  const held = tables.map(({ role, description }) => {
    if (description.kind !== 'members') return { role, description }
    throw wrongKind(
      `a table that gives rows of ${role}, found one of members`,
      'ask it with --tells any, or build a list',
    )
  })
  const [first] = held
  if (held.length === 1)
    return { id: `query/${first!.description.kind}`, parameters: parametersFor(first!.description, queries) }
  const holders = Object.fromEntries(held.map(({ role, description }) => [role, heldBy(description)]))
  return { id: `query/which-${held.length}`, parameters: { queries, holders } }
}

/** Protocol and parameters of a question that gives a bit or a number. */
const quorumQuestion = (tables: Tables, queries: number, tells: Exclude<Tells, 'which'>) => {
  if (tables.length < leastHolders) {
    throw wrongKind(`at least ${leastHolders} holders where ${tells} is told`, 'name the tables of several holders')
  }
  const holders = tables.map(({ role, description }) => {
    if (description.kind === 'members') return [role, membersOf(description)] as const
    throw wrongKind(`a table of members of ${role}`, 'let its holder build one: tally query build --mode members')
  })
  const threshold = Number(/^at-least-(\d+)$/.exec(tells)?.[1])
  const mode = Number.isNaN(threshold) ? { mode: tells } : { mode: 'at-least', threshold }
  return { id: `query/quorum-${tables.length}`, parameters: { queries, ...mode, holders: Object.fromEntries(holders) } }
}

/** Roots of prepared queries, by correlation. */
const resourcesOf = (tables: Tables, prepared: readonly string[] = []) => {
  const asked = tables.filter(({ description }) => description.kind === 'simplepir')
  if (prepared.length > asked.length) {
    throw new TallyError('api/usage', 'self', `expected ${asked.length} roots as --prepared, found ${prepared.length}`)
  }
  const roots = asked.map(({ role }, i) => [role === 'holder' ? preparedQuery : preparedFor(role), rootOf(prepared[i])])
  return asked.length === 0 ? undefined : { asker: Object.fromEntries(roots) as Record<string, Hex> }
}

/** Whose evidence is sealed to the auditor: one party's, or both sides of the question would be in one hand. */
const auditedOf = ({ audited }: TermsOptions, tables: Tables): string => {
  const roles = ['asker', ...tables.map(({ role }) => role)]
  if (roles.includes(audited)) return audited
  throw new TallyError('api/usage', 'self', `expected one of ${roles.join(', ')} as --audited, found "${audited}"`)
}

const revealedBy = (id: string): string =>
  id.startsWith('query/quorum-')
    ? 'the key of its table of members: with guessed ids and the table, who is on its list'
    : 'its OPRF key and the sealed table: with guessed ids, every row'

export const queryTerms = async (
  output: Output,
  options: TermsOptions,
  tableFiles: readonly string[],
): Promise<void> => {
  const tables = await tablesOf(tableFiles, options)
  const queries = queriesOf(options.queries)
  const tells = tellsOf(options.tells)
  const { id, parameters } = tells === 'which' ? rowsQuestion(tables, queries) : quorumQuestion(tables, queries, tells)
  ;(await protocolOf(id)).protocol.parameters(parameters)
  const terms = await newTerms(options, {
    ...{ id, parameters },
    parties: [partyFrom('asker', options.asker), ...tables.map(({ role, identity }) => partyFrom(role, identity))],
    receivers: ['asker'],
    // What is committed is ids and a version of a table, whose digests stand in the parameters.
    data: {},
    reveals: {
      asker: 'the ids that it asked for, and its answers',
      ...Object.fromEntries(tables.map(({ role }) => [role, revealedBy(id)])),
    },
    audited: [auditedOf(options, tables)],
    resources: resourcesOf(tables, options.prepared),
    // Each would count against the grant, and needs its own units of the prepared part. What broke off is resumed.
    attempts: 1,
  })
  await tellTerms(output, options, terms)
}
