/**
 * GF(2^128) = F_2[x] / (x^128 + x^7 + x^2 + x + 1), elements of 16 bytes in plain little-endian polynomial order. No
 * branch and no address depends on an element: products with a fixed factor look nibbles up by byte swizzles inside
 * registers, products of two vectors are carry-less by masked integer multiplications (Pornin, BearSSL).
 */
import { transposeBytes } from '../transpose/bytes'

/** 32 nibbles × 16 bytes of the product × 16 values. */
const TABLE: usize = memory.data(8192, 16)
const SLICED: usize = memory.data(256, 16)
const NIBBLES: usize = memory.data(512, 16)
const SPARE: usize = memory.data(256, 16)
const ROWS: usize = memory.data(256, 16)
const PARTS: usize = memory.data(96, 16)

/** First address that the module does not use itself. */
export const BASE: usize = (__heap_base + 15) & ~15

/** Tables of the factor at `place`. */
export function setFactor(place: usize): void {
  let low = load<u64>(place)
  let high = load<u64>(place, 8)
  for (let nibble: usize = 0; nibble < 32; nibble++) {
    for (let byte: usize = 0; byte < 16; byte++) store<u8>(TABLE + nibble * 256 + byte * 16, 0)
    for (let bit: usize = 0; bit < 4; bit++) {
      const step: usize = 1 << bit
      for (let value: usize = 0; value < step; value++) {
        for (let byte: usize = 0; byte < 16; byte++) {
          const add = byte < 8 ? low >> (8 * byte) : high >> (8 * (byte - 8))
          const entry = TABLE + nibble * 256 + byte * 16 + value
          store<u8>(entry + step, load<u8>(entry) ^ <u8>add)
        }
      }
      const carry = high >> 63
      high = (high << 1) | (low >> 63)
      low = (low << 1) ^ ((0 - carry) & 0x87)
    }
  }
}

/** SLICED (byte j of 16 elements in row j) times the factor, in place. */
function scaleSliced(): void {
  const mask = i8x16.splat(15)
  for (let byte: usize = 0; byte < 256; byte += 16) {
    const v = v128.load(SLICED + byte)
    v128.store(NIBBLES + 2 * byte, v128.and(v, mask))
    v128.store(NIBBLES + 2 * byte, i8x16.shr_u(v, 4), 16)
  }
  for (let byte: usize = 0; byte < 256; byte += 64) {
    let r0 = i32x4.splat(0)
    let r1 = r0
    let r2 = r0
    let r3 = r0
    let entry = TABLE + byte
    for (let nibble: usize = 0; nibble < 512; nibble += 16) {
      const x = v128.load(NIBBLES + nibble)
      r0 = v128.xor(r0, i8x16.swizzle(v128.load(entry), x))
      r1 = v128.xor(r1, i8x16.swizzle(v128.load(entry, 16), x))
      r2 = v128.xor(r2, i8x16.swizzle(v128.load(entry, 32), x))
      r3 = v128.xor(r3, i8x16.swizzle(v128.load(entry, 48), x))
      entry += 256
    }
    v128.store(SLICED + byte, r0)
    v128.store(SLICED + byte, r1, 16)
    v128.store(SLICED + byte, r2, 32)
    v128.store(SLICED + byte, r3, 48)
  }
}

/** 16·groups elements at `place` times the factor, in place. */
export function scale(place: usize, groups: i32): void {
  for (let i = 0; i < groups; i++, place += 256) {
    transposeBytes(place, 16, SLICED, SPARE)
    scaleSliced()
    transposeBytes(SLICED, 16, place, SPARE)
  }
}

/** Horner's rule in 16 strides at once, last group first: state = state·factor + group. */
export function horner(place: usize, groups: i32): void {
  for (let group = place + (<usize>groups << 8); group > place;) {
    group -= 256
    scaleSliced()
    transposeBytes(group, 16, ROWS, SPARE)
    for (let at: usize = 0; at < 256; at += 16) {
      v128.store(SLICED + at, v128.xor(v128.load(SLICED + at), v128.load(ROWS + at)))
    }
  }
}

export function resetState(): void {
  memory.fill(SLICED, 0, 256)
}

/** The state, one element a stride. */
export function hornerState(place: usize): void {
  transposeBytes(SLICED, 16, place, SPARE)
}

// @ts-ignore: decorator
@inline
function times(a: v128, b: v128): v128 {
  return i64x2.extmul_low_i32x4_u(a, b)
}

