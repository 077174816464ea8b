/**
 * SHA-256 (FIPS 180-4), four messages at once, for trees of salted rows: salts by HMAC (RFC 2104) from states kept of the
 * key's two blocks, leaves, and the inner nodes of RFC 6962 in place.
 */

/** Rows of a tile, and where their bytes start; reading may run 63 bytes over a row. */
export const BASE: usize = (__heap_base + 15) & ~15
export const ROWS: usize = 1024
/** ROWS + 1 positions, of which the first is that of the rows' first byte. */
export const OFFSETS: usize = memory.data(4 * 1025, 16)
export const KEY: usize = memory.data(32, 16)
/** 30 bytes: what stands before the salt in a leaf, with room for the index at its end. */
export const PREFIX: usize = memory.data(32, 16)
/** Digests of leaves, then of nodes; the root in the end. Room for a group over the last. */
export const NODES: usize = memory.data(32 * 1028, 16)

const SALT: usize = 30, ROW: i32 = 62

/** Eight words of state in four lanes each: of the key's inner and outer block, and of the messages in work. */
const INNER: usize = memory.data(128, 16)
const OUTER: usize = memory.data(128, 16)
const STATE: usize = memory.data(128, 16)
/** The message schedule, 64 words in four lanes. */
const W: usize = memory.data(1024, 16)
/** A block a lane, and room for a store over the last. */
const BLOCK: usize = memory.data(256 + 16, 16)
const DIGEST: usize = memory.data(128, 16)
/** Row i keeps the first i bytes of a vector. */
const KEEP: usize = memory.data(272, 16)

const IV: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
], 16)

const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
], 16)

// @ts-ignore: decorator
@inline function rotate(x: v128, by: i32): v128 { return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by)) }
// @ts-ignore: decorator
@inline function swap(x: v128): v128 { return v128.shuffle<u8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12) }

/** The new e and a of a round, in place of d and h. */
// @ts-ignore: decorator
@inline function added(e: v128, f: v128, g: v128, h: v128, t: usize): v128 {
  const s1 = v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25))
  const k = i32x4.add(v128.load32_splat(K + (t << 2)), v128.load(W + (t << 4)))
  return i32x4.add(i32x4.add(i32x4.add(h, s1), k), v128.bitselect(f, g, e))
}
// @ts-ignore: decorator
@inline function mixed(a: v128, b: v128, c: v128): v128 {
  const s0 = v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22))
  return i32x4.add(s0, v128.bitselect(c, a, v128.xor(a, b)))
}

/** Section 6.2.2 over STATE and the first 16 words of W. */
function compress(): void {
  for (let t = W + 256; t < W + 1024; t += 16) {
    const x = v128.load(t - 240), y = v128.load(t - 32)
    const s0 = v128.xor(v128.xor(rotate(x, 7), rotate(x, 18)), i32x4.shr_u(x, 3))
    const s1 = v128.xor(v128.xor(rotate(y, 17), rotate(y, 19)), i32x4.shr_u(y, 10))
    v128.store(t, i32x4.add(i32x4.add(v128.load(t - 256), s0), i32x4.add(v128.load(t - 112), s1)))
  }
  let a = v128.load(STATE), b = v128.load(STATE, 16), c = v128.load(STATE, 32), d = v128.load(STATE, 48)
  let e = v128.load(STATE, 64), f = v128.load(STATE, 80), g = v128.load(STATE, 96), h = v128.load(STATE, 112)
  for (let t: usize = 0; t < 64; t += 8) {
    let x = added(e, f, g, h, t); d = i32x4.add(d, x); h = i32x4.add(x, mixed(a, b, c))
    x = added(d, e, f, g, t + 1); c = i32x4.add(c, x); g = i32x4.add(x, mixed(h, a, b))
    x = added(c, d, e, f, t + 2); b = i32x4.add(b, x); f = i32x4.add(x, mixed(g, h, a))
    x = added(b, c, d, e, t + 3); a = i32x4.add(a, x); e = i32x4.add(x, mixed(f, g, h))
    x = added(a, b, c, d, t + 4); h = i32x4.add(h, x); d = i32x4.add(x, mixed(e, f, g))
    x = added(h, a, b, c, t + 5); g = i32x4.add(g, x); c = i32x4.add(x, mixed(d, e, f))
    x = added(g, h, a, b, t + 6); f = i32x4.add(f, x); b = i32x4.add(x, mixed(c, d, e))
    x = added(f, g, h, a, t + 7); e = i32x4.add(e, x); a = i32x4.add(x, mixed(b, c, d))
  }
  v128.store(STATE, i32x4.add(v128.load(STATE), a)); v128.store(STATE, i32x4.add(v128.load(STATE, 16), b), 16)
  v128.store(STATE, i32x4.add(v128.load(STATE, 32), c), 32); v128.store(STATE, i32x4.add(v128.load(STATE, 48), d), 48)
  v128.store(STATE, i32x4.add(v128.load(STATE, 64), e), 64); v128.store(STATE, i32x4.add(v128.load(STATE, 80), f), 80)
  v128.store(STATE, i32x4.add(v128.load(STATE, 96), g), 96); v128.store(STATE, i32x4.add(v128.load(STATE, 112), h), 112)
}

