/**
 * Half-gates garbling: 64 AND gates a batch, two tweaks each, so that 128 blocks are encrypted at once. Labels are 16 bytes,
 * slot by slot and in a slot instance by instance. What the host puts in or takes out lies from BASE on.
 */
import { addKey, broadcast, lastRound, nextKey, round, SLICE, transpose, wipeSlices } from './slice'

const KEY: usize = memory.data(2048, 16)
/** σ(x), and E(σ(x)); then the same for x ⊕ Δ. Rows of hashes at the end. */
const INPUT: usize = memory.data(2048, 16)
const ZERO: usize = memory.data(2048, 16)
const ONE: usize = memory.data(2048, 16)
const BLOCK: usize = memory.data(16, 16)

export const BASE: usize = (__heap_base + 15) & ~15

/** σ(high ‖ low) = (high ⊕ low) ‖ high, of the sliced rows at INPUT, in place. */
function sigma(): void {
  for (let at: usize = 0; at < 1024; at += 16) {
    const low = v128.load(INPUT + at)
    const high = v128.load(INPUT + at, 1024)
    v128.store(INPUT + at, high)
    v128.store(INPUT + at, v128.xor(high, low), 1024)
  }
}

/** Rows at INPUT, under the keys in rows at KEY, to rows H(x) at ZERO; with a difference, H(x) ⊕ H(x ⊕ Δ) at ONE too. */
function hash(delta: usize, both: bool): void {
  transpose(INPUT)
  sigma()
  transpose(KEY)
  memory.copy(ZERO, INPUT, SLICE)
  if (both) {
    store<u64>(BLOCK, load<u64>(delta, 8))
    store<u64>(BLOCK, load<u64>(delta, 8) ^ load<u64>(delta), 8)
    for (let bit = 0; bit < 128; bit++) {
      const at = <usize>bit << 4
      v128.store(ONE + at, v128.xor(v128.load(INPUT + at), broadcast(BLOCK, bit)))
    }
    addKey(ONE, KEY)
  }
  addKey(ZERO, KEY)
  for (let r = 1, constant = 1; r < 10; r++) {
    nextKey(KEY, constant)
    round(ZERO, KEY)
    if (both) round(ONE, KEY)
    constant = (constant << 1) ^ ((constant >> 7) * 0x11b)
  }
  nextKey(KEY, 0x36)
  lastRound(ZERO, KEY)
  if (both) {
    lastRound(ONE, KEY)
    for (let bit = 0; bit < 128; bit++) {
      const at = <usize>bit << 4
      const sum = v128.xor(v128.load(ONE + at), v128.load(ZERO + at))
      v128.store(ONE + at, v128.xor(sum, broadcast(BLOCK, bit)))
    }
    transpose(ONE)
  }
  addKey(ZERO, INPUT)
  transpose(ZERO)
}

/** All ones where the colour of a label, its lowest bit, is 1. */
// @ts-ignore: decorator
@inline
function colour(label: v128): v128 {
  return i64x2.splat(-(i64x2.extract_lane(label, 0) & 1))
}

/** Free gates: four numbers each (0 XOR, 2 INV, 3 EQ). The evaluator's difference is zero: it keeps its labels. */
export function free(labels: usize, code: usize, gates: i32, instances: i32, delta: usize): void {
  const difference = v128.load(delta)
  const width = <usize>instances << 4
  for (let end = code + (<usize>gates << 4); code < end; code += 16) {
    const kind = load<i32>(code)
    const a = labels + <usize>load<i32>(code, 4) * width
    const b = labels + <usize>load<i32>(code, 8) * width
    const out = labels + <usize>load<i32>(code, 12) * width
    if (kind == 0) {
      for (let at: usize = 0; at < width; at += 16) {
        v128.store(out + at, v128.xor(v128.load(a + at), v128.load(b + at)))
      }
    } else if (kind == 2) {
      for (let at: usize = 0; at < width; at += 16) v128.store(out + at, v128.xor(v128.load(a + at), difference))
    } else {
      const label = load<i32>(code, 4) == 1 ? difference : i64x2.splat(0)
      for (let at: usize = 0; at < width; at += 16) v128.store(out + at, label)
    }
  }
}

/**
 * Labels of both operands of gate-instances first … first + count to INPUT, in turn, and their keys start ⊕ tweak to KEY;
 * the rest zero.
 */
