/** BLAKE3 in keyed mode, four messages at once, of one chunk (1024 bytes) at most; longer ones are the caller's. */
import { compress } from './compress.generated'

const START: u32 = 1, END: u32 = 2, ROOT: u32 = 8, KEYED: u32 = 16

/** Messages of a call, and room for their bytes; reading may run 63 bytes over a message. */
export const BASE: usize = (__heap_base + 15) & ~15
export const ROWS: usize = 2048
export const BYTES: usize = 65536
export const MESSAGES: usize = memory.data(65536 + 64, 16)
/** ROWS + 1 positions, of which the first is that of MESSAGES. */
export const OFFSETS: usize = memory.data(4 * 2049, 16)
/** The order in which messages are taken, four by four of an equal number of blocks: up to 4 · ROWS + 64 words. */
const ORDER: usize = memory.data(4 * 8256, 16)
/** Output of `mask`: 32 bytes a row, until `pack`. */
export const DIGESTS: usize = memory.data(32 * 2048, 16)
/** Inputs of `mask`, 16 bytes a row each; FIRST and SECOND are also where `hash` puts the halves of digests. */
export const VALUES: usize = memory.data(16 * 2048, 16)
export const TWEAK: usize = memory.data(16, 16)
export const FIRST: usize = memory.data(16 * 2048, 16)
export const SECOND: usize = memory.data(16 * 2048, 16)

/** The key's eight words, each in all lanes. */
const KEY: usize = memory.data(128, 16)
const STATE: usize = memory.data(128, 16)
const BLOCK: usize = memory.data(256, 16)
/** Row i keeps the first i bytes of a vector. */
const KEEP: usize = memory.data<u64>([
  0, 0, 0xff, 0, 0xffff, 0, 0xffffff, 0, 0xffffffff, 0, 0xffffffffff, 0, 0xffffffffffff, 0, 0xffffffffffffff, 0,
  0xffffffffffffffff, 0, 0xffffffffffffffff, 0xff, 0xffffffffffffffff, 0xffff, 0xffffffffffffffff, 0xffffff,
  0xffffffffffffffff, 0xffffffff, 0xffffffffffffffff, 0xffffffffff, 0xffffffffffffffff, 0xffffffffffff,
  0xffffffffffffffff, 0xffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff,
], 16)

/** Takes the key from the first 32 bytes of MESSAGES. */
export function setKey(): void {
  for (let i: usize = 0; i < 8; i++) v128.store(KEY + (i << 4), i32x4.splat(load<u32>(MESSAGES + (i << 2))))
}

/** Vectors of four lanes to vectors of four words and back. */
// @ts-ignore: decorator
@inline function transpose(to: usize, w0: v128, w1: v128, w2: v128, w3: v128, step: usize): void {
  const a = v128.shuffle<u32>(w0, w1, 0, 4, 1, 5), b = v128.shuffle<u32>(w2, w3, 0, 4, 1, 5)
  const c = v128.shuffle<u32>(w0, w1, 2, 6, 3, 7), d = v128.shuffle<u32>(w2, w3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<u64>(a, b, 0, 2))
  v128.store(to + step, v128.shuffle<u64>(a, b, 1, 3))
  v128.store(to + 2 * step, v128.shuffle<u64>(c, d, 0, 2))
  v128.store(to + 3 * step, v128.shuffle<u64>(c, d, 1, 3))
}

// @ts-ignore: decorator
@inline function first(p: usize, length: i32, at: i32): v128 {
  const kept = min<i32>(max<i32>(length - at, 0), 16)
  return v128.and(v128.load(p + at), v128.load(KEEP + (<usize>kept << 4)))
}

/** The longest message of one chunk. */
const CHUNK: u32 = 1024
const COUNTS: usize = memory.data(4 * 18, 16)

// @ts-ignore: decorator
@inline function blocksOf(row: u32): u32 {
  const at = OFFSETS + (<usize>row << 2)
  return max<u32>(1, (load<u32>(at, 4) - load<u32>(at) + 63) >> 6)
}

/**
 * Makes ORDER for `rows` messages: by number of blocks, each group of four filled up with its last message. It follows
 * the lengths, which are no secret. Returns the number of groups, or -1 if a message has more than one chunk.
 */
export function plan(rows: u32): i32 {
  memory.fill(COUNTS, 0, 4 * 18)
  for (let row: u32 = 0; row < rows; row++) {
    const blocks = blocksOf(row)
    if (blocks > CHUNK / 64) return -1
    const at = COUNTS + (<usize>blocks << 2)
    store<u32>(at, load<u32>(at) + 1)
  }
  let total: u32 = 0
  for (let at = COUNTS; at < COUNTS + 4 * 18; at += 4) {
    const count = load<u32>(at)
    store<u32>(at, total)
    total += (count + 3) & ~3
  }
  memory.fill(ORDER, 0xff, <usize>total << 2)
  for (let row: u32 = 0; row < rows; row++) {
    const at = COUNTS + (<usize>blocksOf(row) << 2), to = load<u32>(at)
    store<u32>(at, to + 1)
    store<u32>(ORDER + (<usize>to << 2), row)
  }
  for (let at = ORDER + 4; at < ORDER + (<usize>total << 2); at += 4) {
    if (load<u32>(at) == 0xffffffff) store<u32>(at, load<u32>(at - 4))
  }
  return total >> 2
}

// @ts-ignore: decorator
@inline function begin(): void { memory.copy(STATE, KEY, 128) }

