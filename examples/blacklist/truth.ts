/** What the demo compares with: a plain intersection of the two files, which nobody could make who sees only one. */
import { normalisationOf, readCsv, readDataset, type Dataset } from '@tallystick/cli'
import type { Bank, Scene } from './bank.ts'
import type { Expected } from './generate.ts'
import { requireThat } from './stage.ts'

const idsOf = ({ items: { bytes, offsets } }: Dataset): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, i) =>
    Buffer.from(bytes.subarray(offsets[i], offsets[i + 1])).toString('utf8'),
  )

/** The common ids in normal form, sorted; they must be the ones that the lists were made with. */
export const plainIntersection = async ({ a, b }: Scene, expected: Expected): Promise<readonly string[]> => {
  const read = ({ list, column }: Bank): Promise<Dataset> =>
    readDataset(list, { column, normalisation: 'resident-id/1', duplicates: 'keep-first' })
  const [ofA, ofB] = await Promise.all([read(a), read(b)])
  const known = new Set(idsOf(ofB))
  const common = idsOf(ofA)
    .filter((id) => known.has(id))
    .sort()
  requireThat(common.join() === expected.ids.join(), 'the lists are not as they were made')
  return common
}

export interface Result {
  readonly rows: readonly (readonly string[])[]
  /** In normal form, sorted. */
  readonly ids: readonly string[]
}

/** A result file as a person at the bank would open it. */
export const readResult = async (file: string, column: string): Promise<Result> => {
  const [header = [], ...rows] = await (async () => {
    const all: string[][] = []
    await readCsv(file, 'utf-8', (fields) => all.push(fields))
    return all
  })()
  const at = header.indexOf(column)
  const normalise = normalisationOf('resident-id/1').apply
  return { rows, ids: rows.map((fields) => String(normalise(fields[at] ?? ''))).sort() }
}
