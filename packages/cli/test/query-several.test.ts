/** Several holders asked in one job, each in a process of its own, over TLS. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTally, tally, type Running } from './run.ts'

const before = { folder: process.cwd(), state: process.env['XDG_STATE_HOME'] }
const purpose = 'Loan applications'
let folder = ''

const json = async (...args: readonly string[]): Promise<Record<string, any>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  if (code !== 0) throw new Error(`${stdout}${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, any>
}

const lists = { b: ['both', 'all', 'one'], c: ['both', 'all', 'left'], d: ['all', 'other', 'left'] }
type Side = keyof typeof lists

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-several-'))
  process.chdir(folder)
  process.env['XDG_STATE_HOME'] = join(folder, 'state')
  await json('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of ['a', 'b', 'c', 'd']) await json('party', 'init', '--name', `Bank ${side}`, '--home', side)
  for (const [side, ids] of Object.entries(lists)) {
    await writeFile(`${side}.csv`, `person,reason\n${ids.map((id) => `${id},${side} says so`).join('\n')}\n`)
  }
})
afterAll(async () => {
  process.chdir(before.folder)
  if (before.state === undefined) delete process.env['XDG_STATE_HOME']
  else process.env['XDG_STATE_HOME'] = before.state
  await rm(folder, { recursive: true })
})

type Mode = 'list' | 'pir' | 'members'
const folders = new Map<string, string>()
const others = (side: Side) =>
  ['b', 'c', 'd'].filter((other) => other !== side).map((other) => `${other}/identity.json`)

/** Builds a table, fetches it for the asker and grants what is told; once. */
const built = async (side: Side, mode: Mode, tells: readonly string[]): Promise<string> => {
  const table = `${side}-${mode}`
  const before = folders.get(table)
  if (before !== undefined) return before
  const made = await json(
    ...['query', 'build', `${side}.csv`, '--column', 'person', '--mode', mode, '--table', table],
    ...(mode === 'pir' ? ['--commit', 'digest'] : []),
  )
  await json('query', 'fetch', made['folder'] as string, '--home', 'a')
  await json(
    ...['query', 'grant', '--asker', 'a/identity.json', '--quota', '100', '--purpose', purpose],
    ...['--table', table, '--tells', ...tells],
    ...(mode === 'members' ? ['--with', ...others(side), '--holder-1', 'b/identity.json'] : []),
  )
  folders.set(table, made['folder'] as string)
  return made['folder'] as string
}

/** Changes a table of members; the asker follows by what is new of it. */
const changed = async (table: string, come: readonly string[], gone: readonly string[]): Promise<string> => {
  await writeFile('come.csv', `person\n${come.join('\n')}\n`)
  await writeFile('gone.csv', `person\n${gone.join('\n')}\n`)
  const made = await json('query', 'update', '--changes', 'come.csv', '--remove', 'gone.csv', '--table', table)
  expect(made).toMatchObject({ event: 'updated', version: 2, differing: 2 })
  const sent = join(folder, 'sent')
  await mkdir(sent)
  for (const name of ['table.json', 'changes.bin'])
    await copyFile(join(made['folder'] as string, name), join(sent, name))
  expect(await json('query', 'fetch', sent, '--home', 'a')).toMatchObject({ version: 2, how: 'delta' })
  // Who has nothing of the table needs all of it; a table that was altered is refused.
  await expect(json('query', 'fetch', sent, '--home', 'b')).rejects.toThrow('cells.bin')
  const altered = await readFile(join(sent, 'changes.bin'))
  altered[100]! ^= 1
  await writeFile(join(sent, 'changes.bin'), altered)
  await expect(json('query', 'fetch', made['folder'] as string, '--home', 'b')).resolves.toMatchObject({ how: 'whole' })
  await copyFile(join(made['folder'] as string, 'cells.bin'), join(sent, 'cells.bin'))
  await expect(json('query', 'fetch', sent, '--home', 'c')).rejects.toThrow('changes.bin')
  return made['folder'] as string
}

