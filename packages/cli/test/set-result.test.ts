/** What a minimum of the result withholds. */
import type { Terms } from '@tallystick/session'
import { expect, it } from 'vitest'
import type { Dataset } from '../src/dataset.ts'
import type { Output, Report } from '../src/output.ts'
import { keepSetResult } from '../src/set-result.ts'

/** The events of a difference that leaves so many rows of ten; nothing is written where it is withheld. */
const told = async (size: number, least: number): Promise<readonly string[]> => {
  const events: string[] = []
  const output = { report: ({ event }: Report) => void events.push(event) } as unknown as Output
  const terms = { parties: [], parameters: { output: 'fewer', threshold: 1 }, minimum: { sets: 0, result: least } }
  const dataset = { path: 'list.csv', counts: { records: 10, rows: 10, duplicates: 0 } } as unknown as Dataset
  const own = { dataset, rowsOf: () => new Uint32Array(), complement: false }
  const result = { kind: 'rows', rows: Uint32Array.from({ length: size }, (_, i) => i) } as const
  await keepSetResult(output, 'nowhere', terms as unknown as Terms, own, result).catch(() => events.push('written'))
  return events
}

it('is a difference of few rows, and one that tells of few rows that they are on other lists', async () => {
  expect(await told(2, 3)).toEqual(['result-withheld'])
  expect(await told(9, 3)).toEqual(['result-withheld'])
  expect(await told(10, 3)).toEqual(['result-withheld'])
  expect(await told(3, 3)).toEqual(['written'])
  expect(await told(7, 3)).toEqual(['written'])
})
