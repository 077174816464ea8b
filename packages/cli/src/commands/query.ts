/** `tally query build | update | grant | fetch | prepare | terms | run | anchor`. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { TallyError } from '@tallystick/core'
import { widenScans } from '@tallystick/kernels/engine/node'
import { nodePool, type Pool } from '@tallystick/kernels/pool'
import {
  computing,
  decodeDelta,
  encodeDelta,
  mostHolders,
  rowCount,
  update as updateTable,
  type Items,
} from '@tallystick/query'
import { loadPublicIdentity } from '@tallystick/session/node'
import type { Encoding } from '../csv.ts'
import { readDataset } from '../dataset.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { prepare as prepareRun, runParty, type Prepared } from '../party-run.ts'
import { fetchTable, keptVersion, prepareUnits } from '../query/asking.ts'
import { build as buildTable, cleanUp, describePir, hintAfter } from '../query/building.ts'
import {
  downloadBytes,
  readDescription,
  tableDigest,
  type Description,
  type MembersDescription,
} from '../query/description.ts'
import { buildMembersTable, changeMembers, writeChangedVersion, writeMembersVersion } from '../query/members.ts'
import { tellsOf, usedBy, writeGrant, type GrantedHolders, type Tells } from '../query/grants.ts'
import { freshRng, runOver } from '../query/sealing.ts'
import { asking, holding, type QueryRun } from '../query/sides.ts'
import {
  currentVersion,
  keyOf,
  publicFolder,
  readTable,
  switchTo,
  versionsIn,
  writeListVersion,
  writePirVersion,
} from '../query/table.ts'
import { capacityFor, longestOf, openList, readList } from '../query/values.ts'
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
  readonly mode: 'auto' | 'list' | 'pir' | 'members'
  readonly commit: 'auto' | 'lines' | 'digest'
  readonly source?: string
}

const namesOf = (text: string | undefined): readonly string[] | undefined =>
  text?.split(',').filter((name) => name !== '')

const told = (description: Description, folder: string): string =>
  `Version ${description.version}: ${
    description.kind === 'members'
      ? `a table of ${count(description.rows)} members, without values${
          description.changes === undefined ? '' : `, and of up to ${count(description.changes.rows)} changes`
        }`
      : description.kind === 'sealed-list'
        ? `a sealed list of ${count(description.rows)} rows`
        : `${count(description.columns)} columns of ${description.slots} slots, ${count(description.stashRows)} rows in the stash`
  }. An asker downloads ${traffic(downloadBytes(description))} once.\n${folder}: send this folder to askers; it holds no row in clear.`

export const build = async (output: Output, options: BuildOptions, input: string): Promise<void> => {
  const { table: folder, column, normalisation, duplicates, encoding, mode } = options
  const list = await openList(input, { column, normalisation, duplicates, encoding }, namesOf(options.values))
  const asked = options.rowBytes === undefined ? undefined : wholeOption(options.rowBytes, '--row-bytes', 0, 4096)
  const members = mode === 'members'
  const valueBytes = members ? 0 : capacityFor(list.longest, asked)
  const small = mode === 'list' || (mode === 'auto' && rowCount(list.ids) <= smallRows)
  const why =
    mode === 'auto'
      ? `${count(rowCount(list.ids))} rows are ${small ? 'few: askers get all of them sealed' : 'many: askers retrieve them by PIR'}`
      : 'as --mode says'
  const size = members ? 'without values' : `of up to ${valueBytes} bytes`
  output.note(`${input}: ${count(rowCount(list.ids))} rows ${size}; ${why}.`)
  const version = existsSync(join(folder, 'current.json')) ? (await currentVersion(folder)) + 1 : 1
  await using pool = poolOf()
  const progress = await output.progress()
  const how = {
    ...{ folder, pool, list, valueBytes, version, committed: options.commit === 'auto' ? undefined : options.commit },
    about: { source: options.source ?? input.replace(/^.*[/\\]/, ''), column, normalisation },
    onProgress: (what: string, done: number) => progress.update(what, done),
  }
  const built = await (
    members ? buildMembersTable(how) : buildTable({ ...how, kind: small ? 'sealed-list' : 'simplepir' })
  ).finally(() => progress.stop())
  const { description } = built
  if ('cells' in built) await writeMembersVersion(folder, built.description, built.cells)
  else if ('list' in built) await writeListVersion(folder, description, built.list)
  else await writePirVersion(folder, built.description, built.table, built.hint, built)
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

const updateMembers = async (
  output: Output,
  folder: string,
  before: MembersDescription,
  added: Items,
  removed: Items,
): Promise<void> => {
  await using pool = poolOf()
  const version = Math.max(...(await versionsIn(folder))) + 1
  const changed = await changeMembers(folder, pool, before, version, { added, removed })
  const { description } = changed
  await writeChangedVersion(folder, before, changed)
  await switchTo(folder, version)
  const differing = rowCount(changed.differing)
  const shown = publicFolder(folder, version)
  if (4 * differing > before.rows) {
    output.note(
      `${count(differing)} ids differ from the table of ${count(before.rows)}: build it again when that is convenient.`,
    )
  }
  output.report(
    { event: 'updated', version, differing, delta: changed.cells.length, folder: shown },
    `${count(differing)} ids differ from the table as it was built; who has it downloads ${traffic(changed.cells.length)}: table.json and changes.bin.\n${told(description, shown)}`,
  )
}

/** A new version beside the one that queries under way use; askers follow it by its delta. */
export const update = async (output: Output, options: UpdateOptions): Promise<void> => {
  const { table: folder, encoding } = options
  const before = await readDescription(join(publicFolder(folder, await currentVersion(folder)), 'table.json'))
  if (before.kind === 'sealed-list') {
    throw new TallyError('api/usage', 'self', 'this table is one that is shipped whole', {
      remedy: 'build it again from the whole list (tally query build)',
    })
  }
  const { column, normalisation } = before
  const rule = { column, normalisation, duplicates: 'refuse', encoding } as const
  const changes = options.changes === undefined ? undefined : await readList(options.changes, rule, before.values)
  if (changes !== undefined && before.kind === 'simplepir') capacityFor(longestOf(changes.values), before.valueBytes)
  const removed = options.remove === undefined ? nothing : (await readDataset(options.remove, rule)).items
  if (changes === undefined && rowCount(removed) === 0) {
    throw new TallyError('api/usage', 'self', 'expected --changes or --remove, or both')
  }
  if (before.kind === 'members') return updateMembers(output, folder, before, changes?.ids ?? nothing, removed)
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
    {
      ...{ source: before.source, column, normalisation, values: before.values, publicKey: before.publicKey },
      ...(before.committed === undefined ? {} : { committed: before.committed }),
    },
    table,
    seed,
    hint,
  )
  const bytes = encodeDelta(delta)
  decodeDelta(bytes, table.shape)
  await writePirVersion(folder, description, table, hint, { delta: bytes })
  await switchTo(folder, description.version)
  const shown = publicFolder(folder, description.version)
  output.report(
    { event: 'updated', version: description.version, slots: delta.slots.length, delta: bytes.length, folder: shown },
    `${count(delta.slots.length)} slots changed; the delta is ${traffic(bytes.length)}.\n${told(description, shown)}`,
  )
}

