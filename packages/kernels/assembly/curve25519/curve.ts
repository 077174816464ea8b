// Batches on curve25519 over a two-lane field (`./field`, chosen by the build): rows 2i and 2i + 1 are the lanes of
// pair i. Everything that depends on a scalar, a message or a coordinate is straight-line or uses masks; loop bounds and
// addresses depend on row counts and message lengths only. Exceptions, all of them public facts of a result: which rows
// are bad.
import { A, B, C, D, SCRATCH as FIELD_SCRATCH, SCRATCH_BYTES as FIELD_SCRATCH_BYTES, X1, step } from './field'
import { SIZE, add, carry, cswap, limb, mask, mul, select, setLimb, sq, sub } from './element'
import { constant, fromBytes, invert, malformed, parity, rootPower, toBytes, wipePowers, zero, zeroMask } from './powers'
import { A24_WORDS, C2_WORDS, J_WORDS, ONE_WORDS, ROOT_OF_MINUS_ONE_WORDS } from './constants.generated'

/** Rows a call may hold. */
export const BLOCK: i32 = 1024

export const POINTS: usize = memory.data(32 * 1024, 16)
export const SCALAR: usize = memory.data(32, 16)
export const UNIFORM: usize = memory.data(96 * 1024, 16)
/** Scalars of a row each, where a call has them: hashing has its bytes here. */
export const SCALARS: usize = UNIFORM
const BAD: usize = memory.data(1025, 16)
const XS: usize = memory.data(80 * 513, 16)
const ZS: usize = memory.data(80 * 513, 16)
const PRODUCTS: usize = memory.data(80 * 513, 16)

const CONSTANTS: usize = memory.data(80 * 5, 16)
const ONE: usize = CONSTANTS, J: usize = CONSTANTS + 80, A24: usize = CONSTANTS + 160
const ROOT_OF_MINUS_ONE: usize = CONSTANTS + 240, C2: usize = CONSTANTS + 320

const SCRATCH_BYTES: usize = 80 * 36
const SCRATCH: usize = memory.data(80 * 36, 16)

@inline function slot(i: usize): usize { return SCRATCH + 80 * i }

// ---- batches

export function init(): void {
  constant(ONE, ONE_WORDS); constant(J, J_WORDS); constant(A24, A24_WORDS)
  constant(ROOT_OF_MINUS_ONE, ROOT_OF_MINUS_ONE_WORDS); constant(C2, C2_WORDS)
}

/** Reads n rows of POINTS into XS. An odd last pair repeats its row. */
export function read(n: i32): void {
  for (let row = 0; row < n; row++) store<u8>(BAD + row, malformed(POINTS + 32 * <usize>row))
  for (let row = 0; row < n; row += 2) {
    const o = XS + 40 * <usize>row
    fromBytes(o, 0, POINTS + 32 * <usize>row)
    fromBytes(o, 1, POINTS + 32 * <usize>min(row + 1, n - 1))
    carry(o)
  }
}

@inline function bitOf(scalar: usize, t: i32): i64 {
  return -<i64>((<u32>load<u8>(scalar + (t >> 3)) >> (t & 7)) & 1)
}

/** (XS : ZS) = SCALAR · XS. */
export function ladder(n: i32): void { climb(n, SCALAR, 0) }

/** (XS : ZS) = scalar · XS with a scalar of its own for each row, of SCALARS. */
export function ladderEach(n: i32): void { climb(n, SCALARS, 32) }

/** The ladder of RFC 7748 with 256 steps, the same for every scalar; scalars stand `stride` bytes apart. */
function climb(n: i32, scalars: usize, stride: usize): void {
  for (let row = 0; row < n; row += 2) {
    const x = XS + 40 * <usize>row
    const s0 = scalars + stride * <usize>row, s1 = scalars + stride * <usize>min(row + 1, n - 1)
    memory.copy(X1, x, SIZE); memory.copy(A, ONE, SIZE); memory.copy(B, ONE, SIZE)
    add(C, X1, ONE); sub(D, X1, ONE)
    let previous0: i64 = 0, previous1: i64 = 0
    for (let t: i32 = 255; t >= 0; t--) {
      const bit0 = bitOf(s0, t), bit1 = bitOf(s1, t)
      const swap = mask(previous0 ^ bit0, previous1 ^ bit1)
      previous0 = bit0; previous1 = bit1
      cswap(A, C, swap); cswap(B, D, swap)
      step()
    }
    const swap = mask(previous0, previous1)
    cswap(A, C, swap); cswap(B, D, swap)
    // A + B = 2 x2, A - B = 2 z2. The integer field leaves A and B untidy inside the ladder.
    carry(A); carry(B)
    add(x, A, B); sub(ZS + 40 * <usize>row, A, B)
  }
}

