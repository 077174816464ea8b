/** `tally data declare`: data are checked, and what of them would enter is written down for whoever makes the terms. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { TallyError } from '@tallystick/core'
import { budgetsOf, setBudget, usedOf } from '../budget.ts'
import type { Encoding } from '../csv.ts'
import { readDataset, type Duplicates } from '../dataset.ts'
import { declarationFormat, type Declaration } from '../declaration.ts'
import { readJson, writeJson } from '../files.ts'
import { openHome } from '../home.ts'
import { columnText, normalisationText } from '../key.ts'
import type { Output } from '../output.ts'
import { readTable, schemaOf, tableFormat, type TableFormat } from '../table.ts'
import { dataTermsOf, tableDeclarationFormat, type TableDeclaration } from '../table-declaration.ts'
import { count } from '../text.ts'
import { valuedRows, valuesOf } from '../values.ts'

interface DeclareOptions {
  readonly home: string
  readonly column?: readonly string[]
  readonly table?: string
  readonly normalisation?: readonly string[]
  readonly duplicates: Duplicates
  readonly encoding: Encoding
  readonly source?: string
  readonly value?: string
  readonly maximum?: string
  readonly decimals?: string
}

const usage = (): TallyError =>
  new TallyError('api/usage', 'self', 'expected --column for a list of ids, or --table for a table, one of them', {
    remedy: 'see tally data declare --help',
  })

/** `columns.json` is written by hand: what is wrong with it is said in full. */
const readColumns = async (path: string): Promise<TableFormat> => {
  const parsed = tableFormat.safeParse(await readJson(path, 'the columns of a table', 'input/malformed'))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = issue!.path.length === 0 ? 'the file' : `"${issue!.path.join('.')}"`
  const message = `${path}: expected the columns of a table; ${place}: ${issue!.message.slice(0, 200)}`
  throw new TallyError('input/malformed', 'self', message, {
    remedy: 'correct it; docs/statistics.md, "Tables", shows such a file',
  })
}

const declareTable = async (output: Output, options: DeclareOptions, path: string, input: string): Promise<void> => {
  const { identity } = await openHome(options.home)
  const read = await readColumns(path)
  const { counts } = await readTable(input, read, options.encoding)
  const data = dataTermsOf(options.source ?? basename(input), read, counts.rows)
  const file = join(options.home, 'table.json')
  const format = tableDeclarationFormat
  await writeJson(file, { format, identity, data, schema: schemaOf(read), read } satisfies TableDeclaration)
  output.report(
    { event: 'declared', file, ...counts },
    `${count(counts.records)} records, ${count(counts.dropped)} of them with an empty cell are left out, ` +
      (counts.filled > 0 ? `${count(counts.filled)} empty cells are filled, ` : '') +
      `${count(counts.rows)} enter with ${read.columns.length} columns.\n` +
      `${file}: send it to whoever writes the terms; it holds no row, but the declared ranges and levels.`,
  )
}

/** A party that only computes: nothing of it enters. */
const declareNothing = async (output: Output, options: DeclareOptions): Promise<void> => {
  const { identity } = await openHome(options.home)
  const file = join(options.home, 'table.json')
  const format = tableDeclarationFormat
  await writeJson(file, { format, identity, data: null, schema: null, read: null } satisfies TableDeclaration)
  output.report({ event: 'declared', file, rows: 0 }, `${file}: this party computes and brings no data.`)
}

const digestOfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

interface BudgetOptions {
  readonly home: string
  readonly source?: string
  readonly epsilon?: string
  readonly delta: string
  readonly input?: string
}

const positive = (text: string, option: string): number => {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new TallyError('api/usage', 'self', `expected a number above 0 as ${option}, found "${text}"`)
}

/** Sets the budget of a table, or shows those that there are. */
export const budget = async (output: Output, options: BudgetOptions): Promise<void> => {
  const { folder } = await openHome(options.home)
  if (options.epsilon !== undefined) {
    if (options.source === undefined)
      throw new TallyError('api/usage', 'self', 'expected --source, the name of the table')
    const file = options.input === undefined ? undefined : await digestOfFile(options.input)
    await setBudget(folder, options.source, {
      epsilon: positive(options.epsilon, '--epsilon'),
      delta: positive(options.delta, '--delta'),
      ...(file !== undefined && { file }),
    })
  }
  const all = Object.entries(await budgetsOf(folder)).filter(
    ([source]) => options.source === undefined || source === options.source,
  )
  const lines = all.map(([source, each]) => {
    const { epsilon, rho } = usedOf(each)
    const jobs = Object.keys(each.spent).length
    return (
      `${source}: epsilon ${epsilon.toPrecision(3)} of ${each.epsilon} spent at delta ${each.delta} ` +
      `(rho ${rho.toPrecision(3)}), in ${count(jobs)} jobs`
    )
  })
  output.report(
    {
      event: 'budgets',
      tables: all.map(([source, { epsilon, delta, spent }]) => ({
        ...{ source, epsilon, delta, jobs: Object.keys(spent).length },
        spent: usedOf({ spent, delta }).epsilon,
      })),
    },
    lines.length === 0 ? 'No table has a budget: figures over them need no noise.' : lines.join('\n'),
  )
}

const declareList = async (
  output: Output,
  options: DeclareOptions,
  columns: readonly string[],
  input: string,
): Promise<void> => {
  const { duplicates, encoding } = options
  const column = columnText(columns)
  const normalisation = normalisationText(options.normalisation ?? ['trim/1'])
  const { identity } = await openHome(options.home)
  const values = options.value === undefined ? undefined : valuesOf(options.value, options.maximum, options.decimals)
  const dataset = await readDataset(input, { column, normalisation, duplicates, encoding })
  const { counts } = dataset
  if (values !== undefined) await valuedRows(dataset, values)
  const declaration: Declaration = {
    format: declarationFormat,
    identity,
    data: { source: options.source ?? basename(input), column, normalisation, duplicates, rows: counts.rows },
    ...(values === undefined ? {} : { values }),
  }
  const file = join(options.home, 'declaration.json')
  await writeJson(file, declaration)
  output.report(
    { event: 'declared', file, ...counts },
    `${count(counts.records)} records, ${count(counts.duplicates)} of them repeat an id (${duplicates}), ` +
      `${count(counts.rows)} enter.\n` +
      `${file}: send it to whoever writes the terms; it holds no row.`,
  )
}

export const declare = async (output: Output, options: DeclareOptions, input?: string): Promise<void> => {
  const { column, table } = options
  if (input === undefined && column === undefined && table === undefined) return declareNothing(output, options)
  if (input === undefined || (column === undefined) === (table === undefined)) throw usage()
  return column === undefined
    ? declareTable(output, options, table!, input)
    : declareList(output, options, column, input)
}