const termsFor = async (
  sides: readonly Side[],
  tables: readonly string[],
  queries: number,
  tells: string,
  prepared: readonly string[] = [],
  audited = 'asker',
) => {
  const file = `${sides.join('')}-${tells}.json`
  const made = await json(
    ...['query', 'terms', ...tables.map((shown) => join(shown, 'table.json')), '--asker', 'a/identity.json'],
    ...['--holder', ...sides.map((side) => `${side}/identity.json`), '--auditor', 'audit/auditor.json'],
    ...['--purpose', purpose, '--queries', `${queries}`, '--tells', tells, '--out', file, '--audited', audited],
    ...(prepared.length === 0 ? [] : ['--prepared', ...prepared]),
  )
  for (const side of ['a', ...sides]) await json('terms', 'approve', file, '--home', side)
  return { file, job: join('a', 'jobs', (made['specHash'] as string).slice(2)) }
}

/** Every holder listens, and dials the holders before it; the asker, in this process, dials all. */
const run = async (sides: readonly Side[], file: string, modes: readonly Mode[], ids: readonly string[]) => {
  const dialled: string[] = []
  const holders: Running[] = []
  for (const [i, side] of sides.entries()) {
    const holder = startTally([
      ...[
        'query',
        'run',
        '--terms',
        file,
        '--table',
        `${side}-${modes[i]!}`,
        '--home',
        side,
        '--listen',
        '127.0.0.1:0',
      ],
      ...(dialled.length === 0 ? [] : ['--connect', ...dialled]),
    ])
    holders.push(holder)
    const { port } = await holder.first('listening')
    dialled.push(`holder-${i + 1}=127.0.0.1:${String(port)}`)
  }
  const asker = await tally(
    ...['query', 'run', '--terms', file, '--home', 'a', '--explain', '--id', ...ids, '--connect', ...dialled, '--json'],
  )
  if (asker.code !== 0) setTimeout(() => holders.forEach((each) => each.kill('SIGKILL')), 5000)
  const ended = await Promise.all(holders.map((each) => each.ended))
  expect(asker.code, asker.stderr).toBe(0)
  expect(ended.map(({ code, events }) => (code === 0 ? 0 : events.at(-1)))).toEqual(ended.map(() => 0))
  const events = asker.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { asker: events, holders: ended.map(({ events: own }) => own) }
}
const answersOf = (events: readonly Record<string, unknown>[]) =>
  events.filter(({ event }) => event === 'answer').map(({ event: _, ...answer }) => answer)

const trustFor = (sides: readonly string[]) => ['--trust', ...sides.map((side) => `${side}/identity.json`)]

