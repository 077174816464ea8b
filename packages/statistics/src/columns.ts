/**
 * Typed columns of a party's table, and rows of a table as the bytes that are committed to. A value is a whole number
 * of units (a numeric column's unit is 10^-decimals) above the declared minimum, so every bound is known in advance.
 *
 *   row    = [16 bytes of the id's digest, in vertical tables] code of column 0, code of column 1, ...
 *   code   = little-endian, as many bytes as the largest code of the column needs: the units above the minimum, or the
 *            index of the level
 */
import { TallyError } from '@tallystick/core'

export interface NumericColumn {
  readonly name: string
  readonly type: 'numeric'
  /** Inclusive, in the column's own unit, with at most `decimals` decimals. */
  readonly minimum: number
  readonly maximum: number
  /** Digits after the point that enter; a value with more is refused, never rounded. */
  readonly decimals: number
}

export interface CategoricalColumn {
  readonly name: string
  readonly type: 'categorical'
  /** All values that may occur, as they stand in the file. */
  readonly levels: readonly string[]
}

export type Column = NumericColumn | CategoricalColumn

/** What happens to a record with an empty cell; `drop` is for horizontal tables only. */
export type Missing = 'refuse' | 'drop'

export interface TableSchema {
  readonly columns: readonly Column[]
}

/** Rows of a party: row i is bytes[offsets[i], offsets[i + 1]). */
export interface Rows {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

/** A table in memory: for each column the codes of its rows. */
export interface Table {
  readonly rows: number
  /** By place in the schema; whole numbers from 0 to {@link largestCode}. */
  readonly codes: readonly Float64Array[]
  /** 16 bytes a row, in vertical tables; empty otherwise. */
  readonly ids: Uint8Array
}

export const idBytes = 16
/** Codes are exact in a double, and three of them in a product with a count in 128 bits. */
export const maxCode = 2 ** 46 - 1
export const maxLevels = 256

export const unitsOf = (column: NumericColumn, value: number): number => Math.round(value * 10 ** column.decimals)

/** Codes run from 0 to this. */
export const largestCode = (column: Column): number =>
  column.type === 'categorical'
    ? column.levels.length - 1
    : unitsOf(column, column.maximum) - unitsOf(column, column.minimum)

export const valueOf = (column: NumericColumn, code: number): number =>
  (unitsOf(column, column.minimum) + code) / 10 ** column.decimals

const widthOf = (column: Column): number => {
  let width = 1
  while (2 ** (8 * width) <= largestCode(column)) width++
  return width
}

const malformed = (message: string, remedy: string): TallyError =>
  new TallyError('terms/malformed', 'self', message, { remedy })

const checkNumeric = (column: NumericColumn): void => {
  const { name, minimum, maximum, decimals } = column
  const range = `column "${name}": the range from ${minimum} to ${maximum} with ${decimals} decimals`
  if (!(minimum < maximum)) throw malformed(`${range} is empty`, 'declare a minimum below the maximum')
  for (const bound of [minimum, maximum]) {
    const units = unitsOf(column, bound)
    if (Number.isSafeInteger(units) && units / 10 ** decimals === bound) continue
    throw malformed(
      `${range}: ${bound} has more decimals, or is too large`,
      'declare bounds with at most these decimals',
    )
  }
  if (largestCode(column) <= maxCode) return
  throw malformed(`${range} has more than 2^46 steps`, 'declare a smaller range or fewer decimals')
}

/** @throws TallyError terms/malformed */
export const checkSchema = ({ columns }: TableSchema): void => {
  const names = columns.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw malformed(`two columns are named "${twice}"`, 'rename one of them')
  for (const column of columns) {
    if (column.type === 'numeric') checkNumeric(column)
    else if (new Set(column.levels).size !== column.levels.length || column.levels.length < 2) {
      throw malformed(`column "${column.name}": expected two or more levels, each once`, 'correct the levels')
    }
  }
}

export const rowBytes = ({ columns }: TableSchema, vertical: boolean): number =>
  columns.reduce((sum, column) => sum + widthOf(column), vertical ? idBytes : 0)

/** The rows of a table, in its order. */
export const encodeTable = (schema: TableSchema, table: Table, vertical: boolean): Rows => {
  const width = rowBytes(schema, vertical)
  const bytes = new Uint8Array(width * table.rows)
  const widths = schema.columns.map(widthOf)
  for (let row = 0, at = 0; row < table.rows; row++) {
    if (vertical) {
      bytes.set(table.ids.subarray(row * idBytes, (row + 1) * idBytes), at)
      at += idBytes
    }
    for (let c = 0; c < widths.length; c++) {
      let code = table.codes[c]![row]!
      for (let i = 0; i < widths[c]!; i++, code = Math.floor(code / 256)) bytes[at++] = code % 256
    }
  }
  return { bytes, offsets: Uint32Array.from({ length: table.rows + 1 }, (_, i) => i * width) }
}

const rowError = (row: number, what: string): TallyError =>
  new TallyError('input/malformed', 'self', `row ${row} of the table ${what}`, {
    remedy: 'declare the table again with this version, and agree on new terms',
  })

/** @throws TallyError input/malformed for rows that {@link encodeTable} does not write under this schema */
export const decodeTable = (schema: TableSchema, { bytes, offsets }: Rows, vertical: boolean): Table => {
  const width = rowBytes(schema, vertical)
  const rows = offsets.length - 1
  const widths = schema.columns.map(widthOf)
  const limits = schema.columns.map(largestCode)
  const codes = schema.columns.map(() => new Float64Array(rows))
  const ids = new Uint8Array(vertical ? idBytes * rows : 0)
  for (let row = 0; row < rows; row++) {
    let at = offsets[row]!
    if (offsets[row + 1]! - at !== width) throw rowError(row, `has another length than ${width} bytes`)
    if (vertical) {
      ids.set(bytes.subarray(at, at + idBytes), row * idBytes)
      at += idBytes
    }
    for (let c = 0; c < widths.length; c++) {
      let code = 0
      for (let i = widths[c]! - 1; i >= 0; i--) code = code * 256 + bytes[at + i]!
      at += widths[c]!
      if (code > limits[c]!) throw rowError(row, `leaves the declared range of "${schema.columns[c]!.name}"`)
      codes[c]![row] = code
    }
  }
  return { rows, codes, ids }
}
