import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { circuitInput, ecdh, sumInput, type Items } from '@tallystick/psi'
import { checkItems, chunks, firstDuplicate, pickItems } from '../src/ecdh/items.ts'
import { ids, itemsOf } from './samples.ts'

const text = ({ bytes, offsets }: Items): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, i) =>
    Buffer.from(bytes.subarray(offsets[i], offsets[i + 1])).toString(),
  )

describe('items', () => {
  it('are searched for the first duplicate', () => {
    const property = fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 2 }), { maxLength: 40 }), (rows) => {
      const row = rows.findIndex((value, i) => rows.indexOf(value) < i)
      const expected = row < 0 ? undefined : { row, of: rows.indexOf(rows[row]!) }
      expect(firstDuplicate(itemsOf(rows))).toEqual(expected)
    })
    fc.assert(property, { numRuns: 500, seed: 1 })
    const many = ids(0, 20_000)
    expect(firstDuplicate(itemsOf(many))).toBeUndefined()
    expect(firstDuplicate(itemsOf([...many, 'id-7']))).toEqual({ row: 20_000, of: 7 })
  })
  it('are cut into chunks of their order', () => {
    const items = itemsOf(['a', '', 'ccc', 'dd', 'e'])
    expect([...chunks(5, 2)]).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
    ])
    expect([...chunks(0, 2)]).toEqual([])
    expect(text(pickItems(items, undefined, 2, 4))).toEqual(['ccc', 'dd'])
    expect(text(pickItems(items, Uint32Array.of(4, 3, 2, 1, 0), 1, 5))).toEqual(['dd', 'ccc', '', 'a'])
    expect(text(pickItems(items, undefined, 1, 1))).toEqual([])
  })
  it.each([
    ['no offsets', [], 'input/malformed'],
    ['another start', [1, 2, 3], 'input/malformed'],
    ['decreasing offsets', [0, 2, 1, 3], 'input/malformed'],
    ['an end before the bytes', [0, 2], 'input/malformed'],
    ['an end after the bytes', [0, 4], 'input/malformed'],
    ['another number of rows', [0, 3], 'input/changed'],
    ['duplicates', [0, 1, 2, 2, 2, 3], 'input/duplicate'],
  ])('with %s are refused', (_, offsets, code) => {
    const items = { bytes: Uint8Array.of(1, 2, 3), offsets: Uint32Array.from(offsets) }
    const size = code === 'input/changed' ? 2 : offsets.length - 1
    expect(() => checkItems(items, 'sender', size)).toThrow(expect.objectContaining({ code, blame: 'self' }))
  })
})

describe('parameters', () => {
  const good = { sizes: { receiver: 1, sender: 2 }, output: 'intersection', to: 'both' }
  it('have chunks of 4096 rows unless told', () => {
    expect(ecdh.parameters(good)).toEqual({ ...good, chunkRows: 4096 })
  })
  it.each([
    null,
    7,
    [],
    {},
    { ...good, sizes: { receiver: 1 } },
    { ...good, sizes: { receiver: 1, sender: 2, other: 3 } },
    { ...good, sizes: { receiver: -1, sender: 2 } },
    { ...good, sizes: { receiver: 1.5, sender: 2 } },
    { ...good, sizes: { receiver: '1', sender: 2 } },
    { ...good, sizes: { receiver: 1e9, sender: 2 } },
    { ...good, output: 'union' },
    { ...good, to: 'sender' },
    { ...good, chunkRows: 0 },
    { ...good, chunkRows: 65_537 },
    { ...good, more: true },
  ])('%j are refused', (parameters) => {
    expect(() => ecdh.parameters(parameters)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
  })
})

describe('rows with values', () => {
  const columns = { receiver: [{ column: 'a', decimals: 0 }], sender: [] }
  const short = expect.objectContaining({ code: 'input/malformed' })
  it.each([
    [[0, 3]],
    // The second row is long enough for both.
    [[0, 3, 20]],
    [[0, 12, 15]],
  ])('that end before their values are refused, and read no other row: %j', (bounds) => {
    const rows = { bytes: new Uint8Array(20), offsets: Uint32Array.from(bounds) }
    expect(() => circuitInput(rows, 'receiver', { columns })).toThrow(short)
    expect(() => sumInput(rows, 'receiver')).toThrow(short)
    expect(circuitInput(rows, 'sender', { columns })).toMatchObject({ offsets: rows.offsets })
  })
})
