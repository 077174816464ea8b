/**
 * Results as CSV: the caller's own columns and rows, in the order of the list, with its delimiter and line ends.
 * Where duplicates are counted, a last column says how many records have the id.
 * The cells are what the list has: nothing is escaped against formulas (`docs/data.md` says what to do about it).
 */
import { TallyError } from '@tallystick/core'
import { stringify } from 'csv-stringify/sync'
import { readRecords } from './records.ts'
import type { Dataset } from './dataset.ts'
import { writeWhole } from './files.ts'

/** The column that is added where duplicates are counted. */
const countColumn = 'tally_records'

const changed = (path: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the list is not the one that entered the computation`, {
    remedy: 'put the list back as it was and run the same command again: the result is kept in the journal',
  })

/** The records of chosen items, in the order of the list; first the header, as item -1. */
const selectRecords = async (
  dataset: Dataset,
  rows: Uint32Array,
  onRecord: (fields: string[], item: number) => void,
): Promise<void> => {
  // Items stand in the order of their records, so both ascend.
  const items = Uint32Array.from(rows).sort()
  let record = -1
  let next = 0
  const { digest } = await readRecords(dataset.path, dataset.layout.encoding, (fields) => {
    const item = items[next]
    if (record === -1) onRecord(fields, -1)
    else if (item !== undefined && record === dataset.records[item]) {
      next += 1
      onRecord(fields, item)
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
    const { multiplicities } = dataset
    const counted = (item: number): string => (item < 0 ? countColumn : String(multiplicities![item]))
    await selectRecords(dataset, rows, (fields, item) => {
      if (batch.push(multiplicities === undefined ? fields : [...fields, counted(item)]) === 4096) flush()
    })
    flush()
    await writing
  })