interface GrantOptions {
  readonly table: string
  readonly asker: string
  readonly quota: string
  readonly purpose: string
  readonly tells: readonly string[]
  readonly with?: readonly string[]
  readonly holder1?: readonly string[]
  readonly days: string
}

/** Who else answers where something of several holders is told. @throws TallyError api/usage where nobody is named */
const holdersOf = (options: GrantOptions, tells: readonly Tells[]): GrantedHolders | undefined => {
  const named = options.with ?? []
  const first = options.holder1 ?? []
  const together = tells.filter((what) => what !== 'which')
  if (together.length === 0) {
    if (named.length + first.length === 0) return undefined
    throw new TallyError('api/usage', 'self', '--with and --holder-1 are for grants that tell any, count or at-least-t')
  }
  if (named.length === 0 || first.length === 0) {
    throw new TallyError(
      'api/usage',
      'self',
      `expected --with (all other holders) and --holder-1 (who of all may compute with the asker) to tell ${together.join(', ')}`,
      {
        remedy:
          'name them: an asker that chooses the holders itself takes shams with empty lists, and is told which holder has an id',
      },
    )
  }
  if (named.length >= mostHolders) {
    throw new TallyError(
      'api/usage',
      'self',
      `expected at most ${mostHolders - 1} other holders, found ${named.length}`,
    )
  }
  const others = named.map((file) => loadPublicIdentity(file)).map(({ party, name }) => ({ party, name }))
  return { others, first: first.map((file) => loadPublicIdentity(file).party) }
}

