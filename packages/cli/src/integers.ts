/** Tables of numbers as integers in the unit of each column: what is computed on under encryption. */
import { TallyError } from '@tallystick/core'
import { tableRows } from '@tallystick/homomorphic'
import { decodeTable, unitsOf, type NumericColumn, type TableSchema } from '@tallystick/statistics/columns'
import type { Encoding } from './csv.ts'
import type { Source } from './job.ts'
import { readTable, type TableFormat } from './table.ts'
import { count } from './text.ts'

/** The columns of a table that has no others. @throws TallyError input/column */
export const numericOf = ({ columns }: TableSchema): readonly NumericColumn[] =>
  columns.map((column) => {
    if (column.type === 'numeric') return column
    throw new TallyError('input/column', 'self', `"${column.name}" is categorical, a linear score takes numbers`, {
      remedy: 'bring a numeric column of 0 and 1 for each level',
    })
  })

/** A table of numbers as rows of integers in the unit of each column. */
export const readIntegers = async (
  file: string,
  read: TableFormat,
  schema: TableSchema,
  encoding: Encoding,
  rows: number,
): Promise<Source> => {
  const columns = numericOf(schema)
  const { items, counts, path, digest } = await readTable(file, read, encoding)
  if (counts.rows !== rows) {
    const message = `${file}: the terms say ${count(rows)} rows, the table has ${count(counts.rows)}`
    throw new TallyError('input/changed', 'self', message, { remedy: 'put the declared table back' })
  }
  const { codes } = decodeTable(schema, items, false)
  const values = new Int32Array(counts.rows * columns.length)
  columns.forEach((column, c) => {
    const least = unitsOf(column, column.minimum)
    codes[c]!.forEach((code, row) => (values[row * columns.length + c] = code + least))
  })
  return { path, digest, items: tableRows(values, columns.length) }
}
