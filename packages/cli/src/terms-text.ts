/**
 * The terms in plain words: what a person reads before approving. Every value of the canonical bytes is in it; a test
 * holds it to that.
 */
import { programsLike } from '@tallystick/attestation'
import { canonicalJson } from '@tallystick/core'
import { auditorRoles, partyOf, specHash, termsBytes, type DataTerms, type Terms } from '@tallystick/session'
import { columnsOf, normalisationsOf } from './key.ts'
import { normalisations } from './normalisation.ts'
import { whereOf } from './set-result.ts'
import { count } from './text.ts'

const labelWidth = 13
const textWidth = 100

/** Text in lines of bounded width, words whole. */
const wrap = (text: string, width: number): string[] => {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

const section = (label: string, ...texts: readonly string[]): string => {
  const lines = texts.flatMap((text) => {
    const indent = /^ */.exec(text)![0]
    return wrap(text.trimStart(), textWidth - labelWidth - indent.length).map((line, i) =>
      i === 0 ? indent + line : `${indent}  ${line}`,
    )
  })
  return lines.map((line, i) => (i === 0 ? label : '').padEnd(labelWidth) + line).join('\n')
}

const duplicateRules: Readonly<Record<DataTerms['duplicates'], string>> = {
  refuse: 'refuse (a list with a repeated id does not enter)',
  'keep-first': 'keep-first (of records with the same id the first enters, the others are dropped)',
  count: 'count (of records with the same id the first enters; its owner’s result says how many there are)',
}

const columnsIn = (column: string): string =>
  columnsOf(column).length === 1 ? `column "${column}"` : `columns ${column}, together`

const compared = (normalisation: string): string =>
  `compared as ${normalisation}: ${normalisationsOf(normalisation)
    .map((name) => normalisations.get(name)?.summary ?? 'unknown to this version')
    .join('; and: ')}`

/** Not lists of ids but numbers, in the words of the commands that write such terms. */
const numbers: Readonly<Record<string, string>> = {
  'table/1': 'a table: each cell within the range or the levels that the parameters say; rows are not joined',
  'integers/1': 'numbers: each cell within the range that the parameters say',
  'model/1': 'the weights of a model, rounded as the parameters say',
}
const joinedOn = 'table/1 joined on '

const readAs = (normalisation: string): string => {
  if (Object.hasOwn(numbers, normalisation)) return `read as ${normalisation}: ${numbers[normalisation]}`
  if (!normalisation.startsWith(joinedOn)) return compared(normalisation)
  const id = compared(normalisation.slice(joinedOn.length))
  return `read as table/1: each cell within the range or the levels that the parameters say; joined on ids ${id}`
}

const dataOf = ([role, data]: readonly [string, DataTerms]): string[] => [
  `${role}: ${count(data.rows)} rows from "${data.source}", ${columnsIn(data.column)}`,
  `  ${readAs(data.normalisation)}`,
  `  duplicates: ${duplicateRules[data.duplicates]}`,
]

/** What each role learns, in words where the protocol is one that we know. */
const outcomeOf = (terms: Terms, role: string): string => {
  const { name } = partyOf(terms, role)
  if (!terms.receivers.includes(role)) return `${role} (${name}): no output`
  const { queries } = terms.parameters as { queries?: unknown }
  if (terms.protocol.id.startsWith('query/quorum-')) return `${role} (${name}): ${quorumOf(terms)}`
  if (terms.protocol.id.startsWith('query/which-')) {
    return `${role} (${name}): for ${String(queries)} ids of its choice, holder by holder, the row of the list, or that it has none`
  }
  if (terms.protocol.id.startsWith('query/')) {
    return `${role} (${name}): for ${String(queries)} ids of its choice the row of the other side's list, or that it has none`
  }
  if (terms.protocol.id.startsWith('statistics/')) return `${role} (${name}): the figures below, and nothing else`
  const encrypted = underEncryption(terms)
  if (encrypted !== undefined) return `${role} (${name}): ${encrypted}`
  if (!/^(psi|mpc\/ba12-)/.test(terms.protocol.id)) return `${role} (${name}): an output, see parameters`
  return `${role} (${name}): ${learnedBy(terms, role)}`
}

/** What the holder of the key learns. */
const underEncryption = ({ protocol: { id }, parameters }: Terms): string | undefined => {
  const { sizes, columns, program } = parameters as {
    sizes?: { readonly client?: number }
    columns?: unknown
    program?: { readonly outputs?: object }
  }
  const asked = count(sizes?.client ?? 0)
  if (id === 'homomorphic/lookup') {
    const cells = Array.isArray(columns) ? columns.join(', ') : 'all its cells'
    return `for ${asked} keys of its choice whether the other side has a row of it, and of that row: ${cells}`
  }
  if (id === 'homomorphic/scoring') return `the scores of its ${asked} rows: intercept and weighted sum of features`
  if (id.startsWith('homomorphic/statistics-')) return 'the sum and the sum of squares of every column'
  if (!id.startsWith('homomorphic/evaluate-')) return undefined
  return `the outputs of the program in the parameters: ${Object.keys(program?.outputs ?? {}).join(', ')}`
}

/** What a question to several holders tells, and on whose honesty that rests. */
const quorumOf = ({ parameters, parties }: Terms): string => {
  const { queries, mode, threshold } = parameters as { queries?: unknown; mode?: unknown; threshold?: unknown }
  const told =
    mode === 'count'
      ? 'how many of the holders have it'
      : `whether ${mode === 'any' ? 'any' : `at least ${String(threshold)}`} of the ${parties.length - 1} holders have it`
  return `for ${String(queries)} ids of its choice ${told}, not which; it must not collude with holder-1, else both see which`
}

/** What a set operation tells a role that learns. */
const learnedBy = (terms: Terms, role: string): string => {
  const { parameters, parties } = terms
  const { output, values, columns } = parameters as {
    output?: unknown
    values?: { column: string }
    columns?: Record<string, { column: string }[]>
  }
  if (output === 'cardinality') return 'how many rows are common, not which'
  if (columns !== undefined && output !== 'cardinality') {
    const names = Object.entries(columns).flatMap(([of, each]) => each.map(({ column }) => `"${column}" of the ${of}`))
    return output === 'sum'
      ? `the sum over the common rows of ${names.join(', and of ')}; not how many these are, nor which`
      : `how many rows are common, and over these the sums of ${names.join(' and ')} and of all products of two of them; not which`
  }
  if (output === 'sum') {
    const column = values === undefined ? '' : ` ("${values.column}")`
    return role === 'receiver'
      ? `the sum of its values${column} over the common rows, and how many these are`
      : 'how many rows are common, not which'
  }
  if (output === 'union') {
    return parties.length === 2
      ? 'every id of the other side that it does not have itself, in plain, and how many are common'
      : 'every id of any list, once, in plain; not on whose lists it is, nor on how many'
  }
  if (output === 'at-least' || output === 'fewer') return `which of its own rows are ${whereOf(terms)}`
  return parties.length === 2
    ? 'which of its own rows the other side has too'
    : 'which of its own rows all the others have too'
}

/** A difference tells of the rest of the list that it is on other lists. */
const smallOf = ({ parameters }: Terms): string =>
  (parameters as { output?: unknown }).output === 'fewer' ? ', or one that leaves fewer,' : ''

const minimumOf = (terms: Terms, { protocol, minimum } = terms, { sets, result } = minimum!): string[] => [
  `no set of fewer than ${count(sets)} rows enters: every party checks it, nothing starts below`,
  protocol.id === 'psi/psty19'
    ? `of fewer than ${count(result)} common rows nothing is opened but that they are fewer: the protocol withholds it`
    : `a result of fewer than ${count(result)} rows${smallOf(terms)} is withheld by the software of its receiver: nobody else can, since nobody else knows its size before it is opened`,
]

/** What each figure of a plan tells, in its own words. */
const figuresOf = async ({ protocol, parameters }: Terms): Promise<string[]> => {
  if (!protocol.id.startsWith('statistics/')) return []
  const { explain, parseParameters } = await import('@tallystick/statistics')
  const { learns, notes } = explain(parseParameters(parameters), 0)
  return [section('Figures', ...learns.map(({ name, text }) => `${name}: ${text}`), ...notes)]
}

/** What who stops first gains by it: of the protocol as it is installed here, for it is not in the bytes. */
const refusalOf = async ({ protocol: { id } }: Terms): Promise<string[]> => {
  const programs = await programsLike(id)
  return Object.hasOwn(programs, id) ? [section('If one stops', programs[id]!.protocol.security.refusal)] : []
}

const flat = (lists: readonly (readonly string[])[]): string[] => lists.flat()

/** @returns the text, ending without a newline */
export const renderTerms = async (terms: Terms): Promise<string> => {
  const { protocol, auditor, deadlines } = terms
  const bytes = termsBytes(terms)
  return [
    `Terms ${specHash(terms)}`,
    `tagged SHA-256 of ${count(bytes.length)} bytes: canonical JSON of the following, format ${terms.format}`,
    '',
    section('Purpose', terms.purpose),
    section(
      'What runs',
      `${protocol.id} version ${protocol.version}, Tallystick ${protocol.package}`,
      `code ${protocol.code}`,
      `parameters ${canonicalJson(terms.parameters)}`,
    ),
    section(
      'Parties',
      ...flat(
        terms.parties.map(({ role, name, party, signer, tls }, i) => [
          `${i + 1}. ${role}: ${name}`,
          `  party ${party}`,
          `  signs as ${signer}`,
          `  TLS key ${tls}`,
        ]),
      ),
    ),
    ...(Object.keys(terms.data).length === 0 ? [] : [section('Data', ...Object.entries(terms.data).flatMap(dataOf))]),
    section('Who learns', ...terms.parties.map(({ role }) => outcomeOf(terms, role))),
    ...(await figuresOf(terms)),
    section('Beyond it', ...Object.entries(terms.leakage).map(([role, text]) => `${role}: ${text}`)),
    ...(await refusalOf(terms)),
    section(
      'Auditor',
      auditor.name,
      `key ${auditor.recipient}`,
      ...(auditor.party === undefined ? [] : [`is party ${auditor.party}: ${auditorRoles(terms).join()}`]),
      `may hold the evidence of at most ${auditor.limit} of the parties; all consent to that of: ${
        auditor.audited?.join(', ') ?? 'nobody'
      }`,
      ...Object.entries(auditor.reveals).map(([role, text]) => `evidence of ${role}: ${text}`),
    ),
    ...(terms.resources === undefined ? [] : [section('Resources', canonicalJson(terms.resources))]),
    ...(terms.minimum === undefined ? [] : [section('Minimum', ...minimumOf(terms))]),
    section(
      'Limits',
      `at most ${terms.attempts} attempts, none after ${terms.expires}`,
      `seconds to wait: handshake ${deadlines.handshake}, message ${deadlines.message}, close ${deadlines.close}`,
      `each party is to erase its journals and evidence after ${terms.retention}: with "tally erase", nothing does it by itself`,
    ),
    section('Bound to', `signature domain ${terms.domain}`, `nonce ${terms.nonce}`),
  ].join('\n')
}
