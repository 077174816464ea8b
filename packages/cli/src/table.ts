/**
 * A table as a party declares it: typed columns of a CSV file. Every cell is checked here, before any network, and what
 * is wrong is told by line, column and reason, never by value. Nothing is guessed: a cell that does not read as its
 * column's type says is refused, with what it looks like.
 */
import { hash } from 'node:crypto'
import { TallyError } from '@tallystick/core'
import { checkSchema, encodeTable, idBytes, unitsOf } from '@tallystick/statistics/columns'
import type { CategoricalColumn, Column, NumericColumn, Table, TableSchema } from '@tallystick/statistics/columns'
import { z } from 'zod'
import { readCsv, type Encoding } from './csv.ts'
import { columnIndex, findings, note, problemError, type Problem } from './findings.ts'
import type { Source } from './job.ts'
import { normalisationOf } from './normalisation.ts'
import { plural } from './text.ts'

const cellName = z.string().min(1).max(200)
const common = { name: z.string().min(1).max(100), from: cellName.optional() }

/** How a CSV file becomes a table: what `columns.json` says. */
export const tableFormat = z.strictObject({
  /** The column that joins vertical tables; none in horizontal ones. */
  id: z.strictObject({ from: cellName, normalisation: z.string().min(1) }).optional(),
  /** What an empty cell does: `refuse` the table, or `drop` its record (horizontal tables only). */
  missing: z.enum(['refuse', 'drop']).default('refuse'),
  /** Words that stand for an empty cell. */
  empty: z.array(cellName).max(20).optional(),
  columns: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({
          ...common,
          type: z.literal('numeric'),
          minimum: z.number(),
          maximum: z.number(),
          decimals: z.int().min(0).max(9).default(0),
          fill: z.number().optional(),
        }),
        z.strictObject({
          ...common,
          type: z.literal('categorical'),
          levels: z.array(cellName).min(2).max(256),
          fill: cellName.optional(),
        }),
      ]),
    )
    .min(1)
    .max(256),
})
export type TableFormat = z.infer<typeof tableFormat>

export const schemaOf = ({ columns }: TableFormat): TableSchema => ({
  columns: columns.map(({ from: _, fill: __, ...column }) => column),
})

export interface ReadTable extends Source {
  readonly counts: {
    readonly records: number
    readonly rows: number
    readonly dropped: number
    /** Empty cells that have the value of `fill`. */
    readonly filled: number
  }
}

interface Unfit {
  readonly problem: string
}

const fullWidth = /[\uff01-\uff5e]/
const decimal = /^([+-]?)([0-9]{1,16})(?:\.([0-9]+))?$/

/** What a cell that is no number looks like. */
const unlike = (text: string): string => {
  if (fullWidth.test(text)) return 'full-width characters where a number is expected'
  if (/^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$/.test(text)) return 'commas between thousands'
  if (/^[+-]?[0-9]+,[0-9]+$/.test(text)) return 'a comma where a decimal point is expected'
  if (/^[+-]?[0-9.]+[eE][+-]?[0-9]+$/.test(text)) return 'an exponent; export the column with all its digits'
  if (/^(?:n\/?a|nan|null|none|-+|\?+)$/i.test(text))
    return 'a word for "missing"; leave such cells empty, or name it in "empty"'
  return 'not a number'
}

/** Units above the minimum. */
export const numberIn = (column: NumericColumn) => {
  const [least, most] = [unitsOf(column, column.minimum), unitsOf(column, column.maximum)]
  return (text: string): number | Unfit => {
    const found = decimal.exec(text)
    if (found === null) return { problem: unlike(text) }
    const [, sign, whole, digits = ''] = found
    const needed = digits.replace(/0+$/, '').length
    if (needed > column.decimals) return { problem: `more than ${column.decimals} decimals: ${needed}` }
    const magnitude = Number(whole! + digits.slice(0, column.decimals).padEnd(column.decimals, '0'))
    const units = sign === '-' ? -magnitude : magnitude
    if (units < least || units > most) return { problem: `outside ${column.minimum} to ${column.maximum}` }
    return units - least
  }
}

const levelIn = ({ levels }: CategoricalColumn) => {
  const codes = new Map(levels.map((level, code) => [level, code]))
  return (text: string): number | Unfit =>
    codes.get(text) ?? {
      problem: fullWidth.test(text) ? 'no declared level (full-width characters)' : 'no declared level',
    }
}

/** What stands in a column's empty cells, in codes. */
const fillsOf = ({ columns }: TableFormat, schema: TableSchema): readonly (number | undefined)[] =>
  columns.map(({ fill }, c) => {
    if (fill === undefined) return undefined
    const column = schema.columns[c]!
    const found = readerOf(column)(String(fill))
    if (typeof found === 'number') return found
    throw new TallyError('terms/malformed', 'self', `column "${column.name}": "fill" is ${found.problem}`, {
      remedy: 'fill empty cells with a value that the column may have',
    })
  })

const readerOf = (column: Column) => (column.type === 'numeric' ? numberIn(column) : levelIn(column))

/** Doubles that grow. */
const growing = () => {
  let values = new Float64Array(1024)
  let length = 0
  return {
    push(value: number): void {
      if (length === values.length) {
        const larger = new Float64Array(2 * length)
        larger.set(values)
        values = larger
      }
      values[length++] = value
    },
    values: (): Float64Array => values.slice(0, length),
  }
}

/** Where columns stand in the file. */
interface Places {
  readonly width: number
  readonly columns: readonly number[]
  readonly id: number
}

