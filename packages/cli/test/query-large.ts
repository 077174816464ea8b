/**
 * A table above 4 GiB through `tally query`, each command a process of its own: `node packages/cli/test/query-large.ts --folder
 * <empty folder> [--rows 640000] [--value-bytes 200] [--row-bytes 4096] [--ids 48] [--interrupt]`. A list is written and built (with `--interrupt` the
 * build is killed once while it makes the hint, and goes on), fetched and asked over TLS on loopback for rows from its
 * beginning, its middle and its end, and for ids that are absent; the holder's evidence is replayed with the table and without;
 * rows are changed, the asker follows by the delta and asks again. Every answer is compared. It says in which blocks
 * of the matrix the rows that were found stand, and what each command took: seconds, CPU seconds, peak of memory. Exits 1 if
 * anything is wrong. Rows are sealed with room for `--row-bytes`, however short their values. It needs 4 times the table on the disk and
 * 1.3 times in memory.
 */
import { once } from 'node:events'
import { createWriteStream, existsSync, openSync, readSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fromHex, utf8ToBytes } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { computing, evaluate, linesOf, rowKeys, runLocally, slotBytesOf } from '@tallystick/query'
import { keyOf } from '../src/query/table.ts'
import { run, say, start } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    rows: { type: 'string', default: '640000' },
    'value-bytes': { type: 'string', default: '200' },
    'row-bytes': { type: 'string', default: '4096' },
    ids: { type: 'string', default: '48' },
    interrupt: { type: 'boolean', default: false },
  },
})
if (options.folder === undefined)
  throw new Error('expected --folder: an empty folder with room for four times the table')
const folder = resolve(options.folder)
const rows = Number(options.rows)
const valueBytes = Number(options['value-bytes'])
const asked = Math.floor(Number(options.ids) / 4)
process.chdir(folder)
process.env['XDG_STATE_HOME'] = join(folder, 'state')

let wrong = 0
const expected = (fine: boolean, what: string): void => {
  if (fine) return
  wrong++
  say({ wrong: what })
}

const idOf = (i: number): string => `row-${i}`
const valueOf = (i: number, version = 0): string => {
  const own = `${version}:${i};`
  return own.repeat(Math.ceil(valueBytes / own.length)).slice(0, valueBytes - 4)
}

const writeList = async (file: string, lines: Iterable<string>): Promise<void> => {
  const out = createWriteStream(file, { highWaterMark: 1 << 20 })
  for (const line of lines) if (!out.write(line)) await once(out, 'drain')
  out.end()
  await once(out, 'finish')
}
function* listOf(numbers: Iterable<number>, version = 0): Generator<string> {
  yield 'id,value\n'
  for (const i of numbers) yield `${idOf(i)},${valueOf(i, version)}\n`
}
const upTo = function* (count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}

/** Kills the build once the hint has begun. */
const interrupted = async (args: readonly string[]): Promise<void> => {
  const { child, ended } = start(args)
  while (!existsSync(join('table', 'building', 'hint-1.bin'))) await new Promise((wake) => setTimeout(wake, 200))
  child.kill('SIGKILL')
  const { figures } = await ended
  say({ what: 'build, killed at the second part of the hint', ...figures })
}

interface Table {
  readonly columns: number
  readonly slots: number
  readonly valueBytes: number
  readonly salt: `0x${string}`
  readonly version: number
}

/** In which blocks of 1 GiB of the matrix the slots of ids stand: some cross a border. */
const blocksOf = async (table: Table, ids: readonly string[]): Promise<Record<string, number>> => {
  const { secretKey } = await keyOf('table')
  const parts = ids.map((id) => utf8ToBytes(id))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  const items = { bytes: Buffer.concat(parts), offsets }
  const outputs = runLocally(evaluate(computing, items, secretKey), await nodeEngine())
  const file = openSync(join('table', 'versions', `${table.version}`, 'matrix.bin'), 'r')
  const byte = new Uint8Array(1)
  const at = (line: number, column: number): number => {
    readSync(file, byte, 0, 1, line * table.columns + column)
    return byte[0]!
  }
  const found: Record<string, number> = {}
  ids.forEach((_, i) => {
    const { tag, column: random } = rowKeys(outputs.subarray(64 * i, 64 * (i + 1)), fromHex(table.salt))
    const column = random & (table.columns - 1)
    const blockOf = (line: number): number => Math.floor((line * table.columns) / 2 ** 30)
    let name = 'stash'
    for (let slot = 0; slot < table.slots && name === 'stash'; slot++) {
      const line = slot * slotBytesOf(table)
      if (!tag.every((one, b) => one === at(line + b, column))) continue
      const [from, to] = [blockOf(line), blockOf(line + slotBytesOf(table) - 1)]
      name = from === to ? `block ${from}` : `blocks ${from} and ${to}`
    }
    found[name] = (found[name] ?? 0) + 1
  })
  return found
}

