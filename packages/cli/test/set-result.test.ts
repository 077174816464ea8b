/** What a minimum of the result withholds. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

it("is nothing of a union, whose ids are partners' bytes: none become one, and formulas are told", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tally-union-'))
  const notes: string[] = []
  const output = { report: () => {}, note: (text: string) => void notes.push(text) } as unknown as Output
  const ids = ['plain', '=HYPERLINK("http://x","y")', '@a', 'a,b'].map((text) => Buffer.from(text))
  const rows = [...ids, Buffer.from([0xff]), Buffer.from([0xfe])]
  const offsets = Uint32Array.from([0, ...rows.map((_, i) => Buffer.concat(rows.slice(0, i + 1)).length)])
  const own = { dataset: undefined, rowsOf: () => new Uint32Array(), complement: false }
  const terms = { parties: [{}, {}], parameters: {} } as unknown as Terms
  const result = { kind: 'union', others: { bytes: Buffer.concat(rows), offsets } } as const
  await keepSetResult(output, folder, terms, own, result)
  const written = await readFile(join(folder, 'others.csv'), 'utf8')
  await rm(folder, { recursive: true })
  expect(written).toBe('id\nplain\n"=HYPERLINK(""http://x"",""y"")"\n@a\n"a,b"\n0xff\n0xfe\n')
  expect(notes).toEqual([expect.stringContaining('2 of the ids in')])
})