export const grant = async (output: Output, options: GrantOptions): Promise<void> => {
  const { name, party } = loadPublicIdentity(options.asker)
  const expires = new Date(Date.now() + daysOf(options.days) * 86_400_000).toISOString()
  const quota = wholeOption(options.quota, '--quota', 1, 1_000_000_000)
  const tells = options.tells.map(tellsOf)
  const holders = holdersOf(options, tells)
  // Before anything is written: a mistyped folder must not become a grant that nobody reads.
  await currentVersion(options.table)
  const grant = { party, name, purpose: options.purpose, tells, quota, expires }
  await writeGrant(options.table, holders === undefined ? grant : { ...grant, holders })
  const used = await usedBy(options.table, party)
  const together = holders === undefined ? '' : ` together with ${holders.others.map((other) => other.name).join(', ')}`
  output.report(
    { event: 'granted', party, tells, ...(holders === undefined ? {} : { holders }), quota, used, expires },
    `${name} is told ${tells.join(', ')}${together}; it may ask for ${count(quota)} ids in all until ${expires} (${count(used)} were asked for), for "${options.purpose}".`,
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

/** What a run costs and rests on, before anything is sent. */
const explain = (output: Output, { runnable, terms }: Prepared): void => {
  const { protocol } = runnable
  const { bytes, rounds } = protocol.cost(protocol.parameters(terms.parameters))
  const { adversary, assumptions } = protocol.security
  const learns = terms.parties.map(({ role, name }) => `  ${role} (${name}): ${protocol.leakage[role]}`)
  output.report(
    { event: 'explained', protocol: protocol.id, bytes, rounds, adversary, assumptions },
    [
      `${protocol.id}: ${count(rounds)} rounds, ${traffic(bytes)} in all; against ${adversary} parties, if:`,
      ...assumptions.map((text) => `  ${text}`),
      'Known to each beyond the answers:',
      ...learns,
    ].join('\n'),
  )
}

export const run = async (output: Output, options: QueryRun): Promise<void> => {
  const prepared = await prepareRun(output, options)
  const { own, meeting, terms } = prepared
  if (!terms.protocol.id.startsWith('query/')) {
    throw new TallyError('terms/mismatch', 'self', `these terms are about ${terms.protocol.id}, not about a query`)
  }
  if (options.wide === true && !widenScans())
    output.note('Vectors of 32 bytes are not right on this machine: without them.')
  await using pool = poolOf()
  const side =
    own.role === 'asker' ? await asking(output, prepared, options, pool) : await holding(output, prepared, options)
  if (options.explain === true) explain(output, prepared)
  if (meeting === undefined) {
    const { bytes, rounds } = prepared.runnable.protocol.cost(prepared.runnable.protocol.parameters(terms.parameters))
    return output.report(
      { event: 'dry-run', bytes, rounds },
      `All is in order. The run would exchange ${traffic(bytes)} in ${rounds} rounds. Nothing was sent.`,
    )
  }
  // A chain entry for each query would cost more than the query: "tally query anchor" records them in batches.
  await runParty({ output, prepared, meeting, pool, ...side, chain: options.chain ?? null })
}
