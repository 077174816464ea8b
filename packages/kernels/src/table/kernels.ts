/** Joins of tables of fixed-width binary rows (group elements, digests), by row content. */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkIntersect } from './shapes.ts'

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
