/** Encrypted scoring on the command line: terms, two processes over TLS, replay. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTally, tally } from './run.ts'

const before = process.cwd()
let folder = ''

const json = async (...args: readonly string[]): Promise<Record<string, any>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr} ${stdout}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, any>
}

const numeric = (name: string, minimum: number, maximum: number, decimals: number) => ({
  ...{ name, type: 'numeric', minimum, maximum, decimals },
})
const rows = Array.from({ length: 40 }, (_, i) => [20 + i, (i % 7) / 4 - 0.5, i % 2])
const intercept = -1.25
const weights = [0.03125, -0.5, 2]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-score-'))
  process.chdir(folder)
  await writeFile('features.csv', `age,marker,smoker\n${rows.map((row) => row.join(',')).join('\n')}\n`)
  const columns = [numeric('age', 0, 120, 0), numeric('marker', -10, 10, 2), numeric('smoker', 0, 1, 0)]
  await writeFile('columns.json', JSON.stringify({ columns }))
  await writeFile('model.csv', `name,weight\nintercept,${intercept}\nage,0.03125\nsmoker,2\nmarker,-0.5\n`)
  await writeFile('other.csv', 'name,weight\nintercept,0\nage,1\nsmoker,2\n')
  await json('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of ['a', 'b']) await json('party', 'init', '--name', `Side ${side}`, '--home', side)
  await json('data', 'declare', 'features.csv', '--table', 'columns.json', '--home', 'a')
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

test('scores features that the model never sees, and replays', { timeout: 120_000 }, async () => {
  const made = await json(
    ...['score', 'terms', '--client', 'a/table.json', '--server', 'b/identity.json', '--purpose', 'Risk'],
    ...['--auditor', 'audit/auditor.json', '--score-decimals', '6'],
  )
  expect(made['plan']).toMatchObject({ degree: 8192, ciphertexts: 3 })
  for (const side of ['a', 'b']) await json('terms', 'approve', 'terms.json', '--home', side)
  const wrong = await tally('score', 'run', '--terms', 'terms.json', '--input', 'other.csv', '--home', 'b', '--dry-run')
  expect(wrong.stderr).toContain('there is no line for "marker"')
  const dry = ['--input', 'model.csv', '--home', 'b', '--dry-run']
  expect(await json('score', 'run', '--terms', 'terms.json', ...dry)).toMatchObject({ event: 'explained' })

  const run = (...args: readonly string[]) => startTally(['score', 'run', '--terms', 'terms.json', ...args])
  const server = run('--input', 'model.csv', '--home', 'b', '--listen', '127.0.0.1:0')
  const { port } = await server.first('listening')
  const client = run('--input', 'features.csv', '--home', 'a', '--connect', `127.0.0.1:${String(port)}`)
  const [a, b] = await Promise.all([client.ended, server.ended])
  expect([a.code, b.code]).toEqual([0, 0])
  const job = join('a', 'jobs', (made['specHash'] as string).slice(2))
  const [header, ...lines] = (await readFile(join(job, 'scores.csv'), 'utf8')).trim().split('\n')
  expect(header).toBe('score,probability')
  const expected = rows.map((row) => row.reduce((sum, x, j) => sum + x * weights[j]!, intercept))
  expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(expected)

  const replayed = await json(
    ...['replay', join(job, 'record.json'), join(job, 'evidence.age'), '--key', 'audit/auditor.key'],
    ...['--trust', 'a/identity.json', 'b/identity.json'],
  )
  expect(replayed).toMatchObject({ verdict: 'replayed' })
})
