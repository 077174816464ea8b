/**
 * Local work on replicated shares: masked cross terms and matrix products over Z_2^64 and Z_2^128, AND layers, and the
 * 64 x 64 bit transposes between integers and planes. All buffers are fixed; the caller cuts its vectors into tiles.
 * No branch and no address depends on a value.
 */

/** Bytes of a vector of a tile. */
export const TILE: usize = 65536
export const BASE: usize = (__heap_base + 15) & ~15
export const X0: usize = memory.data(65536, 16)
export const X1: usize = memory.data(65536, 16)
export const Y0: usize = memory.data(65536, 16)
export const Y1: usize = memory.data(65536, 16)
/** Streams of the keys shared with the previous and the next party. */
export const OWN: usize = memory.data(65536, 16)
export const NEXT: usize = memory.data(65536, 16)
/** Results; or 64 planes, which are PLANE bytes apart: not a power of two, or they would share the sets of a cache. */
export const OUT: usize = memory.data(66560, 16)
export const PLANE: usize = 1040

/** OUT = x0 (y0 + y1) + x1 y0 + own - next over Z_2^64. */
export function terms64(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(X0 + i), y = v128.load(Y0 + i)
    const sum = i64x2.add(i64x2.mul(x, i64x2.add(y, v128.load(Y1 + i))), i64x2.mul(v128.load(X1 + i), y))
    v128.store(OUT + i, i64x2.add(sum, i64x2.sub(v128.load(OWN + i), v128.load(NEXT + i))))
  }
}

/** The high half of a product of 64-bit numbers. */
@inline function high(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32
  const p01 = a0 * b1, p10 = a1 * b0
  const middle = ((a0 * b0) >> 32) + (p01 & 0xffffffff) + (p10 & 0xffffffff)
  return a1 * b1 + (p01 >> 32) + (p10 >> 32) + (middle >> 32)
}

/** The same over Z_2^128. */
export function terms128(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = load<u64>(X0 + i), xh = load<u64>(X0 + i, 8), y = load<u64>(Y0 + i), yh = load<u64>(Y0 + i, 8)
    const w = load<u64>(X1 + i), wh = load<u64>(X1 + i, 8)
    const s = y + load<u64>(Y1 + i)
    const sh = yh + load<u64>(Y1 + i, 8) + u64(s < y)
    let low = x * s, top = high(x, s) + x * sh + xh * s
    let part = w * y
    low += part
    top += high(w, y) + w * yh + wh * y + u64(low < part)
    part = load<u64>(OWN + i)
    low += part
    top += load<u64>(OWN + i, 8) + u64(low < part)
    part = load<u64>(NEXT + i)
    top -= load<u64>(NEXT + i, 8) + u64(low < part)
    store<u64>(OUT + i, low - part)
    store<u64>(OUT + i, top, 8)
  }
}

/** OUT = x0 (y0 + y1) + x1 y0 + own + next over bits. */
export function termsBits(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const y = v128.load(Y0 + i)
    const sum = v128.xor(
      v128.and(v128.load(X0 + i), v128.xor(y, v128.load(Y1 + i))), v128.and(v128.load(X1 + i), y))
    v128.store(OUT + i, v128.xor(sum, v128.xor(v128.load(OWN + i), v128.load(NEXT + i))))
  }
}

/** OUT = x0 - own over Z_2^64, Z_2^128, bits. */
export function mask64(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(OUT + i, i64x2.sub(v128.load(X0 + i), v128.load(OWN + i)))
}
export function mask128(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = load<u64>(X0 + i), own = load<u64>(OWN + i)
    store<u64>(OUT + i, x - own)
    store<u64>(OUT + i, load<u64>(X0 + i, 8) - load<u64>(OWN + i, 8) - u64(x < own), 8)
  }
}
export function maskBits(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(OUT + i, v128.xor(v128.load(X0 + i), v128.load(OWN + i)))
}

