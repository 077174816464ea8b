/**
 * The loops of an OT extension with chunks of 4 bits over vectors in memory, and products over Z_2^64 from hashed rows.
 * Branches and addresses depend on shapes only.
 */
export { transpose, wipe, BASE } from '../transpose/index'

const CHUNK: usize = 16

/**
 * 16 leaves of `bytes` bytes each (whole blocks), `stride` apart: the sum of all at `sum`, and at `columns` (`step` apart)
 * for b = 0..3 the sum of those whose number has bit b.
 */
export function fold(leaves: usize, stride: usize, bytes: usize, sum: usize, columns: usize, step: usize): void {
  for (let at: usize = 0; at < bytes; at += CHUNK) {
    const p = leaves + at
    const l1 = v128.load(p + stride)
    const l3 = v128.load(p + 3 * stride)
    const l5 = v128.load(p + 5 * stride)
    const l7 = v128.load(p + 7 * stride)
    const l9 = v128.load(p + 9 * stride)
    const l11 = v128.load(p + 11 * stride)
    const l13 = v128.load(p + 13 * stride)
    const l15 = v128.load(p + 15 * stride)
    const a0 = v128.xor(v128.load(p), l1)
    const a1 = v128.xor(v128.load(p + 2 * stride), l3)
    const a2 = v128.xor(v128.load(p + 4 * stride), l5)
    const a3 = v128.xor(v128.load(p + 6 * stride), l7)
    const a4 = v128.xor(v128.load(p + 8 * stride), l9)
    const a5 = v128.xor(v128.load(p + 10 * stride), l11)
    const a6 = v128.xor(v128.load(p + 12 * stride), l13)
    const a7 = v128.xor(v128.load(p + 14 * stride), l15)
    const odd = v128.xor(v128.xor(v128.xor(l1, l3), v128.xor(l5, l7)), v128.xor(v128.xor(l9, l11), v128.xor(l13, l15)))
    const b0 = v128.xor(a0, a1)
    const b1 = v128.xor(a2, a3)
    const b2 = v128.xor(a4, a5)
    const b3 = v128.xor(a6, a7)
    const high = v128.xor(b2, b3)
    v128.store(columns + at, odd)
    v128.store(columns + step + at, v128.xor(v128.xor(a1, a3), v128.xor(a5, a7)))
    v128.store(columns + 2 * step + at, v128.xor(b1, b3))
    v128.store(columns + 3 * step + at, high)
    v128.store(sum + at, v128.xor(v128.xor(b0, b1), high))
  }
}

/** target += source. */
export function add(target: usize, source: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += CHUNK) {
    v128.store(target + at, v128.xor(v128.load(target + at), v128.load(source + at)))
  }
}

/** Adds `sum` to those of 4 columns that the bits of `nibble` name, by masks. */
export function addMasked(columns: usize, step: usize, sum: usize, bytes: usize, nibble: i32): void {
  const m0 = i32x4.splat(-(nibble & 1))
  const m1 = i32x4.splat(-((nibble >> 1) & 1))
  const m2 = i32x4.splat(-((nibble >> 2) & 1))
  const m3 = i32x4.splat(-((nibble >> 3) & 1))
  for (let at: usize = 0; at < bytes; at += CHUNK) {
    const s = v128.load(sum + at)
    let p = columns + at
    v128.store(p, v128.xor(v128.load(p), v128.and(m0, s)))
    p += step
    v128.store(p, v128.xor(v128.load(p), v128.and(m1, s)))
    p += step
    v128.store(p, v128.xor(v128.load(p), v128.and(m2, s)))
    p += step
    v128.store(p, v128.xor(v128.load(p), v128.and(m3, s)))
  }
}

/** Every block of `bytes` bytes plus the block at delta. */
export function shift(target: usize, source: usize, delta: usize, bytes: usize): void {
  const d = v128.load(delta)
  for (let at: usize = 0; at < bytes; at += CHUNK) {
    v128.store(target + at, v128.xor(v128.load(source + at), d))
  }
}

/** The lowest bits of n blocks a + b, n a multiple of 32. */
export function lowBits(a: usize, b: usize, out: usize, n: i32): void {
  for (let from = 0; from < n; from += 32) {
    let word: u32 = 0
    for (let bit = 0; bit < 32; bit++) {
      word |= ((load<u32>(a) ^ load<u32>(b)) & 1) << bit
      a += 16
      b += 16
    }
    store<u32>(out, word)
    out += 4
  }
}

/** The low halves of n blocks a + b, n even. */
export function lowHalves(a: usize, b: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i += 2) {
    const x = v128.xor(v128.load(a), v128.load(b))
    const y = v128.xor(v128.load(a, 16), v128.load(b, 16))
    v128.store(out, v128.shuffle<i64>(x, y, 0, 2))
    a += 32
    b += 32
    out += 16
  }
}

/**
 * Of n values, `bits` hashes each: h0 and h1 are those of a row for the choice 0 and 1. The masked differences are written
 * one after the other, and up to 7 bytes behind them.
 */
export function mask(h0: usize, h1: usize, values: usize, products: usize, shares: usize, bits: i32, n: i32): void {
  for (let i = 0; i < n; i++) {
    const value = load<u64>(values)
    let share: u64 = 0
    for (let k = 0; k < bits; k++) {
      const h = load<u64>(h0)
      store<u64>(products, h - load<u64>(h1) + value)
      products += (71 - k) >> 3
      share -= h << k
      h0 += 8
      h1 += 8
    }
    store<u64>(shares, share)
    values += 8
    shares += 8
  }
}

/** The other end's hashes: the sum of 2^k h over the `bits` of each of n products. */
export function gather(h: usize, shares: usize, bits: i32, n: i32): void {
  for (let i = 0; i < n; i++) {
    let share: u64 = 0
    for (let k = 0; k < bits; k++) {
      share += load<u64>(h) << k
      h += 8
    }
    store<u64>(shares, share)
    shares += 8
  }
}

/** What the choices select, from bit `first` on at `choices`. Masked differences may be read up to 7 bytes behind. */
export function select(choices: usize, first: i32, products: usize, shares: usize, bits: i32, n: i32): void {
  let place: u32 = first
  for (let i = 0; i < n; i++) {
    let share: u64 = 0
    for (let k = 0; k < bits; k++) {
      const choice: u64 = (load<u8>(choices + (place >> 3)) >> (place & 7)) & 1
      share += (load<u64>(products) & -choice) << k
      products += (71 - k) >> 3
      place++
    }
    store<u64>(shares, share)
    shares += 8
  }
}