function begin(): void {
  for (let i: usize = 0; i < 8; i++) v128.store(STATE + (i << 4), v128.load32_splat(IV + (i << 2)))
}

/** Words `from` to 15 of a block that ends a message of `bits`, where `from` is the first after the message. */
function pad(from: usize, bits: u32): void {
  v128.store(W + (from << 4), i32x4.splat(0x80000000))
  memory.fill(W + ((from + 1) << 4), 0, (15 - from) << 4)
  v128.store(W, i32x4.splat(bits), 240)
}

/** Four vectors of a lane each to four of a word each, and back. */
// @ts-ignore: decorator
@inline function transpose(to: usize, w0: v128, w1: v128, w2: v128, w3: v128, step: usize): void {
  const a = v128.shuffle<u32>(w0, w1, 0, 4, 1, 5), b = v128.shuffle<u32>(w2, w3, 0, 4, 1, 5)
  const c = v128.shuffle<u32>(w0, w1, 2, 6, 3, 7), d = v128.shuffle<u32>(w2, w3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<u64>(a, b, 0, 2))
  v128.store(to + step, v128.shuffle<u64>(a, b, 1, 3))
  v128.store(to + 2 * step, v128.shuffle<u64>(c, d, 0, 2))
  v128.store(to + 3 * step, v128.shuffle<u64>(c, d, 1, 3))
}

/** The lanes' blocks into the schedule. */
function take(): void {
  for (let i: usize = 0; i < 4; i++) {
    const p = BLOCK + (i << 4)
    transpose(W + (i << 6), swap(v128.load(p)), swap(v128.load(p, 64)), swap(v128.load(p, 128)), swap(v128.load(p, 192)), 16)
  }
}

/** Digests of the four lanes, 32 bytes a lane. */
function give(to: usize): void {
  for (let i: usize = 0; i < 2; i++) {
    const s = STATE + (i << 6)
    transpose(to + (i << 4), swap(v128.load(s)), swap(v128.load(s, 16)), swap(v128.load(s, 32)), swap(v128.load(s, 48)), 32)
  }
}

/** Takes KEY, at the beginning of a call. */
export function setKey(): void {
  for (let i: usize = 0; i <= 16; i++) for (let j: usize = 0; j < 16; j++) store<u8>(KEEP + (i << 4) + j, j < i ? 0xff : 0)
  for (let side: usize = 0; side < 2; side++) {
    const mask: u32 = side == 0 ? 0x36363636 : 0x5c5c5c5c
    for (let i: usize = 0; i < 16; i++) {
      const word = i < 8 ? bswap<u32>(load<u32>(KEY + (i << 2))) : 0
      v128.store(W + (i << 4), i32x4.splat(word ^ mask))
    }
    begin()
    compress()
    memory.copy(side == 0 ? INNER : OUTER, STATE, 128)
  }
}

/** HMAC of the four indices from `index` on, into DIGEST. */
function salts(high: u32, index: u32): void {
  memory.copy(STATE, INNER, 128)
  v128.store(W, i32x4.splat(high))
  v128.store(W, i32x4.add(i32x4.splat(index), i32x4(0, 1, 2, 3)), 16)
  pad(2, 8 * 72)
  compress()
  memory.copy(W, STATE, 128)
  memory.copy(STATE, OUTER, 128)
  pad(8, 8 * 96)
  compress()
  give(DIGEST)
}

/** The bytes from `skip` on of a row of `length` bytes at p, as the block after the first: with its padding. */
function fill(to: usize, p: usize, length: i32, skip: i32): void {
  const left = length - skip
  for (let i: i32 = 0; i < 64; i += 16) {
    const kept = min<i32>(max<i32>(left - i, 0), 16)
    v128.store(to + i, kept == 0 ? i32x4.splat(0) : v128.and(v128.load(p + skip + i), v128.load(KEEP + (<usize>kept << 4))))
  }
  if (left >= 0 && left < 64) store<u8>(to + left, 0x80)
  if (left < 56) store<u64>(to, bswap<u64>(<u64>(length + ROW) << 3), 56)
}

