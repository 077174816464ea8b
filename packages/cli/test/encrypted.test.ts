/** `tally encrypted`: three processes over loopback, and the replay of who computed. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTally, tally } from './run.ts'

let folder: string
const before = process.cwd()
const json = async (...args: readonly string[]): Promise<Record<string, any>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr} ${stdout}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, any>
}

const numeric = (name: string, minimum: number, maximum: number, decimals: number) => ({
  ...{ name, type: 'numeric', minimum, maximum, decimals },
})
const rows = Array.from({ length: 30 }, (_, i) => [20 + i, (i % 7) / 4 - 0.5])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-encrypted-'))
  process.chdir(folder)
  await writeFile('table.csv', `age,marker\n${rows.map((row) => row.join(',')).join('\n')}\n`)
  const columns = [numeric('age', 0, 120, 0), numeric('marker', -10, 10, 2)]
  await writeFile('columns.json', JSON.stringify({ columns }))
  await writeFile(
    'program.json',
    JSON.stringify({ average: ['mean', 'age'], dot: ['sum', ['multiply', 'age', 'marker']] }),
  )
  await writeFile('rough.json', JSON.stringify({ third: ['multiply', 'marker', 0.333333333] }))
  await writeFile('wrong.json', JSON.stringify({ average: ['mean', 'salary'] }))
  await json('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of ['office', 'cloud', 'bank']) await json('party', 'init', '--name', side, '--home', side)
  await json('data', 'declare', 'table.csv', '--table', 'columns.json', '--home', 'bank')
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const terms = (program: string): readonly string[] => [
  ...['encrypted', 'terms', program, '--receiver', 'office/identity.json', '--compute', 'cloud/identity.json'],
  ...['--owner', 'bank/table.json', '--auditor', 'audit/auditor.json', '--purpose', 'Ages'],
]

test('terms with a precision are approximate, and explain the bound', { timeout: 60_000 }, async () => {
  const made = await json(...terms('rough.json'), '--precision', '0.001', '--out', 'rough-terms.json')
  expect(made['plan']).toMatchObject({ scheme: 'ckks', releases: 1 })
  expect(made['plan'].errors.third).toBeLessThanOrEqual(0.001)
  expect(JSON.parse(await readFile('rough-terms.json', 'utf8')).parameters).toMatchObject({ precision: 0.001 })
  expect((await tally(...terms('rough.json'), '--precision', 'fine')).stderr).toContain('a number above 0')
})

test('computes on a table that nobody else reads, and replays', { timeout: 240_000 }, async () => {
  expect((await tally(...terms('wrong.json'))).stderr).toContain('there is no column salary')
  const made = await json(...terms('program.json'))
  expect(made['plan']).toMatchObject({ scheme: 'bgv', rotationKeys: 0, relinearisation: true })
  for (const side of ['office', 'cloud', 'bank']) await json('terms', 'approve', 'terms.json', '--home', side)

  const run = (...args: readonly string[]) => startTally(['encrypted', 'run', '--terms', 'terms.json', ...args])
  const office = run('--home', 'office', '--listen', '127.0.0.1:0')
  const receiver = `receiver=127.0.0.1:${String((await office.first('listening'))['port'])}`
  const cloud = run('--home', 'cloud', '--listen', '127.0.0.1:0', '--connect', receiver)
  const compute = `compute=127.0.0.1:${String((await cloud.first('listening'))['port'])}`
  const bank = run('--input', 'table.csv', '--home', 'bank', '--connect', receiver, compute)
  const ended = await Promise.all([office.ended, cloud.ended, bank.ended])
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
  const job = (side: string): string => join(side, 'jobs', (made['specHash'] as string).slice(2))
  expect(JSON.parse(await readFile(join(job('office'), 'results.json'), 'utf8'))).toEqual({
    average: [rows.reduce((sum, [age]) => sum + age!, 0) / rows.length],
    dot: [rows.reduce((sum, [age, marker]) => sum + age! * marker!, 0)],
  })
  const replayed = await json(
    ...['replay', join(job('cloud'), 'record.json'), join(job('cloud'), 'evidence.age'), '--key', 'audit/auditor.key'],
    ...['--trust', 'office/identity.json', 'cloud/identity.json', 'bank/identity.json'],
  )
  expect(replayed).toMatchObject({ verdict: 'replayed' })
})
