/** What a set operation gave a party: rows of its own list, a number, a sum, or nothing; told, and written down. */
import { join } from 'node:path'
import type { Rows } from '@tallystick/attestation'
import type { Terms } from '@tallystick/session'
import { stringify } from 'csv-stringify/sync'
import { decimalText, intersectionFigures, type ScaledColumn } from '@tallystick/statistics/intersection'
import type { Dataset } from './dataset.ts'
import { writeJson, writeWhole } from './files.ts'
import type { Output } from './output.ts'
import { writeResult } from './result.ts'
import { count } from './text.ts'

export type SetResult =
  | { kind: 'intersection'; rows: Uint32Array }
  | { kind: 'rows'; rows: Uint32Array }
  | { kind: 'cardinality'; size: number }
  | { kind: 'sum'; size: number; sum: number }
  | { kind: 'sums'; sums: string[] }
  | { kind: 'moments'; size: number; sums: string[]; products: string[] }
  | { kind: 'tags'; tags: Uint8Array }
  | { kind: 'union'; others: Rows }
  | { kind: 'ids'; ids: Rows }
  | { kind: 'withheld' }
  | { kind: 'none' }

/** What turns the output of a session into rows of the own list. */
interface Own {
  /** Undefined where there is no list here. */
  readonly dataset: Dataset | undefined
  readonly rowsOf: (tags: Uint8Array) => Uint32Array
  /** Whether the rest of the list is wanted too. */
  readonly complement: boolean
}

/** Where the rows of a result are. */
export const whereOf = ({ parties, parameters }: Terms): string => {
  const { output, threshold } = parameters as { output?: unknown; threshold?: number }
  const many = threshold === 1 ? 'any other list' : `at least ${threshold} of the other lists`
  if (output === 'at-least') return `on ${many}`
  if (output === 'fewer') return threshold === 1 ? 'on no other list' : `on fewer than ${threshold} of the other lists`
  return parties.length === 2 ? 'on both lists' : 'on all lists'
}

/** The rows that are not among some ascending ones: what whoever knows these knows too. */
const othersOf = ({ counts }: Dataset, rows: Uint32Array): Uint32Array => {
  const among = new Uint8Array(counts.rows)
  for (const row of rows) among[row] = 1
  return Uint32Array.from({ length: counts.rows }, (_, row) => row).filter((row) => among[row] === 0)
}

