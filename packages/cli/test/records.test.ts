/** Ids of several columns, counted duplicates, and lists in Parquet. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDataset, type Dataset, type DatasetOptions } from '../src/dataset.ts'
import { columnText, keyOf, normalisationText } from '../src/key.ts'
import { writeResult } from '../src/result.ts'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-records-'))))
afterAll(() => rm(folder, { recursive: true }))

const defaults: DatasetOptions = { column: 'id', normalisation: 'trim/1', duplicates: 'refuse' }
const read = async (name: string, content: string | Uint8Array, options: Partial<DatasetOptions> = {}) => {
  const path = join(folder, name)
  await writeFile(path, content)
  return readDataset(path, { ...defaults, ...options })
}
const idsOf = ({ items: { bytes, offsets } }: Dataset): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, i) =>
    new TextDecoder().decode(bytes.subarray(offsets[i], offsets[i + 1])),
  )
const resultOf = async (list: Dataset, rows: readonly number[]): Promise<string> => {
  await writeResult(list, Uint32Array.from(rows), join(folder, 'result.csv'))
  return readFile(join(folder, 'result.csv'), 'utf8')
}

describe('an id of several columns', () => {
  const column = columnText(['name', 'born'])

  it('is each normal form with its length', async () => {
    const normalisation = normalisationText(['text/1', 'trim/1'])
    const list = await read('list.csv', 'born,name,x\n 1990 ,Ⅷ Müller,1\n1991,b,2\n', { column, normalisation })
    expect(idsOf(list)).toEqual(['12:viii müller,4:1990,', '1:b,4:1991,'])
    expect(await resultOf(list, [1])).toBe('born,name,x\n1991,b,2\n')
  })

  it('is the same for no two different rows of cells', () => {
    const { idOf } = keyOf(columnText(['a', 'b', 'c']), 'exact/1')
    const cell = fc.string({ unit: fc.constantFrom('1', ':', ',', 'é', '2'), minLength: 1, maxLength: 4 })
    const cells = fc.tuple(cell, cell, cell)
    fc.assert(
      fc.property(cells, cells, (one, other) => {
        expect(idOf(one) === idOf(other)).toBe(one.join('\n') === other.join('\n'))
      }),
      { numRuns: 2000 },
    )
  })

  it('is refused by line and column where a cell has no normal form', async () => {
    const reading = read('list.csv', 'name,x,born\na,1,1990\nb,2,\n', { column })
    await expect(reading).rejects.toMatchObject({ code: 'input/invalid-value' })
    await expect(reading).rejects.toThrow('line 3, column 3: empty')
  })

  it('takes one normalisation, or one for each, and each column once', () => {
    const three = columnText(['a', 'b', 'c'])
    expect(keyOf(three, 'trim/1').normalisations).toHaveLength(3)
    expect(() => keyOf(three, 'trim/1 + trim/1')).toThrow(expect.objectContaining({ code: 'input/column' }))
    expect(() => keyOf(columnText(['a', 'a']), 'trim/1')).toThrow(expect.objectContaining({ code: 'input/column' }))
    expect(() => keyOf(three, 'trim/9')).toThrow(expect.objectContaining({ code: 'terms/unsupported' }))
    expect(keyOf('["odd', 'trim/1').columns).toEqual(['["odd'])
  })
})

it('counts the records of each id where that is agreed', async () => {
  const list = await read('list.csv', 'id,x\n5,a\n4,b\n 5,c\n5,d\n', { duplicates: 'count' })
  expect(list.counts).toEqual({ records: 4, rows: 2, duplicates: 2 })
  expect(await resultOf(list, [0, 1])).toBe('id,x,tally_records\n5,a,3\n4,b,1\n')
})

describe('Parquet', () => {
  const file = (columnData: Parameters<typeof parquetWriteBuffer>[0]['columnData'], rowGroupSize = 3) =>
    new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }))

  it('is read as its CSV would be, and its result is CSV', async () => {
    const ids = ['b7', ' c8', 'a"1', 'é', 'x', 'y', 'z']
    const numbers = [1n, 2n ** 60n, -3n, 4n, 5n, 6n, 7n]
    const list = await read(
      'list.parquet',
      file([
        { name: 'id', data: ids, type: 'STRING' },
        { name: 'n', data: numbers, type: 'INT64' },
        { name: 'on', data: ids.map((_, i) => i % 2 === 0), type: 'BOOLEAN' },
      ]),
    )
    expect(idsOf(list)).toEqual(ids.map((id) => id.trim()))
    expect(await resultOf(list, [1, 2])).toBe(`id,n,on\n c8,${2n ** 60n},false\n"a""1",-3,true\n`)
    expect(list.digest).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is refused where an id has lost its digits, where it is none, and where it is damaged', async () => {
    const inexact = file([{ name: 'id', data: [1, 2 ** 60], type: 'DOUBLE' }])
    await expect(read('list.parquet', inexact)).rejects.toThrow('line 3, column "id": a number too large to be exact')
    await expect(read('list.parquet', 'id\n1\n')).rejects.toMatchObject({ code: 'input/malformed' })
    const whole = file([{ name: 'id', data: Array.from({ length: 500 }, (_, i) => `id ${i}`), type: 'STRING' }], 500)
    const damaged = whole.slice().fill(255, 10, 200)
    await expect(read('list.parquet', damaged)).rejects.toMatchObject({ code: 'input/malformed' })
    await expect(readDataset(join(folder, 'none.parquet'), defaults)).rejects.toMatchObject({ code: 'input/not-found' })
  })
})