/** What `at` points at, plus next. */
export function gain64(at: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(at + i, i64x2.add(v128.load(at + i), v128.load(NEXT + i)))
}
export function gain128(at: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const next = load<u64>(NEXT + i), low = load<u64>(at + i) + next
    store<u64>(at + i, low)
    store<u64>(at + i, load<u64>(at + i, 8) + load<u64>(NEXT + i, 8) + u64(low < next), 8)
  }
}
export function gainBits(at: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(at + i, v128.xor(v128.load(at + i), v128.load(NEXT + i)))
}

/** OUT = own + x0 y1 + y0 x1, and + x0 y0 where `both` is all ones: the opened d = x0, e = y0 and the triple x1, y1, own. */
export function beaver64(bytes: usize, both: u64): void {
  const all = i64x2.splat(both)
  for (let i: usize = 0; i < bytes; i += 16) {
    const d = v128.load(X0 + i)
    const a = i64x2.add(v128.load(X1 + i), v128.and(d, all))
    const sum = i64x2.add(i64x2.mul(d, v128.load(Y1 + i)), i64x2.mul(v128.load(Y0 + i), a))
    v128.store(OUT + i, i64x2.add(sum, v128.load(OWN + i)))
  }
}
export function beaver128(bytes: usize, both: u64): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const d = load<u64>(X0 + i), dh = load<u64>(X0 + i, 8), e = load<u64>(Y0 + i), eh = load<u64>(Y0 + i, 8)
    const a = load<u64>(X1 + i) + (d & both)
    const ah = load<u64>(X1 + i, 8) + (dh & both) + u64(a < (d & both))
    const b = load<u64>(Y1 + i)
    let part = d * b
    let low = load<u64>(OWN + i) + part
    let top = load<u64>(OWN + i, 8) + high(d, b) + d * load<u64>(Y1 + i, 8) + dh * b + u64(low < part)
    part = e * a
    low += part
    top += high(e, a) + e * ah + eh * a + u64(low < part)
    store<u64>(OUT + i, low)
    store<u64>(OUT + i, top, 8)
  }
}
export function beaverBits(bytes: usize, both: u64): void {
  const all = i64x2.splat(both)
  for (let i: usize = 0; i < bytes; i += 16) {
    const d = v128.load(X0 + i)
    const a = v128.xor(v128.load(X1 + i), v128.and(d, all))
    const sum = v128.xor(v128.and(d, v128.load(Y1 + i)), v128.and(v128.load(Y0 + i), a))
    v128.store(OUT + i, v128.xor(sum, v128.load(OWN + i)))
  }
}

/** Y1 = y0 + y1, for `dots`. */
export function sum64(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(Y1 + i, i64x2.add(v128.load(Y0 + i), v128.load(Y1 + i)))
}
export function sum128(bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const y = load<u64>(Y0 + i), s = y + load<u64>(Y1 + i)
    store<u64>(Y1 + i, load<u64>(Y0 + i, 8) + load<u64>(Y1 + i, 8) + u64(s < y), 8)
    store<u64>(Y1 + i, s)
  }
}

/**
 * OUT[r, c] += x0[r] · s[c] + x1[r] · y0[c]: rows of `stride` bytes in X0, X1 (rows) and in Y0 = y0, Y1 = s (columns),
 * results row by row. The stride is a multiple of 16.
 */
export function dots64(rows: usize, columns: usize, stride: usize): void {
  let out = OUT
  for (let r: usize = 0; r < rows; r++) {
    const a = X0 + r * stride, b = X1 + r * stride
    for (let c: usize = 0; c < columns; c++) {
      const s = Y1 + c * stride, y = Y0 + c * stride
      let p = i64x2.splat(0), q = p
      for (let i: usize = 0; i < stride; i += 16) {
        p = i64x2.add(p, i64x2.mul(v128.load(a + i), v128.load(s + i)))
        q = i64x2.add(q, i64x2.mul(v128.load(b + i), v128.load(y + i)))
      }
      p = i64x2.add(p, q)
      store<i64>(out, load<i64>(out) + i64x2.extract_lane(p, 0) + i64x2.extract_lane(p, 1))
      out += 8
    }
  }
}