/** Digests of `rows` salted rows, into NODES. The index of the first has its last ten bits zero. */
function leaves(rows: u32, base: usize, high: u32, low: u32): void {
  const origin = base - <usize>load<u32>(OFFSETS)
  for (let r: u32 = 0; r < rows; r += 4) {
    salts(high, low + r)
    let blocks: i32 = 1
    for (let lane: u32 = 0; lane < 4; lane++) {
      const row = OFFSETS + (<usize>min(r + lane, rows - 1) << 2), to = BLOCK + (<usize>lane << 6)
      const p = origin + <usize>load<u32>(row), length = <i32>(load<u32>(row, 4) - load<u32>(row))
      v128.store(to, v128.load(PREFIX))
      v128.store(to, v128.load(PREFIX, 16), 16)
      store<u32>(to, bswap<u32>(high), 22)
      store<u32>(to, bswap<u32>(low + r + lane), 26)
      v128.store(to, v128.load(DIGEST + (<usize>lane << 5)), SALT)
      v128.store(to, v128.load(DIGEST + (<usize>lane << 5), 16), SALT + 16)
      store<u8>(to, length > 0 ? load<u8>(p) : 0x80, 62)
      store<u8>(to, length > 1 ? load<u8>(p, 1) : length == 1 ? 0x80 : 0, 63)
      blocks = max<i32>(blocks, (length + ROW + 9 + 63) >> 6)
    }
    begin()
    for (let k: i32 = 0; k < blocks; k++) {
      if (k > 0) for (let lane: u32 = 0; lane < 4; lane++) {
        const row = OFFSETS + (<usize>min(r + lane, rows - 1) << 2)
        const length = <i32>(load<u32>(row, 4) - load<u32>(row))
        fill(BLOCK + (<usize>lane << 6), origin + <usize>load<u32>(row), length, 2 + ((k - 1) << 6))
      }
      take()
      compress()
      give(DIGEST)
      for (let lane: u32 = 0; lane < 4; lane++) {
        const row = OFFSETS + (<usize>min(r + lane, rows - 1) << 2)
        const own = (<i32>(load<u32>(row, 4) - load<u32>(row)) + ROW + 9 + 63) >> 6
        if (k == own - 1) memory.copy(NODES + (<usize>(r + lane) << 5), DIGEST + (<usize>lane << 5), 32)
      }
    }
  }
}

/** One level up: pairs of the nodes there are, the odd last as it is. Returns how many remain. */
function level(nodes: u32): u32 {
  const pairs = nodes >> 1
  const odd0 = v128.load(NODES + (<usize>(nodes - 1) << 5)), odd1 = v128.load(NODES + (<usize>(nodes - 1) << 5), 16)
  for (let g: u32 = 0; g < pairs; g += 4) {
    begin()
    for (let lane: u32 = 0; lane < 4; lane++) {
      const from = NODES + (<usize>min(g + lane, pairs - 1) << 6), to = BLOCK + (<usize>lane << 6)
      store<u8>(to, 1)
      for (let i: usize = 0; i < 64; i += 16) v128.store(to + i, v128.load(from + i), 1)
      store<u8>(DIGEST + lane, load<u8>(from, 63))
    }
    take()
    compress()
    memory.fill(W, 0, 240)
    for (let lane: usize = 0; lane < 4; lane++) store<u32>(W + (lane << 2), <u32>load<u8>(DIGEST + lane) << 24 | 0x800000)
    v128.store(W, i32x4.splat(8 * 65), 240)
    compress()
    give(DIGEST)
    memory.copy(NODES + (<usize>g << 5), DIGEST, <usize>min<u32>(4, pairs - g) << 5)
  }
  if ((nodes & 1) == 0) return pairs
  v128.store(NODES + (<usize>pairs << 5), odd0)
  v128.store(NODES + (<usize>pairs << 5), odd1, 16)
  return pairs + 1
}

/** The root over 1 to ROWS rows whose bytes are at `base` and whose positions are in OFFSETS, at NODES. */
export function tile(rows: u32, base: usize, high: u32, low: u32): void {
  leaves(rows, base, high, low)
  for (let nodes = rows; nodes > 1;) nodes = level(nodes)
}

/** Erases the key and what the last call left. */
export function wipe(): void {
  memory.fill(KEY, 0, 32)
  memory.fill(INNER, 0, 128)
  memory.fill(OUTER, 0, 128)
  memory.fill(STATE, 0, 128)
  memory.fill(W, 0, 1024)
  memory.fill(BLOCK, 0, 272)
  memory.fill(DIGEST, 0, 128)
  memory.fill(NODES, 0, 32 * 1028)
}
