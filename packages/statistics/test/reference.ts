/** The committed reference values and data sets (reference/make.py), typed. */
import { readFileSync } from 'node:fs'
import type { Column } from '@tallystick/statistics'

const folder = new URL('../reference/', import.meta.url)

export interface Moments {
  readonly columns: readonly string[]
  readonly count: number
  readonly sum: readonly number[]
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly variance: readonly number[]
  readonly covariance: readonly (readonly number[])[]
  readonly pearson: readonly (readonly number[])[]
  readonly spearman: readonly (readonly number[])[]
  readonly minimum: readonly number[]
  readonly maximum: readonly number[]
  readonly levels: readonly number[]
  readonly quantiles: readonly (readonly number[])[]
}

/** Fields by the names that make.py gives them; tests read those that they compare. */
export type Fit = Readonly<Record<string, any>>

export interface Reference {
  readonly moments: Readonly<Record<string, Moments>>
  readonly pValues: Readonly<Record<'t' | 'f' | 'chiSquare' | 'normal', readonly (readonly number[])[]>>
  readonly [section: string]: any
}

export const reference = JSON.parse(readFileSync(new URL('vectors/reference.json', folder), 'utf8')) as Reference

export interface DataSet {
  readonly columns: readonly string[]
  /** Cells as they stand in the file, by column. */
  readonly cells: Readonly<Record<string, readonly string[]>>
  readonly rows: number
}

export const dataSet = (name: string): DataSet => {
  const lines = readFileSync(new URL(`data/${name}.csv`, folder), 'utf8')
    .trimEnd()
    .split('\n')
  const [columns, ...rows] = lines.map((line) => line.split(','))
  const cells = Object.fromEntries(columns!.map((column, i) => [column, rows.map((row) => row[i]!)]))
  return { columns: columns!, cells, rows: rows.length }
}

const decimalsOf = (cell: string): number => cell.split('.')[1]?.length ?? 0

/** A declaration of a column as a careful person would make it: the range rounded outwards, all its decimals. */
export const declared = ({ cells }: DataSet, name: string, positive = false): Column => {
  const values = cells[name]!
  if (values.some((cell) => Number.isNaN(Number(cell)))) {
    return { name, type: 'categorical', levels: [...new Set(values)].sort() }
  }
  const decimals = Math.max(...values.map(decimalsOf))
  const numbers = values.map(Number)
  const largest = Math.max(...numbers)
  const maximum = largest <= 1 ? 1 : Math.ceil(largest * 1.2)
  return {
    name,
    type: 'numeric',
    minimum: positive ? 1 : Math.min(0, Math.floor(Math.min(...numbers))),
    maximum,
    decimals,
  }
}
