/**
 * Figures of a real data set among five processes over TLS: three compute, one of them without rows, and two owners beside
 * them have tables only. What they learn is compared with scikit-learn's data in the clear and with the reference of
 * statsmodels and scipy; the record is verified, the evidence of one party replayed.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTally, tally } from './run.ts'

const reference = new URL('../../statistics/reference/', import.meta.url)
const before = process.cwd()
let folder = ''

const json = async (...args: readonly string[]): Promise<Record<string, any>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr} ${stdout}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, any>
}

const homes = ['office', 'north', 'south', 'east', 'west'] as const
const roles = ['p0', 'p1', 'p2', 'owner-1', 'owner-2'] as const
/** Where the rows of each begin; those of the office are none. */
const bounds = [0, 0, 120, 200, 330, 442]

const body = ['age', 'sex', 'bmi', 'bp', 's1', 's2', 's3', 's4', 's5', 's6']
const numeric = (name: string, minimum: number, maximum: number, decimals: number) => ({
  ...{ name, type: 'numeric', minimum, maximum, decimals },
})
const format = {
  missing: 'drop',
  columns: [
    ...body.map((name) => numeric(name, 0, 400, 4)),
    numeric('progression', 0, 400, 0),
    { name: 'generation', type: 'categorical', levels: ['middle', 'old', 'young'] },
  ],
}
const plan = {
  layout: 'horizontal',
  minimumCount: 10,
  to: ['owner-1', 'p1'],
  outputs: [
    { name: 'mean', statistic: { kind: 'mean', x: 'bmi' } },
    { name: 'pairs', statistic: { kind: 'correlation', x: ['bmi', 's5'], method: 'pearson' } },
    { name: 'groups', statistic: { kind: 'group-by', by: 'generation', x: 'progression' }, to: ['owner-1'] },
    { name: 'line', statistic: { kind: 'linear', y: 'progression', x: body, penalty: 0 } },
  ],
}

const started: ReturnType<typeof startTally>[] = []
/** Rows more than are in the data set, and rows left out. */
const entered: [number, number][] = []
let cells: string[][] = []
let header: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-five-'))
  process.chdir(folder)
  const lines = (await readFile(new URL('data/diabetes.csv', reference), 'utf8')).trimEnd().split('\n')
  ;[header = [], ...cells] = lines.map((line) => line.split(','))
  await json('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  await writeFile('columns.json', JSON.stringify(format))
  for (const [i, home] of homes.entries()) {
    await json('party', 'init', '--name', `Clinic ${home}`, '--home', home)
    const own = cells.slice(bounds[i], bounds[i + 1])
    if (own.length === 0) {
      await json('data', 'declare', '--home', home)
      continue
    }
    // A record without its bmi in each file, which is left out.
    const gap = own[0]!.map((cell, c) => (header[c] === 'bmi' ? '' : cell))
    await writeFile(`${home}.csv`, `${[header, gap, ...own].map((row) => row.join(',')).join('\n')}\n`)
    const declared = await json('data', 'declare', `${home}.csv`, '--table', 'columns.json', '--home', home)
    entered.push([Number(declared['rows']) - own.length, Number(declared['dropped'])])
  }
  await writeFile('plan.json', JSON.stringify(plan))
}, 60_000)
afterAll(async () => {
  started.forEach((run) => run.kill('SIGKILL'))
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const near = (found: readonly number[], expected: readonly number[], error: number): void => {
  expect(found.length).toBe(expected.length)
  found.forEach((value, i) => expect(Math.abs(value / expected[i]! - 1), `${value}`).toBeLessThan(error))
}

test(
  'five processes have the figures of the clear computation, a record and a replay',
  { timeout: 120_000 },
  async () => {
    expect(entered).toEqual(Array.from({ length: 4 }, () => [0, 1]))
    const { specHash } = await json(
      ...['stats', 'plan', 'plan.json', '--party', ...homes.map((home) => join(home, 'table.json'))],
      ...['--auditor', 'audit/auditor.json', '--purpose', 'Progression of diabetes'],
    )
    for (const home of homes) await json('terms', 'approve', 'terms.json', '--home', home)

    const addresses: string[] = []
    for (const [i, home] of homes.entries()) {
      const last = i === homes.length - 1
      const run = startTally([
        ...['stats', 'run', '--terms', 'terms.json', '--home', home, ...(i === 0 ? [] : ['--input', `${home}.csv`])],
        ...(addresses.length === 0 ? [] : ['--connect', ...addresses]),
        ...(last ? [] : ['--listen', '127.0.0.1:0']),
      ])
      started.push(run)
      // The others would wait for it.
      void run.ended.then(({ code }) => code !== 0 && started.forEach((each) => each.kill('SIGTERM')))
      if (!last) addresses.push(`${roles[i]}=127.0.0.1:${String((await run.first('listening'))['port'])}`)
    }
    const ended = await Promise.all(started.map((run) => run.ended))
    expect(ended.filter(({ code }) => code !== 0).map(({ events }) => events.at(-1))).toEqual([])
    const results = ended.map(({ events }) => events.find(({ event }) => event === 'result') as Record<string, any>)
    expect(results.map(({ kind }) => kind)).toEqual(['none', 'statistics', 'none', 'statistics', 'none'])
    expect(Object.keys(results[1]!['figures'])).toEqual(['mean', 'pairs', 'line'])

    const found = results[3]!['figures']
    const { moments, ols, anova } = JSON.parse(
      await readFile(new URL('vectors/reference.json', reference), 'utf8'),
    ) as Record<string, any>
    const values = cells.map((row) => Number(row[header.indexOf('bmi')]))
    near([found.mean], [values.reduce((a, b) => a + b) / values.length], 1e-12)
    const { columns, pearson } = moments.diabetes
    near([found.pairs[0][1]], [pearson[columns.indexOf('bmi')][columns.indexOf('s5')]], 1e-7)
    const fit = ols[0]
    near([found.line.intercept, ...found.line.coefficients], fit.coefficients, 1e-4)
    near([found.line.interceptError, ...found.line.errors], fit.errors, 1e-4)
    const groups = anova.find(({ data }: { data: string }) => data === 'diabetes')
    expect(found.groups.levels).toEqual(groups.levels)
    near(
      found.groups.groups.map(({ mean }: { mean: number }) => mean),
      groups.means,
      1e-12,
    )
    expect(results[1]!['figures'].line).toEqual(found.line)

    const trust = ['--trust', ...homes.map((home) => join(home, 'identity.json'))]
    const job = join('office', 'jobs', String(specHash).slice(2))
    expect(await json('verify', join(job, 'record.json'), ...trust)).toMatchObject({ verdict: 'consistent' })
    const key = ['--key', 'audit/auditor.key']
    const replayed = await json('replay', join(job, 'record.json'), join(job, 'evidence.age'), ...key, ...trust)
    expect(replayed).toMatchObject({ verdict: 'replayed' })
  },
)
