/** Sums and statistics over an intersection that nobody sees, as processes: terms, runs, results, replay. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTally, tally } from './run.ts'

const before = process.cwd()
let folder = ''
const sides = ['a', 'b'] as const
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)
const csv = (header: string, rows: readonly number[], value: (id: number) => string): string =>
  `${header}\n${rows.map((id) => `${id},${value(id)}`).join('\n')}\n`

const done = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('"error"')])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-circuit-'))
  process.chdir(folder)
  await done('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of sides) await done('party', 'init', '--name', `Bank ${side}`, '--home', side)
  await writeFile(
    'a.csv',
    csv('id,amount', range(0, 40), (id) => `${id}.25`),
  )
  await writeFile(
    'b.csv',
    csv('number,score', range(30, 60).reverse(), (id) => String(3 * id)),
  )
  const amounts = ['--value', 'amount', '--maximum', '40', '--decimals', '2']
  await done('data', 'declare', 'a.csv', '--column', 'id', ...amounts, '--home', 'a')
  await done('data', 'declare', 'b.csv', '--column', 'number', '--value', 'score', '--maximum', '300', '--home', 'b')
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const agreed = async (file: string, ...options: string[]): Promise<string> => {
  const declarations = ['--receiver', 'a/declaration.json', '--sender', 'b/declaration.json']
  const auditing = ['--purpose', file, '--auditor', 'audit/auditor.json', '--out', file]
  const { specHash, protocol } = await done('terms', 'new', ...declarations, ...auditing, ...options)
  expect(protocol).toBe('psi/psty19')
  for (const side of sides) await done('terms', 'approve', file, '--home', side)
  return String(specHash).slice(2)
}

const run = async (file: string) => {
  const start = (side: string, ...meeting: string[]) =>
    startTally(['psi', 'run', '--terms', file, '--home', side, '--input', `${side}.csv`, ...meeting])
  const a = start('a', '--listen', '127.0.0.1:0')
  const { port } = await a.first('listening')
  const ended = await Promise.all([a.ended, start('b', '--connect', `127.0.0.1:${String(port)}`).ended])
  expect(ended.map(({ code, events }) => [code, code === 0 ? '' : events.at(-1)])).toEqual([
    [0, ''],
    [0, ''],
  ])
  return ended.map(
    ({ events }) =>
      (name: string) =>
        events.find(({ event }) => event === name),
  )
}

describe('sums over a hidden intersection', () => {
  it('are told to the receivers, with figures that follow, and can be replayed', { timeout: 120_000 }, async () => {
    const job = await agreed('statistics.json', '--output', 'statistics', '--minimum-result', '10')
    const text = await tally('terms', 'show', 'statistics.json')
    expect(text.stdout).toContain('of fewer than 10 common rows nothing is opened')
    // Two sums over lists that differ in one row tell its value: no second attempt.
    expect(text.stdout).toContain('at most 1 attempts')
    const [a, b] = await run('statistics.json')
    expect(b!('result')).toEqual({ event: 'result', kind: 'none' })
    // Ids 30 to 39 with amounts of id + 0.25 and scores of 3 id: the variance of 0 … 9 is 55/6.
    expect(a!('result')).toMatchObject({ kind: 'statistics', figures: { count: 10 } })
    const figures = JSON.parse(await readFile(join('a', 'jobs', job, 'statistics.json'), 'utf8'))
    expect(figures.columns).toEqual([
      { column: 'amount', sum: '347.50', mean: 34.75, variance: 55 / 6, deviation: Math.sqrt(55 / 6) },
      { column: 'score', sum: '1035', mean: 103.5, variance: 82.5, deviation: Math.sqrt(82.5) },
    ])
    expect(figures.pairs).toEqual([{ columns: ['amount', 'score'], covariance: 27.5, correlation: 1 }])
    const receipt = JSON.parse(await readFile(join('a', 'jobs', job, 'receipt.json'), 'utf8'))
    expect(receipt.happened.bytes).toBe(receipt.predicted.bytes)
    const evidence = [join('a', 'jobs', job, 'record.json'), join('a', 'jobs', job, 'evidence.age')]
    const trust = ['--trust', 'a/identity.json', 'b/identity.json']
    const { code, stdout } = await tally('replay', ...evidence, '--key', 'audit/auditor.key', ...trust)
    expect([code, code === 0 ? '' : stdout]).toEqual([0, ''])
  })

  it('tell no number where only sums are asked for', { timeout: 120_000 }, async () => {
    await agreed('sum.json', '--output', 'sum')
    const [a] = await run('sum.json')
    const sums = [
      { column: 'amount', sum: '347.50' },
      { column: 'score', sum: '1035' },
    ]
    expect(a!('result')).toMatchObject({ event: 'result', kind: 'sums', sums })
    expect(a!('result')).not.toHaveProperty('size')
  })
})
