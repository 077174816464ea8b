/** Budgets of tables: spent once a job, kept on disk, refused when gone. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { analyse, count, epsilonOf, histogram, mean, noisy, type Parameters } from '@tallystick/statistics'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { budgetsOf, charge, guardBudget, setBudget, usedOf } from '../src/budget.ts'
import { tally } from './run.ts'

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
    ...{ source: 'a.csv', file: 'f0' },
    specHash: name,
    parameters: parameters(rho, more.exact),
    attempts: more.attempts ?? 1,
  })

it('charges a job once, and refuses what does not fit, with nothing written', async () => {
  expect(await job('0x0', 0.1)).toBeUndefined()
  await setBudget(folder, 'a.csv', { epsilon: 3, delta: 1e-6 })
  await job('0x1', 0.1)
  await job('0x1', 0.1)
  expect(usedOf((await budgetsOf(folder))['a.csv']!).epsilon).toBeCloseTo(epsilonOf(0.1, 1e-6), 12)
  const before = await readFile(join(folder, 'budget.json'), 'utf8')
  await expect(job('0x2', 0.5)).rejects.toMatchObject({ code: 'terms/budget-spent' })
  await expect(job('0x3', 0.01, { exact: true })).rejects.toThrow(/"mean" is told exactly/)
  await expect(job('0x4', 0.01, { attempts: 2 })).rejects.toThrow(/2 attempts/)
  expect(await readFile(join(folder, 'budget.json'), 'utf8')).toBe(before)
  // A larger budget keeps what was spent.
  await setBudget(folder, 'a.csv', { epsilon: 9, delta: 1e-6 })
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
  await setBudget(own, 'c.csv', { epsilon: 1, delta: 1e-6 })
  const charged = { source: 'c.csv', file: 'f0', attempts: 1 }
  await expect(charge(own, { ...charged, specHash: '0x1', parameters: counted(true) })).rejects.toThrow(
    /"n" is told exactly/,
  )
  expect(await charge(own, { ...charged, specHash: '0x2', parameters: counted(false) })).toMatchObject({
    epsilon: 1,
  })
})

it('counts jobs that begin together one after the other', async () => {
  const own = join(folder, 'together')
  await setBudget(own, 'd.csv', { epsilon: 3, delta: 1e-6 })
  const begun = ['0x1', '0x2', '0x3'].map((specHash) =>
    charge(own, { source: 'd.csv', file: 'f0', specHash, attempts: 1, parameters: parameters(0.1) }),
  )
  const ends = await Promise.allSettled(begun)
  const told = ends.filter(({ status }) => status === 'fulfilled').length
  const { spent } = (await budgetsOf(own))['d.csv']!
  expect(Object.keys(spent)).toHaveLength(told)
  expect(told).toBeLessThan(3)
})

it('is that of the file under every name, and of the name with every file', async () => {
  const own = join(folder, 'names')
  const of = (specHash: string, source: string, file: string) =>
    charge(own, { source, file, specHash, attempts: 1, parameters: parameters(0.1) })
  await setBudget(own, 'e.csv', { epsilon: 4, delta: 1e-6, file: 'f1' })
  const spent = async () => usedOf((await budgetsOf(own))['e.csv']!).rho
  await of('0x1', 'renamed.csv', 'f1')
  await of('0x2', 'e.csv', 'f2')
  await of('0x3', 'renamed again.csv', 'f2')
  expect(await spent()).toBeCloseTo(0.3, 12)
  expect(await of('0x4', 'other.csv', 'f3')).toBeUndefined()
  // A file of two budgets spends of both, or of none.
  await setBudget(own, 'renamed.csv', { epsilon: 0.5, delta: 1e-6, file: 'f2' })
  await expect(of('0x5', 'e.csv', 'f2')).rejects.toMatchObject({ code: 'terms/budget-spent' })
  expect(await spent()).toBeCloseTo(0.3, 12)
})

it('refuses exact figures of other commands, and has them say that ids are not counted', async () => {
  const own = join(folder, 'others')
  await setBudget(own, 'g.csv', { epsilon: 1, delta: 1e-6, file: 'f1' })
  const guard = (id: string, output?: string, entering = { source: 'renamed.csv', file: 'f1' }) =>
    guardBudget(own, { protocol: { id } as never, parameters: { output: output ?? null } }, entering)
  for (const [id, output] of [
    ['psi/psty19', 'sum'],
    ['psi/psty19', 'statistics'],
    ['psi/ikn19', undefined],
    ['homomorphic/evaluate-2', undefined],
    ['homomorphic/statistics-1', undefined],
    ['mpc/rep3-circuit', undefined],
  ] as const) {
    await expect(guard(id, output)).rejects.toThrow(`${id} tells exact figures of it`)
  }
  for (const id of ['psi/rr22', 'psi/psty19', 'mpc/ba12-3', 'query/simplepir']) {
    expect(await guard(id, 'cardinality')).toContain('"g.csv" has a budget')
  }
  expect(await guard('psi/ikn19', undefined, { source: 'h.csv', file: 'f2' })).toBeUndefined()
  expect(await guard('statistics/rep3')).toBeUndefined()
})

it(
  'stops a sum over an intersection before the network is used, whatever the list is called',
  { timeout: 60_000 },
  async () => {
    const at = (name: string): string => join(folder, name)
    const done = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await tally(...args, '--json')
      expect(stderr).toBe('')
      expect(code).toBe(0)
    }
    await done('auditor', 'init', '--name', 'Audit', '--home', at('audit'))
    await writeFile(at('loans.csv'), `id,amount\n${Array.from({ length: 20 }, (_, i) => `c${i},${i}`).join('\n')}\n`)
    for (const side of ['u', 'v']) {
      await done('party', 'init', '--name', `Bank ${side}`, '--home', at(side))
      const value = side === 'v' ? ['--value', 'amount', '--maximum', '100', '--source', 'Loans of March'] : []
      await done('data', 'declare', at('loans.csv'), '--column', 'id', '--home', at(side), ...value)
    }
    await done(
      ...[
        'terms',
        'new',
        '--receiver',
        join(at('u'), 'declaration.json'),
        '--sender',
        join(at('v'), 'declaration.json'),
      ],
      ...[
        '--output',
        'sum',
        '--purpose',
        'Loans',
        '--auditor',
        join(at('audit'), 'auditor.json'),
        '--out',
        at('terms.json'),
      ],
    )
    await done('terms', 'approve', at('terms.json'), '--home', at('v'))
    const budget = ['data', 'budget', '--source', 'loans.csv', '--epsilon', '1', '--home', at('v')]
    await done(...budget, '--input', at('loans.csv'))
    const { code, stderr } = await tally(
      ...['psi', 'run', '--terms', at('terms.json'), '--input', at('loans.csv'), '--home', at('v')],
      ...['--connect', '127.0.0.1:1'],
    )
    expect(code).not.toBe(0)
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      '"loans.csv" has a budget, and psi/psty19 tells exact figures of it',
    )
  },
)
