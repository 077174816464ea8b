/**
 * What noisy figures over a party's tables may tell in all: `budget.json` of its folder, synced to disk before a job that
 * spends of it uses the network. A budget is that of a table by the name of its source, whatever rows it has by now, and
 * of every file (by SHA-256) that has entered under that name: the same file under another name spends of the same
 * budget. A file that is renamed and changed is another one; which rows two files share is not looked at.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { TallyError } from '@tallystick/core'
import { lockFolder, type Lock } from '@tallystick/session/node'
import type { Terms } from '@tallystick/session'
import type { Parameters, Privacy } from '@tallystick/statistics'
import { spentBy } from '@tallystick/statistics/accounting'
import { z } from 'zod'
import { readJson, writeJson } from './files.ts'
import { existsSync } from 'node:fs'

const privacy = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: z.literal('laplace'), epsilon: z.number().positive() }),
  z.strictObject({ mechanism: z.literal('gaussian'), rho: z.number().positive() }),
])
const budget = z.strictObject({
  epsilon: z.number().positive(),
  delta: z.number().positive().max(0.1),
  /** By specHash: the noisy figures of each job that has begun. */
  spent: z.record(z.string(), z.array(privacy)),
  /** SHA-256 of the files that are this table. */
  files: z.array(z.string()).default([]),
})
const schema = z.strictObject({ format: z.literal('tallystick/budget/1'), tables: z.record(z.string(), budget) })

type Budgets = z.infer<typeof schema>
export type Budget = z.infer<typeof budget>

const fileOf = (folder: string): string => join(folder, 'budget.json')

const read = async (folder: string): Promise<Budgets> => {
  const path = fileOf(folder)
  if (!existsSync(path)) return { format: 'tallystick/budget/1', tables: {} }
  const parsed = schema.safeParse(await readJson(path, 'the budgets', 'input/malformed'))
  if (parsed.success) return parsed.data
  throw new TallyError('input/malformed', 'self', `${path}: expected budgets, found something else`, {
    remedy: 'put back the file from a copy that is no older than the last job; without it what was spent is unknown',
  })
}

/** Milliseconds between looks at a lock that another process has for the time of one write, and how many looks. */
const lockPause = 50
const mostLooks = 200

const lockOf = async (folder: string): Promise<Lock> => {
  const own = join(folder, 'budget-lock')
  await mkdir(own, { recursive: true, mode: 0o700 })
  for (let look = 1; ; look++) {
    try {
      return lockFolder(own)
    } catch (error) {
      if (!(error instanceof TallyError) || error.code !== 'journal/locked' || look === mostLooks) throw error
    }
    await pause(lockPause)
  }
}

/** One at a time reads and writes: of two jobs that begin together each counts the other. */
const alone = async <T>(folder: string, change: () => Promise<T>): Promise<T> => {
  const lock = await lockOf(folder)
  try {
    return await change()
  } finally {
    lock.release()
  }
}

export const budgetsOf = async (folder: string): Promise<Readonly<Record<string, Budget>>> =>
  (await read(folder)).tables

export const usedOf = ({
  spent,
  delta,
}: Pick<Budget, 'spent' | 'delta'>): { readonly rho: number; readonly epsilon: number } =>
  spentBy(Object.values(spent).flat(), delta)

export interface Limit {
  readonly epsilon: number
  readonly delta: number
  /** SHA-256 of the file, where it is known already. */
  readonly file?: string
}

const withFile = (files: readonly string[], file: string | undefined): string[] => [
  ...new Set([...files, ...(file === undefined ? [] : [file])]),
]

/** Sets the budget of a source; what was spent stays spent. */
export const setBudget = (folder: string, source: string, { epsilon, delta, file }: Limit): Promise<Budget> =>
  alone(folder, async () => {
    const budgets = await read(folder)
    const before = budgets.tables[source]
    const next: Budget = { epsilon, delta, spent: before?.spent ?? {}, files: withFile(before?.files ?? [], file) }
    await writeJson(fileOf(folder), { ...budgets, tables: { ...budgets.tables, [source]: next } } satisfies Budgets)
    return next
  })

/** The noisy figures of a plan. */
export const noisesOf = ({ outputs }: Parameters): readonly Privacy[] =>
  outputs.flatMap(({ privacy: noise }) => (noise === undefined ? [] : [noise]))

/** A table as it enters a job. */
export interface Entering {
  /** As the terms name it. */
  readonly source: string
  /** SHA-256 of its file. */
  readonly file: string
}

