import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { renderError, TallyError } from '@tallystick/core'
import { stringify } from 'csv-stringify/sync'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDataset, type Dataset, type DatasetOptions } from '../src/dataset.ts'
import { residentIdCheck } from '../src/normalisation.ts'
import { previewResult, writeResult } from '../src/result.ts'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-dataset-'))))
afterAll(() => rm(folder, { recursive: true }))

const defaults: DatasetOptions = { column: 'id', normalisation: 'trim/1', duplicates: 'refuse' }
const read = async (content: string | Uint8Array, options: Partial<DatasetOptions> = {}): Promise<Dataset> => {
  const path = join(folder, 'list.csv')
  await writeFile(path, content)
  return readDataset(path, { ...defaults, ...options })
}
const idsOf = ({ items: { bytes, offsets } }: Dataset): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, i) =>
    new TextDecoder().decode(bytes.subarray(offsets[i], offsets[i + 1])),
  )
const failure = async (reading: Promise<unknown>): Promise<TallyError> => {
  const error: unknown = await reading.then(
    () => new Error('expected a failure'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TallyError)) throw error
  return error
}
/** As the person sees it, without the folder. */
const told = async (reading: Promise<unknown>): Promise<string> =>
  renderError(await failure(reading)).replaceAll(`${folder}/`, '')

const resident = (serial: number): string => {
  const digits = `990101199001${String(serial).padStart(5, '0')}`
  return digits + residentIdCheck(digits)
}

describe('reading', () => {
  it('takes BOM, CRLF, quoted commas, quotes and newlines, blank lines', async () => {
    const list = await read('\ufeffname,id\r\n"a, ""b""\r\nc", 1 \r\n\r\nd,2\r\n')
    expect(idsOf(list)).toEqual(['1', '2'])
    expect(list.layout).toEqual({ encoding: 'utf-8', delimiter: ',', newline: '\r\n', bom: true })
    expect(list.counts).toEqual({ records: 2, rows: 2, duplicates: 0 })
  })

  it.each([';', '\t'])('finds the delimiter %j by itself', async (delimiter) => {
    expect(idsOf(await read(`name${delimiter}id\n"a,b"${delimiter}7\n`))).toEqual(['7'])
  })

  it('keeps the first of equal ids where that is agreed', async () => {
    const list = await read('id\n5\n4\n 5\n5\n3\n', { duplicates: 'keep-first' })
    expect(idsOf(list)).toEqual(['5', '4', '3'])
    expect([...list.records]).toEqual([0, 1, 4])
    expect(list.counts).toEqual({ records: 5, rows: 3, duplicates: 2 })
  })

  it('decodes other encodings when told', async () => {
    const gb = new Uint8Array([0xd6, 0xa4, 0xbc, 0xfe, 0x0a, 0x37, 0x0a])
    expect(idsOf(await read(gb, { column: '证件', encoding: 'gb18030' }))).toEqual(['7'])
    const utf16 = new Uint8Array([0xff, 0xfe, ...Buffer.from('id\tb\r\n7\t8\r\n', 'utf16le')])
    expect(idsOf(await read(utf16, { encoding: 'utf-16le' }))).toEqual(['7'])
  })

  it('decodes characters that lie across two pieces of the file', async () => {
    const names = '证'.repeat((1 << 18) / 3 + 5)
    const lines = names.replace(/.{1000}/g, (part) => `${part}\n`)
    const unique = lines.split('\n').map((line, i) => `${i}${line}`)
    expect((await read(`id\n${unique.join('\n')}\n`)).counts.rows).toBe(unique.length)
  })

  it('reads a messy list as its clean equivalent', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', '证', ';', '\t', '') })
    const people = fc.uniqueArray(fc.tuple(fc.nat(99_999), cell), { minLength: 1, selector: ([serial]) => serial })
    const options = { normalisation: 'resident-id/1', column: 'id' }
    await fc.assert(
      fc.asyncProperty(people, fc.boolean(), fc.boolean(), async (rows, crlf, bom) => {
        const clean = await read(stringify([['id', 'x'], ...rows.map(([serial]) => [resident(serial), ''])]), options)
        const messy = rows.map(([serial, text], i) => {
          const id = resident(serial)
          const forms = [id.toLowerCase(), ` ${id}`, id.replace(/^.{6}/, '$& '), id.replace('9', '９'), `\t${id}\t`]
          return [text, forms[i % forms.length]]
        })
        const table = stringify([['x', 'id'], ...messy], {
          record_delimiter: crlf ? '\r\n' : '\n',
          quoted_match: /[\r\n]/,
          bom,
        })
        expect(idsOf(await read(table, options))).toEqual(idsOf(clean))
      }),
      { numRuns: 60 },
    )
  })

  it('indexes many ids', async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => `k${(i * 7919) % 30_011}`)
    const list = await read(`id\n${rows.join('\n')}\n`, { duplicates: 'keep-first' })
    expect(idsOf(list)).toEqual([...new Set(rows)])
  })
})