/** One job over TLS: what each id came to. */
const ask = async (what: string, version: number, ids: readonly string[], audited: string) => {
  const shown = join('table', 'versions', `${version}`, 'public', 'table.json')
  const { root } = await run(
    `${what}: prepare ${ids.length}`,
    'query',
    'prepare',
    shown,
    '--count',
    `${ids.length}`,
    '--home',
    'a',
  )
  const made = await run(
    ...[`${what}: terms`, 'query', 'terms', shown, '--asker', 'a/identity.json', '--holder', 'b/identity.json'],
    ...['--auditor', 'audit/auditor.json', '--purpose', 'Loans', '--queries', `${ids.length}`, '--audited', audited],
    ...['--prepared', root as string, '--out', 'query.json'],
  )
  for (const home of ['a', 'b']) await run(`${what}: approve`, 'terms', 'approve', 'query.json', '--home', home)
  const holder = start([
    ...['query', 'run', '--terms', 'query.json', '--table', 'table', '--home', 'b', '--listen', '127.0.0.1:0'],
  ])
  const { port } = await holder.first('listening')
  await writeFile('ask.csv', `id\n${ids.join('\n')}\n`)
  const asker = await start([
    ...['query', 'run', '--terms', 'query.json', '--input', 'ask.csv', '--home', 'a'],
    ...['--connect', `127.0.0.1:${String(port)}`],
  ]).ended
  const held = await holder.ended
  if (asker.code !== 0 || held.code !== 0) throw new Error(`${what}: ${asker.complaint}${held.complaint}`)
  say({ what: `${what}: asker, ${ids.length} ids`, ...asker.figures })
  say({ what: `${what}: holder`, ...held.figures })
  const answers = new Map<string, string | undefined>()
  for (const { event, id, row } of asker.events) {
    if (event === 'answer') answers.set(id as string, (row as { readonly value?: string } | undefined)?.value)
  }
  return { answers, job: (made['specHash'] as string).slice(2) }
}

const check = (
  answers: ReadonlyMap<string, string | undefined>,
  wanted: ReadonlyMap<string, string | undefined>,
): void => {
  expected(answers.size === wanted.size, `${wanted.size} ids were asked, ${answers.size} answered`)
  for (const [id, value] of wanted) expected(answers.get(id) === value, `the answer to ${id}`)
}

const replays = async (job: string, trust: readonly string[]): Promise<void> => {
  const files = [join('b', 'jobs', job, 'record.json'), join('b', 'jobs', job, 'evidence.age')]
  const replay = ['replay', ...files, '--key', 'audit/auditor.key', '--trust', ...trust]
  const without = await start(replay).ended
  expected(without.code !== 0, 'a replay without the table passed')
  say({ what: 'evidence of the holder', bytes: (await stat(files[1]!)).size })
  await run('replay of the holder, with the table', ...replay, '--table', 'table')
}

await run('auditor', 'auditor', 'init', '--name', 'Audit', '--home', 'audit')
for (const home of ['a', 'b']) await run('party', 'party', 'init', '--name', `Bank ${home}`, '--home', home)
const build = [
  ...['query', 'build', 'list.csv', '--column', 'id', '--mode', 'pir', '--table', 'table'],
  ...['--commit', 'digest', '--row-bytes', options['row-bytes']],
]
await writeList('list.csv', listOf(upTo(rows)))
say({ what: 'list written', rows, valueBytes, rowBytes: Number(options['row-bytes']) })
if (options.interrupt) await interrupted(build)
await run('build', ...build)
const shown = (version: number): string => join('table', 'versions', `${version}`, 'public')
const tableOf = async (version: number): Promise<Table> =>
  JSON.parse(await readFile(join(shown(version), 'table.json'), 'utf8')) as Table
const table = await tableOf(1)
say({ what: 'table', columns: table.columns, slots: table.slots, matrixBytes: linesOf(table) * table.columns })
if (linesOf(table) * table.columns <= 2 ** 32) say({ what: 'NOTE: this table is below 4 GiB' })
await run(
  'grant',
  'query',
  'grant',
  '--asker',
  'a/identity.json',
  '--quota',
  '10000',
  '--purpose',
  'Loans',
  '--table',
  'table',
)
await run('fetch', 'query', 'fetch', shown(1), '--home', 'a')

const some = (from: number): readonly number[] => Array.from({ length: asked }, (_, i) => from + 7 * i)
const present = [...some(0), ...some(Math.floor(rows / 2)), ...some(rows - 7 * asked)]
const wanted = new Map<string, string | undefined>(present.map((i) => [idOf(i), valueOf(i)]))
for (let i = 0; i < asked; i++) wanted.set(`nobody-${i}`, undefined)
say({ what: 'rows that are asked for stand in', ...(await blocksOf(table, present.map(idOf))) })
const one = new Map([[idOf(rows - 1), valueOf(rows - 1)]])
check((await ask('one id', 1, [...one.keys()], 'asker')).answers, one)
const many = await ask('many ids', 1, [...wanted.keys()], 'holder')
check(many.answers, wanted)
await replays(many.job, ['a/identity.json', 'b/identity.json'])

// Of the ids asked before, rows are written anew, removed, and added.
const [again, gone] = [present.filter((_, i) => i % 3 === 0), present.filter((_, i) => i % 3 === 1)]
await writeList('changes.csv', [...listOf(again, 1), ...Array.from({ length: asked }, (_, i) => `nobody-${i},came\n`)])
await writeList('gone.csv', ['id\n', ...gone.map((i) => `${idOf(i)}\n`)])
await run('update', 'query', 'update', '--changes', 'changes.csv', '--remove', 'gone.csv', '--table', 'table')
const { how } = await run('fetch the update', 'query', 'fetch', shown(2), '--home', 'a')
expected(how === 'delta', 'the asker follows by the delta')
for (const i of again) wanted.set(idOf(i), valueOf(i, 1))
for (const i of gone) wanted.set(idOf(i), undefined)
for (let i = 0; i < asked; i++) wanted.set(`nobody-${i}`, 'came')
check((await ask('after the update', 2, [...wanted.keys()], 'asker')).answers, wanted)
say({ what: 'done', wrong })
if (wrong > 0) process.exitCode = 1
