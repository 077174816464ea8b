/** Rows of a CSV as ids and values: a value is the row's chosen cells as a JSON array, in UTF-8. */
import { createHash } from 'node:crypto'
import { TallyError, type Hex } from '@tallystick/core'
import type { Items } from '@tallystick/query'
import { readCsv, type Encoding } from '../csv.ts'
import { readDataset, type Dataset, type DatasetOptions } from '../dataset.ts'
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

const changedFile = (path: string): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the file changed while it was read`, {
    remedy: 'run the command again once nobody writes to the list',
  })

type ReadOptions = DatasetOptions & { readonly encoding: Encoding }

/** Values of consecutive rows. */
const createValues = () => {
  let bytes = new Uint8Array(1 << 16)
  let offsets = [0]
  let used = 0
  return {
    get rows() {
      return offsets.length - 1
    },
    add(value: Uint8Array): void {
      if (used + value.length > bytes.length) {
        const larger = new Uint8Array(2 * bytes.length + value.length)
        larger.set(bytes.subarray(0, used))
        bytes = larger
      }
      bytes.set(value, used)
      offsets.push((used += value.length))
    },
    /** What was added so far; begins anew. */
    take(): Items {
      const items = { bytes: bytes.slice(0, used), offsets: Uint32Array.from(offsets) }
      offsets = [0]
      used = 0
      return items
    },
  }
}

/** The names of the values of a list that was read, and each piece of its rows in their order. */
const eachPiece = async (
  path: string,
  { encoding, column }: ReadOptions,
  { digest, records: wanted }: Pick<Dataset, 'digest' | 'records'>,
  asked: readonly string[] | undefined,
  size: number,
  act: (from: number, values: Items) => Promise<void>,
): Promise<readonly string[]> => {
  let header: { readonly names: readonly string[]; readonly places: readonly number[] } | undefined
  const values = createValues()
  let whole: { readonly from: number; readonly values: Items }[] = []
  let record = 0
  let next = 0
  const settle = async (): Promise<void> => {
    const pieces = whole
    whole = []
    for (const piece of pieces) await act(piece.from, piece.values)
  }
  const summary = await readCsv(
    path,
    encoding,
    (fields) => {
      if (header === undefined) {
        header = chosen(path, fields, column, asked)
        return
      }
      if (record++ !== wanted[next]) return
      values.add(encoder.encode(JSON.stringify(header.places.map((at) => fields[at]))))
      next++
      if (values.rows === size || next === wanted.length) {
        whole.push({ from: next - values.rows, values: values.take() })
      }
    },
    settle,
  )
  if (summary.digest !== digest || next !== wanted.length) throw changedFile(path)
  await settle()
  return header!.names
}

/** A list whose values stay in its file. */
export interface OpenList {
  readonly ids: Items
  /** Names of the values. */
  readonly names: readonly string[]
  /** Bytes of the longest value. */
  readonly longest: number
  /** Of all ids and values. */
  readonly contents: Hex
  /**
   * Reads the values again: of rows from `from` on, `size` at a time, one piece after the other.
   * @throws TallyError input/changed if the file is another one by now; pieces of it may have been given
   */
  readonly pieces: (size: number, act: (from: number, values: Items) => Promise<void>) => Promise<void>
}

const measuredRows = 4096

/**
 * Opens a list: ids are read whole, values are measured.
 * @param asked names of the columns that an asker is told; all but the ids where left out
 * @throws TallyError input/*
 */
export const openList = async (
  path: string,
  options: ReadOptions,
  asked: readonly string[] | undefined,
): Promise<OpenList> => {
  const dataset = await readDataset(path, options)
  const { items: ids } = dataset
  let longest = 0
  const hash = createHash('sha256').update(itemsDigest(ids))
  const names = await eachPiece(path, options, dataset, asked, measuredRows, async (_, values) => {
    longest = Math.max(longest, longestOf(values))
    hash.update(itemsDigest(values))
  })
  return {
    ids,
    names,
    longest,
    contents: `0x${hash.digest('hex')}`,
    pieces: async (size, act) => void (await eachPiece(path, options, dataset, asked, size, act)),
  }
}

/**
 * Reads a list of which all values are wanted at once.
 * @param asked names of the columns that an asker is told; all but the ids where left out
 * @throws TallyError input/*
 */
export const readList = async (
  path: string,
  options: ReadOptions,
  asked: readonly string[] | undefined,
): Promise<List> => {
  const dataset = await readDataset(path, options)
  const { items: ids, digest } = dataset
  let values: Items = { bytes: new Uint8Array(), offsets: new Uint32Array(1) }
  const rows = Math.max(1, dataset.records.length)
  const names = await eachPiece(path, options, dataset, asked, rows, async (_, all) => void (values = all))
  return { ids, values, names, digest }
}

/** SHA-256 of items: where each ends, then what they are. */
export const itemsDigest = (...all: readonly Items[]): Hex => {
  const hash = createHash('sha256')
  for (const { offsets } of all) hash.update(new Uint8Array(Uint32Array.from(offsets).buffer))
  for (const { bytes } of all) hash.update(bytes)
  return `0x${hash.digest('hex')}`
}

export const longestOf = ({ offsets }: Items): number => {
  let longest = 0
  for (let i = 1; i < offsets.length; i++) longest = Math.max(longest, offsets[i]! - offsets[i - 1]!)
  return longest
}

/** @throws TallyError input/oversize */
export const capacityFor = (longest: number, asked: number | undefined): number => {
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