const placesOf = (path: string, header: readonly string[], format: TableFormat): Places => ({
  width: header.length,
  columns: format.columns.map(({ name, from }) => columnIndex(path, header, from ?? name)),
  id: format.id === undefined ? -1 : columnIndex(path, header, format.id.from),
})

/** Rows in the order of the digests of their ids: equal for all parties with the same ids, whatever order files have. */
const inOrderOfIds = (table: Table, order: readonly string[]): Table => {
  const rows = Uint32Array.from(order, (_, i) => i).sort((a, b) => (order[a]! < order[b]! ? -1 : 1))
  const ids = new Uint8Array(idBytes * order.length)
  rows.forEach((row, to) => ids.set(Buffer.from(order[row]!, 'hex'), idBytes * to))
  return { rows: table.rows, ids, codes: table.codes.map((codes) => Float64Array.from(rows, (row) => codes[row]!)) }
}

const idDigest = (id: string): string => hash('sha256', `tallystick/table-id/v1\0${id}`).slice(0, 2 * idBytes)

/**
 * Reads a table.
 * @throws TallyError input/* with the lines and columns where something is wrong; terms/malformed for a format that
 *   cannot be
 */
export const readTable = async (path: string, format: TableFormat, encoding: Encoding): Promise<ReadTable> => {
  const schema = schemaOf(format)
  checkSchema(schema)
  if (format.id !== undefined && format.missing === 'drop') {
    throw new TallyError('terms/malformed', 'self', 'a joined table cannot drop records: the partners keep theirs', {
      remedy: 'name a "fill" for its columns, or leave these ids out on all sides and join again',
    })
  }
  const readers = schema.columns.map(readerOf)
  const fills = fillsOf(format, schema)
  const absent = new Set(format.empty)
  const normalisation = format.id === undefined ? undefined : normalisationOf(format.id.normalisation)
  const codes = schema.columns.map(growing)
  const ids: string[] = []
  const lineOf = new Map<string, number>()
  const [ragged, unfit, missing, repeated] = [findings(), findings(), findings(), findings()]
  let places: Places | undefined
  let [records, dropped, filled] = [0, 0, 0]

  const keepId = (cell: string, line: number, at: number): boolean => {
    if (normalisation === undefined) return true
    const id = normalisation.apply(cell)
    if (typeof id !== 'string') {
      note(unfit, () => `line ${line}, column ${at + 1}: ${id.problem}`)
      return false
    }
    const digest = idDigest(id)
    const first = lineOf.get(digest)
    if (first !== undefined) note(repeated, () => `line ${line} repeats line ${first}`)
    lineOf.set(digest, first ?? line)
    ids.push(digest)
    return true
  }
  const keep = (fields: readonly string[], line: number, { columns, id }: Places): void => {
    const cells = columns.map((at) => {
      const cell = fields[at]!.trim()
      return absent.has(cell) ? '' : cell
    })
    if (format.missing === 'drop' && cells.some((cell, c) => cell === '' && fills[c] === undefined)) {
      dropped += 1
      return
    }
    const values = cells.map((cell, c): number => {
      const fill = fills[c]
      if (cell === '' && fill !== undefined) {
        filled += 1
        return fill
      }
      if (cell === '') {
        note(missing, () => `line ${line}, column ${columns[c]! + 1}`)
        return 0
      }
      const value = readers[c]!(cell)
      if (typeof value === 'number') return value
      note(unfit, () => `line ${line}, column ${columns[c]! + 1} ("${schema.columns[c]!.name}"): ${value.problem}`)
      return 0
    })
    if (keepId(id < 0 ? '' : fields[id]!, line, id)) values.forEach((value, c) => codes[c]!.push(value))
  }

  const { digest } = await readCsv(path, encoding, (fields, line) => {
    if (places === undefined) {
      places = placesOf(path, fields, format)
      return
    }
    records += 1
    if (fields.length === places.width) keep(fields, line, places)
    else note(ragged, () => `line ${line} has ${plural(fields.length, 'cell', 'cells')}`)
  })

  if (places === undefined) {
    throw new TallyError('input/empty', 'self', `${path}: the file is empty`, {
      remedy: 'export the table again, with the names of the columns as its first line',
    })
  }
  const problems: Problem[] = []
  const tell = (code: Problem['code'], found: Problem['found'], one: string, many: string, remedy: string): void => {
    if (found.total > 0) problems.push({ code, found, what: plural(found.total, one, many), remedy })
  }
  const header = `from the ${places.width} cells of the header`
  tell(
    'input/malformed',
    ragged,
    `record differs ${header}`,
    `records differ ${header}`,
    'look for a comma in a cell without quotes, or a broken line',
  )
  tell(
    'input/invalid-value',
    unfit,
    'cell does not read as declared',
    'cells do not read as declared',
    'correct these cells, or declare the column as it is',
  )
  tell(
    'input/invalid-value',
    missing,
    'cell is empty',
    'cells are empty',
    'fill them, name a "fill" for the column, or set "missing": "drop" to leave such records out (horizontal tables only)',
  )
  tell('input/duplicate', repeated, 'record repeats an id', 'records repeat an id', 'keep one row for each id')
  if (problems.length > 0) throw problemError(path, problems)
  const rows = codes[0]!.values().length
  if (rows === 0) {
    throw new TallyError('input/empty', 'self', `${path}: no record enters`, { remedy: 'check the export' })
  }
  const read: Table = { rows, codes: codes.map((column) => column.values()), ids: new Uint8Array(0) }
  const vertical = format.id !== undefined
  const table = vertical ? inOrderOfIds(read, ids) : read
  return { path, digest, items: encodeTable(schema, table, vertical), counts: { records, rows, dropped, filled } }
}
