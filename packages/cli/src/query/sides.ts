/** The two sides of `tally query run`: what enters, and what is told of the outcome. */
import { join } from 'node:path'
import { TallyError, utf8ToBytes, type Hex } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import {
  answerAt,
  askerRows,
  preparedFor,
  preparedQuery,
  rowCount,
  severalRows,
  unitBytesOf,
  type Answers,
  type AnswersByHolder,
  type Items,
  type QuorumAnswers,
} from '@tallystick/query'
import { specHash, type CorrelationStore, type Terms } from '@tallystick/session'
import type { Encoding } from '../csv.ts'
import { readDataset } from '../dataset.ts'
import { writeJson } from '../files.ts'
import type { Home } from '../home.ts'
import type { Job, Source } from '../job.ts'
import { normalisationOf } from '../normalisation.ts'
import type { Output } from '../output.ts'
import type { Prepared, RunOptions } from '../party-run.ts'
import { count, oneLine } from '../text.ts'
import { cellsAt, keptFor, sealedRows } from './asking.ts'
import { shapeOf, tableIn, type Description, type MembersDescription } from './description.ts'
import { countAgainst, toldBy } from './grants.ts'
import { holderSource, sha256Of, versionFor } from './table.ts'
import { unitStore } from './units.ts'
import { columnsOf } from './values.ts'

export type QueryRun = RunOptions & {
  readonly id?: readonly string[]
  readonly input?: string
  readonly encoding: Encoding
  readonly table?: string
  readonly explain?: true
  readonly wide?: true
}

/** What a side brings to the run. */
export interface Side {
  readonly dataset: Source
  readonly correlations: CorrelationStore | undefined
  readonly keepResult: (job: Job) => Promise<void>
}

/** The ids asked for, by the rule of the table. @throws TallyError input/invalid-value; never shows an id */
const idsOf = async (
  { column, normalisation }: Description,
  options: QueryRun,
): Promise<{ ids: Items; texts: readonly string[] }> => {
  if (options.input !== undefined) {
    const rule = { column, normalisation, duplicates: 'refuse', encoding: options.encoding } as const
    const { items } = await readDataset(options.input, rule)
    const texts = Array.from({ length: rowCount(items) }, (_, i) =>
      new TextDecoder().decode(items.bytes.subarray(items.offsets[i], items.offsets[i + 1])),
    )
    return { ids: items, texts }
  }
  const { apply } = normalisationOf(normalisation)
  const texts = (options.id ?? []).map((text, i) => {
    const id = apply(text)
    if (typeof id === 'string') return id
    throw new TallyError(
      'input/invalid-value',
      'self',
      `--id number ${i + 1} cannot be read as ${normalisation}: ${id.problem}`,
    )
  })
  if (texts.length === 0) throw new TallyError('api/usage', 'self', 'expected --id or --input: what to ask for')
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { ids: { bytes: Buffer.concat(parts), offsets }, texts }
}

type Answered = { readonly status: string; readonly row?: Readonly<Record<string, string>> }

const answeredBy = ({ values }: Description, answers: Answers, i: number): Answered => {
  const answer = answerAt(answers, i)
  // A row that does not open is told here and nowhere else: see docs/query.md before doing anything about it.
  return answer.status === 'found'
    ? { status: answer.status, row: columnsOf(values, answer.value) }
    : { status: answer.status }
}

const shown = ({ status, row }: Answered): string => {
  const cells = Object.entries(row ?? {}).map(([name, value]) => oneLine(`${name} ${value}`))
  return cells.length === 0 ? status : `${status}: ${cells.join(', ')}`
}

const warnOfSpoiled = (output: Output, answers: readonly Answered[]): void => {
  const spoiled = answers.filter(({ status }) => status === 'spoiled').length
  if (spoiled === 0) return
  output.note(
    `${spoiled} rows do not open. Do not ask again and do not tell the holder before reading "Spoiled rows" in docs/query.md: either shows it where you asked.`,
  )
}

interface Question {
  readonly output: Output
  readonly folder: string
  readonly texts: readonly string[]
  /** By role. */
  readonly tables: Readonly<Record<string, Description>>
  readonly terms: Terms
}

const keepRows = async ({ output, folder, texts, tables }: Question, answers: Answers): Promise<void> => {
  const description = Object.values(tables)[0]!
  const rows = texts.map((id, i) => ({ id, ...answeredBy(description, answers, i) }))
  await writeJson(join(folder, 'answers.json'), rows, true)
  for (const row of rows) output.report({ event: 'answer', ...row }, `${row.id}: ${shown(row)}`)
  warnOfSpoiled(output, rows)
}

const keepByHolder = async (question: Question, { holders }: AnswersByHolder): Promise<void> => {
  const { output, folder, texts, tables, terms } = question
  const nameOf = (role: string): string => terms.parties.find((party) => party.role === role)!.name
  const rows = texts.map((id, i) => ({
    id,
    holders: Object.fromEntries(
      Object.entries(holders).map(([role, answers]) => [role, answeredBy(tables[role]!, answers, i)]),
    ),
  }))
  await writeJson(join(folder, 'answers.json'), rows, true)
  for (const row of rows) {
    const lines = Object.entries(row.holders).map(([role, answer]) => `  ${role} (${nameOf(role)}): ${shown(answer)}`)
    output.report({ event: 'answer', ...row }, [`${row.id}:`, ...lines].join('\n'))
  }
  warnOfSpoiled(
    output,
    rows.flatMap((row) => Object.values(row.holders)),
  )
}

