/** `tally encrypted terms | run`: an agreed program over columns that the party which computes cannot read. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson, TallyError } from '@tallystick/core'
import {
  evaluateOf,
  explainPlan,
  planText,
  programPlan,
  type Column,
  type EvaluateParameters,
  type EvaluateReceiverOutput,
  type Expression,
} from '@tallystick/homomorphic'
import type { Encoding } from '../csv.ts'
import { runEncrypted, type Explained } from '../encrypted-run.ts'
import { writeFileWhole } from '../files.ts'
import { numericOf, readIntegers } from '../integers.ts'
import { noTable, type Job } from '../job.ts'
import { newTerms, partyFrom, tellTerms, type NewTermsOptions } from '../new-terms.ts'
import type { Output } from '../output.ts'
import { prepare, type Prepared, type RunOptions } from '../party-run.ts'
import { readTableDeclaration, type TableDeclaration } from '../table-declaration.ts'
import { count } from '../text.ts'

interface TermsOptions extends NewTermsOptions {
  readonly receiver: string
  readonly compute: string
  readonly owner: readonly string[]
  readonly precision?: string
}

const mostOwners = 4

const malformed = (message: string, remedy: string): TallyError =>
  new TallyError('terms/malformed', 'self', message, { remedy })

/** Outputs of a program as a file has them: `{ "spread": ["covariance", "income", "income"] }`. */
const readOutputs = async (path: string): Promise<Readonly<Record<string, Expression>>> => {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TallyError('input/not-found', 'self', `${path}: there is no program`, { cause })
  })
  try {
    const outputs = JSON.parse(text) as unknown
    if (typeof outputs === 'object' && outputs !== null && !Array.isArray(outputs)) {
      return outputs as Readonly<Record<string, Expression>>
    }
  } catch (cause) {
    throw new TallyError('input/malformed', 'self', `${path}: expected JSON`, { cause })
  }
  throw new TallyError('input/malformed', 'self', `${path}: expected an object, an expression for each output`, {
    remedy: '{ "average": ["mean", "income"] }; the operators are in docs/homomorphic.md',
  })
}

const columnsIn = ({ data, schema, read, identity }: TableDeclaration): Readonly<Record<string, Column>> => {
  if (data === null || schema === null || read?.id !== undefined) {
    throw malformed(`expected a table without an id column from ${identity.name}`, 'declare the table for this again')
  }
  return Object.fromEntries(
    numericOf(schema).map(({ name, minimum, maximum, decimals }) => [
      name,
      { length: data.rows, range: [minimum, maximum], decimals },
    ]),
  )
}

/** @throws TallyError api/usage */
const precisionOf = (text: string | undefined): { readonly precision?: number } => {
  if (text === undefined) return {}
  const precision = Number(text)
  if (text.trim() !== '' && precision > 0 && Number.isFinite(precision)) return { precision }
  throw new TallyError('api/usage', 'self', `expected a number above 0 as --precision, found '${text}'`, {
    remedy: 'say by how much a number of an output may be off (0.001); leave it out for exact results',
  })
}

const parametersOf = (
  outputs: Readonly<Record<string, Expression>>,
  owners: readonly TableDeclaration[],
  precision: { readonly precision?: number },
): EvaluateParameters => {
  const tables = owners.map(columnsIn)
  const names = tables.flatMap((table) => Object.keys(table))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw malformed(`two owners have a column "${twice}"`, 'declare one of them under another name')
  }
  const each = <T>(of: (table: TableDeclaration, i: number) => T): Record<string, T> =>
    Object.fromEntries(owners.map((table, i) => [`owner-${i + 1}`, of(table, i)]))
  return {
    sizes: each(({ data }) => data!.rows),
    columns: each((_, i) => Object.keys(tables[i]!)),
    program: { inputs: Object.assign({}, ...tables) as Record<string, Column>, outputs },
    ...precision,
  }
}

const explained = (parameters: EvaluateParameters): Explained => {
  const found = explainPlan(programPlan(parameters))
  const learns = Object.keys(parameters.program.outputs).join(', ')
  return {
    report: { ...found },
    text: `${planText(found)}\nThe receiver will learn: ${learns}. Rows of several owners meet by their place in the tables.`,
  }
}

