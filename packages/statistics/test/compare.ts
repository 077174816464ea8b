/** Figures of analyses of the reference's data sets, and how they are compared with what it gives. */
import { expect } from 'vitest'
import { analyse, type Layout, type Reference as Column, type Statistic } from '@tallystick/statistics'
import { horizontal, vertical } from './tables.ts'

export const layouts: readonly Layout[] = ['horizontal', 'vertical']
const settings = { horizontal, vertical }

export type Write = (columns: Readonly<Record<string, Column>>) => Readonly<Record<string, Statistic>>

/** An analysis of the named columns of a data set of the reference. */
export const settingOf = (data: string, layout: Layout, columns: readonly string[], write: Write, minimumCount = 0) =>
  settings[layout](data, columns, analyse({ layout, columns, minimumCount }, write))

export const relative = (found: number, expected: number): number =>
  expected === 0 ? Math.abs(found) : Math.abs(found / expected - 1)

/** Each number within an error, relative unless told. */
export const expectAll = (
  found: readonly number[],
  expected: readonly number[],
  error: number,
  how = relative,
): void => {
  expect(found.length).toBe(expected.length)
  found.forEach((value, i) => expect(how(value, expected[i]!), `${value} for ${expected[i]}`).toBeLessThan(error))
}
export const absolute = (found: number, expected: number): number => Math.abs(found - expected)

export const all = (columns: Readonly<Record<string, Column>>, names: readonly string[]) =>
  names.map((name) => columns[name]!)
