import type { BitsInput } from './kernels.ts'

export function bits({ rows, height }: BitsInput): Uint8Array {
  const out = new Uint8Array(rows.length)
  const width = rows.length / height
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < 8 * width; column++) {
      const bit = (rows[row * width + (column >> 3)]! >> (column & 7)) & 1
      out[column * (height / 8) + (row >> 3)]! |= bit << (row & 7)
    }
  }
  return out
}
