/** Rows of a CSV as ids and values: a value is the row's chosen cells as a JSON array, in UTF-8. */
import { TallyError } from '@tallystick/core'
import type { Items } from '@tallystick/query'
import { readCsv, type Encoding } from '../csv.ts'
import { readDataset, type DatasetOptions } from '../dataset.ts'
import { count } from '../text.ts'

const encoder = new TextEncoder()

export interface List {
  readonly ids: Items
  readonly values: Items
  /** Names of the values. */
  readonly names: readonly string[]
  /** SHA-256 of the file, hex. */
  readonly digest: string
}

/** Names of the columns to be told: those asked for, or all but the ids. */
const chosen = (path: string, header: readonly string[], column: string, asked: readonly string[] | undefined) => {
  const names = asked ?? header.filter((name) => name !== column)
  const places = names.map((name) => header.indexOf(name))
  const missing = names.find((_, i) => places[i]! < 0)
  if (missing === undefined) return { names, places }
  throw new TallyError('input/column', 'self', `${path}: no column is named "${missing}"`, {
    remedy: 'name columns of line 1 as --values, separated by commas; letters count as they are',
  })
}

/**
 * @param asked names of the columns that an asker is told; all but the ids where left out
 * @throws TallyError input/*
 */
export const readList = async (
  path: string,
  options: DatasetOptions & { readonly encoding: Encoding },
  asked: readonly string[] | undefined,
): Promise<List> => {
  const dataset = await readDataset(path, options)
  const wanted = dataset.records
  let header: { readonly names: readonly string[]; readonly places: readonly number[] } | undefined
  let bytes = new Uint8Array(1 << 16)
  let used = 0
  const offsets = new Uint32Array(wanted.length + 1)
  let record = 0
  let next = 0
  const { digest } = await readCsv(path, options.encoding, (fields) => {
    if (header === undefined) {
      header = chosen(path, fields, options.column, asked)
      return
    }
    if (record++ !== wanted[next]) return
    const value = encoder.encode(JSON.stringify(header.places.map((at) => fields[at])))
    if (used + value.length > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length + value.length)
      larger.set(bytes.subarray(0, used))
      bytes = larger
    }
    bytes.set(value, used)
    used += value.length
    offsets[++next] = used
  })
  if (digest !== dataset.digest || next !== wanted.length) {
    throw new TallyError('input/changed', 'self', `${path}: the file changed while it was read`, {
      remedy: 'run the command again once nobody writes to the list',
    })
  }
  return { ids: dataset.items, values: { bytes: bytes.subarray(0, used), offsets }, names: header!.names, digest }
}

export const longestOf = ({ offsets }: Items): number => {
  let longest = 0
  for (let i = 1; i < offsets.length; i++) longest = Math.max(longest, offsets[i]! - offsets[i - 1]!)
  return longest
}

/** @throws TallyError input/oversize */
export const capacityFor = (values: Items, asked: number | undefined): number => {
  const longest = longestOf(values)
  if (asked === undefined) return Math.min(4096, 8 * Math.ceil(longest / 8))
  if (longest <= asked) return asked
  throw new TallyError(
    'input/oversize',
    'self',
    `the longest row takes ${count(longest)} bytes, --row-bytes is ${asked}`,
    {
      remedy: 'choose fewer columns with --values, or more --row-bytes; every row takes as much as the longest',
    },
  )
}

/** A value as its columns. */
export const columnsOf = (names: readonly string[], value: Uint8Array): Record<string, string> => {
  const cells = JSON.parse(new TextDecoder().decode(value)) as readonly string[]
  return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
}
