/** `tally query build | update | grant | fetch | prepare | terms | run | anchor`. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { TallyError, utf8ToBytes } from '@tallystick/core'
import { nodePool, type Pool } from '@tallystick/kernels/pool'
import {
  answerAt,
  askerRows,
  computing,
  decodeDelta,
  encodeDelta,
  rowCount,
  unitBytesOf,
  update as updateTable,
  type Answers,
  type Items,
  type PirParameters,
} from '@tallystick/query'
import { loadPublicIdentity } from '@tallystick/session/node'
import { specHash } from '@tallystick/session'
import type { Encoding } from '../csv.ts'
import { readDataset } from '../dataset.ts'
import { writeJson } from '../files.ts'
import { openHome } from '../home.ts'
import type { Job, Source } from '../job.ts'
import { normalisationOf } from '../normalisation.ts'
import type { Output } from '../output.ts'
import { prepare as prepareRun, runParty, type Prepared, type RunOptions } from '../party-run.ts'
import { fetchTable, keptFor, keptVersion, prepareUnits, sealedRows } from '../query/asking.ts'
import { build as buildTable, cleanUp, describePir, freshRng, hintAfter, runOver } from '../query/building.ts'
import { downloadBytes, readDescription, shapeOf, tableDigest, type Description } from '../query/description.ts'
import { countAgainst, usedBy, writeGrant } from '../query/grants.ts'
import {
  currentVersion,
  holderSource,
  keyOf,
  publicFolder,
  readTable,
  sha256Of,
  switchTo,
  versionFor,
  versionsIn,
  writeListVersion,
  writePirVersion,
} from '../query/table.ts'
import { unitStore } from '../query/units.ts'
import { capacityFor, columnsOf, readList } from '../query/values.ts'
import { count, traffic } from '../text.ts'
import { daysOf } from './terms.ts'

const wholeOption = (text: string, name: string, least: number, most: number): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TallyError(
    'api/usage',
    'self',
    `expected a whole number from ${least} to ${most} as ${name}, found "${text}"`,
  )
}

const poolOf = (): Pool => nodePool({ workers: availableParallelism() })

/** Rows up to which a list is shipped whole: below it costs less than the hint and one matrix scan a query is saved. */
const smallRows = 100_000

interface BuildOptions {
  readonly table: string
  readonly column: string
  readonly normalisation: string
  readonly duplicates: 'refuse' | 'keep-first'
  readonly encoding: Encoding
  readonly values?: string
  readonly rowBytes?: string
  readonly mode: 'auto' | 'list' | 'pir'
  readonly source?: string
}

const namesOf = (text: string | undefined): readonly string[] | undefined =>
  text?.split(',').filter((name) => name !== '')

const told = (description: Description, folder: string): string =>
  `Version ${description.version}: ${
    description.kind === 'sealed-list'
      ? `a sealed list of ${count(description.rows)} rows`
      : `${count(description.columns)} columns of ${description.slots} slots, ${count(description.stashRows)} rows in the stash`
  }. An asker downloads ${traffic(downloadBytes(description))} once.\n${folder}: send this folder to askers; it holds no row in clear.`

export const build = async (output: Output, options: BuildOptions, input: string): Promise<void> => {
  const { table: folder, column, normalisation, duplicates, encoding, mode } = options
  const list = await readList(input, { column, normalisation, duplicates, encoding }, namesOf(options.values))
  const asked = options.rowBytes === undefined ? undefined : wholeOption(options.rowBytes, '--row-bytes', 0, 4096)
  const valueBytes = capacityFor(list.values, asked)
  const small = mode === 'list' || (mode === 'auto' && rowCount(list.ids) <= smallRows)
  const why =
    mode === 'auto'
      ? `${count(rowCount(list.ids))} rows are ${small ? 'few: askers get all of them sealed' : 'many: askers retrieve them by PIR'}`
      : 'as --mode says'
  output.note(`${input}: ${count(rowCount(list.ids))} rows of up to ${valueBytes} bytes; ${why}.`)
  const version = existsSync(join(folder, 'current.json')) ? (await currentVersion(folder)) + 1 : 1
  await using pool = poolOf()
  const progress = await output.progress()
  const built = await buildTable({
    ...{ folder, pool, list, valueBytes, version },
    kind: small ? 'sealed-list' : 'simplepir',
    about: { source: options.source ?? input.replace(/^.*[/\\]/, ''), column, normalisation },
    onProgress: (what, done) => progress.update(what, done),
  }).finally(() => progress.stop())
  const { description } = built
  if ('list' in built) await writeListVersion(folder, description, built.list)
  else await writePirVersion(folder, built.description, built.table, built.hint, undefined)
  await switchTo(folder, version)
  await cleanUp(folder)
  const shown = publicFolder(folder, version)
  output.report(
    {
      event: 'built',
      kind: description.kind,
      rows: rowCount(list.ids),
      version,
      folder: shown,
      download: downloadBytes(description),
    },
    told(description, shown),
  )
}