function gather(
  labels: usize,
  code: usize,
  instances: i32,
  first: i32,
  count: i32,
  start: usize,
  tweak: u64,
  stride: u64,
): void {
  const width = <usize>instances << 4
  const from = v128.load(start)
  const gate = first / instances
  const instance = first - gate * instances
  let at = <usize>instance << 4
  code += 12 * <usize>gate
  let base = tweak + 2 * <u64>gate
  let t = base + stride * <u64>instance
  for (let to: usize = 0, end = <usize>count << 5; to < end; to += 32) {
    v128.store(INPUT + to, v128.load(labels + <usize>load<i32>(code) * width + at))
    v128.store(INPUT + to, v128.load(labels + <usize>load<i32>(code, 4) * width + at), 16)
    const key = v128.xor(from, i64x2.replace_lane(i64x2.splat(0), 0, <i64>t))
    v128.store(KEY + to, key)
    // The second tweak of a gate is the first one plus 1, the first one even.
    v128.store(KEY + to, v128.xor(key, i64x2(1, 0)), 16)
    at += 16
    t += stride
    if (at == width) {
      at = 0
      code += 12
      base += 2
      t = base
    }
  }
  if (count < 64) {
    memory.fill(INPUT + (<usize>count << 5), 0, SLICE - (<usize>count << 5))
    memory.fill(KEY + (<usize>count << 5), 0, SLICE - (<usize>count << 5))
  }
}

/**
 * The AND gates of a layer (three numbers each), for all instances: 32 bytes of table for each gate and instance, gate by
 * gate. Gate g of the layer has the tweaks tweak + i·stride + 2g and the next one for instance i.
 */
export function garble(
  labels: usize,
  code: usize,
  gates: i32,
  instances: i32,
  delta: usize,
  start: usize,
  tweak: f64,
  stride: f64,
  tables: usize,
): void {
  const difference = v128.load(delta)
  const width = <usize>instances << 4
  const all = gates * instances
  for (let first = 0; first < all; first += 64) {
    const count = min(64, all - first)
    gather(labels, code, instances, first, count, start, <u64>tweak, <u64>stride)
    hash(delta, true)
    let gate = first / instances
    let at = <usize>(first - gate * instances) << 4
    for (let i: usize = 0; i < <usize>count; i++) {
      const entry = code + 12 * <usize>gate
      const a = v128.load(labels + <usize>load<i32>(entry) * width + at)
      const pa = colour(a)
      const pb = colour(v128.load(labels + <usize>load<i32>(entry, 4) * width + at))
      const rows = i << 5
      const tg = v128.xor(v128.load(ONE + rows), v128.and(pb, difference))
      const te = v128.xor(v128.load(ONE + rows, 16), a)
      const wg = v128.xor(v128.load(ZERO + rows), v128.and(pa, tg))
      const we = v128.xor(v128.load(ZERO + rows, 16), v128.and(pb, v128.xor(te, a)))
      v128.store(tables, tg)
      v128.store(tables, te, 16)
      tables += 32
      v128.store(labels + <usize>load<i32>(entry, 8) * width + at, v128.xor(wg, we))
      at += 16
      if (at == width) {
        at = 0
        gate++
      }
    }
  }
}

/** The evaluator's side of `garble`. */
export function evaluate(
  labels: usize,
  code: usize,
  gates: i32,
  instances: i32,
  start: usize,
  tweak: f64,
  stride: f64,
  tables: usize,
): void {
  const width = <usize>instances << 4
  const all = gates * instances
  for (let first = 0; first < all; first += 64) {
    const count = min(64, all - first)
    gather(labels, code, instances, first, count, start, <u64>tweak, <u64>stride)
    hash(0, false)
    let gate = first / instances
    let at = <usize>(first - gate * instances) << 4
    for (let i: usize = 0; i < <usize>count; i++) {
      const entry = code + 12 * <usize>gate
      const a = v128.load(labels + <usize>load<i32>(entry) * width + at)
      const b = v128.load(labels + <usize>load<i32>(entry, 4) * width + at)
      const rows = i << 5
      const wg = v128.xor(v128.load(ZERO + rows), v128.and(colour(a), v128.load(tables)))
      const we = v128.xor(v128.load(ZERO + rows, 16), v128.and(colour(b), v128.xor(v128.load(tables, 16), a)))
      tables += 32
      v128.store(labels + <usize>load<i32>(entry, 8) * width + at, v128.xor(wg, we))
      at += 16
      if (at == width) {
        at = 0
        gate++
      }
    }
  }
}

/** Nothing of labels or keys stays behind. */
export function wipe(): void {
  memory.fill(KEY, 0, SLICE)
  memory.fill(INPUT, 0, SLICE)
  memory.fill(ZERO, 0, SLICE)
  memory.fill(ONE, 0, SLICE)
  memory.fill(BLOCK, 0, 16)
  wipeSlices()
}
