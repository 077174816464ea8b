/**
 * Results as CSV: the caller's own columns and rows, in the order of the list, with its delimiter and line ends.
 * The cells are what the list has: nothing is escaped against formulas (`docs/data.md` says what to do about it).
 */
import { TallyError } from '@tallystick/core'
import { stringify } from 'csv-stringify/sync'
import { readCsv } from './csv.ts'
import type { Dataset } from './dataset.ts'
import { writeWhole } from './files.ts'

const changed = (path: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the list is not the one that entered the computation`, {
    remedy: 'put the list back as it was and run the same command again: the result is kept in the journal',
  })

/** The records of chosen items, in the order of the list, handed over in batches; `undefined` first: the header. */
const selectRecords = async (
  dataset: Dataset,
  rows: Uint32Array,
  onRecord: (fields: string[]) => void,
): Promise<void> => {
  const wanted = Uint32Array.from(rows, (row) => dataset.records[row]!).sort()
  let record = -1
  let next = 0
  const { digest } = await readCsv(dataset.path, dataset.layout.encoding, (fields) => {
    if (record === -1 || record === wanted[next]) {
      if (record !== -1) next += 1
      onRecord(fields)
    }
    record += 1
  })
  if (digest !== dataset.digest) throw changed(dataset.path)
}

/** The header and the first `limit` chosen records: for showing. */
export const previewResult = async (dataset: Dataset, rows: Uint32Array, limit: number): Promise<string[][]> => {
  const shown: string[][] = []
  await selectRecords(dataset, rows.subarray(0, limit), (fields) => shown.push(fields))
  return shown
}

/**
 * Writes the records of `rows` (indices of items, ascending) to `path`, which appears whole or not at all, readable by
 * its owner only. Memory: the chosen rows' indices and one batch.
 * @throws TallyError input/changed if the list is not the one that was read
 */
export const writeResult = (dataset: Dataset, rows: Uint32Array, path: string): Promise<void> =>
  writeWhole(path, 0o600, async (file) => {
    const { delimiter, newline, bom, encoding } = dataset.layout
    // Without it, spreadsheets take UTF-8 for the regional encoding.
    let text = bom || encoding !== 'utf-8' ? '\ufeff' : ''
    let writing = Promise.resolve()
    let batch: string[][] = []
    const flush = (): void => {
      const block = text + stringify(batch, { delimiter, record_delimiter: newline, quoted_match: /[\r\n]/ })
      text = ''
      batch = []
      writing = writing.then(() => file.appendFile(block))
    }
    await selectRecords(dataset, rows, (fields) => {
      if (batch.push(fields) === 4096) flush()
    })
    flush()
    await writing
  })