/**
 * XS = XS / ZS by one shared inversion for each lane. Where z = 0 it is replaced by 1 first and x by 0, and the row is
 * marked bad: a point of small order touches no other row.
 */
export function normalise(n: i32): void {
  if (n == 0) return
  const one = slot(5), nil = slot(6), running = slot(7), inverse = slot(8)
  memory.copy(one, ONE, SIZE); memory.fill(nil, 0, SIZE)
  const pairs: i32 = (n + 1) >> 1
  for (let i = 0; i < pairs; i++) {
    const x = XS + 80 * <usize>i, z = ZS + 80 * <usize>i
    const m0 = zero(z, 0), m1 = zero(z, 1)
    const m = mask(m0, m1)
    select(z, one, z, m); select(x, nil, x, m)
    store<u8>(BAD + 2 * i, load<u8>(BAD + 2 * i) | <u8>(m0 & 1))
    store<u8>(BAD + 2 * i + 1, load<u8>(BAD + 2 * i + 1) | <u8>(m1 & 1))
    if (i == 0) memory.copy(PRODUCTS, z, SIZE)
    else mul(PRODUCTS + 80 * <usize>i, PRODUCTS + 80 * <usize>(i - 1), z)
  }
  invert(running, PRODUCTS + 80 * <usize>(pairs - 1))
  for (let i = pairs - 1; i > 0; i--) {
    const x = XS + 80 * <usize>i
    mul(inverse, running, PRODUCTS + 80 * <usize>(i - 1))
    mul(running, running, ZS + 80 * <usize>i)
    mul(x, x, inverse)
  }
  mul(XS, XS, running)
}

/** Writes n rows of XS to POINTS, bad ones as zeros; the first bad row or -1. */
export function write(n: i32): i32 {
  let first: i32 = -1
  for (let row = n - 1; row >= 0; row--) {
    const p = POINTS + 32 * <usize>row
    toBytes(p, XS + 80 * <usize>(row >> 1), row & 1)
    if (load<u8>(BAD + row)) {
      memory.fill(p, 0, 32)
      first = row
    }
  }
  return first
}

// ---- hash to curve

const LOW51: i64 = 0x7ffffffffffff

/** 48 bytes, big endian, modulo p: 384 bits v = low + 2^255 high = low + 19 high. */
function reduce(o: usize, lane: usize, p: usize): void {
  const w0 = bswap<u64>(load<u64>(p, 40)), w1 = bswap<u64>(load<u64>(p, 32)), w2 = bswap<u64>(load<u64>(p, 24))
  const w3 = bswap<u64>(load<u64>(p, 16)), w4 = bswap<u64>(load<u64>(p, 8)), w5 = bswap<u64>(load<u64>(p))
  const h0 = <i64>((w3 >> 63) | (w4 << 1)) & LOW51, h1 = <i64>((w4 >> 50) | (w5 << 14)) & LOW51, h2 = <i64>(w5 >> 37)
  let l0 = (<i64>w0 & LOW51) + 19 * h0, l1 = (<i64>((w0 >> 51) | (w1 << 13)) & LOW51) + 19 * h1
  let l2 = (<i64>((w1 >> 38) | (w2 << 26)) & LOW51) + 19 * h2, l3 = <i64>((w2 >> 25) | (w3 << 39)) & LOW51
  let l4 = <i64>(w3 >> 12) & LOW51
  for (let round = 0; round < 2; round++) {
    l1 += l0 >> 51; l0 &= LOW51; l2 += l1 >> 51; l1 &= LOW51; l3 += l2 >> 51; l2 &= LOW51
    l4 += l3 >> 51; l3 &= LOW51; l0 += 19 * (l4 >> 51); l4 &= LOW51
  }
  // l0 <= 2^51 + 18 only where the second round wrapped, and then l0 is below 38: all limbs are below 2^51.
  setLimb(o, lane, 0, l0); setLimb(o, lane, 1, l1); setLimb(o, lane, 2, l2); setLimb(o, lane, 3, l3); setLimb(o, lane, 4, l4)
}