/** The budgets that a table has: by its name, and of the file by whatever name. */
const budgetsFor = ({ tables }: Budgets, { source, file }: Entering): [string, Budget][] =>
  Object.entries(tables).filter(([name, { files }]) => name === source || files.includes(file))

export interface Charge extends Entering {
  readonly specHash: string
  readonly parameters: Parameters
  readonly attempts: number
}

/**
 * Charges a job to the budget of its table, once however often it is resumed; undefined where the table has none.
 *
 * @throws TallyError terms/budget-spent, before anything is written, where the rest does not do; terms/unsupported for
 *   exact figures of a table with a budget, and for terms that let new noise be drawn in further attempts
 */
export const charge = (folder: string, job: Charge): Promise<Budget | undefined> =>
  alone(folder, () => chargeAlone(folder, job))

/** The number of rows stands in the terms; a sum of weights does not. */
const isPublic = ({ statistic }: Parameters['outputs'][number]): boolean =>
  statistic.kind === 'count' && statistic.weight === undefined

const chargeAlone = async (folder: string, job: Charge): Promise<Budget | undefined> => {
  const { specHash, file } = job
  const budgets = await read(folder)
  const found = budgetsFor(budgets, job)
  const next = found.map(([name, table]): [string, Budget] => [
    name,
    { ...(table.spent[specHash] === undefined ? spend(name, table, job) : table), files: withFile(table.files, file) },
  ])
  if (next.length === 0) return undefined
  await writeJson(fileOf(folder), {
    ...budgets,
    tables: { ...budgets.tables, ...Object.fromEntries(next) },
  } satisfies Budgets)
  return next[0]![1]
}

/** The budget after the job. */
const spend = (source: string, table: Budget, { specHash, parameters, attempts }: Charge): Budget => {
  const exact = parameters.outputs.find((output) => output.privacy === undefined && !isPublic(output))
  if (exact !== undefined) {
    throw new TallyError('terms/unsupported', 'self', `"${source}" has a budget, and "${exact.name}" is told exactly`, {
      remedy: 'agree on terms whose figures all have noise, or bring a table without a budget',
    })
  }
  if (attempts > 1) {
    throw new TallyError(
      'terms/unsupported',
      'self',
      `"${source}" has a budget, and the terms allow ${attempts} attempts`,
      {
        remedy: 'agree on terms of one attempt: each draws noise of its own',
      },
    )
  }
  const next: Budget = { ...table, spent: { ...table.spent, [specHash]: [...noisesOf(parameters)] } }
  const [before, after] = [usedOf(table), usedOf(next)]
  if (after.epsilon > table.epsilon) {
    const digits = (value: number): string => value.toPrecision(3)
    throw new TallyError(
      'terms/budget-spent',
      'self',
      `"${source}": epsilon ${digits(before.epsilon)} of ${table.epsilon} is spent (delta ${table.delta}), this job would make it ${digits(after.epsilon)}`,
      { remedy: 'agree on more noise or fewer figures, or raise the budget with "tally data budget"' },
    )
  }
  return next
}

/** Whether whoever receives its output learns exact figures of the rows that a party brings. */
const tellsFigures = ({ protocol: { id }, parameters }: Pick<Terms, 'protocol' | 'parameters'>): boolean => {
  if (id === 'psi/psty19') return ['sum', 'statistics'].includes(String((parameters as { output?: unknown }).output))
  if (id.startsWith('mpc/')) return !id.startsWith('mpc/ba12')
  return id === 'psi/ikn19' || /^homomorphic\/(?:statistics|evaluate)-/.test(id)
}

/**
 * Jobs that are no statistics, over a table with a budget: one that tells exact figures is refused; one that tells which ids
 * or rows there are runs, with a word that no budget counts it.
 * @throws TallyError terms/unsupported
 */
export const guardBudget = async (
  folder: string,
  terms: Pick<Terms, 'protocol' | 'parameters'>,
  entering: Entering,
): Promise<string | undefined> => {
  if (terms.protocol.id.startsWith('statistics/')) return undefined
  const [found] = budgetsFor(await read(folder), entering)
  if (found === undefined) return undefined
  const [name] = found
  if (!tellsFigures(terms)) {
    return `"${name}" has a budget for figures with noise. What this job tells of its rows is exact, and not counted.`
  }
  throw new TallyError(
    'terms/unsupported',
    'self',
    `"${name}" has a budget, and ${terms.protocol.id} tells exact figures of it`,
    { remedy: 'ask for figures with noise ("tally stats", noisy), or bring a table without a budget' },
  )
}
