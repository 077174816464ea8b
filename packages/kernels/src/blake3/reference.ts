/** References of `blake3/*`: noble's BLAKE3, row by row. */
import { concatBytes } from '@tallystick/core'
import { blake3 } from '@noble/hashes/blake3.js'
import type { Digests, IdsInput, MasksInput } from './kernels.ts'

export function ids({ key, bytes, offsets }: IdsInput): Digests {
  const rows = offsets.length - 1
  const first = new Uint8Array(16 * rows)
  const second = new Uint8Array(16 * rows)
  for (let row = 0; row < rows; row++) {
    const digest = blake3(bytes.subarray(offsets[row], offsets[row + 1]), { key })
    first.set(digest.subarray(0, 16), 16 * row)
    second.set(digest.subarray(16), 16 * row)
  }
  return { first, second }
}

export function masks({ key, values, first, second, tweak, width }: MasksInput): Uint8Array {
  const rows = values.length / 16
  const out = new Uint8Array(width * rows)
  for (let row = 0; row < rows; row++) {
    const part = (table: Uint8Array): Uint8Array => table.subarray(16 * row, 16 * row + 16)
    const value = part(values).map((byte, k) => byte ^ tweak[k]!)
    const digest = blake3(concatBytes(value, part(first), part(second)), { key })
    out.set(digest.subarray(0, width), width * row)
  }
  return out
}
