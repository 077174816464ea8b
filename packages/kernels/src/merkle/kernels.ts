/**
 * Tiles of a Merkle tree (RFC 6962 section 2.1) over salted rows:
 *
 *   salt_i = HMAC-SHA256(key, index_i)        index_i = first + i, as eight bytes
 *   leaf_i = SHA-256(0x00 ‖ u32(17) ‖ 'tallystick/row/v1' ‖ index_i ‖ salt_i ‖ row_i)
 *   node   = SHA-256(0x01 ‖ left ‖ right)
 *
 * The root over each 1024 rows, from which the caller makes the tree. Constant-time in the bytes of rows and key, in the
 * WebAssembly engine as far as WebAssembly goes; the time depends on the lengths of the rows. Cut where a tile ends.
 */
import { concatBytes, TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'

/** Rows of a tile. */
export const tileRows = 1024

export interface TilesInput {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Index of the first row, a multiple of 1024. */
  readonly first: number
  /** The rows, one after the other. */
  readonly bytes: Uint8Array
  /** n + 1 non-decreasing positions in `bytes`: row i is bytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array
}

const misuse = (text: string): TallyError => new TallyError('api/misuse', 'self', `merkle: expected ${text}`)

/** @throws TallyError api/misuse unless the key has 32 bytes, a tile starts at the first row, and the offsets describe the bytes. */
export function checkTiles(input: TilesInput): TilesInput {
  const { key, first, bytes, offsets } = input
  if (key.length !== 32) throw misuse(`a key of 32 bytes, found ${key.length}`)
  if (!Number.isSafeInteger(first) || first < 0 || first % tileRows !== 0) {
    throw misuse(`the first row to be a multiple of ${tileRows}, found ${first}`)
  }
  if (offsets.length === 0) throw misuse('n + 1 offsets, found none')
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!) throw misuse(`offsets that do not decrease, found offset ${i} below the last`)
  }
  if (offsets[offsets.length - 1]! > bytes.length) throw misuse(`offsets within the ${bytes.length} bytes given`)
  return input
}

/** Roots of the tiles, 32 bytes each; the last tile may have fewer rows. */
export const tiles: Kernel<TilesInput, Uint8Array> = {
  name: 'merkle/tiles',
  run: (input) => reference.tiles(checkTiles(input)),
  batch: {
    rows: ({ offsets }) => Math.ceil((offsets.length - 1) / tileRows),
    slice: ({ key, first, bytes, offsets }, from, to) => {
      const part = offsets.slice(from * tileRows, to * tileRows + 1)
      const [start, end] = [part[0]!, offsets[Math.min(to * tileRows, offsets.length - 1)]!]
      const own = bytes.subarray(start, end)
      return { key, first: first + from * tileRows, bytes: own, offsets: part.map((offset) => offset - start) }
    },
    join: (parts) => concatBytes(...parts),
  },
}
