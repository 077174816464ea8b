/** Joins of tables of fixed-width binary rows (group elements, digests), by row content. */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkIntersect, checkSort } from './shapes.ts'

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
