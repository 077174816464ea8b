/**
 * AES-128 without tables: key schedule, ECB, counter mode, the hashes made from it, and one level of GGM trees. What the
 * host puts in or takes out lies from BASE on; round keys lie in SLOTS.
 */
import { encryptEight, substituteBlock } from './rounds.generated'

const SLOTS: usize = memory.data(4 * 1408, 16)
const WORK: usize = memory.data(176 + 16, 16)
const EIGHT: usize = memory.data(128, 16)

/** First address that the module does not use itself. */
export const BASE: usize = (__heap_base + 15) & ~15

// @ts-ignore: decorator
@inline
function slotAt(slot: i32): usize {
  return SLOTS + <usize>slot * 1408
}

/** Expands the key of 16 bytes at `key` to sliced round keys in a slot, with 0x63 of the S-box in rounds 1 to 10. */
export function schedule(slot: i32, key: usize): void {
  memory.copy(WORK, key, 16)
  const word = WORK + 176
  let constant: u32 = 1
  for (let round: usize = 1; round < 11; round++) {
    const last = WORK + 16 * (round - 1)
    // RotWord, SubWord: the S-box runs over a whole block, of which one word counts.
    v128.store(word, i32x4.splat(rotr<u32>(load<u32>(last, 12), 8)))
    substituteBlock(word)
    let w = load<u32>(word) ^ 0x63636363 ^ constant
    for (let i: usize = 0; i < 16; i += 4) {
      w ^= load<u32>(last + i)
      store<u32>(last + i, w, 16)
    }
    constant = (constant << 1) ^ ((constant >> 7) * 0x11b)
  }
  const out = slotAt(slot)
  const affine = i8x16.splat(0x63)
  for (let round: usize = 0; round < 11; round++) {
    let k = v128.load(WORK + 16 * round)
    if (round > 0) k = v128.xor(k, affine)
    for (let bit = 0; bit < 8; bit++) {
      v128.store(out + round * 128 + <usize>bit * 16, i8x16.shr_s(i8x16.shl(k, 7 - bit), 7))
    }
  }
  memory.fill(WORK, 0, 192)
}

/** ECB of `blocks` blocks; input and output may be the same. */
export function encrypt(slot: i32, input: usize, output: usize, blocks: i32): void {
  const k = slotAt(slot)
  let at: usize = 0
  const whole = <usize>(blocks & ~7) << 4
  for (; at < whole; at += 128) encryptEight(k, input + at, output + at)
  const rest = (<usize>blocks << 4) - whole
  if (rest == 0) return
  memory.copy(EIGHT, input + at, rest)
  encryptEight(k, EIGHT, EIGHT)
  memory.copy(output + at, EIGHT, rest)
  memory.fill(EIGHT, 0, 128)
}

/** Key stream of counter mode: big-endian counters of 128 bits from `first` on. */
export function stream(slot: i32, output: usize, first: i32, blocks: i32): void {
  for (let i = 0; i < blocks; i++) {
    v128.store(output + (<usize>i << 4), i32x4.replace_lane(i32x4.splat(0), 3, bswap<u32>(first + i)))
  }
  encrypt(slot, output, output, blocks)
}

/** dst ^= src. */
export function add(dst: usize, src: usize, blocks: i32): void {
  for (let end = dst + (<usize>blocks << 4); dst < end; dst += 16, src += 16) {
    v128.store(dst, v128.xor(v128.load(dst), v128.load(src)))
  }
}

/** dst = src ^ (tweak + row), the tweak in the lower 64 bits. */
export function addTweaks(dst: usize, src: usize, tweak: u64, blocks: i32): void {
  for (let end = dst + (<usize>blocks << 4); dst < end; dst += 16, src += 16) {
    v128.store(dst, v128.xor(v128.load(src), i64x2.replace_lane(i64x2.splat(0), 0, tweak++)))
  }
}

/**
 * Parents first … first + count (flat over trees of `width` nodes a level) to their children on the level below, of
 * `below` nodes a tree. `zero` and `one` hold AES of these parents under the two keys, in order. A child is that, plus
 * its parent; sums has 2 × 16 bytes a tree, to which children with even and odd index are added.
 */
export function grow(
  parents: usize,
  zero: usize,
  one: usize,
  children: usize,
  sums: usize,
  width: i32,
  below: i32,
  first: i32,
  count: i32,
): void {
  let tree = first / width
  let node = first - tree * width
  parents += <usize>first << 4
  for (let left = count; left > 0;) {
    const run = min(left, width - node)
    const s = sums + (<usize>tree << 5)
    let even = v128.load(s)
    let odd = v128.load(s, 16)
    let out = children + ((<usize>tree * below + 2 * node) << 4)
    // The last parent of a level may have one child only.
    const pairs = min(run, (below >> 1) - node)
    for (let i = 0; i < pairs; i++) {
      const p = v128.load(parents)
      const a = v128.xor(p, v128.load(zero))
      const b = v128.xor(p, v128.load(one))
      even = v128.xor(even, a)
      odd = v128.xor(odd, b)
      v128.store(out, a)
      v128.store(out, b, 16)
      parents += 16
      zero += 16
      one += 16
      out += 32
    }
    if (pairs < run) {
      const a = v128.xor(v128.load(parents), v128.load(zero))
      even = v128.xor(even, a)
      v128.store(out, a)
      parents += 16
      zero += 16
      one += 16
    }
    v128.store(s, even)
    v128.store(s, odd, 16)
    left -= run
    node = 0
    tree++
  }
}

export function wipeSlots(): void {
  memory.fill(SLOTS, 0, 4 * 1408)
}