/** Carry-less 32 × 32 to 64 bits in two lanes: bits four apart cannot carry into each other. */
function product32(x: v128, y: v128): v128 {
  const m0 = i32x4.splat(0x11111111)
  const m1 = i32x4.splat(0x22222222)
  const m2 = i32x4.splat(0x44444444)
  const m3 = i32x4.splat(<i32>0x88888888)
  const x0 = v128.and(x, m0)
  const x1 = v128.and(x, m1)
  const x2 = v128.and(x, m2)
  const x3 = v128.and(x, m3)
  const y0 = v128.and(y, m0)
  const y1 = v128.and(y, m1)
  const y2 = v128.and(y, m2)
  const y3 = v128.and(y, m3)
  const z0 = v128.xor(v128.xor(times(x0, y0), times(x1, y3)), v128.xor(times(x2, y2), times(x3, y1)))
  const z1 = v128.xor(v128.xor(times(x0, y1), times(x1, y0)), v128.xor(times(x2, y3), times(x3, y2)))
  const z2 = v128.xor(v128.xor(times(x0, y2), times(x1, y1)), v128.xor(times(x2, y0), times(x3, y3)))
  const z3 = v128.xor(v128.xor(times(x0, y3), times(x1, y2)), v128.xor(times(x2, y1), times(x3, y0)))
  return v128.or(
    v128.or(v128.and(z0, i64x2.splat(0x1111111111111111)), v128.and(z1, i64x2.splat(0x2222222222222222))),
    v128.or(v128.and(z2, i64x2.splat(0x4444444444444444)), v128.and(z3, i64x2.splat(<i64>0x8888888888888888))),
  )
}

/** 64 × 64 to 128 bits by Karatsuba: low and high halves of two lanes at `place`. */
function product64(aLow: v128, aHigh: v128, bLow: v128, bHigh: v128, place: usize): void {
  const low = product32(aLow, bLow)
  const high = product32(aHigh, bHigh)
  const middle = v128.xor(v128.xor(product32(v128.xor(aLow, aHigh), v128.xor(bLow, bHigh)), low), high)
  v128.store(place, v128.xor(low, i64x2.shl(middle, 32)))
  v128.store(place, v128.xor(high, i64x2.shr_u(middle, 32)), 16)
}

/** Times x^7 + x^2 + x + 1, the lower 64 bits of it, and what goes beyond them. */
// @ts-ignore: decorator
@inline
function folded(v: v128): v128 {
  return v128.xor(v128.xor(v, i64x2.shl(v, 1)), v128.xor(i64x2.shl(v, 2), i64x2.shl(v, 7)))
}
// @ts-ignore: decorator
@inline
function spilled(v: v128): v128 {
  return v128.xor(i64x2.shr_u(v, 63), v128.xor(i64x2.shr_u(v, 62), i64x2.shr_u(v, 57)))
}

/** left[i] = left[i]·right[i], two at a time; `elements` is even. */
export function multiply(left: usize, right: usize, elements: i32): void {
  for (let end = left + (<usize>elements << 4); left < end; left += 32, right += 32) {
    const a = v128.load(left)
    const b = v128.load(left, 16)
    const c = v128.load(right)
    const d = v128.load(right, 16)
    const a0 = v128.shuffle<u32>(a, b, 0, 4, 0, 4)
    const a1 = v128.shuffle<u32>(a, b, 1, 5, 1, 5)
    const a2 = v128.shuffle<u32>(a, b, 2, 6, 2, 6)
    const a3 = v128.shuffle<u32>(a, b, 3, 7, 3, 7)
    const b0 = v128.shuffle<u32>(c, d, 0, 4, 0, 4)
    const b1 = v128.shuffle<u32>(c, d, 1, 5, 1, 5)
    const b2 = v128.shuffle<u32>(c, d, 2, 6, 2, 6)
    const b3 = v128.shuffle<u32>(c, d, 3, 7, 3, 7)
    product64(a0, a1, b0, b1, PARTS)
    product64(a2, a3, b2, b3, PARTS + 32)
    product64(v128.xor(a0, a2), v128.xor(a1, a3), v128.xor(b0, b2), v128.xor(b1, b3), PARTS + 64)
    const low = v128.load(PARTS)
    const lowUp = v128.load(PARTS, 16)
    const high = v128.load(PARTS, 32)
    const highUp = v128.load(PARTS, 48)
    const middle = v128.xor(v128.xor(v128.load(PARTS, 64), low), high)
    const middleUp = v128.xor(v128.xor(v128.load(PARTS, 80), lowUp), highUp)
    let r0 = low
    let r1 = v128.xor(lowUp, middle)
    let r2 = v128.xor(high, middleUp)
    r2 = v128.xor(r2, spilled(highUp))
    r1 = v128.xor(r1, folded(highUp))
    r1 = v128.xor(r1, spilled(r2))
    r0 = v128.xor(r0, folded(r2))
    v128.store(left, v128.shuffle<u64>(r0, r1, 0, 2))
    v128.store(left, v128.shuffle<u64>(r0, r1, 1, 3), 16)
  }
}

/** The factor's tables and all intermediate values. */
export function wipe(): void {
  memory.fill(TABLE, 0, 8192)
  memory.fill(SLICED, 0, 256)
  memory.fill(NIBBLES, 0, 512)
  memory.fill(SPARE, 0, 256)
  memory.fill(ROWS, 0, 256)
  memory.fill(PARTS, 0, 96)
}