interface UpdateOptions {
  readonly table: string
  readonly changes?: string
  readonly remove?: string
  readonly encoding: Encoding
}

const nothing: Items = { bytes: new Uint8Array(), offsets: new Uint32Array(1) }

/** A new version beside the one that queries under way use; askers follow it by its delta. */
export const update = async (output: Output, options: UpdateOptions): Promise<void> => {
  const { table: folder, encoding } = options
  const before = await readDescription(join(publicFolder(folder, await currentVersion(folder)), 'table.json'))
  if (before.kind === 'sealed-list') {
    throw new TallyError('api/usage', 'self', 'this table is a list that is shipped whole', {
      remedy: 'build it again from the whole list (tally query build)',
    })
  }
  const { column, normalisation } = before
  const rule = { column, normalisation, duplicates: 'refuse', encoding } as const
  const changes = options.changes === undefined ? undefined : await readList(options.changes, rule, before.values)
  if (changes !== undefined) capacityFor(changes.values, before.valueBytes)
  const removed = options.remove === undefined ? nothing : (await readDataset(options.remove, rule)).items
  if (changes === undefined && rowCount(removed) === 0) {
    throw new TallyError('api/usage', 'self', 'expected --changes or --remove, or both')
  }
  await using pool = poolOf()
  const table = await readTable(folder, before)
  // An update that was interrupted may have sealed rows under its number: they are not sealed again under the same.
  table.version = Math.max(table.version, ...(await versionsIn(folder)))
  const { secretKey } = await keyOf(folder)
  const rows = { ids: changes?.ids ?? nothing, values: changes?.values ?? nothing, removed }
  const delta = await runOver(pool, updateTable(computing, table, secretKey, rows, freshRng()))
  const seed = Uint8Array.from(Buffer.from(before.seed.slice(2), 'hex'))
  const path = join(publicFolder(folder, before.version), 'hint.bin')
  const hint = await hintAfter(pool, { path, digest: before.hint }, table, seed, delta)
  const description = describePir(
    { source: before.source, column, normalisation, values: before.values, publicKey: before.publicKey },
    table,
    seed,
    hint,
  )
  const bytes = encodeDelta(delta)
  decodeDelta(bytes, table.shape)
  await writePirVersion(folder, description, table, hint, bytes)
  await switchTo(folder, description.version)
  const shown = publicFolder(folder, description.version)
  output.report(
    { event: 'updated', version: description.version, slots: delta.slots.length, delta: bytes.length, folder: shown },
    `${count(delta.slots.length)} slots changed; the delta is ${traffic(bytes.length)}.\n${told(description, shown)}`,
  )
}

export const grant = async (
  output: Output,
  options: {
    readonly table: string
    readonly asker: string
    readonly quota: string
    readonly purpose: string
    readonly days: string
  },
): Promise<void> => {
  const { name, party } = loadPublicIdentity(options.asker)
  const expires = new Date(Date.now() + daysOf(options.days) * 86_400_000).toISOString()
  const quota = wholeOption(options.quota, '--quota', 1, 1_000_000_000)
  // Before anything is written: a mistyped folder must not become a grant that nobody reads.
  await currentVersion(options.table)
  await writeGrant(options.table, { party, name, purpose: options.purpose, quota, expires })
  const used = await usedBy(options.table, party)
  output.report(
    { event: 'granted', party, quota, used, expires },
    `${name} may ask for ${count(quota)} ids in all until ${expires} (${count(used)} were asked for), for "${options.purpose}".`,
  )
}

export const fetch = async (output: Output, options: { readonly home: string }, from: string): Promise<void> => {
  const home = await openHome(options.home)
  await using pool = poolOf()
  const { description, how } = await fetchTable(home, from, pool)
  output.report(
    { event: 'fetched', kind: description.kind, version: description.version, how },
    `Version ${description.version} of "${description.source}" is here${how === 'delta' ? ', by its delta' : ''}; its files are those of table.json.`,
  )
}

export const prepare = async (
  output: Output,
  options: { readonly home: string; readonly count: string },
  tableFile: string,
): Promise<void> => {
  const home = await openHome(options.home)
  const asked = await readDescription(tableFile)
  const description = await keptVersion(home, asked.salt)
  if (description?.kind !== 'simplepir') {
    throw new TallyError('api/usage', 'self', 'there is nothing to prepare: no hint of this table is here', {
      remedy: 'fetch the table first (tally query fetch); a list that is shipped whole needs no preparation',
    })
  }
  await using pool = poolOf()
  const progress = await output.progress()
  const units = wholeOption(options.count, '--count', 1, 10_000)
  const root = await prepareUnits(home, pool, description, units, (done) => progress.update('preparing', done)).finally(
    () => progress.stop(),
  )
  output.report(
    { event: 'prepared', count: units, root, table: tableDigest(description) },
    `${count(units)} queries are prepared, each for one use: ${root}`,
  )
}