const keepQuorum = async ({ output, folder, texts, terms }: Question, { values }: QuorumAnswers): Promise<void> => {
  const tells = toldBy(terms.protocol.id, terms.parameters)
  const holders = terms.parties.length - 1
  const rows = texts.map((id, i) => ({ id, [tells]: tells === 'count' ? values[i]! : values[i] === 1 }))
  await writeJson(join(folder, 'answers.json'), rows, true)
  rows.forEach((row, i) => {
    const said =
      tells === 'count'
        ? `${values[i]} of ${holders} have it`
        : `${tells} of ${holders}: ${values[i] === 1 ? 'yes' : 'no'}`
    output.report({ event: 'answer', ...row }, `${row.id}: ${said}`)
  })
}

const keepAnswers = (question: Question, { session }: Job): Promise<void> => {
  const outcome = session.output as Answers | AnswersByHolder | QuorumAnswers
  if (outcome.kind === 'answers') return keepRows(question, outcome)
  return outcome.kind === 'quorum' ? keepQuorum(question, outcome) : keepByHolder(question, outcome)
}

/** One store for each table that wants prepared units. */
const storesFor = (
  home: Home,
  terms: Terms,
  tables: Readonly<Record<string, Description>>,
): CorrelationStore | undefined => {
  const roots = terms.resources?.['asker'] ?? {}
  const stores = new Map<string, CorrelationStore>()
  for (const [role, description] of Object.entries(tables)) {
    if (description.kind !== 'simplepir') continue
    const correlation = role === 'holder' ? preparedQuery : preparedFor(role)
    const root = roots[correlation]
    if (root !== undefined) stores.set(correlation, unitStore(home.folder, root, unitBytesOf(shapeOf(description))))
  }
  if (stores.size === 0) return undefined
  const storeOf = (correlation: string): CorrelationStore => {
    const store = stores.get(correlation)
    if (store !== undefined) return store
    throw new TallyError('terms/mismatch', 'self', `the terms name no prepared queries for ${correlation}`)
  }
  return {
    digest: (correlation): Hex => storeOf(correlation).digest(correlation),
    reserve: (correlation, units, key) => storeOf(correlation).reserve(preparedQuery, units, key),
  }
}

const sameRule = (tables: readonly Description[]): void => {
  const [first, ...others] = tables
  if (others.every(({ normalisation }) => normalisation === first!.normalisation)) return
  const found = [...new Set(tables.map(({ normalisation }) => normalisation))].join(', ')
  throw new TallyError('terms/mismatch', 'self', `the holders compare ids by different rules: ${found}`, {
    remedy: 'ask holders together whose tables were built with one --normalisation',
  })
}

/** The rows that the asker commits to. */
const rowsFor = async (home: Home, tables: readonly Description[], ids: Items, pool: Pool): Promise<Items> => {
  const sealed: Uint8Array[] = []
  for (const table of tables) {
    sealed.push(table.kind === 'members' ? await cellsAt(home, table, ids, pool) : await sealedRows(home, table))
  }
  return sealed.length === 1 ? askerRows(ids, sealed[0]!) : severalRows(ids, sealed)
}

export const asking = async (
  output: Output,
  { home, terms }: Prepared,
  options: QueryRun,
  pool: Pool,
): Promise<Side> => {
  const tables: Record<string, Description | MembersDescription> = {}
  for (const { role } of terms.parties) {
    if (role !== 'asker') tables[role] = await keptFor(home, tableIn(terms.parameters, role))
  }
  const all = Object.values(tables)
  sameRule(all)
  const { ids, texts } = await idsOf(all[0]!, options)
  const rows = await rowsFor(home, all, ids, pool)
  const dataset: Source = {
    path: options.input ?? 'the ids of --id',
    digest: sha256Of(rows.bytes, new Uint8Array(rows.offsets.slice().buffer)).slice(2),
    items: rows,
  }
  const question = { output, folder: home.jobFolder(terms), texts, tables, terms }
  return {
    dataset,
    correlations: storesFor(home, terms, tables),
    keepResult: (job) => keepAnswers(question, job),
  }
}

/** holder-10 comes after holder-9. */
const byRole = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1)

export const holding = async (output: Output, { terms, own, peers }: Prepared, options: QueryRun): Promise<Side> => {
  const folder = options.table
  if (folder === undefined) {
    throw new TallyError('api/usage', 'self', 'expected --table: the folder of the table that is asked')
  }
  const parameters = tableIn(terms.parameters, own.role)
  const description = await versionFor(folder, parameters)
  const dataset = await holderSource(folder, description, parameters)
  const asker = peers.find(({ role }) => role === 'asker')!
  const { queries } = terms.parameters as unknown as { readonly queries: number }
  const { purpose, attempts } = terms
  const tells = toldBy(terms.protocol.id, terms.parameters)
  const holders = terms.parties.filter(({ role }) => role !== 'asker').toSorted((a, b) => byRole(a.role, b.role))
  const asked = {
    ...{ party: asker.party, name: asker.name, purpose, tells, queries, attempts },
    ...{ holders, own: own.party, specHash: specHash(terms) },
  }
  const { used, quota } = await countAgainst(folder, asked, Date.now())
  const keepResult = async (): Promise<void> =>
    output.report(
      { event: 'result', kind: 'none', queries, used, quota },
      `${asker.name} asked for ${count(queries)} ids; ${count(used)} of ${count(quota)} are used.`,
    )
  return { dataset, correlations: undefined, keepResult }
}
