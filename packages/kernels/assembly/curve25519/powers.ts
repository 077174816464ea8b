// Elements modulo 2^255 - 19 as bytes, their zero and sign, and the powers that inversion and square root take; over the
// two-lane field that the build chooses. No branch and no address depends on a value.
import { SIZE, carry, mask, mul, limb, setLimb, sq } from './element'

const SCRATCH: usize = memory.data(80 * 5 + 32, 16)
const SCRATCH_BYTES: usize = 80 * 5 + 32
const WORDS: usize = SCRATCH + 80 * 5

@inline function slot(i: usize): usize { return SCRATCH + 80 * i }

// ---- encodings

const LOW51: i64 = 0x7ffffffffffff

/** Limbs of the 255 low bits of four words into one lane; carry() must follow once both lanes are set. */
@inline function setWords(o: usize, lane: usize, w0: u64, w1: u64, w2: u64, w3: u64): void {
  setLimb(o, lane, 0, <i64>w0 & LOW51)
  setLimb(o, lane, 1, <i64>((w0 >> 51) | (w1 << 13)) & LOW51)
  setLimb(o, lane, 2, <i64>((w1 >> 38) | (w2 << 26)) & LOW51)
  setLimb(o, lane, 3, <i64>((w2 >> 25) | (w3 << 39)) & LOW51)
  setLimb(o, lane, 4, <i64>(w3 >> 12) & LOW51)
}

export function fromBytes(o: usize, lane: usize, p: usize): void {
  setWords(o, lane, load<u64>(p), load<u64>(p, 8), load<u64>(p, 16), load<u64>(p, 24))
}

/** The canonical 32 bytes of one lane of a tight element. */
export function toBytes(p: usize, o: usize, lane: usize): void {
  // Tight values exceed -2^255 > -4p: add 4p. Three rounds of carries leave limbs below 2^51 (the second can wrap once
  // past 2^255, only with small low limbs, so that the third does not).
  let l0 = limb(o, lane, 0) + 4 * 0x7ffffffffffed, l1 = limb(o, lane, 1) + 4 * LOW51, l2 = limb(o, lane, 2) + 4 * LOW51
  let l3 = limb(o, lane, 3) + 4 * LOW51, l4 = limb(o, lane, 4) + 4 * LOW51
  for (let round = 0; round < 3; round++) {
    l1 += l0 >> 51; l0 &= LOW51; l2 += l1 >> 51; l1 &= LOW51; l3 += l2 >> 51; l2 &= LOW51
    l4 += l3 >> 51; l3 &= LOW51; l0 += 19 * (l4 >> 51); l4 &= LOW51
  }
  // q = 1 if the value is p or more: subtract p by adding 19 and dropping bit 255.
  let q = (l0 + 19) >> 51
  q = (l1 + q) >> 51; q = (l2 + q) >> 51; q = (l3 + q) >> 51; q = (l4 + q) >> 51
  l0 += 19 * q
  l1 += l0 >> 51; l0 &= LOW51; l2 += l1 >> 51; l1 &= LOW51; l3 += l2 >> 51; l2 &= LOW51
  l4 += l3 >> 51; l3 &= LOW51; l4 &= LOW51
  store<u64>(p, l0 | (l1 << 51)); store<u64>(p, (l1 >> 13) | (l2 << 38), 8)
  store<u64>(p, (l2 >> 26) | (l3 << 25), 16); store<u64>(p, (l3 >> 39) | (l4 << 12), 24)
}

/** -1 if the lane is 0 modulo p, else 0. */
export function zero(o: usize, lane: usize): i64 {
  toBytes(WORDS, o, lane)
  const any = <i64>(load<u64>(WORDS) | load<u64>(WORDS, 8) | load<u64>(WORDS, 16) | load<u64>(WORDS, 24))
  return ((any | -any) >> 63) ^ -1
}

@inline export function zeroMask(o: usize): v128 { return mask(zero(o, 0), zero(o, 1)) }

/** -1 if the canonical value is odd (sgn0 of RFC 9380), else 0. */
export function parity(o: usize, lane: usize): i64 {
  toBytes(WORDS, o, lane)
  return -<i64>(load<u64>(WORDS) & 1)
}

// ---- powers

function squares(o: usize, a: usize, n: i32): void {
  sq(o, a)
  for (let i = 1; i < n; i++) sq(o, o)
}

/** o = z^(2^250 - 1), z11 = z^11: the chain that inversion and square root share (11 multiplications). */
function chain(o: usize, z11: usize, z: usize): void {
  const t = slot(0), u = slot(1)
  sq(z11, z)                                  // 2
  squares(o, z11, 2); mul(o, o, z)            // 9
  mul(z11, z11, o)                            // 11
  sq(t, z11); mul(o, o, t)                    // 2^5 - 1
  squares(t, o, 5); mul(o, t, o)              // 2^10 - 1
  squares(t, o, 10); mul(t, t, o)             // 2^20 - 1
  squares(u, t, 20); mul(t, u, t)             // 2^40 - 1
  squares(t, t, 10); mul(o, t, o)             // 2^50 - 1
  squares(t, o, 50); mul(t, t, o)             // 2^100 - 1
  squares(u, t, 100); mul(t, u, t)            // 2^200 - 1
  squares(t, t, 50); mul(o, t, o)             // 2^250 - 1
}

/** o = z^(p - 2) = z^(2^255 - 21) */
export function invert(o: usize, z: usize): void {
  const t = slot(2), z11 = slot(3)
  chain(t, z11, z)
  squares(t, t, 5); mul(o, t, z11)
}

/** o = z^((p - 5) / 8) = z^(2^252 - 3) */
export function rootPower(o: usize, z: usize): void {
  const t = slot(2), z11 = slot(3), copy = slot(4)
  memory.copy(copy, z, SIZE)
  chain(t, z11, copy)
  squares(t, t, 2); mul(o, t, copy)
}

/** 1 if 32 bytes are no canonical encoding: p or more, or the top bit set. */
export function malformed(p: usize): u8 {
  const w3 = load<u64>(p, 24)
  const high = u8(w3 == 0x7fffffffffffffff) & u8((load<u64>(p, 8) & load<u64>(p, 16)) == 0xffffffffffffffff)
  return u8(w3 >> 63) | (high & u8(load<u64>(p) >= 0xffffffffffffffed))
}

/** An element in both lanes from four words. */
export function constant(o: usize, words: usize): void {
  fromBytes(o, 0, words); fromBytes(o, 1, words); carry(o)
}

export function wipePowers(): void { memory.fill(SCRATCH, 0, SCRATCH_BYTES) }