/** Hashes 4 · groups messages as ORDER names them; the messages of a group have equally many blocks. */
export function hash(groups: u32): void {
  const origin = MESSAGES - <usize>load<u32>(OFFSETS)
  for (let g: u32 = 0; g < groups; g++) {
    const order = ORDER + (<usize>g << 4)
    const r0 = <usize>load<u32>(order), r1 = <usize>load<u32>(order, 4), r2 = <usize>load<u32>(order, 8), r3 = <usize>load<u32>(order, 12)
    const o0 = OFFSETS + (r0 << 2), o1 = OFFSETS + (r1 << 2), o2 = OFFSETS + (r2 << 2), o3 = OFFSETS + (r3 << 2)
    let p0 = origin + <usize>load<u32>(o0), p1 = origin + <usize>load<u32>(o1), p2 = origin + <usize>load<u32>(o2), p3 = origin + <usize>load<u32>(o3)
    let n0 = <i32>(load<u32>(o0, 4) - load<u32>(o0)), n1 = <i32>(load<u32>(o1, 4) - load<u32>(o1))
    let n2 = <i32>(load<u32>(o2, 4) - load<u32>(o2)), n3 = <i32>(load<u32>(o3, 4) - load<u32>(o3))
    const blocks = max<i32>(1, (n0 + 63) >> 6)
    begin()
    for (let b: i32 = 0; b < blocks; b++) {
      const filled = max<i32>(max<i32>(n0, n1), max<i32>(n2, n3))
      if (filled < 64) memory.fill(BLOCK, 0, 256)
      for (let at: i32 = 0; at < min<i32>(filled, 64); at += 16) {
        transpose(BLOCK + (<usize>at << 2), first(p0, n0, at), first(p1, n1, at), first(p2, n2, at), first(p3, n3, at), 16)
      }
      const last = b == blocks - 1
      const lengths = i32x4.min_s(
        i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(n0), 1, n1), 2, n2), 3, n3), i32x4.splat(64))
      compress(STATE, BLOCK, lengths, KEYED | (b == 0 ? START : 0) | (last ? END | ROOT : 0))
      p0 += 64; p1 += 64; p2 += 64; p3 += 64
      n0 -= 64; n1 -= 64; n2 -= 64; n3 -= 64
    }
    for (let half: usize = 0; half < 2; half++) {
      const s = STATE + (half << 6), to = half == 0 ? FIRST : SECOND
      const w0 = v128.load(s), w1 = v128.load(s, 16), w2 = v128.load(s, 32), w3 = v128.load(s, 48)
      const a = v128.shuffle<u32>(w0, w1, 0, 4, 1, 5), c = v128.shuffle<u32>(w2, w3, 0, 4, 1, 5)
      const e = v128.shuffle<u32>(w0, w1, 2, 6, 3, 7), f = v128.shuffle<u32>(w2, w3, 2, 6, 3, 7)
      v128.store(to + (r0 << 4), v128.shuffle<u64>(a, c, 0, 2))
      v128.store(to + (r1 << 4), v128.shuffle<u64>(a, c, 1, 3))
      v128.store(to + (r2 << 4), v128.shuffle<u64>(e, f, 0, 2))
      v128.store(to + (r3 << 4), v128.shuffle<u64>(e, f, 1, 3))
    }
  }
}

/** Hashes (VALUES + TWEAK) ‖ FIRST ‖ SECOND row by row, `rows` a multiple of 4: 48 bytes, one block. */
export function mask(rows: u32): void {
  const tweak = v128.load(TWEAK)
  for (let at: usize = 0; at < <usize>rows << 4; at += 64) {
    transpose(BLOCK, v128.xor(v128.load(VALUES + at), tweak), v128.xor(v128.load(VALUES + at, 16), tweak),
      v128.xor(v128.load(VALUES + at, 32), tweak), v128.xor(v128.load(VALUES + at, 48), tweak), 16)
    transpose(BLOCK + 64, v128.load(FIRST + at), v128.load(FIRST + at, 16), v128.load(FIRST + at, 32), v128.load(FIRST + at, 48), 16)
    transpose(BLOCK + 128, v128.load(SECOND + at), v128.load(SECOND + at, 16), v128.load(SECOND + at, 32), v128.load(SECOND + at, 48), 16)
    memory.fill(BLOCK + 192, 0, 64)
    begin()
    compress(STATE, BLOCK, i32x4.splat(48), KEYED | START | END | ROOT)
    const to = DIGESTS + (at << 1)
    transpose(to, v128.load(STATE), v128.load(STATE, 16), v128.load(STATE, 32), v128.load(STATE, 48), 32)
    transpose(to + 16, v128.load(STATE, 64), v128.load(STATE, 80), v128.load(STATE, 96), v128.load(STATE, 112), 32)
  }
}

/** Packs the first `width` bytes (up to 32) of each of `rows` digests one after the other, in place. */
export function pack(rows: u32, width: usize): void {
  for (let i: usize = 0; i < <usize>rows; i++) memory.copy(DIGESTS + i * width, DIGESTS + (i << 5), width)
}

/** Erases the key and what the last call left. */
export function wipe(): void {
  memory.fill(MESSAGES, 0, BYTES)
  memory.fill(DIGESTS, 0, 32 * ROWS)
  memory.fill(VALUES, 0, 16 * ROWS)
  memory.fill(FIRST, 0, 16 * ROWS)
  memory.fill(SECOND, 0, 16 * ROWS)
  memory.fill(KEY, 0, 128)
  memory.fill(TWEAK, 0, 16)
  memory.fill(STATE, 0, 128)
  memory.fill(BLOCK, 0, 256)
}