export function dots128(rows: usize, columns: usize, stride: usize): void {
  let out = OUT
  for (let r: usize = 0; r < rows; r++) {
    const a = X0 + r * stride, b = X1 + r * stride
    for (let c: usize = 0; c < columns; c++) {
      const s = Y1 + c * stride, y = Y0 + c * stride
      let low = load<u64>(out), top = load<u64>(out, 8)
      for (let i: usize = 0; i < stride; i += 16) {
        const x = load<u64>(a + i), t = load<u64>(s + i)
        let part = x * t
        low += part
        top += high(x, t) + x * load<u64>(s + i, 8) + load<u64>(a + i, 8) * t + u64(low < part)
        const w = load<u64>(b + i), z = load<u64>(y + i)
        part = w * z
        low += part
        top += high(w, z) + w * load<u64>(y + i, 8) + load<u64>(b + i, 8) * z + u64(low < part)
      }
      store<u64>(out, low)
      store<u64>(out, top, 8)
      out += 16
    }
  }
}

const WORK: usize = memory.data(512, 16)

/** Transposes the 64 x 64 bits of WORK in place, all but the last step (Hacker's Delight, 7-3). */
@inline function halves(): void {
  let j: u32 = 32, m: u64 = 0x00000000ffffffff
  while (j >= 2) {
    const mask = i64x2.splat(m)
    for (let k: u32 = 0; k < 64; k = ((k | j) + 2) & ~j) {
      const p = WORK + (usize(k) << 3), q = WORK + (usize(k | j) << 3)
      const P = v128.load(p), Q = v128.load(q)
      const t = v128.and(v128.xor(i64x2.shr_u(P, j), Q), mask)
      v128.store(q, v128.xor(Q, t))
      v128.store(p, v128.xor(P, i64x2.shl(t, j)))
    }
    j >>= 1
    m ^= m << u64(j)
  }
}

/**
 * `blocks` times 64 words of 64 bits, `step` bytes apart in X0, to planes: plane b at OUT + b · PLANE, 8 bytes a
 * block. The way from planes (in OUT) to words is `gather`.
 */
export function scatter(blocks: usize, step: usize, offset: usize): void {
  for (let block: usize = 0; block < blocks; block++) {
    let from = X0 + block * 64 * step + offset
    for (let i: usize = 0; i < 512; i += 8, from += step) store<u64>(WORK + i, load<u64>(from))
    halves()
    let to = OUT + (block << 3)
    for (let k: usize = 0; k < 512; k += 16, to += PLANE << 1) {
      const P = load<u64>(WORK + k), Q = load<u64>(WORK + k + 8)
      const t = ((P >> 1) ^ Q) & 0x5555555555555555
      store<u64>(to, P ^ (t << 1))
      store<u64>(to + PLANE, Q ^ t)
    }
  }
}

export function gather(blocks: usize, step: usize, offset: usize): void {
  for (let block: usize = 0; block < blocks; block++) {
    let from = OUT + (block << 3)
    for (let i: usize = 0; i < 512; i += 8, from += PLANE) store<u64>(WORK + i, load<u64>(from))
    halves()
    let to = X0 + block * 64 * step + offset
    for (let k: usize = 0; k < 512; k += 16, to += step << 1) {
      const P = load<u64>(WORK + k), Q = load<u64>(WORK + k + 8)
      const t = ((P >> 1) ^ Q) & 0x5555555555555555
      store<u64>(to, P ^ (t << 1))
      store<u64>(to + step, Q ^ t)
    }
  }
}

/** Zeros in the first `bytes` of every vector. */
export function wipe(bytes: usize): void {
  memory.fill(X0, 0, bytes)
  memory.fill(X1, 0, bytes)
  memory.fill(Y0, 0, bytes)
  memory.fill(Y1, 0, bytes)
  memory.fill(OWN, 0, bytes)
  memory.fill(NEXT, 0, bytes)
  memory.fill(OUT, 0, 66560)
  memory.fill(WORK, 0, 512)
}
