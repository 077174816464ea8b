/**
 * A list as a party declares it in the terms: the id of each record (one column, or several), normalised and free of
 * duplicates. Everything about it is checked here, before any network; what is wrong is told by line, column and reason,
 * never by value.
 */
import { TallyError } from '@tallystick/core'
import type { CsvLayout, Encoding } from './csv.ts'
import { distinct, type Items } from './distinct.ts'
import { columnIndex, findings, note, problemError, type Problem } from './findings.ts'
import { keyOf } from './key.ts'
import { readRecords } from './records.ts'
import { plural } from './text.ts'

/**
 * What happens to records that repeat an id: refuse stops, keep-first lets the first of them enter; so does count, and
 * the result says of each id how many records have it.
 */
export type Duplicates = 'refuse' | 'keep-first' | 'count'

export interface DatasetOptions {
  /** A column, or several as a JSON array: see `key.ts`. */
  readonly column: string
  /** `name/version` of a normalisation, or of one for each column, joined by " + ". */
  readonly normalisation: string
  readonly duplicates: Duplicates
  /** Default utf-8. */
  readonly encoding?: Encoding | undefined
}

export interface Dataset {
  readonly path: string
  readonly items: Items
  /** For each item the record that it comes from, from 0, the header not counted. */
  readonly records: Uint32Array
  /** For each item how many records have its id; only where duplicates are counted. */
  readonly multiplicities: Uint32Array | undefined
  readonly layout: CsvLayout
  readonly counts: {
    /** Records of the file, the header not counted. */
    readonly records: number
    /** Distinct ids: the rows that enter the computation. */
    readonly rows: number
    /** Records that were dropped because an earlier one has the same id. */
    readonly duplicates: number
  }
  /** SHA-256 of the file, hex: the result is written from the same bytes. */
  readonly digest: string
}

/**
 * Reads a list.
 * @throws TallyError input/* with the lines where something is wrong; terms/unsupported for an unknown normalisation
 */
export const readDataset = async (path: string, options: DatasetOptions): Promise<Dataset> => {
  const { column, duplicates } = options
  const key = keyOf(column, options.normalisation)
  const ids = distinct()
  let records = new Uint32Array(1024)
  /** Line of each kept item, to say where the first of two equal ids stands. */
  let lines = new Uint32Array(1024)
  let header: readonly string[] | undefined
  let at: readonly number[] = []
  let record = 0
  const ragged = findings()
  const unfit = findings()
  const repeated = findings()

  /** How many records have the id of each kept item. */
  let times = new Uint32Array(duplicates === 'count' ? 1024 : 0)

  const keep = (id: string, line: number): void => {
    const index = ids.add(id)
    if (index < 0) {
      const first = lines[~index]!
      if (duplicates === 'count') times[~index]!++
      return note(repeated, () => `line ${line} repeats line ${first}`)
    }
    if (index === records.length) {
      const longer = (table: Uint32Array): Uint32Array<ArrayBuffer> => {
        const out = new Uint32Array(2 * table.length)
        out.set(table)
        return out
      }
      records = longer(records)
      lines = longer(lines)
      if (duplicates === 'count') times = longer(times)
    }
    records[index] = record
    lines[index] = line
    if (duplicates === 'count') times[index] = 1
  }

  const summary = await readRecords(path, options.encoding ?? 'utf-8', (fields, line) => {
    if (header === undefined) {
      header = fields
      at = key.columns.map((name) => columnIndex(path, fields, name))
      return
    }
    if (fields.length === header.length) {
      const id = key.idOf(at.map((column) => fields[column]!))
      if (typeof id === 'string') keep(id, line)
      else note(unfit, () => `line ${line}, column ${at[id.column]! + 1}: ${id.problem}`)
    } else {
      const cells = plural(fields.length, 'cell', 'cells')
      note(ragged, () => `line ${line} has ${cells}`)
    }
    record += 1
  })

  if (header === undefined) {
    throw new TallyError('input/empty', 'self', `${path}: the file is empty`, {
      remedy: 'export the list again, with the names of the columns as its first line',
    })
  }
  const problems: Problem[] = []
  const named = key.columns.map((name) => `"${name}"`).join(', ')
  if (ragged.total > 0) {
    const what = `${plural(ragged.total, 'record differs', 'records differ')} from the ${header.length} cells of the header`
    const remedy = 'look for a comma in a cell without quotes, or a broken line'
    problems.push({ code: 'input/malformed', found: ragged, what, remedy })
  }
  if (unfit.total > 0) {
    const what = `${plural(unfit.total, 'value', 'values')} of ${named} cannot be read as ${options.normalisation}`
    problems.push({ code: 'input/invalid-value', found: unfit, what, remedy: 'correct or remove these records' })
  }
  if (repeated.total > 0 && duplicates === 'refuse') {
    const what = `${plural(repeated.total, 'record repeats', 'records repeat')} an id (as ${options.normalisation})`
    const remedy = 'remove them, or agree on duplicates "keep-first" or "count" in the terms'
    problems.push({ code: 'input/duplicate', found: repeated, what, remedy })
  }
  if (problems.length > 0) throw problemError(path, problems)
  if (ids.size === 0) {
    throw new TallyError('input/empty', 'self', `${path}: the list has a header and no record`, {
      remedy: 'check the export: a party without rows learns nothing and tells its partner so',
    })
  }
  return {
    path,
    items: ids.items(),
    records: records.subarray(0, ids.size),
    multiplicities: duplicates === 'count' ? times.subarray(0, ids.size) : undefined,
    layout: summary.layout,
    counts: { records: record, rows: ids.size, duplicates: repeated.total },
    digest: summary.digest,
  }
}