describe('what is wrong is told by line and reason', () => {
  it('records: all problems at once, five examples of each', async () => {
    const list = ['id,b', '1,2', '1,3', ...'45678901'.split('').map((i) => ` ,${i}`), '2', '1,"x', 'y"'].join('\n')
    expect(await told(read(list))).toMatchInlineSnapshot(`
      "input/malformed: list.csv: 1 record differs from the 2 cells of the header
            line 12 has 1 cell
          also 8 values of "id" cannot be read as trim/1
            line 4, column 1: empty
            line 5, column 1: empty
            line 6, column 1: empty
            line 7, column 1: empty
            line 8, column 1: empty
            and 3 more
          also 2 records repeat an id (as trim/1)
            line 3 repeats line 2
            line 13 repeats line 2
        must act: this side
        what to do: look for a comma in a cell without quotes, or a broken line; correct or remove these records; remove them, or agree on duplicates "keep-first" or "count" in the terms"
    `)
  })

  it.each<[string, string, string | Uint8Array]>([
    ['input/empty', 'the file is empty', ''],
    ['input/empty', 'the file is empty', '\ufeff'],
    ['input/empty', 'header and no record', 'id,b\r\n'],
    ['input/column', 'none of the 2 columns of line 1 is named "id"', 'ID,b\n1,2\n'],
    ['input/column', '2 columns are named "id": columns 1, 3', 'id,b,id\n1,2,3\n'],
    ['input/malformed', 'line 3 holds a NUL', 'id\n1\n2\0\n'],
    ['input/malformed', 'begins on line 3 opens a quote that is never closed', 'id\n1\n"2\n3\n'],
    ['input/malformed', 'begins on line 2 has a quote in the middle', 'id\na"b\n'],
    ['input/malformed', 'begins on line 2 has a quote in the middle', 'id\n"a"b\n'],
    ['input/malformed', 'begins on line 3 is longer than 1048576 bytes', `id\n1\n${'x'.repeat(3_000_000)}`],
    ['input/encoding', 'they look like GB18030', new Uint8Array([0x69, 0x64, 0x0a, 0xd6, 0xd0, 0x0a])],
    ['input/encoding', 'found other bytes on or after line 1', new Uint8Array([0x69, 0x64, 0x0a, 0xff, 0xff, 0x0a])],
    ['input/encoding', 'found UTF-16', new Uint8Array([0xff, 0xfe, 0x69, 0, 0x0a, 0])],
  ])('%s: %s', async (code, message, content) => {
    const error = await failure(read(content))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.blame).toBe('self')
    expect(error.remedy).toBeDefined()
    expect(error.exitCode).toBe(65)
  })

  it('a file that is not there', async () => {
    expect((await failure(readDataset(join(folder, 'none.csv'), defaults))).code).toBe('input/not-found')
    expect((await failure(readDataset(folder, defaults))).code).toBe('input/not-found')
  })

  it('never tells a value, whatever the file', async () => {
    // A canary in each cell; digits, so that no word of ours holds it by chance.
    const canary = '7310582'
    const mess = fc.constantFrom('"', ',', '\n', '\r\n', canary, 'a', '\0', ' ', '""', '1.1E+17', ';')
    await fc.assert(
      fc.asyncProperty(
        fc.array(mess, { maxLength: 20 }).map((parts) => parts.join('')),
        fc.constantFrom('id\n', 'x,id\n', ''),
        fc.constantFrom('resident-id/1', 'phone/1', 'email/1', 'trim/1'),
        async (body, header, normalisation) => {
          const outcome = await read(`${header}${body}`, { normalisation }).catch((error: unknown) => error)
          if (!(outcome instanceof Error)) return
          expect(outcome).toBeInstanceOf(TallyError)
          expect(renderError(outcome as TallyError)).not.toContain(canary)
          expect(String((outcome.cause as Error | undefined)?.message)).not.toContain(canary)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('results', () => {
  const content = '\ufeffname;id\r\n"a;1";1\r\n=SUM(A1);2\r\n"c\nd";4\r\n"c\r\nd";1\r\n e ;3\r\n'

  it('are the caller’s own rows in their order, in the layout of the list', async () => {
    const list = await read(content, { duplicates: 'keep-first' })
    const out = join(folder, 'result.csv')
    await writeResult(list, Uint32Array.of(3, 2, 0), out)
    expect(await readFile(out, 'utf8')).toBe('\ufeffname;id\r\n"a;1";1\r\n"c\nd";4\r\n e ;3\r\n')
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    await writeResult(list, Uint32Array.of(1), out)
    expect(await readFile(out, 'utf8')).toBe('\ufeffname;id\r\n=SUM(A1);2\r\n')
    expect(await previewResult(list, Uint32Array.of(0, 1, 2), 2)).toEqual([
      ['name', 'id'],
      ['a;1', '1'],
      ['=SUM(A1)', '2'],
    ])
  })

  it('are a header alone for an empty intersection, which is no error', async () => {
    const out = join(folder, 'empty.csv')
    await writeResult(await read('id\n1\n'), new Uint32Array(0), out)
    expect(await readFile(out, 'utf8')).toBe('id\n')
  })

  it('are refused, and leave no file, when the list has changed', async () => {
    const list = await read('id\n1\n2\n')
    await writeFile(list.path, 'id\n1\n3\n')
    const out = join(folder, 'changed.csv')
    expect((await failure(writeResult(list, Uint32Array.of(1), out))).code).toBe('input/changed')
    await expect(stat(out)).rejects.toThrow('ENOENT')
  })
})