export const terms = async (output: Output, options: TermsOptions, path: string): Promise<void> => {
  if (options.owner.length > mostOwners) {
    throw new TallyError('api/usage', 'self', `expected at most ${mostOwners} tables as --owner`)
  }
  const owners = await Promise.all(options.owner.map((table) => readTableDeclaration(table)))
  const parameters = parametersOf(await readOutputs(path), owners, precisionOf(options.precision))
  const protocol = evaluateOf(owners.length)
  protocol.parameters(structuredClone(parameters))
  const made = await newTerms(options, {
    ...{ id: protocol.id, parameters },
    parties: [
      partyFrom('receiver', options.receiver),
      partyFrom('compute', options.compute),
      ...owners.map(({ identity }, i) => ({ role: `owner-${i + 1}`, ...identity })),
    ],
    receivers: ['receiver'],
    data: Object.fromEntries(
      owners.map(({ data }, i) => [`owner-${i + 1}`, { ...data!, normalisation: 'integers/1' }]),
    ),
    reveals: {
      receiver: 'the key that it drew and the outputs',
      compute: 'ciphertexts that it cannot read, and its masks',
      ...Object.fromEntries(owners.map((_, i) => [`owner-${i + 1}`, 'its whole table'])),
    },
    // Whether the agreed program ran is the question of all the others, and its evidence opens no row.
    audited: ['compute'],
    attempts: 10,
  })
  await tellTerms(output, options, made, explained(parameters))
}

interface EncryptedRunOptions extends RunOptions {
  readonly input?: string
  readonly table?: string
  readonly encoding: Encoding
  readonly explain?: true
}

/** The table as it was declared: same columns, ranges and rows. */
const readOwned = async (
  options: EncryptedRunOptions,
  { home, terms: { data }, own }: Prepared,
  of: EvaluateParameters,
) => {
  const declared = data[own.role]
  if (declared === undefined || options.input === undefined) {
    if (declared === undefined && options.input === undefined) return noTable
    const message =
      declared === undefined ? `${own.role} brings no table` : `expected --input with the table of ${own.role}`
    throw new TallyError('api/usage', 'self', message)
  }
  const declaration = await readTableDeclaration(options.table ?? join(home.folder, 'table.json'))
  const names = of.columns[own.role]!
  const agreed = Object.fromEntries(names.map((name) => [name, of.program.inputs[name]!]))
  const { read, schema } = declaration
  if (read === null || schema === null || canonicalJson(agreed) !== canonicalJson(columnsIn(declaration))) {
    throw new TallyError('input/changed', 'self', 'the declaration in table.json has other columns than the terms', {
      remedy: 'name the declaration that the terms were made of (--table), or agree on new terms',
    })
  }
  return await readIntegers(options.input, read, schema, options.encoding, declared.rows)
}

/** Told here only: who computed has the same frames, close and record as after a success. */
const spoiled = (): TallyError =>
  new TallyError(
    'peer/misbehaved',
    { peer: 'compute' },
    'the results do not decrypt: their noise exceeds what was planned',
    {
      remedy: 'have the evidence of compute replayed; do not tell it that its reply failed',
    },
  )

const keepResult = async (
  output: Output,
  folder: string,
  { session }: Job,
  parameters: EvaluateParameters,
): Promise<void> => {
  const opened = session.output as EvaluateReceiverOutput | null | undefined
  if (opened === undefined || opened === null) {
    return output.report({ event: 'result', kind: 'none' }, 'The receiver has the outputs; this side learns none.')
  }
  if (opened.results === null) throw spoiled()
  const results = Object.fromEntries(Object.entries(opened.results).map(([name, values]) => [name, [...values]]))
  const file = join(folder, 'results.json')
  await writeFileWhole(file, `${JSON.stringify(results)}\n`, true)
  const { errors, scheme } = programPlan(parameters)
  // Digits beyond the bound would be noise that looks like data.
  const bound = (name: string): string => (scheme === 'bgv' ? '' : ` ± ${errors[name]!.toPrecision(2)}`)
  const lines = Object.entries(results).map(([name, values]) => {
    const found = values.length === 1 ? `${values[0]}` : `${count(values.length)} values`
    return `  ${name}: ${found}${bound(name)}`
  })
  output.report(
    { event: 'result', kind: 'outputs', results, ...(scheme === 'ckks' && { bounds: { ...errors } }), file },
    [`The outputs, also in ${file}:`, ...lines].join('\n'),
  )
}

export const run = async (output: Output, options: EncryptedRunOptions): Promise<void> => {
  const prepared = await prepare(output, options)
  const { own, runnable } = prepared
  const parameters = runnable.protocol.parameters(prepared.terms.parameters) as EvaluateParameters
  const dataset = await readOwned(options, prepared, parameters)
  const rows = dataset.items.offsets.length - 1
  output.report(
    { event: 'checked', role: own.role, rows },
    `${count(rows)} rows enter as ${own.role}, as the terms say.`,
  )
  await runEncrypted(output, options, prepared, {
    dataset,
    explained: () => explained(parameters),
    keepResult: (folder, job) => keepResult(output, folder, job, parameters),
  })
}
