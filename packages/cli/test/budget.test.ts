/** Budgets of tables: spent once a job, kept on disk, refused when gone. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { analyse, count, epsilonOf, histogram, mean, noisy, type Parameters } from '@tallystick/statistics'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { budgetsOf, charge, setBudget, usedOf } from '../src/budget.ts'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-budget-test-'))))
afterAll(() => rm(folder, { recursive: true }))

const table = { columns: [{ name: 'a', type: 'numeric', minimum: 0, maximum: 9, decimals: 0 } as const] }
const parameters = (rho: number, exact = false): Parameters => ({
  ...analyse({ layout: 'horizontal', columns: ['a'] }, ({ a }) => ({
    bins: noisy(histogram(a, [3, 6]), { rho }),
    ...(exact && { mean: mean(a) }),
  })),
  sizes: { p0: 3 },
  tables: { p0: table },
})
const job = (name: string, rho: number, more: { exact?: boolean; attempts?: number } = {}) =>
  charge(folder, {
    source: 'a.csv',
    specHash: name,
    parameters: parameters(rho, more.exact),
    attempts: more.attempts ?? 1,
  })

it('charges a job once, and refuses what does not fit, with nothing written', async () => {
  expect(await job('0x0', 0.1)).toBeUndefined()
  await setBudget(folder, 'a.csv', 3, 1e-6)
  await job('0x1', 0.1)
  await job('0x1', 0.1)
  expect(usedOf((await budgetsOf(folder))['a.csv']!).epsilon).toBeCloseTo(epsilonOf(0.1, 1e-6), 12)
  const before = await readFile(join(folder, 'budget.json'), 'utf8')
  await expect(job('0x2', 0.5)).rejects.toMatchObject({ code: 'terms/budget-spent' })
  await expect(job('0x3', 0.01, { exact: true })).rejects.toThrow(/"mean" is told exactly/)
  await expect(job('0x4', 0.01, { attempts: 2 })).rejects.toThrow(/2 attempts/)
  expect(await readFile(join(folder, 'budget.json'), 'utf8')).toBe(before)
  // A larger budget keeps what was spent.
  await setBudget(folder, 'a.csv', 9, 1e-6)
  expect(usedOf((await job('0x2', 0.5))!).rho).toBeCloseTo(0.6, 12)
})

it('does not begin anew where the file is not what it was', async () => {
  await writeFile(join(folder, 'budget.json'), '{}')
  await expect(job('0x5', 0.1)).rejects.toMatchObject({ code: 'input/malformed' })
})

it('takes a sum of weights for a figure like others, and the number of rows for what the terms say', async () => {
  const own = join(folder, 'weights')
  const counted = (weighted: boolean): Parameters => ({
    ...analyse({ layout: 'horizontal', columns: ['a'] }, ({ a }) => ({ n: count(weighted ? { weight: a } : {}) })),
    sizes: { p0: 3 },
    tables: { p0: table },
  })
  await setBudget(own, 'c.csv', 1, 1e-6)
  const charged = { source: 'c.csv', attempts: 1 }
  await expect(charge(own, { ...charged, specHash: '0x1', parameters: counted(true) })).rejects.toThrow(
    /"n" is told exactly/,
  )
  expect(await charge(own, { ...charged, specHash: '0x2', parameters: counted(false) })).toMatchObject({
    epsilon: 1,
  })
})

it('counts jobs that begin together one after the other', async () => {
  const own = join(folder, 'together')
  await setBudget(own, 'd.csv', 3, 1e-6)
  const begun = ['0x1', '0x2', '0x3'].map((specHash) =>
    charge(own, { source: 'd.csv', specHash, attempts: 1, parameters: parameters(0.1) }),
  )
  const ends = await Promise.allSettled(begun)
  const told = ends.filter(({ status }) => status === 'fulfilled').length
  const { spent } = (await budgetsOf(own))['d.csv']!
  expect(Object.keys(spent)).toHaveLength(told)
  expect(told).toBeLessThan(3)
})
