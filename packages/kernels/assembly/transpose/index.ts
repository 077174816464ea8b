/** Bit matrices: 128 rows at a time to their columns. Branches and addresses depend on the shape only. */
import { transposeBytes } from './bytes'

const TILE: usize = memory.data(2048, 16)
const RESULT: usize = memory.data(256, 16)
const SPARE: usize = memory.data(256, 16)
const MASKS: usize = memory.data<u64>(
  [
    0x5555555555555555, 0x5555555555555555, 0x3333333333333333, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
    0x0f0f0f0f0f0f0f0f,
  ],
  16,
)

/** First address that the module does not use itself. */
export const BASE: usize = (__heap_base + 15) & ~15

/** Swaps the bits of b under the mask with those of a that lie `shift` higher, for rows `step` apart. */
// @ts-ignore: decorator
@inline
function swap(a: usize, b: usize, shift: i32, mask: v128): void {
  const x = v128.load(a)
  const y = v128.load(b)
  const t = v128.and(v128.xor(i64x2.shr_u(x, shift), y), mask)
  v128.store(b, v128.xor(y, t))
  v128.store(a, v128.xor(x, i64x2.shl(t, shift)))
}

/**
 * 128 rows of `columns` bits (a multiple of 128), row i at input + stride·i: column c becomes 16 bytes at
 * output + step·c, bit i of them being that of row i.
 */
export function transpose(input: usize, stride: usize, output: usize, step: usize, columns: i32): void {
  const m1 = v128.load(MASKS)
  const m2 = v128.load(MASKS, 16)
  const m4 = v128.load(MASKS, 32)
  for (let column: usize = 0; column < <usize>columns; column += 128) {
    let source = input + (column >> 3)
    for (let tile = TILE; tile < TILE + 2048; tile += 128) {
      for (let row: usize = 0; row < 128; row += 16) {
        v128.store(tile + row, v128.load(source))
        source += stride
      }
      for (let row: usize = 0; row < 128; row += 32) swap(tile + row, tile + row + 16, 1, m1)
      swap(tile, tile + 32, 2, m2)
      swap(tile + 16, tile + 48, 2, m2)
      swap(tile + 64, tile + 96, 2, m2)
      swap(tile + 80, tile + 112, 2, m2)
      for (let row: usize = 0; row < 64; row += 16) swap(tile + row, tile + row + 64, 4, m4)
    }
    for (let bit: usize = 0; bit < 8; bit++) {
      transposeBytes(TILE + 16 * bit, 128, RESULT, SPARE)
      let target = output + step * (column + bit)
      for (let byte: usize = 0; byte < 256; byte += 16) {
        v128.store(target, v128.load(RESULT + byte))
        target += step << 3
      }
    }
  }
}

/** What the tile holds of the last rows. */
export function wipe(): void {
  memory.fill(TILE, 0, 2048)
  memory.fill(RESULT, 0, 256)
  memory.fill(SPARE, 0, 256)
}
