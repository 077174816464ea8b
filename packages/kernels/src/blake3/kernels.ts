/**
 * BLAKE3 in keyed mode (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020, section 2.3) over many rows: digests of ids under
 * a session's salt, and masks of field elements bound to them. Constant-time in the bytes of rows and key, in the
 * WebAssembly engine as far as WebAssembly goes; the time depends on the lengths of the rows.
 *
 * No `batch`: a row takes a tenth of a microsecond, so cutting costs more than it gives. Callers bring large tables in parts.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkIds, checkMasks } from './shapes.ts'

export interface IdsInput {
  /** 32 bytes; a public salt serves. */
  readonly key: Uint8Array
  /** The rows, one after the other. */
  readonly bytes: Uint8Array
  /** n + 1 non-decreasing positions in `bytes`: row i is bytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array
}

/** The 32-byte digest of each row, in two tables of n rows of 16 bytes, since most uses need them apart. */
export interface Digests {
  readonly first: Uint8Array
  readonly second: Uint8Array
}

export interface MasksInput extends Digests {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** n rows of 16 bytes. */
  readonly values: Uint8Array
  /** 16 bytes, added (over GF(2^128)) to every value. */
  readonly tweak: Uint8Array
  /** Bytes of a mask, 1 to 32. */
  readonly width: number
}

/** BLAKE3(key, row) for each row. */
export const ids: Kernel<IdsInput, Digests> = {
  name: 'blake3/ids',
  run: (input) => reference.ids(checkIds(input)),
}

/** The first `width` bytes of BLAKE3(key, (value + tweak) ‖ first ‖ second) for each row. */
export const masks: Kernel<MasksInput, Uint8Array> = {
  name: 'blake3/masks',
  run: (input) => reference.masks(checkMasks(input)),
}
