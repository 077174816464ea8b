/** `tally data declare`: a list is checked, and what of it would enter is written down for whoever makes the terms. */
import { basename, join } from 'node:path'
import type { Encoding } from '../csv.ts'
import { readDataset, type Duplicates } from '../dataset.ts'
import { declarationFormat, type Declaration } from '../declaration.ts'
import { writeJson } from '../files.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { count } from '../text.ts'

interface DeclareOptions {
  readonly home: string
  readonly column: string
  readonly normalisation: string
  readonly duplicates: Duplicates
  readonly encoding: Encoding
  readonly source?: string
}

export const declare = async (output: Output, options: DeclareOptions, input: string): Promise<void> => {
  const { column, normalisation, duplicates, encoding } = options
  const { identity } = await openHome(options.home)
  const { counts } = await readDataset(input, { column, normalisation, duplicates, encoding })
  const declaration: Declaration = {
    format: declarationFormat,
    identity,
    data: { source: options.source ?? basename(input), column, normalisation, duplicates, rows: counts.rows },
  }
  const file = join(options.home, 'declaration.json')
  await writeJson(file, declaration)
  output.report(
    { event: 'declared', file, ...counts },
    `${count(counts.records)} records, ${count(counts.duplicates)} of them repeat an id, ${count(counts.rows)} enter.\n` +
      `${file}: send it to whoever writes the terms; it holds no row.`,
  )
}
