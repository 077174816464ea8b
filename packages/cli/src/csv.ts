/**
 * CSV files as records with the line that each begins on. Reads in pieces, so a file of any size takes the memory of one
 * piece and one record; every failure names the line, never what stands there.
 */
import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { TallyError } from '@tallystick/core'
import { parse, type CsvError } from 'csv-parse'

/** Encodings by their WHATWG label; all are decoded strictly. */
export const encodings = ['utf-8', 'gb18030', 'big5', 'utf-16le'] as const
export type Encoding = (typeof encodings)[number]

/** How a file is written, kept so that results look like the list that they come from. */
export interface CsvLayout {
  readonly encoding: Encoding
  readonly delimiter: string
  readonly newline: '\n' | '\r\n'
  readonly bom: boolean
}

export interface CsvSummary {
  readonly bytes: number
  /** SHA-256 of the file as read, hex. */
  readonly digest: string
}

/** Called for each record, with the number (from 1) of the line on which it begins. */
export type OnRecord = (fields: string[], line: number) => void

const pieceBytes = 1 << 18
/** A record longer than this is a quote that was never closed. */
const maxRecordBytes = 1 << 20

const failure = (code: 'input/malformed' | 'input/encoding', message: string, remedy: string): TallyError =>
  new TallyError(code, 'self', message, { remedy })

const openFile = async (path: string): Promise<FileHandle> => {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new TallyError(
      'input/not-found',
      'self',
      `${path}: ${missing ? 'there is no such file' : 'cannot be read'}`,
      {
        remedy: missing ? 'give the path of the list, as seen from the current folder' : 'check that you may read it',
        cause,
      },
    )
  }
  throw new TallyError('input/not-found', 'self', `${path}: this is a folder or a device; expected a list`, {
    remedy: 'name the CSV file',
  })
}

async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  const file = await openFile(path)
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: new Uint8Array(pieceBytes) })
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

const decodes = (label: Encoding, bytes: Uint8Array): boolean => {
  try {
    new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

const encodingFailure = (path: string, encoding: Encoding, piece: Uint8Array, line: number): TallyError => {
  const found = `${path}: expected ${encoding.toUpperCase()}, found other bytes on or after line ${line}`
  if (encoding === 'utf-8' && decodes('gb18030', piece)) {
    return failure(
      'input/encoding',
      `${found}; they look like GB18030 (GBK)`,
      `add --encoding gb18030, or convert it: iconv -f GB18030 -t UTF-8 list.csv > list-utf8.csv`,
    )
  }
  return failure('input/encoding', found, `save the list as "CSV UTF-8", or name its encoding: ${encodings.join(', ')}`)
}

/** Decodes piece by piece; tells the text, or throws with the line that was reached. */
const decoderOf = (path: string, encoding: Encoding) => {
  const decoder = new TextDecoder(encoding, { fatal: true })
  let line = 1
  return (piece: Uint8Array | undefined): string => {
    if (encoding === 'utf-8' && line === 1 && piece !== undefined && piece[0] === 0xff && piece[1] === 0xfe) {
      throw failure('input/encoding', `${path}: expected UTF-8, found UTF-16`, 'add --encoding utf-16le')
    }
    let text: string
    try {
      text = piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true })
    } catch {
      throw encodingFailure(path, encoding, piece ?? new Uint8Array(), line)
    }
    const nul = text.indexOf('\0')
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      if (nul !== -1 && at > nul) break
      line += 1
    }
    if (nul !== -1) {
      const remedy = 'export the list again: a text file holds no NUL, the file is damaged, binary or UTF-16'
      throw failure('input/malformed', `${path}: line ${line} holds a NUL character`, remedy)
    }
    return text
  }
}

/** What csv-parse found wrong; its own messages quote the file, so they go no further. */
const parseFailure = (path: string, error: CsvError, line: number): TallyError => {
  const where = `${path}: the record that begins on line ${line}`
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return failure('input/malformed', `${where} opens a quote that is never closed`, 'close it, or double it: ""')
    case 'CSV_MAX_RECORD_SIZE':
      return failure(
        'input/malformed',
        `${where} is longer than ${maxRecordBytes} bytes`,
        'look there for a quote that is not closed, or for a file that is not CSV',
      )
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return failure(
        'input/malformed',
        `${where} has a quote in the middle of a cell`,
        'put the whole cell in quotes and double those inside: "a ""b"" c"',
      )
    default:
      return failure('input/malformed', `${where} is not CSV`, 'export the list again as CSV')
  }
}

/** The first line tells the delimiter: of those that Excel writes, the one that splits it into most cells. */
const delimiterOf = (start: string): string => {
  const line = /^[^\r\n]*/.exec(start)![0].replace(/"[^"]*"/g, '')
  const cells = (delimiter: string): number => line.split(delimiter).length
  return [',', ';', '\t'].reduce((best, next) => (cells(next) > cells(best) ? next : best))
}

const physicalLines = (fields: readonly string[]): number => {
  let lines = 1
  for (const field of fields) {
    if (field.includes('\n') || field.includes('\r')) lines += field.match(/\r\n|\r|\n/g)!.length
  }
  return lines
}

/**
 * Reads all records of a file, the header as the first. Blank lines are passed over.
 * @param settle awaited after the records of each piece of the file: what it does holds the next piece back
 * @throws TallyError input/not-found, input/encoding, input/malformed
 */
export const readCsv = async (
  path: string,
  encoding: Encoding,
  onRecord: OnRecord,
  settle?: () => Promise<void>,
): Promise<CsvSummary & { layout: CsvLayout }> => {
  const hash = createHash('sha256')
  const decode = decoderOf(path, encoding)
  let bytes = 0
  let line = 1
  let layout: CsvLayout | undefined
  let push: ((text: string | undefined) => Promise<void>) | undefined

  const begin = (start: string, bom: boolean): ((text: string | undefined) => Promise<void>) => {
    const newline = /\r?\n/.exec(start)?.[0] === '\r\n' ? '\r\n' : '\n'
    layout = { encoding, delimiter: delimiterOf(start), newline, bom }
    const parser = parse({
      delimiter: layout.delimiter,
      relax_column_count: true,
      max_record_size: maxRecordBytes,
      record_delimiter: ['\r\n', '\n', '\r'],
    })
    let failed: CsvError | undefined
    parser.on('error', (error) => (failed = error as CsvError))
    let parsed: string[][] = []
    const collect = (): void => {
      for (let next = parser.read() as string[] | null; next !== null; next = parser.read() as string[] | null) {
        parsed.push(next)
      }
    }
    parser.on('readable', collect)
    const drain = (): void => {
      collect()
      for (const fields of parsed) {
        const blank = fields.length === 1 && fields[0] === ''
        if (!blank) onRecord(fields, line)
        line += physicalLines(fields)
      }
      parsed = []
      if (failed !== undefined) throw parseFailure(path, failed, line)
    }
    return async (text) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      // A parser that failed calls no callback, hence the second way out.
      parser.once('close', resolve)
      if (text === undefined) parser.end(resolve)
      else parser.write(text, () => resolve())
      await promise
      parser.off('close', resolve)
      drain()
      await settle?.()
    }
  }

  let start: Uint8Array | undefined
  for await (const piece of pieces(path)) {
    hash.update(piece)
    bytes += piece.length
    start ??= piece
    const text = decode(piece)
    push ??= begin(text, start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf)
    await push(text)
  }
  const rest = decode(undefined)
  push ??= begin(rest, false)
  if (rest !== '') await push(rest)
  await push(undefined)
  return { bytes, digest: hash.digest('hex'), layout: layout! }
}
