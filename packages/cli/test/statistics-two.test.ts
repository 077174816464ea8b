/** Figures of two owners with a helper that brings nothing, as three processes: terms, run, figures, replay. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTally, tally, tallyProcess } from './run.ts'

const before = process.cwd()
let folder = ''

const json = async (...args: readonly string[]): Promise<Record<string, any>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr} ${stdout}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, any>
}

const people = Array.from({ length: 30 }, (_, i) => ({ id: `c${i}`, income: (i * 37) % 50, debt: (i * 11) % 23 }))
const idOf = { from: 'id', normalisation: 'trim/1' }
const numeric = (name: string) => ({ name, type: 'numeric', minimum: 0, maximum: 50 })
const plan = {
  layout: 'vertical',
  minimumCount: 0,
  to: 'all',
  outputs: [
    { name: 'mean', statistic: { kind: 'mean', x: 'income' } },
    { name: 'covariance', statistic: { kind: 'covariance', x: ['income', 'debt'] }, to: ['p0'] },
    { name: 'line', statistic: { kind: 'linear', y: 'debt', x: ['income'], penalty: 0 } },
  ],
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-two-'))
  process.chdir(folder)
  await json('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const home of ['a', 'b', 'office']) await json('party', 'init', '--name', `Side ${home}`, '--home', home)
  for (const [home, column] of [
    ['a', 'income'],
    ['b', 'debt'],
  ] as const) {
    const lines = people.map((person) => `${person.id},${person[column]}`)
    await writeFile(`${home}.csv`, `id,${column}\n${(home === 'b' ? lines.toReversed() : lines).join('\n')}\n`)
    await writeFile(`${home}-columns.json`, JSON.stringify({ id: idOf, columns: [numeric(column)] }))
    await json('data', 'declare', `${home}.csv`, '--table', `${home}-columns.json`, '--home', home)
  }
  await writeFile('plan.json', JSON.stringify(plan))
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const planned = ['stats', 'plan', 'plan.json', '--auditor', 'audit/auditor.json', '--purpose', 'Income and debt']

test('an analysis may lie in a folder where nothing is installed', { timeout: 60_000 }, async () => {
  const script = [
    `import { analyse, mean } from '@tallystick/statistics'`,
    `export default analyse({ layout: 'vertical', columns: ['income', 'debt'] }, ({ income }) => ({ mean: mean(income) }))`,
  ]
  await writeFile('analysis.ts', script.join('\n'))
  const { code, stderr } = await tallyProcess([
    ...['stats', 'plan', 'analysis.ts', '--party', 'a/table.json', 'b/table.json', '--helper', 'office/identity.json'],
    ...['--auditor', 'audit/auditor.json', '--purpose', 'Income', '--out', 'scripted.json'],
  ])
  expect([code, stderr]).toEqual([0, ''])
  const terms = JSON.parse(await readFile('scripted.json', 'utf8')) as { parameters: { outputs: unknown } }
  expect(terms.parameters.outputs).toMatchObject([{ name: 'mean', statistic: { kind: 'mean', x: 'income' } }])
})

test('columns are explained where they are wrong', async () => {
  await writeFile('wrong.json', JSON.stringify({ columns: [{ ...numeric('income'), decimals: 'two' }] }))
  const { code, stderr } = await tally('data', 'declare', 'a.csv', '--table', 'wrong.json', '--home', 'a')
  expect(code).toBe(65)
  expect(stderr).toMatch(/"columns\.0\.decimals": .*number[^]*what to do: correct it/)
})

test('two owners learn figures with a helper, and the run replays', { timeout: 120_000 }, async () => {
  const lone = await tally(...planned, '--party', 'a/table.json')
  expect(lone.stderr).toContain('with a helper that sees nothing (--helper)')
  const alone = await json(...planned, '--party', 'a/table.json', 'b/table.json')
  expect(alone['specHash']).toMatch(/^0x/)
  const { protocol, parameters } = JSON.parse(await readFile('terms.json', 'utf8')) as Record<string, any>
  expect([protocol.id, parameters.triples]).toEqual(['statistics/semi2k-bgv', 'bgv'])
  const crowd = await tally(
    ...planned,
    ...['--party', 'a/table.json', 'b/table.json', 'b/table.json', '--helper', 'office/identity.json'],
  )
  expect(crowd.stderr).toContain('expected two declarations')

  const { specHash } = await json(
    ...[...planned, '--party', 'a/table.json', 'b/table.json', '--helper', 'office/identity.json'],
  )
  for (const home of ['a', 'b', 'office']) await json('terms', 'approve', 'terms.json', '--home', home)
  const shown = (await tally('terms', 'show', 'terms.json')).stdout.replaceAll(/\s+/g, ' ')
  expect(shown).toContain('helper (Side office): no output')
  expect(shown).toContain('joined on ids compared as trim/1: white space before and after is dropped')
  expect(shown).toContain('It must work with neither owner')
  const dry = await json('stats', 'run', '--terms', 'terms.json', '--home', 'office', '--dry-run')
  expect(dry).toMatchObject({ event: 'explained', notes: [expect.stringContaining('nothing of any row')] })

  const run = (home: string, ...args: readonly string[]) =>
    startTally(['stats', 'run', '--terms', 'terms.json', '--home', home, ...args])
  const a = run('a', '--input', 'a.csv', '--listen', '127.0.0.1:0')
  const toA = `p0=127.0.0.1:${String((await a.first('listening'))['port'])}`
  const b = run('b', '--input', 'b.csv', '--listen', '127.0.0.1:0', '--connect', toA)
  const toB = `p1=127.0.0.1:${String((await b.first('listening'))['port'])}`
  const office = run('office', '--connect', toA, toB)
  const ended = await Promise.all([a.ended, b.ended, office.ended])
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
  const results = ended.map(({ events }) => events.find(({ event }) => event === 'result') as Record<string, any>)
  expect(results[2]).toMatchObject({ kind: 'none' })

  const [n, xs, ys] = [people.length, people.map(({ income }) => income), people.map(({ debt }) => debt)]
  const meanOf = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / n
  const product = (u: readonly number[], v: readonly number[]): number =>
    u.reduce((sum, x, i) => sum + (x - meanOf(u)) * (v[i]! - meanOf(v)), 0) / (n - 1)
  expect(results[0]!['figures'].mean).toBeCloseTo(meanOf(xs), 12)
  expect(results[0]!['figures'].covariance[0][1]).toBeCloseTo(product(xs, ys), 9)
  expect(Object.keys(results[1]!['figures'])).toEqual(['mean', 'line'])
  expect(results[1]!['figures'].line.coefficients[0]).toBeCloseTo(product(xs, ys) / product(xs, xs), 6)

  const job = join('a', 'jobs', (specHash as string).slice(2))
  expect(JSON.parse(await readFile(join(job, 'figures.json'), 'utf8'))).toMatchObject({ aligned: true })
  const replayed = await json(
    ...['replay', join(job, 'record.json'), join(job, 'evidence.age'), '--key', 'audit/auditor.key'],
    ...['--trust', 'a/identity.json', 'b/identity.json', 'office/identity.json'],
  )
  expect(replayed).toMatchObject({ verdict: 'replayed' })
})
