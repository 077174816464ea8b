/** What a grant allows is counted once a job, and never twice over. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { countAgainst, readGrant, tellsOf, toldBy, usedBy, writeGrant, type Tells } from '../src/query/grants.ts'
import { tally } from './run.ts'

let folder = ''
let identity = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-grants-'))
  identity = join(folder, 'asker', 'identity.json')
  await tally('party', 'init', '--name', 'Asker', '--home', join(folder, 'asker'))
})
afterAll(() => rm(folder, { recursive: true }))

const now = Date.parse('2030-01-01T00:00:00Z')
let parties = 0
interface Holder {
  readonly party: `0x${string}`
  readonly name: string
}
const holderOf = (name: string): Holder => ({ party: `0x${name.repeat(32)}`, name })
const [b, c, sham] = [holderOf('bb'), holderOf('cc'), holderOf('ee')]
const own = holderOf('aa').party
const granted = async (quota: number) => {
  const party = `0x${String(++parties).padStart(64, '0')}` as const
  await writeGrant(folder, {
    ...{ party, name: 'Bank', purpose: 'loans', quota, expires: '2030-06-01T00:00:00.000Z' },
    tells: ['any', 'at-least-3'],
    holders: { others: [b, c], first: [b.party, own] },
  })
  const ask = (
    job: number,
    queries: number,
    more: { purpose?: string; at?: number; attempts?: number; tells?: Tells; holders?: readonly Holder[] } = {},
  ) => {
    const specHash = `0x${String(job).padStart(64, '0')}` as const
    const asked = {
      party,
      name: 'Bank',
      purpose: more.purpose ?? 'loans',
      tells: more.tells ?? 'any',
      holders: more.holders ?? [b, { party: own, name: 'own' }, c],
      own,
      specHash,
      queries,
      attempts: more.attempts ?? 1,
    }
    return countAgainst(folder, asked, more.at ?? now)
  }
  return { party, ask }
}
const refused = { code: 'terms/not-approved' }

it('counts a job once, and refuses over the quota', async () => {
  const { party, ask } = await granted(10)
  expect(await ask(1, 6)).toEqual({ used: 6, quota: 10 })
  expect(await ask(1, 6)).toEqual({ used: 6, quota: 10 })
  await expect(ask(2, 5)).rejects.toMatchObject(refused)
  expect(await ask(3, 4)).toEqual({ used: 10, quota: 10 })
  expect(await usedBy(folder, party)).toBe(10)
})

it('counts what all attempts of a job can ask for', async () => {
  const { party, ask } = await granted(10)
  await expect(ask(1, 4, { attempts: 3 })).rejects.toMatchObject(refused)
  expect(await usedBy(folder, party)).toBe(0)
  expect(await ask(2, 3, { attempts: 3 })).toEqual({ used: 9, quota: 10 })
  expect(await ask(2, 3, { attempts: 3 })).toEqual({ used: 9, quota: 10 })
  await expect(ask(3, 1, { attempts: 1000 })).rejects.toMatchObject(refused)
  expect(await ask(4, 1)).toEqual({ used: 10, quota: 10 })
})

it('never allows more to jobs that begin together', async () => {
  const { party, ask } = await granted(5)
  const results = await Promise.allSettled([1, 2, 3, 4].map((job) => ask(job, 3)))
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
  expect(await usedBy(folder, party)).toBeLessThanOrEqual(5)
})

it('is for one purpose and one time; a job that was counted goes on', async () => {
  const { ask } = await granted(5)
  await expect(ask(1, 1, { purpose: 'curiosity' })).rejects.toMatchObject(refused)
  await expect(ask(1, 1, { at: Date.parse('2031-01-01T00:00:00Z') })).rejects.toMatchObject(refused)
  await ask(1, 1)
  expect(await ask(1, 1, { at: Date.parse('2031-01-01T00:00:00Z') })).toEqual({ used: 1, quota: 5 })
})

it('is for what the asker may be told, and for nothing else', async () => {
  const { ask } = await granted(5)
  for (const tells of ['which', 'count', 'at-least-2'] as const) {
    await expect(ask(1, 1, { tells })).rejects.toMatchObject(refused)
  }
  expect(await ask(2, 1, { tells: 'at-least-3' })).toEqual({ used: 1, quota: 5 })
  expect(await ask(3, 1)).toEqual({ used: 2, quota: 5 })
})

it('is for the holders that it names, all of them, with a first that it names', async () => {
  const { party, ask } = await granted(5)
  const self = { party: own, name: 'own' }
  for (const holders of [[b, self, sham], [b, self], [b, self, c, sham], [c, self, b], [self, b, sham], [self]]) {
    await expect(ask(1, 1, { holders })).rejects.toMatchObject(refused)
  }
  expect(await usedBy(folder, party)).toBe(0)
  expect(await ask(2, 1, { holders: [b, c, self] })).toEqual({ used: 1, quota: 5 })
  expect(await ask(3, 1, { holders: [self, c, b] })).toEqual({ used: 2, quota: 5 })
})

it('that names no holders tells nothing of several together', async () => {
  const party = `0x${'cd'.repeat(32)}` as const
  const grant = { party, name: 'Bank', purpose: 'loans', quota: 5, expires: '2030-06-01T00:00:00.000Z' }
  await writeGrant(folder, { ...grant, tells: ['which', 'any'] })
  const asked = { party, name: 'Bank', purpose: 'loans', own, queries: 1, attempts: 1, holders: [b, c] }
  const specHash = `0x${'01'.repeat(32)}` as const
  await expect(countAgainst(folder, { ...asked, specHash, tells: 'any' }, now)).rejects.toMatchObject(refused)
  expect(await countAgainst(folder, { ...asked, specHash, tells: 'which' }, now)).toEqual({ used: 1, quota: 5 })
  const missing = await tally(
    ...[
      'query',
      'grant',
      '--asker',
      identity,
      '--quota',
      '5',
      '--purpose',
      'loans',
      '--table',
      folder,
      '--tells',
      'any',
    ],
  )
  expect([missing.code === 0, missing.stderr]).toEqual([false, expect.stringContaining('--with')])
})

it('of before there was a choice tells rows', async () => {
  const party = `0x${'ab'.repeat(32)}` as const
  const old = { format: 'tallystick/query-grant/1', party, name: 'Bank', purpose: 'loans', quota: 5 }
  await writeFile(
    join(folder, 'grants', `${'ab'.repeat(32)}.json`),
    JSON.stringify({ ...old, expires: '2030-06-01T00:00:00.000Z' }),
  )
  expect((await readGrant(folder, party))?.tells).toEqual(['which'])
})

it('reads what is told off terms and command lines', () => {
  expect(toldBy('query/sealed-list', { queries: 1 })).toBe('which')
  expect(toldBy('query/which-2', { queries: 1 })).toBe('which')
  expect(toldBy('query/quorum-2', { mode: 'any' })).toBe('any')
  expect(toldBy('query/quorum-4', { mode: 'at-least', threshold: 3 })).toBe('at-least-3')
  for (const text of ['at-least-1', 'at-least-11', 'at-least-', 'all', ''])
    expect(() => tellsOf(text)).toThrow(/expected which/)
})

it('is not given for a table that is not there', async () => {
  const { code, stderr } = await tally(
    ...[
      'query',
      'grant',
      '--asker',
      identity,
      '--quota',
      '5',
      '--purpose',
      'loans',
      '--table',
      join(folder, 'nowhere'),
    ],
  )
  expect([code === 0, stderr.includes('nowhere')]).toEqual([false, true])
  expect(existsSync(join(folder, 'nowhere'))).toBe(false)
})
