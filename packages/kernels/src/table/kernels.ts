/** Joins of tables of fixed-width binary rows (group elements, digests), by row content. */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkIntersect, checkItems, checkSort } from './shapes.ts'

export interface IntersectInput {
  /** Rows of `width` bytes. */
  readonly left: Uint8Array
  /** Rows of `width` bytes, fewer than 2^30. */
  readonly right: Uint8Array
  /** Bytes a row, 1 to 1024. */
  readonly width: number
}

/**
 * For each row of `left` the index of the first equal row of `right`, or -1.
 * No `batch`: every part would need the whole of `right`.
 */
export const intersect: Kernel<IntersectInput, Int32Array> = {
  name: 'table/intersect',
  run: (input) => reference.intersect(checkIntersect(input)),
}

export interface SortInput {
  /** n rows of `width` bytes, fewer than 2^31. */
  readonly rows: Uint8Array
  /** Bytes a row, 1 to 1024. */
  readonly width: number
}

export interface Sorted {
  readonly rows: Uint8Array
  /** The place in the input of each row of the output. */
  readonly order: Uint32Array
}

/** The rows in lexicographic order; equal rows keep theirs. For rows that are no secret from who measures time. */
export const sort: Kernel<SortInput, Sorted> = {
  name: 'table/sort',
  run: (input) => reference.sort(checkSort(input)),
}

export interface ItemsInput {
  /** The rows, one after the other. */
  readonly bytes: Uint8Array
  /** n + 1 non-decreasing positions in `bytes`: row i is bytes[offsets[i], offsets[i + 1]); n below 2^30. */
  readonly offsets: Uint32Array
}

/** The first row that equals an earlier one, and the first row that it equals; none: empty. */
export const duplicate: Kernel<ItemsInput, Uint32Array> = {
  name: 'table/duplicate',
  run: (input) => reference.duplicate(checkItems(input)),
}
