/**
 * BLAKE3 in keyed mode (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020, section 2.3) over many rows: digests of ids under
 * a session's salt, and masks of field elements bound to them. Constant-time in the bytes of rows and key, in the
 * WebAssembly engine as far as WebAssembly goes; the time depends on the lengths of the rows.
 */
import { concatBytes } from '@tallystick/core'
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
  batch: {
    rows: (input) => input.offsets.length - 1,
    slice: ({ key, bytes, offsets }, from, to) => ({
      key,
      bytes: bytes.subarray(offsets[from], offsets[to]),
      offsets: Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - offsets[from]!),
    }),
    join: (parts) => ({
      first: concatBytes(...parts.map(({ first }) => first)),
      second: concatBytes(...parts.map(({ second }) => second)),
    }),
  },
}

/** The first `width` bytes of BLAKE3(key, (value + tweak) ‖ first ‖ second) for each row. */
export const masks: Kernel<MasksInput, Uint8Array> = {
  name: 'blake3/masks',
  run: (input) => reference.masks(checkMasks(input)),
  batch: {
    rows: (input) => input.values.length / 16,
    slice: (input, from, to) => ({
      ...input,
      values: input.values.subarray(16 * from, 16 * to),
      first: input.first.subarray(16 * from, 16 * to),
      second: input.second.subarray(16 * from, 16 * to),
    }),
    join: (parts) => concatBytes(...parts),
  },
}