/** Elligator 2, RFC 9380 appendix G.2.1: x = xn / xd, y affine. Straight-line, constant-time. */
function map(xn: usize, xd: usize, y: usize, u: usize): void {
  const tv1 = slot(9), tv2 = slot(10), tv3 = slot(11), x1n = slot(12), gxd = slot(13), gx1 = slot(14), gx2 = slot(15)
  const y1 = slot(16), y12 = slot(17), y2 = slot(18), y22 = slot(19), nil = slot(6), difference = slot(20)
  memory.fill(nil, 0, SIZE)
  sq(tv1, u); add(tv1, tv1, tv1)
  add(xd, tv1, ONE)
  sub(x1n, nil, J)
  sq(tv2, xd); mul(gxd, tv2, xd)
  mul(gx1, J, tv1); mul(gx1, gx1, x1n); add(gx1, gx1, tv2); mul(gx1, gx1, x1n)
  sq(tv3, gxd); sq(tv2, tv3); mul(tv3, tv3, gxd); mul(tv3, tv3, gx1); mul(tv2, tv2, tv3)
  rootPower(y1, tv2); mul(y1, y1, tv3)
  mul(y12, y1, ROOT_OF_MINUS_ONE)
  mul(y2, y1, u); mul(y2, y2, C2)             // from y11, before it is replaced
  mul(y22, y2, ROOT_OF_MINUS_ONE)
  sq(tv2, y1); mul(tv2, tv2, gxd); sub(difference, tv2, gx1)
  select(y1, y1, y12, zeroMask(difference))
  mul(gx2, gx1, tv1)
  sq(tv2, y2); mul(tv2, tv2, gxd); sub(difference, tv2, gx2)
  select(y2, y2, y22, zeroMask(difference))
  sq(tv2, y1); mul(tv2, tv2, gxd); sub(difference, tv2, gx1)
  const e0 = zero(difference, 0), e1 = zero(difference, 1), e3 = mask(e0, e1)
  mul(tv3, x1n, tv1)
  select(xn, x1n, tv3, e3)
  select(y, y1, y2, e3)
  sub(tv3, nil, y)
  select(y, tv3, y, mask(e0 ^ parity(y, 0), e1 ^ parity(y, 1)))
}

/** (x : z) = twice (x : z) */
function double(x: usize, z: usize): void {
  const s = slot(21), d = slot(22), e = slot(23)
  add(s, x, z); sub(d, x, z)
  sq(s, s); sq(d, d); sub(e, s, d)
  mul(x, s, d)
  mul(z, e, A24); add(z, z, d); mul(z, z, e)
}

/**
 * (x : z) = the sum of (n1 / d1, y1) and (n2 / d2, y2), by u-coordinate. For equal points the chord is 0 / 0 and the
 * tangent is taken instead; for opposite points z = 0.
 */
function sum(x: usize, z: usize, n1: usize, d1: usize, y1: usize, n2: usize, d2: usize, y2: usize): void {
  const p = slot(24), q = slot(25), d = slot(26), h = slot(27), r = slot(28), tx = slot(20), tz = slot(19)
  mul(p, n1, d2); mul(q, n2, d1); mul(d, d1, d2)
  sub(h, q, p); sub(r, y2, y1)
  const equal = mask(zero(h, 0) & zero(r, 0), zero(h, 1) & zero(r, 1))
  memory.copy(tx, n1, SIZE); memory.copy(tz, d1, SIZE); double(tx, tz)
  add(p, p, q)                                // n1 d2 + n2 d1
  sq(h, h); sq(r, r)
  mul(q, d, J); add(q, q, p); mul(q, q, h)    // H² (J D + S)
  mul(z, h, d)                                // D H²
  sq(p, d); mul(p, p, d); mul(p, p, r)        // R² D³
  sub(x, p, q)
  select(x, tx, x, equal); select(z, tz, z, equal)
}

/** (XS : ZS) = 8 (map(u0) + map(u1)) for n rows of UNIFORM, 96 bytes each. */
export function mapRows(n: i32): void {
  const u = slot(29), n1 = slot(30), d1 = slot(31), y1 = slot(32), n2 = slot(33), d2 = slot(34), y2 = slot(35)
  for (let row = 0; row < n; row += 2) {
    const p = UNIFORM + 96 * <usize>row, q = UNIFORM + 96 * <usize>min(row + 1, n - 1)
    reduce(u, 0, p); reduce(u, 1, q); carry(u)
    map(n1, d1, y1, u)
    reduce(u, 0, p + 48); reduce(u, 1, q + 48); carry(u)
    map(n2, d2, y2, u)
    const x = XS + 40 * <usize>row, z = ZS + 40 * <usize>row
    sum(x, z, n1, d1, y1, n2, d2, y2)
    double(x, z); double(x, z); double(x, z)
  }
  memory.fill(BAD, 0, n)
}

/** Forgets scalar, hashes, points and every intermediate value of a call over blocks of at most n rows. */
export function wipeCurve(n: i32): void {
  const rows = <usize>n + 1
  memory.fill(SCALAR, 0, 32); memory.fill(SCRATCH, 0, SCRATCH_BYTES); memory.fill(FIELD_SCRATCH, 0, FIELD_SCRATCH_BYTES)
  wipePowers()
  memory.fill(XS, 0, 40 * rows); memory.fill(ZS, 0, 40 * rows); memory.fill(PRODUCTS, 0, 40 * rows)
  memory.fill(UNIFORM, 0, min(96 * rows, 96 * 1024)); memory.fill(POINTS, 0, 32 * n)
}