describe('tally query of several holders', () => {
  it('tells whether at least two of three have an id, and nobody more', { timeout: 240_000 }, async () => {
    const sides = ['b', 'c', 'd'] as const
    const tables: string[] = []
    for (const side of sides) tables.push(await built(side, 'members', ['any', 'at-least-2']))
    // The last list changes: its large table is not sent again.
    tables[2] = await changed('d-members', ['one', 'other'], ['left'])
    const ids = ['one', 'both', ' all ', 'nobody', 'left']
    const { file, job } = await termsFor(sides, tables, ids.length, 'at-least-2')
    const { asker, holders } = await run(sides, file, ['members', 'members', 'members'], ids)
    expect(answersOf(asker)).toEqual([
      { id: 'one', 'at-least-2': true },
      { id: 'both', 'at-least-2': true },
      { id: 'all', 'at-least-2': true },
      { id: 'nobody', 'at-least-2': false },
      { id: 'left', 'at-least-2': false },
    ])
    const explained = asker.find(({ event }) => event === 'explained')!
    expect(JSON.stringify(explained)).toContain('DO NOT COLLUDE')
    for (const events of holders) {
      expect(events.find(({ event }) => event === 'result')).toMatchObject({ kind: 'none', used: 5, quota: 100 })
      expect(JSON.stringify(events)).not.toContain('both')
    }
    const files = [join(job, 'record.json'), join(job, 'evidence.age')]
    const replayed = await tally('replay', ...files, '--key', 'audit/auditor.key', ...trustFor(['a', ...sides]))
    expect([replayed.stderr, replayed.code]).toEqual(['', 0])
    // The grants do not let the asker be told a number: each holder refuses before anything is sent.
    const count = await termsFor(sides, tables, 1, 'count')
    const refused = await tally(
      ...['query', 'run', '--terms', count.file, '--table', 'c-members', '--home', 'c', '--dry-run'],
    )
    expect([refused.code === 0, refused.stderr.includes('terms/not-approved')]).toEqual([false, true])
    // Nor may the asker leave holders out, or bring one of its own making: "any" would be one holder's answer.
    await json('party', 'init', '--name', 'Sham', '--home', 'e')
    const shownOf = (side: string): string => tables[['b', 'c', 'd'].indexOf(side)] ?? tables[0]!
    for (const [sides, why] of [
      [['b', 'c'], 'leave out Bank d'],
      [['b', 'c', 'e'], 'not for questions together with Sham'],
      [['c', 'b', 'd'], 'not let Bank c be holder-1'],
    ] as const) {
      await json(
        ...['query', 'terms', ...sides.map((side) => join(shownOf(side), 'table.json'))],
        ...['--asker', 'a/identity.json', '--holder', ...sides.map((side) => `${side}/identity.json`)],
        ...['--auditor', 'audit/auditor.json', '--purpose', purpose, '--tells', 'any', '--out', 'sham.json'],
      )
      for (const side of ['a', ...sides]) await json('terms', 'approve', 'sham.json', '--home', side)
      const dry = ['query', 'run', '--terms', 'sham.json', '--table', 'c-members', '--home', 'c', '--dry-run']
      const attack = await tally(...dry)
      expect([attack.code === 0, attack.stderr]).toEqual([false, expect.stringContaining(why)])
    }
  })

  it('tells which of two has an id, with the row, of a list and by PIR', { timeout: 240_000 }, async () => {
    const sides = ['b', 'c'] as const
    const tables = [await built('b', 'list', ['which']), await built('c', 'pir', ['which'])]
    const { root } = await json('query', 'prepare', join(tables[1]!, 'table.json'), '--count', '2', '--home', 'a')
    const { file, job } = await termsFor(sides, tables, 2, 'which', [root as string], 'holder-2')
    const { asker } = await run(sides, file, ['list', 'pir'], ['both', 'one'])
    const says = (side: string) => ({ status: 'found', row: { reason: `${side} says so` } })
    const expected = [
      { id: 'both', holders: { 'holder-1': says('b'), 'holder-2': says('c') } },
      { id: 'one', holders: { 'holder-1': says('b'), 'holder-2': { status: 'absent' } } },
    ]
    expect(answersOf(asker)).toEqual(expected)
    expect(JSON.parse(await readFile(join(job, 'answers.json'), 'utf8'))).toEqual(expected)
    // The evidence of the holder by PIR names its matrix by a digest: a replay runs on the matrix that is brought.
    const files = ['record.json', 'evidence.age'].map((name) => join('c', job.slice(2), name))
    const replay = (...more: readonly string[]) =>
      tally('replay', ...files, '--key', 'audit/auditor.key', ...trustFor(['a', ...sides]), ...more)
    const without = await replay()
    expect([without.code, without.stdout]).not.toEqual([0, expect.anything()])
    expect(without.stdout).toContain('were not brought')
    for (const table of ['c-pir', 'c-pir/versions/1/matrix.bin']) {
      const replayed = await replay('--table', table)
      expect([replayed.stderr, replayed.code]).toEqual(['', 0])
    }
    const altered = await readFile('c-pir/versions/1/matrix.bin')
    altered[77]! ^= 1
    await writeFile('altered.bin', altered)
    const other = await replay('--table', 'altered.bin')
    expect([other.code === 0, other.stderr]).toEqual([false, expect.stringContaining('input/changed')])
  })

  it('refuses tables that do not fit the question', async () => {
    const [list, members] = [await built('b', 'list', ['which']), await built('c', 'members', ['any'])]
    await expect(termsFor(['b', 'c'], [list, members], 1, 'any')).rejects.toThrow('expected a table of members')
    await expect(termsFor(['b', 'c'], [list, members], 1, 'which')).rejects.toThrow('found one of members')
    await expect(termsFor(['c'], [members], 1, 'any')).rejects.toThrow('at least 2 holders')
    await expect(termsFor(['b', 'c'], [list], 1, 'which')).rejects.toThrow('a holder for each table')
  })
})
