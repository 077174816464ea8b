/**
 * Parquet files as records of text, one row group at a time. A cell is what a CSV export would have: text as it is, whole
 * numbers in decimal, times in ISO 8601, nothing for null. Nested columns, bytes that are no UTF-8 and numbers that are
 * not exact are refused rather than guessed: an id that was a floating-point number has lost its digits.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { TallyError } from '@tallystick/core'
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { CsvLayout, CsvSummary, OnRecord } from './csv.ts'

/** Results of a Parquet list are CSV. */
const layout: CsvLayout = { encoding: 'utf-8', delimiter: ',', newline: '\n', bom: false }
/** Rows that are decoded together: bounds memory where a file has one large row group. */
const pieceRows = 2 ** 20

const decoder = new TextDecoder('utf-8', { fatal: true })

const failure = (path: string, found: string, remedy: string): TallyError =>
  new TallyError('input/malformed', 'self', `${path}: ${found}`, { remedy })

const textOf = (path: string, line: number, column: string, value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value))) return String(value)
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  const what = typeof value === 'number' ? 'a number too large to be exact' : 'a cell that is no text, number or time'
  throw failure(path, `line ${line}, column "${column}": ${what}`, 'write the column as text (string) in Parquet')
}

const digestOf = async (path: string): Promise<{ readonly digest: string; readonly bytes: number }> => {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(piece as Uint8Array)
    bytes += (piece as Uint8Array).length
  }
  return { digest: hash.digest('hex'), bytes }
}

const openParquet = async (path: string) => {
  try {
    if (!(await stat(path)).isFile()) throw new Error('no file')
  } catch (cause) {
    throw new TallyError('input/not-found', 'self', `${path}: there is no such file`, {
      remedy: 'give the path of the list, as seen from the current folder',
      cause,
    })
  }
  const file = await asyncBufferFromFile(path)
  try {
    return { file, metadata: await parquetMetadataAsync(file) }
  } catch (cause) {
    throw new TallyError('input/malformed', 'self', `${path}: this is no Parquet file`, {
      remedy: 'export the list again, or name it .csv if it is one',
      cause,
    })
  }
}

/**
 * Reads all records of a file, the names of the columns as the first; the header counts as line 1.
 * @throws TallyError input/not-found, input/malformed
 */
export const readParquet = async (path: string, onRecord: OnRecord): Promise<CsvSummary & { layout: CsvLayout }> => {
  const { file, metadata } = await openParquet(path)
  const { children } = parquetSchema(metadata)
  const columns = children.map(({ element }) => element.name)
  const nested = children.find((child) => child.children.length > 0)
  if (nested !== undefined) {
    throw failure(path, `column "${nested.element.name}" is nested`, 'export the list with plain columns')
  }
  onRecord(columns, 1)
  let line = 2
  const rows = Number(metadata.num_rows)
  for (const [from, to] of pieces(metadata.row_groups.map(({ num_rows: count }) => Number(count)))) {
    let found: readonly unknown[][] = []
    try {
      await parquetRead({
        ...{ file, metadata, compressors, rowStart: from, rowEnd: to, utf8: false },
        parsers: { stringFromBytes: (bytes) => decoder.decode(bytes) },
        onComplete: (read) => void (found = read as unknown[][]),
      })
    } catch (cause) {
      throw new TallyError('input/malformed', 'self', `${path}: rows ${from} to ${to} cannot be read`, {
        remedy: 'export the list again; the file is damaged, or compressed in a way that this version cannot read',
        cause,
      })
    }
    for (const record of found) {
      onRecord(
        columns.map((name, i) => textOf(path, line, name, record[i])),
        line,
      )
      line += 1
    }
  }
  if (line - 2 !== rows) throw failure(path, `expected ${rows} rows, found ${line - 2}`, 'export the list again')
  return { ...(await digestOf(path)), layout }
}

/** Bounds of pieces that stay within their row group. */
function* pieces(groups: readonly number[]): Generator<readonly [from: number, to: number]> {
  let start = 0
  for (const rows of groups) {
    for (let from = 0; from < rows; from += pieceRows) yield [start + from, start + Math.min(rows, from + pieceRows)]
    start += rows
  }
}