/** A whole number of units of the last digit, exactly. */
const decimalOf = (units: number, decimals: number): string => {
  const digits = String(units).padStart(decimals + 1, '0')
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

const tellSum = async (
  output: Output,
  folder: string,
  { parameters }: Terms,
  { size, sum }: SetResult & { kind: 'sum' },
): Promise<void> => {
  const { values } = parameters as { values?: { column: string; decimals: number } }
  const decimals = values?.decimals ?? 0
  const file = join(folder, 'sum.json')
  const text = decimalOf(sum, decimals)
  await writeJson(file, { size, sum: text, column: values?.column ?? null }, true)
  output.report(
    { event: 'result', kind: 'sum', size, sum: text, file },
    `${count(size)} ids are on both lists; their values add up to ${text}: ${file}`,
  )
}

/** The columns of both roles, in the order of the sums. */
const columnsOf = ({ parameters }: Terms): readonly ScaledColumn[] => {
  const { columns } = parameters as { columns?: Record<string, ScaledColumn[]> }
  return [...(columns?.['receiver'] ?? []), ...(columns?.['sender'] ?? [])]
}

const tellSums = async (
  output: Output,
  folder: string,
  terms: Terms,
  { sums }: SetResult & { kind: 'sums' },
): Promise<void> => {
  const named = columnsOf(terms).map(({ column, decimals }, i) => ({ column, sum: decimalText(sums[i]!, decimals) }))
  const file = join(folder, 'sum.json')
  await writeJson(file, { sums: named }, true)
  const text = named.map(({ column, sum }) => `"${column}" adds up to ${sum}`).join(', ')
  output.report(
    { event: 'result', kind: 'sums', sums: named, file },
    `Over the ids on both lists, whose number is not told, ${text}: ${file}`,
  )
}

const tellFigures = async (
  output: Output,
  folder: string,
  terms: Terms,
  moments: SetResult & { kind: 'moments' },
): Promise<void> => {
  const figures = intersectionFigures(columnsOf(terms), moments)
  const file = join(folder, 'statistics.json')
  await writeJson(file, figures, true)
  const round = (value: number | null): string => (value === null ? 'none' : String(Number(value.toPrecision(6))))
  const lines = [
    ...figures.columns.map(
      ({ column, sum, mean, deviation }) =>
        `  ${column}: sum ${sum}, mean ${round(mean)}, standard deviation ${round(deviation)}`,
    ),
    ...figures.pairs.map(
      ({ columns, covariance, correlation }) =>
        `  ${columns.join(' and ')}: covariance ${round(covariance)}, correlation ${round(correlation)}`,
    ),
  ]
  output.report(
    { event: 'result', kind: 'statistics', file, figures: figures as never },
    `${count(figures.count)} ids are on both lists:\n${lines.join('\n')}\n${file}`,
  )
}

/** What a spreadsheet takes for a formula. */
const formula = /^[=+\-@\t\r]/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An honest partner's ids are text; bytes that are none stand in hex, so that no two ids become one. */
const textOf = (id: Uint8Array): string => {
  try {
    return utf8.decode(id)
  } catch {
    return `0x${Buffer.from(id).toString('hex')}`
  }
}

/** Ids of other lists as lines of one column, in normal form: this side knows no other cell of them. */
const writeIds = async (output: Output, file: string, { bytes, offsets }: Rows): Promise<void> => {
  const size = offsets.length - 1
  let formulas = 0
  await writeWhole(file, 0o600, async (out) => {
    for (let from = 0; from < size || from === 0; from += 4096) {
      const ids: string[][] = from === 0 ? [['id']] : []
      for (let row = from; row < Math.min(size, from + 4096); row++) {
        const id = textOf(bytes.subarray(offsets[row], offsets[row + 1]))
        if (formula.test(id)) formulas += 1
        ids.push([id])
      }
      await out.appendFile(stringify(ids))
    }
  })
  if (formulas === 0) return
  output.note(
    `${count(formulas)} of the ids in ${file}, which partners brought, begin with = + - or @: a spreadsheet takes them for ` +
      'formulas unless the file is imported as text (docs/data.md).',
  )
}

const tellUnion = async (output: Output, folder: string, others: Rows): Promise<void> => {
  const file = join(folder, 'others.csv')
  const size = others.offsets.length - 1
  await writeIds(output, file, others)
  output.report(
    { event: 'result', kind: 'union', size, file },
    `${count(size)} ids of the other list are not on yours; with your list they are the union: ${file}`,
  )
}

const tellUnionOfMany = async (output: Output, folder: string, ids: Rows, parties: number): Promise<void> => {
  const file = join(folder, 'union.csv')
  const size = ids.offsets.length - 1
  await writeIds(output, file, ids)
  const text = `${count(size)} ids are on at least one of the ${parties} lists; not told on which: ${file}`
  output.report({ event: 'result', kind: 'union', size, file }, text)
}

const tellWithheld = (output: Output, least: number): void =>
  output.report(
    { event: 'result-withheld', minimum: least },
    `The result is withheld: it has fewer than the ${count(least)} rows that the terms ask for.`,
  )

/** What the minimum is held against: of a difference also the rest of the own list, for these rows are on other lists. */
const toldRows = ({ parameters }: Terms, { dataset }: Own, size: number): number => {
  const { output } = parameters as { output?: unknown }
  return output === 'fewer' ? Math.min(size, dataset!.counts.rows - size) : size
}

/** Tells the result and writes it to the folder of the job, unless it is smaller than the terms allow. */
export const keepSetResult = async (
  output: Output,
  folder: string,
  terms: Terms,
  own: Own,
  result: SetResult,
): Promise<void> => {
  if (result.kind === 'none') {
    const text =
      terms.parties.length === 2
        ? 'The partner has the result; this side was to learn nothing.'
        : `The ${terms.receivers.join(' and ')} has the result; this side was to learn nothing.`
    return output.report({ event: 'result', kind: 'none' }, text)
  }
  const least = terms.minimum?.result ?? 0
  if (result.kind === 'withheld') return tellWithheld(output, least)
  if (result.kind === 'sums') return tellSums(output, folder, terms, result)
  if (result.kind === 'union') {
    const { others } = result
    return others.offsets.length - 1 < least ? tellWithheld(output, least) : tellUnion(output, folder, others)
  }
  if (result.kind === 'ids') {
    const { ids } = result
    if (ids.offsets.length - 1 < least) return tellWithheld(output, least)
    return tellUnionOfMany(output, folder, ids, terms.parties.length)
  }
  const rows = result.kind === 'tags' ? own.rowsOf(result.tags) : 'rows' in result ? result.rows : undefined
  const size = 'size' in result ? result.size : rows!.length
  if (toldRows(terms, own, size) < least) return tellWithheld(output, least)
  if (result.kind === 'sum') return tellSum(output, folder, terms, result)
  if (result.kind === 'moments') return tellFigures(output, folder, terms, result)
  if (rows === undefined) {
    const text = `${count(size)} ids are ${whereOf(terms)}.`
    return output.report({ event: 'result', kind: 'cardinality', size }, text)
  }
  const file = join(folder, 'result.csv')
  const dataset = own.dataset!
  await writeResult(dataset, rows, file)
  const kind = result.kind === 'rows' ? 'rows' : 'intersection'
  output.report({ event: 'result', kind, size, file }, `${count(size)} of your rows are ${whereOf(terms)}: ${file}`)
  if (!own.complement) return
  const rest = othersOf(dataset, rows)
  const other = join(folder, 'complement.csv')
  await writeResult(dataset, rest, other)
  output.report(
    { event: 'complement', size: rest.length, file: other },
    `${count(rest.length)} of your rows are not: ${other}`,
  )
}