type QueryRun = RunOptions & {
  readonly id?: readonly string[]
  readonly input?: string
  readonly encoding: Encoding
  readonly table?: string
}

/** The ids asked for, by the rule of the table. @throws TallyError input/invalid-value; never shows an id */
const idsOf = async (
  description: Description,
  options: QueryRun,
): Promise<{ ids: Items; texts: readonly string[] }> => {
  const { column, normalisation } = description
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

const keepAnswers = async (
  output: Output,
  folder: string,
  { values }: Description,
  texts: readonly string[],
  { session }: Job,
): Promise<void> => {
  const answers = session.output as Answers
  const rows = texts.map((id, i) => {
    const answer = answerAt(answers, i)
    // A row that does not open is told here and nowhere else: see docs/query.md before doing anything about it.
    return answer.status === 'found'
      ? { id, status: answer.status, row: columnsOf(values, answer.value) }
      : { id, status: answer.status }
  })
  const file = join(folder, 'answers.json')
  await writeJson(file, rows, true)
  for (const row of rows) {
    const shown =
      'row' in row
        ? Object.entries(row.row)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ')
        : ''
    output.report({ event: 'answer', ...row }, `${row.id}: ${row.status}${shown === '' ? '' : `: ${shown}`}`)
  }
  const spoiled = rows.filter(({ status }) => status === 'spoiled').length
  if (spoiled > 0) {
    output.note(
      `${spoiled} rows do not open. Do not ask again and do not tell the holder before reading "Spoiled rows" in docs/query.md: either shows it where you asked.`,
    )
  }
}

const asking = async (output: Output, prepared: Prepared, options: QueryRun) => {
  const { home, terms, own } = prepared
  const description = await keptFor(home, terms.parameters)
  const { ids, texts } = await idsOf(description, options)
  const rows = askerRows(ids, await sealedRows(home, description))
  const dataset: Source = {
    path: options.input ?? 'the ids of --id',
    digest: sha256Of(rows.bytes, new Uint8Array(rows.offsets.slice().buffer)).slice(2),
    items: rows,
  }
  const root = terms.resources?.[own.role]?.['query/prepared']
  const correlations =
    description.kind === 'simplepir' && root !== undefined
      ? unitStore(home.folder, root, unitBytesOf(shapeOf(description)))
      : undefined
  const folder = home.jobFolder(terms)
  return { dataset, correlations, keepResult: (job: Job) => keepAnswers(output, folder, description, texts, job) }
}

const holding = async (output: Output, { terms, peers }: Prepared, options: QueryRun) => {
  const folder = options.table
  if (folder === undefined) {
    throw new TallyError('api/usage', 'self', 'expected --table: the folder of the table that is asked')
  }
  const description = await versionFor(folder, terms.parameters)
  const dataset = await holderSource(folder, description)
  const asker = peers[0]!
  const { queries } = terms.parameters as unknown as PirParameters
  const { purpose, attempts } = terms
  const asked = { party: asker.party, name: asker.name, purpose, specHash: specHash(terms), queries, attempts }
  const { used, quota } = await countAgainst(folder, asked, Date.now())
  const keepResult = async (): Promise<void> =>
    output.report(
      { event: 'result', kind: 'none', queries, used, quota },
      `${asker.name} asked for ${count(queries)} ids; ${count(used)} of ${count(quota)} are used.`,
    )
  return { dataset, correlations: undefined, keepResult }
}

export const run = async (output: Output, options: QueryRun): Promise<void> => {
  const prepared = await prepareRun(output, options)
  const { own, meeting, terms } = prepared
  if (!terms.protocol.id.startsWith('query/')) {
    throw new TallyError('terms/mismatch', 'self', `these terms are about ${terms.protocol.id}, not about a query`)
  }
  const side = await (own.role === 'asker' ? asking : holding)(output, prepared, options)
  if (meeting === undefined) {
    const { bytes, rounds } = prepared.runnable.protocol.cost(prepared.runnable.protocol.parameters(terms.parameters))
    return output.report(
      { event: 'dry-run', bytes, rounds },
      `All is in order. The run would exchange ${traffic(bytes)} in ${rounds} rounds. Nothing was sent.`,
    )
  }
  await using pool = poolOf()
  // A chain entry for each query would cost more than the query: "tally query anchor" records them in batches.
  await runParty({ output, prepared, meeting, pool, ...side, chain: options.chain ?? null })
}
