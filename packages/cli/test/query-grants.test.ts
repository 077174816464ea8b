/** What a grant allows is counted once a job, and never twice over. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { countAgainst, usedBy, writeGrant } from '../src/query/grants.ts'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-grants-'))))
afterAll(() => rm(folder, { recursive: true }))

const now = Date.parse('2030-01-01T00:00:00Z')
let parties = 0
const granted = async (quota: number) => {
  const party = `0x${String(++parties).padStart(64, '0')}` as const
  await writeGrant(folder, { party, name: 'Bank', purpose: 'loans', quota, expires: '2030-06-01T00:00:00.000Z' })
  const ask = (job: number, queries: number, more: { purpose?: string; at?: number; attempts?: number } = {}) => {
    const specHash = `0x${String(job).padStart(64, '0')}` as const
    const asked = {
      party,
      name: 'Bank',
      purpose: more.purpose ?? 'loans',
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
