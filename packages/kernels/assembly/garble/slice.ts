/**
 * AES-128 on 128 blocks at once under 128 keys: vector p holds bit p (bit p mod 8 of byte p / 8) of every block. There is no
 * table and no branch on data. A state or a key is 128 vectors, 2 KiB.
 */
import { substitute } from './sbox.generated'

export const SLICE: usize = 2048

const SHIFTED: usize = memory.data(2048, 16)
const WORD: usize = memory.data(512, 16)

const MASKS: usize = memory.data<u64>([
  0x00000000ffffffff, 0x0000ffff0000ffff, 0x00ff00ff00ff00ff, 0x0f0f0f0f0f0f0f0f, 0x3333333333333333, 0x5555555555555555,
], 16)

/** 128 rows of 16 bytes to 128 vectors, and back: its own inverse. */
export function transpose(at: usize): void {
  for (let x = at, end = at + 1024; x < end; x += 16) {
    const p = v128.load(x)
    const q = v128.load(x, 1024)
    v128.store(x, v128.shuffle<u64>(p, q, 0, 2))
    v128.store(x, v128.shuffle<u64>(p, q, 1, 3), 1024)
  }
  let mask = MASKS
  for (let size: i32 = 32; size > 0; size >>= 1, mask += 8) {
    const m = v128.load64_splat(mask)
    const step = <usize>size << 4
    for (let group = at, end = at + SLICE; group < end; group += 2 * step) {
      for (let x = group, stop = group + step; x < stop; x += 16) {
        const p = v128.load(x)
        const q = v128.load(x + step)
        const t = v128.and(v128.xor(i64x2.shr_u(p, size), q), m)
        v128.store(x + step, v128.xor(q, t))
        v128.store(x, v128.xor(p, i64x2.shl(t, size)))
      }
    }
  }
}

/** All lanes to a bit of the 16 bytes at `block`. */
// @ts-ignore: decorator
@inline
export function broadcast(block: usize, bit: i32): v128 {
  return i8x16.splat(<i8>-((<i32>load<u8>(block + (bit >> 3)) >> (bit & 7)) & 1))
}

/** state ^= key. */
export function addKey(state: usize, key: usize): void {
  for (let end = state + SLICE; state < end; state += 16, key += 16) {
    v128.store(state, v128.xor(v128.load(state), v128.load(key)))
  }
}

/** One step of the key schedule (FIPS 197, section 5.2), in place. */
export function nextKey(key: usize, constant: i32): void {
  for (let k: usize = 0; k < 4; k++) substitute(key + 128 * (12 + ((k + 1) & 3)), WORD + 128 * k)
  for (let bit = 0; bit < 8; bit++) {
    if (((constant >> bit) & 1) == 0) continue
    const at = WORD + (<usize>bit << 4)
    v128.store(at, v128.not(v128.load(at)))
  }
  for (let column = key, above = WORD, end = key + SLICE; column < end; above = column, column += 512) {
    for (let at: usize = 0; at < 512; at += 16) {
      v128.store(column + at, v128.xor(v128.load(column + at), v128.load(above + at)))
    }
  }
}

/** SubBytes and ShiftRows into SHIFTED. */
// @ts-ignore: decorator
@inline
function substituteAndShift(state: usize): void {
  for (let k: usize = 0; k < 16; k++) substitute(state + 128 * ((k + 4 * (k & 3)) & 15), SHIFTED + 128 * k)
}

/** Plane `bit` of one byte of MixColumns, of the bytes a to d of a column from that byte on, and of the key. */
// @ts-ignore: decorator
@inline
function mixBit(a: usize, b: usize, c: usize, d: usize, key: usize, out: usize, bit: usize, top: v128): void {
  const at = bit << 4
  let sum = v128.xor(v128.xor(v128.load(b + at), v128.load(c + at)), v128.xor(v128.load(d + at), v128.load(key + at)))
  if (bit > 0) sum = v128.xor(sum, v128.xor(v128.load(a + at - 16), v128.load(b + at - 16)))
  if (bit == 0 || bit == 1 || bit == 3 || bit == 4) sum = v128.xor(sum, top)
  v128.store(out + at, sum)
}

/** A full round (FIPS 197, section 5.1), in place. */
export function round(state: usize, key: usize): void {
  substituteAndShift(state)
  for (let column: usize = 0; column < SLICE; column += 512) {
    for (let row: usize = 0; row < 4; row++) {
      const base = SHIFTED + column
      const a = base + 128 * row
      const b = base + 128 * ((row + 1) & 3)
      const c = base + 128 * ((row + 2) & 3)
      const d = base + 128 * ((row + 3) & 3)
      const k = key + column + 128 * row
      const out = state + column + 128 * row
      const top = v128.xor(v128.load(a, 112), v128.load(b, 112))
      mixBit(a, b, c, d, k, out, 0, top)
      mixBit(a, b, c, d, k, out, 1, top)
      mixBit(a, b, c, d, k, out, 2, top)
      mixBit(a, b, c, d, k, out, 3, top)
      mixBit(a, b, c, d, k, out, 4, top)
      mixBit(a, b, c, d, k, out, 5, top)
      mixBit(a, b, c, d, k, out, 6, top)
      mixBit(a, b, c, d, k, out, 7, top)
    }
  }
}

/** The last round has no MixColumns. */
export function lastRound(state: usize, key: usize): void {
  substituteAndShift(state)
  for (let at: usize = 0; at < SLICE; at += 16) {
    v128.store(state + at, v128.xor(v128.load(SHIFTED + at), v128.load(key + at)))
  }
}

export function wipeSlices(): void {
  memory.fill(SHIFTED, 0, SLICE)
  memory.fill(WORD, 0, 512)
}
