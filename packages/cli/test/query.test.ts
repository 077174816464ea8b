/** Oblivious query on the command line: build, fetch, ask, update, count, replay. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTally, tally } from './run.ts'

const before = { folder: process.cwd(), state: process.env['XDG_STATE_HOME'] }
let folder = ''
const purpose = 'Loan applications'

const json = async (...args: readonly string[]): Promise<Record<string, any>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, any>
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-query-'))
  process.chdir(folder)
  process.env['XDG_STATE_HOME'] = join(folder, 'state')
  const rows = Array.from({ length: 300 }, (_, i) => `p${i},reason ${i % 7},2024-0${1 + (i % 9)}-01`)
  await writeFile('list.csv', `person,reason,since\n${rows.join('\n')}\n`)
  await writeFile('changes.csv', 'person,reason,since\np5,cleared up,2025-01-01\nnew one,fresh,2025-02-02\n')
  await writeFile('remove.csv', 'person\np7\n')
  await json('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of ['a', 'b']) await json('party', 'init', '--name', `Bank ${side}`, '--home', side)
})
afterAll(async () => {
  process.chdir(before.folder)
  if (before.state === undefined) delete process.env['XDG_STATE_HOME']
  else process.env['XDG_STATE_HOME'] = before.state
  await rm(folder, { recursive: true })
})

let jobs = 0

/** Terms for `ids`, approved by both, run by both: what either told. */
const ask = async (table: string, ids: readonly string[], options: { prepared?: string; purpose?: string } = {}) => {
  const file = `query-${jobs++}.json`
  const { folder: shown } = shownIn[table]!
  const prepared = options.prepared === undefined ? [] : ['--prepared', options.prepared]
  const made = await json(
    ...['query', 'terms', join(shown, 'table.json'), '--asker', 'a/identity.json', '--holder', 'b/identity.json'],
    ...['--auditor', 'audit/auditor.json', '--purpose', options.purpose ?? purpose, '--queries', `${ids.length}`],
    ...['--out', file, ...prepared],
  )
  for (const side of ['a', 'b']) await json('terms', 'approve', file, '--home', side)
  const holder = startTally([
    'query',
    'run',
    '--terms',
    file,
    '--table',
    table,
    '--home',
    'b',
    '--listen',
    '127.0.0.1:0',
  ])
  const listening = await holder.first('listening').catch(() => undefined)
  if (listening === undefined) return { asker: undefined, holder: await holder.ended, job: '' }
  const asker = startTally([
    ...[
      'query',
      'run',
      '--terms',
      file,
      '--id',
      ...ids,
      '--home',
      'a',
      '--connect',
      `127.0.0.1:${String(listening['port'])}`,
    ],
  ])
  // A side that fails before the session begins leaves the other waiting.
  void asker.ended.then(({ code }) => code !== 0 && setTimeout(() => holder.kill('SIGKILL'), 5000))
  const ended = await Promise.all([asker.ended, holder.ended])
  return { asker: ended[0], holder: ended[1], job: join('a', 'jobs', (made['specHash'] as string).slice(2)) }
}

const shownIn: Record<string, { folder: string }> = {}
const answersOf = (side: { readonly events: readonly Record<string, unknown>[] } | undefined) =>
  side?.events.filter(({ event }) => event === 'answer').map(({ event: _, ...answer }) => answer)

