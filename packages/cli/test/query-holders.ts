/**
 * One question to many holders over TLS, each party a process of its own on this machine: `node packages/cli/test/query-holders.ts
 * --folder <empty folder> [--holders 10] [--ids 1000] [--rows 2000] [--tells count]`. Holder j has the ids from 100 j on; the asker
 * asks for ids of which any number of them have each. Every answer is compared; it says what each party took. What a run
 * costs the holders does not depend on their rows. Exits 1 if anything is wrong.
 */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { run, say, start } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    holders: { type: 'string', default: '10' },
    ids: { type: 'string', default: '1000' },
    rows: { type: 'string', default: '2000' },
    tells: { type: 'string', default: 'count' },
  },
})
if (options.folder === undefined) throw new Error('expected --folder: an empty folder')
const folder = resolve(options.folder)
const [holders, ids, rows] = [options.holders, options.ids, options.rows].map(Number) as [number, number, number]
process.chdir(folder)
process.env['XDG_STATE_HOME'] = join(folder, 'state')

const homes = Array.from({ length: holders }, (_, j) => `holder-${j + 1}`)
const identity = (home: string): string => join(home, 'identity.json')
const idOf = (i: number): string => `id-${i}`

await run('auditor', 'auditor', 'init', '--name', 'Audit', '--home', 'audit')
for (const home of ['asker', ...homes]) await run(`party ${home}`, 'party', 'init', '--name', home, '--home', home)
for (const [j, home] of homes.entries()) {
  const own = Array.from({ length: rows }, (_, i) => idOf(100 * j + i))
  await writeFile(`${home}.csv`, `id\n${own.join('\n')}\n`)
  const table = join(home, 'table')
  await run(
    `build of ${home}`,
    'query',
    'build',
    `${home}.csv`,
    '--column',
    'id',
    '--mode',
    'members',
    '--table',
    table,
  )
  const others = homes.filter((other) => other !== home).map(identity)
  await run(
    ...[`grant of ${home}`, 'query', 'grant', '--asker', identity('asker'), '--quota', `${ids}`, '--purpose', 'Loans'],
    ...['--tells', options.tells, '--table', table, '--with', ...others, '--holder-1', identity('holder-1')],
  )
  await run(`fetch from ${home}`, 'query', 'fetch', join(table, 'versions', '1', 'public'), '--home', 'asker')
}
await run(
  ...['terms', 'query', 'terms', ...homes.map((home) => join(home, 'table', 'versions', '1', 'public', 'table.json'))],
  ...['--asker', identity('asker'), '--holder', ...homes.map(identity), '--auditor', 'audit/auditor.json'],
  ...['--purpose', 'Loans', '--queries', `${ids}`, '--tells', options.tells, '--out', 'query.json'],
)
for (const home of ['asker', ...homes])
  await run(`approval of ${home}`, 'terms', 'approve', 'query.json', '--home', home)

// From the ids of one holder alone to those of all of them and of none.
const step = Math.max(1, Math.floor((rows + 100 * holders + 200) / ids))
const asked = Array.from({ length: ids }, (_, i) => step * i)
await writeFile('ask.csv', `id\n${asked.map(idOf).join('\n')}\n`)
const dialled: string[] = []
const running = []
for (const home of homes) {
  const holder = start([
    ...[
      'query',
      'run',
      '--terms',
      'query.json',
      '--table',
      join(home, 'table'),
      '--home',
      home,
      '--listen',
      '127.0.0.1:0',
    ],
    ...(dialled.length === 0 ? [] : ['--connect', ...dialled]),
  ])
  const { port } = await holder.first('listening')
  dialled.push(`${home}=127.0.0.1:${String(port)}`)
  running.push(holder)
}
const asker = await start([
  ...['query', 'run', '--terms', 'query.json', '--input', 'ask.csv', '--home', 'asker', '--connect', ...dialled],
]).ended
if (asker.code !== 0) for (const { child } of running) child.kill()
const ended = await Promise.all(running.map((holder) => holder.ended))
if (asker.code !== 0) throw new Error(asker.complaint)
say({ what: `asker, ${ids} ids of ${holders} holders`, ...asker.figures })
for (const [j, { code, figures }] of ended.entries()) say({ what: homes[j], code, ...figures })

const counts = new Map(asked.map((i) => [idOf(i), homes.filter((_, j) => i >= 100 * j && i < 100 * j + rows).length]))
const threshold = options.tells === 'any' ? 1 : Number(/^at-least-(\d+)$/.exec(options.tells)?.[1] ?? 0)
const answers = asker.events.filter(({ event }) => event === 'answer')
const right = answers.filter((answer) => {
  const count = counts.get(answer['id'] as string)
  return count !== undefined && answer[options.tells] === (threshold === 0 ? count : count >= threshold)
})
const wrong = ids - right.length
say({ what: 'done', answers: answers.length, wrong, ended: ended.filter(({ code }) => code === 0).length })
if (wrong > 0 || ended.some(({ code }) => code !== 0)) process.exitCode = 1