describe('tally query', () => {
  it('answers from a list that is shipped whole, within its grant', { timeout: 120_000 }, async () => {
    const built = await json('query', 'build', 'list.csv', '--column', 'person', '--table', 'small')
    expect(built).toMatchObject({ kind: 'sealed-list', rows: 300, version: 1 })
    shownIn['small'] = { folder: built['folder'] as string }
    await json('query', 'fetch', built['folder'] as string, '--home', 'a')

    const ungranted = await ask('small', ['p1'])
    expect(ungranted.holder.events.at(-1)).toMatchObject({ event: 'error', code: 'terms/not-approved' })
    await json(
      ...['query', 'grant', '--asker', 'a/identity.json', '--quota', '3'],
      ...['--purpose', purpose, '--table', 'small'],
    )
    const { asker, holder, job } = await ask('small', ['p1', ' p299 ', 'nobody'])
    expect([asker!.code, holder.code]).toEqual([0, 0])
    expect(answersOf(asker)).toEqual([
      { id: 'p1', status: 'found', row: { reason: 'reason 1', since: '2024-02-01' } },
      { id: 'p299', status: 'found', row: { reason: 'reason 5', since: '2024-03-01' } },
      { id: 'nobody', status: 'absent' },
    ])
    expect(holder.events.find(({ event }) => event === 'result')).toMatchObject({ used: 3, quota: 3 })
    expect(JSON.stringify(holder.events)).not.toContain('p299')
    const trust = ['--trust', 'a/identity.json', 'b/identity.json']
    expect((await tally('verify', join(job, 'record.json'), ...trust)).code).toBe(0)

    const over = await ask('small', ['p2'])
    expect(over.holder.events.at(-1)).toMatchObject({ event: 'error', code: 'terms/not-approved' })
    const other = await ask('small', ['p2'], { purpose: 'Curiosity' })
    expect(other.holder.events.at(-1)).toMatchObject({ event: 'error', code: 'terms/not-approved' })
  })

  it('answers by PIR, follows an update by its delta, and is replayed', { timeout: 120_000 }, async () => {
    const built = await json(
      'query',
      'build',
      'list.csv',
      '--column',
      'person',
      '--mode',
      'pir',
      '--row-bytes',
      '64',
      '--table',
      'large',
    )
    expect(built).toMatchObject({ kind: 'simplepir', rows: 300, version: 1 })
    shownIn['large'] = { folder: built['folder'] as string }
    await json('query', 'fetch', built['folder'] as string, '--home', 'a')
    const tableFile = join(built['folder'] as string, 'table.json')
    const { root } = await json('query', 'prepare', tableFile, '--count', '3', '--home', 'a')
    await json(
      ...['query', 'grant', '--asker', 'a/identity.json', '--quota', '100'],
      ...['--purpose', purpose, '--table', 'large'],
    )

    const first = await ask('large', ['p5', 'p7', 'new one'], { prepared: root as string })
    expect([first.asker!.code, first.holder.code]).toEqual([0, 0])
    expect(answersOf(first.asker)).toEqual([
      { id: 'p5', status: 'found', row: { reason: 'reason 5', since: '2024-06-01' } },
      { id: 'p7', status: 'found', row: { reason: 'reason 0', since: '2024-08-01' } },
      { id: 'new one', status: 'absent' },
    ])
    const trust = ['--trust', 'a/identity.json', 'b/identity.json']
    const files = [join(first.job, 'record.json'), join(first.job, 'evidence.age')]
    const replayed = await tally('replay', ...files, '--key', 'audit/auditor.key', ...trust)
    expect(replayed.stderr).toBe('')
    expect(replayed.code).toBe(0)

    // Every unit is used up: the next terms need others, and the store says so before anything is sent.
    const again = await ask('large', ['p1'], { prepared: root as string })
    expect(again.asker!.events.at(-1)).toMatchObject({ code: 'terms/mismatch' })

    const updated = await json(
      'query',
      'update',
      '--changes',
      'changes.csv',
      '--remove',
      'remove.csv',
      '--table',
      'large',
    )
    expect(updated).toMatchObject({ version: 2 })
    shownIn['large'] = { folder: updated['folder'] as string }
    // Without the hint: the delta is enough.
    await rm(join(updated['folder'] as string, 'hint.bin'))
    const fetched = await json('query', 'fetch', updated['folder'] as string, '--home', 'a')
    expect(fetched).toMatchObject({ how: 'delta', version: 2 })
    const next = await json(
      'query',
      'prepare',
      join(updated['folder'] as string, 'table.json'),
      '--count',
      '3',
      '--home',
      'a',
    )
    const second = await ask('large', ['p5', 'p7', 'new one'], { prepared: next['root'] as string })
    expect(answersOf(second.asker)).toEqual([
      { id: 'p5', status: 'found', row: { reason: 'cleared up', since: '2025-01-01' } },
      { id: 'p7', status: 'absent' },
      { id: 'new one', status: 'found', row: { reason: 'fresh', since: '2025-02-02' } },
    ])
  })

  it('refuses a version that was changed on its way', async () => {
    const { folder: shown } = shownIn['small']!
    const list = await readFile(join(shown, 'list.bin'))
    list[100]! ^= 1
    await writeFile(join(shown, 'list.bin'), list)
    const { code, stderr } = await tally('query', 'fetch', shown, '--home', 'a')
    expect([code, stderr.includes('input/changed')]).toEqual([65, true])
  })
})
