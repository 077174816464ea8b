// Batches on ristretto255 (RFC 9496) over the two-lane field: rows 2i and 2i + 1 are the lanes of pair i. A point is
// (X : Y : Z : T) on the twisted Edwards curve with a = -1, four elements of 80 bytes. Everything that depends on a
// scalar or a coordinate is straight-line or uses masks; which rows are bad is a public result.
import { SCRATCH as FIELD_SCRATCH, SCRATCH_BYTES as FIELD_SCRATCH_BYTES } from '../curve25519/field'
import { SIZE, add, carry, limb, mask, mul, select, setLimb, sq, sub } from '../curve25519/element'
import { constant, fromBytes, malformed, parity, rootPower, toBytes, wipePowers, zero } from '../curve25519/powers'
import { ONE_WORDS, ROOT_OF_MINUS_ONE_WORDS } from '../curve25519/constants.generated'
import {
  D_MINUS_ONE_SQ_WORDS, D_WORDS, INVSQRT_A_MINUS_D_WORDS, ONE_MINUS_D_SQ_WORDS, SQRT_AD_MINUS_ONE_WORDS, TWO_D_WORDS,
} from './constants.generated'

/** Rows a call may hold. */
export const BLOCK: i32 = 256

export const POINTS: usize = memory.data(32 * 256, 16)
/** A scalar for each row, little endian, below the group order. */
export const SCALARS: usize = memory.data(32 * 256, 16)
export const UNIFORM: usize = memory.data(64 * 256, 16)
const BAD: usize = memory.data(257, 16)
const ROWS: usize = memory.data(320 * 128, 16)
/** Sum of {@link sumRows} so far. */
const SUM: usize = memory.data(320, 16)

const CONSTANTS: usize = memory.data(80 * 8, 16)
const ONE: usize = CONSTANTS, I: usize = CONSTANTS + 80, D: usize = CONSTANTS + 160, TWO_D: usize = CONSTANTS + 240
const SQRT_AD_MINUS_ONE: usize = CONSTANTS + 320, INVSQRT_A_MINUS_D: usize = CONSTANTS + 400
const ONE_MINUS_D_SQ: usize = CONSTANTS + 480, D_MINUS_ONE_SQ: usize = CONSTANTS + 560

const SCRATCH_BYTES: usize = 80 * 40
const SCRATCH: usize = memory.data(80 * 40, 16)
@inline function slot(i: usize): usize { return SCRATCH + 80 * i }
const NIL: usize = SCRATCH + 80 * 39

/** 1 to 8 times the point of a pair, each as (Y + X, Y - X, 2d T, 2 Z). */
const TABLE: usize = memory.data(320 * 8, 16)
const CHOSEN: usize = memory.data(320, 16)
const POINT: usize = memory.data(320, 16)
/** 64 signed digits for each of two scalars. */
const DIGITS: usize = memory.data(128, 16)

@inline function at(point: usize, k: usize): usize { return point + 80 * k }

export function init(): void {
  constant(ONE, ONE_WORDS); constant(I, ROOT_OF_MINUS_ONE_WORDS); constant(D, D_WORDS); constant(TWO_D, TWO_D_WORDS)
  constant(SQRT_AD_MINUS_ONE, SQRT_AD_MINUS_ONE_WORDS); constant(INVSQRT_A_MINUS_D, INVSQRT_A_MINUS_D_WORDS)
  constant(ONE_MINUS_D_SQ, ONE_MINUS_D_SQ_WORDS); constant(D_MINUS_ONE_SQ, D_MINUS_ONE_SQ_WORDS)
}

/** All ones in the lanes where the element is negative (odd). */
@inline function negative(o: usize): v128 { return mask(parity(o, 0), parity(o, 1)) }

/** o = m ? -a : a */
function negateIf(o: usize, a: usize, m: v128): void {
  const t = slot(38)
  sub(t, NIL, a)
  select(o, t, a, m)
}

/** o = |a| */
function absolute(o: usize, a: usize): void { negateIf(o, a, negative(a)) }

@inline function equal(a: usize, b: usize): v128 {
  const t = slot(38)
  sub(t, a, b)
  return mask(zero(t, 0), zero(t, 1))
}

/**
 * SQRT_RATIO_M1 (RFC 9496, section 4.2): o = |sqrt(u / v)| where u / v is a square, else |sqrt(i · u / v)|; all ones in
 * the lanes of squares.
 */
function squareRootOfRatio(o: usize, u: usize, v: usize): v128 {
  const v3 = slot(30), r = slot(31), check = slot(32), t = slot(33), flipped = slot(34)
  sq(t, v); mul(v3, t, v)
  sq(t, v3); mul(t, t, v); mul(t, t, u)
  rootPower(r, t)
  mul(t, u, v3); mul(r, r, t)
  sq(check, r); mul(check, check, v)
  const right = equal(check, u)
  sub(flipped, NIL, u)
  const minus = equal(check, flipped)
  mul(flipped, flipped, I)
  const minusI = equal(check, flipped)
  mul(t, r, I)
  select(r, t, r, v128.or(minus, minusI))
  absolute(o, r)
  return v128.or(right, minus)
}

/** ROWS from POINTS; rows that are no canonical encoding, or the neutral element, are bad and stand as garbage. */
export function decodeRows(n: i32): void {
  memory.fill(NIL, 0, SIZE)
  const s = slot(0), u1 = slot(1), u2 = slot(2), v = slot(3), root = slot(4), dx = slot(5), dy = slot(6), sq2 = slot(7)
  for (let row = 0; row < n; row += 2) {
    const p = ROWS + 160 * <usize>row
    const a = POINTS + 32 * <usize>row, b = POINTS + 32 * <usize>min(row + 1, n - 1)
    fromBytes(s, 0, a); fromBytes(s, 1, b); carry(s)
    sq(v, s)
    sub(u1, ONE, v); add(u2, ONE, v)
    sq(sq2, u2)
    sq(v, u1); mul(v, v, D); sub(v, NIL, v); sub(v, v, sq2)
    mul(dx, v, sq2)
    const square = squareRootOfRatio(root, ONE, dx)
    mul(dx, root, u2)
    mul(dy, root, dx); mul(dy, dy, v)
    add(s, s, s); mul(s, s, dx)
    absolute(at(p, 0), s)
    mul(at(p, 1), u1, dy)
    memory.copy(at(p, 2), ONE, SIZE)
    mul(at(p, 3), at(p, 0), at(p, 1))
    const wrong = v128.or(v128.not(square), negative(at(p, 3)))
    markBad(row, a, p, 0, wrong)
    markBad(row + 1, b, p, 1, wrong)
  }
}

/** A bad row: not canonical, negative, no point, or neutral (all zero). */
@inline function markBad(row: i32, bytes: usize, p: usize, lane: usize, wrong: v128): void {
  const neutral = u8((load<u64>(bytes) | load<u64>(bytes, 8) | load<u64>(bytes, 16) | load<u64>(bytes, 24)) == 0)
  // The mask of a lane is in its low 32 bits in either field.
  const w = lane == 0 ? laneMask(wrong, 0) : laneMask(wrong, 1)
  store<u8>(BAD + row, malformed(bytes) | (load<u8>(bytes) & 1) | neutral | w | <u8>(zero(at(p, 1), lane) & 1))
}

/** 1 if the mask of the lane is set; fields differ in where a lane stands, so it is asked by an element. */
function laneMask(m: v128, lane: usize): u8 {
  const t = slot(37)
  select(t, ONE, NIL, m)
  return <u8>(parity(t, lane) & 1)
}

/** POINTS from ROWS; bad rows, and rows that are neutral, as zeros. The first of these, or -1. */
export function encodeRows(n: i32): i32 {
  memory.fill(NIL, 0, SIZE)
  const u1 = slot(0), u2 = slot(1), root = slot(2), d1 = slot(3), d2 = slot(4), zi = slot(5), ix = slot(6), iy = slot(7)
  const x = slot(8), y = slot(9), t = slot(10)
  for (let row = 0; row < n; row += 2) {
    const p = ROWS + 160 * <usize>row
    add(u1, at(p, 2), at(p, 1)); sub(t, at(p, 2), at(p, 1)); mul(u1, u1, t)
    mul(u2, at(p, 0), at(p, 1))
    sq(t, u2); mul(t, t, u1)
    squareRootOfRatio(root, ONE, t)
    mul(d1, root, u1); mul(d2, root, u2)
    mul(zi, d1, d2); mul(zi, zi, at(p, 3))
    mul(ix, at(p, 0), I); mul(iy, at(p, 1), I)
    mul(d1, d1, INVSQRT_A_MINUS_D)
    mul(t, at(p, 3), zi)
    const rotate = negative(t)
    select(x, iy, at(p, 0), rotate); select(y, ix, at(p, 1), rotate); select(d2, d1, d2, rotate)
    mul(t, x, zi)
    negateIf(y, y, negative(t))
    sub(t, at(p, 2), y); mul(t, t, d2)
    absolute(t, t)
    toBytes(POINTS + 32 * <usize>row, t, 0)
    if (row + 1 < n) toBytes(POINTS + 32 * <usize>(row + 1), t, 1)
  }
  let first: i32 = -1
  for (let row = n - 1; row >= 0; row--) {
    const o = POINTS + 32 * <usize>row
    if (load<u8>(BAD + row)) memory.fill(o, 0, 32)
    if ((load<u64>(o) | load<u64>(o, 8) | load<u64>(o, 16) | load<u64>(o, 24)) == 0) first = row
  }
  return first
}

/** MAP (RFC 9496, section 4.3.4): the point of a field element. */
function map(p: usize, t: usize): void {
  const r = slot(0), u = slot(1), v = slot(2), s = slot(3), sPrime = slot(4), c = slot(5), n = slot(6), w = slot(7)
  const w1 = slot(8), w2 = slot(9), w3 = slot(10)
  sq(r, t); mul(r, r, I)
  add(u, r, ONE); mul(u, u, ONE_MINUS_D_SQ)
  mul(v, r, D); add(v, v, ONE); sub(v, NIL, v)
  add(w, r, D); mul(v, v, w)
  const square = squareRootOfRatio(s, u, v)
  mul(sPrime, s, t); absolute(sPrime, sPrime); sub(sPrime, NIL, sPrime)
  select(s, s, sPrime, square)
  sub(c, NIL, ONE); select(c, c, r, square)
  sub(n, r, ONE); mul(n, n, c); mul(n, n, D_MINUS_ONE_SQ); sub(n, n, v)
  mul(w, s, v); add(w, w, w)
  mul(w1, n, SQRT_AD_MINUS_ONE)
  sq(n, s); sub(w2, ONE, n); add(w3, ONE, n)
  mul(at(p, 0), w, w3); mul(at(p, 1), w2, w1); mul(at(p, 2), w1, w3); mul(at(p, 3), w, w2)
}

/** ROWS from UNIFORM, 64 bytes each: the sum of the maps of both halves (RFC 9496, section 4.3.4). */
export function mapRows(n: i32): void {
  memory.fill(NIL, 0, SIZE)
  const t = slot(29)
  for (let row = 0; row < n; row += 2) {
    const p = ROWS + 160 * <usize>row
    const a = UNIFORM + 64 * <usize>row, b = UNIFORM + 64 * <usize>min(row + 1, n - 1)
    fromBytes(t, 0, a + 32); fromBytes(t, 1, b + 32); carry(t)
    map(POINT, t)
    toCached(TABLE, POINT)
    fromBytes(t, 0, a); fromBytes(t, 1, b); carry(t)
    map(p, t)
    addCached(p, TABLE)
  }
  memory.fill(BAD, 0, n + 1)
}

// ---- the group (Hisil, Wong, Carter and Dawson, Asiacrypt 2008; complete for a = -1)

/** p = 2 p; T is left out where the next step does not read it. */
function double(p: usize, withT: bool): void {
  const a = slot(11), b = slot(12), c = slot(13), e = slot(14), g = slot(15), f = slot(16), h = slot(17)
  sq(a, at(p, 0)); sq(b, at(p, 1))
  sq(c, at(p, 2)); add(c, c, c)
  add(e, at(p, 0), at(p, 1)); sq(e, e)
  add(h, a, b)                                // -H
  sub(e, h, e)                                // -E
  sub(g, a, b)                                // -G
  add(f, c, g)                                // -F
  mul(at(p, 0), e, f); mul(at(p, 1), g, h); mul(at(p, 2), f, g)
  if (withT) mul(at(p, 3), e, h)
}

/** (Y + X, Y - X, 2d T, 2 Z) */
function toCached(o: usize, p: usize): void {
  add(at(o, 0), at(p, 1), at(p, 0)); sub(at(o, 1), at(p, 1), at(p, 0))
  mul(at(o, 2), at(p, 3), TWO_D); add(at(o, 3), at(p, 2), at(p, 2))
}

/** p = p + cached */
function addCached(p: usize, q: usize): void {
  const a = slot(11), b = slot(12), c = slot(13), d = slot(14), e = slot(15), f = slot(16), g = slot(17), h = slot(18)
  sub(a, at(p, 1), at(p, 0)); mul(a, a, at(q, 1))
  add(b, at(p, 1), at(p, 0)); mul(b, b, at(q, 0))
  mul(c, at(p, 3), at(q, 2)); mul(d, at(p, 2), at(q, 3))
  sub(e, b, a); sub(f, d, c); add(g, d, c); add(h, b, a)
  mul(at(p, 0), e, f); mul(at(p, 1), g, h); mul(at(p, 2), f, g); mul(at(p, 3), e, h)
}

@inline function neutral(p: usize): void {
  memory.fill(p, 0, 320)
  memory.copy(at(p, 1), ONE, SIZE); memory.copy(at(p, 2), ONE, SIZE)
}

/** 64 digits from -8 to 8 of a scalar below 2^253, base 16, lowest first. */
function digits(o: usize, scalar: usize): void {
  let over: i32 = 0
  for (let i: usize = 0; i < 64; i++) {
    const nibble = ((<i32>load<u8>(scalar + (i >> 1)) >> (<i32>(i & 1) << 2)) & 15) + over
    over = (nibble + 8) >> 4
    store<i8>(o + i, <i8>(nibble - (over << 4)))
  }
}

/** -1 if a = b, else 0, for a, b in 0 … 8. */
@inline function same(a: i32, b: i32): i64 { return <i64>(((a ^ b) - 1) >> 31) }

/** CHOSEN = the digits' multiple: all eight entries are read, the sign exchanges sums for differences. */
function choose(d0: i32, d1: i32): void {
  const s0 = d0 >> 31, s1 = d1 >> 31
  const m0 = (d0 ^ s0) - s0, m1 = (d1 ^ s1) - s1
  const zeroth = mask(same(m0, 0), same(m1, 0))
  for (let i: usize = 0; i < 320; i += 16) {
    // The neutral element in cached form: (1, 1, 0, 2).
    const one = i < 160 ? v128.load(ONE + (i < 80 ? i : i - 80)) : v128.load(NIL + (i < 240 ? i - 160 : i - 240))
    v128.store(CHOSEN + i, v128.and(one, zeroth))
  }
  const two = slot(28)
  add(two, ONE, ONE)
  for (let i: usize = 0; i < 80; i += 16) v128.store(CHOSEN + 240 + i, v128.and(v128.load(two + i), zeroth))
  for (let k = 1; k <= 8; k++) {
    const m = mask(same(m0, k), same(m1, k)), entry = TABLE + 320 * <usize>(k - 1)
    for (let i: usize = 0; i < 320; i += 16) {
      v128.store(CHOSEN + i, v128.or(v128.load(CHOSEN + i), v128.and(v128.load(entry + i), m)))
    }
  }
  const minus = mask(<i64>s0, <i64>s1)
  for (let i: usize = 0; i < 80; i += 16) {
    const x = v128.load(CHOSEN + i), y = v128.load(CHOSEN + 80 + i)
    v128.store(CHOSEN + i, v128.bitselect(y, x, minus)); v128.store(CHOSEN + 80 + i, v128.bitselect(x, y, minus))
  }
  negateIf(at(CHOSEN, 2), at(CHOSEN, 2), minus)
}

/** ROWS = SCALARS · ROWS, row by row: 63 times four doublings and an addition, the same for every scalar. */
export function scaleRows(n: i32): void {
  memory.fill(NIL, 0, SIZE)
  for (let row = 0; row < n; row += 2) {
    const p = ROWS + 160 * <usize>row
    digits(DIGITS, SCALARS + 32 * <usize>row); digits(DIGITS + 64, SCALARS + 32 * <usize>min(row + 1, n - 1))
    toCached(TABLE, p)
    memory.copy(POINT, p, 320)
    for (let k: usize = 1; k < 8; k++) {
      addCached(POINT, TABLE)
      toCached(TABLE + 320 * k, POINT)
    }
    neutral(p)
    for (let i: i32 = 63; i >= 0; i--) {
      if (i < 63) { double(p, false); double(p, false); double(p, false); double(p, true) }
      choose(<i32>load<i8>(DIGITS + i), <i32>load<i8>(DIGITS + 64 + i))
      addCached(p, CHOSEN)
    }
  }
}

export function clearSum(): void { neutral(SUM) }

/** Adds n rows to the sum, even rows in one lane and odd ones in the other. The last of an odd number counts once. */
export function sumRows(n: i32): void {
  memory.fill(NIL, 0, SIZE)
  for (let row = 0; row < n; row += 2) {
    const p = ROWS + 160 * <usize>row
    if (row + 1 == n) {
      neutral(POINT)
      for (let k: usize = 0; k < 4; k++) {
        for (let i: usize = 0; i < 5; i++) setLimb(at(POINT, k), 0, i, limb(at(p, k), 0, i))
      }
      toCached(TABLE, POINT)
    } else toCached(TABLE, p)
    addCached(SUM, TABLE)
  }
}

/** Row 0 of ROWS = the sum of both lanes. */
export function takeSum(): void {
  for (let k: usize = 0; k < 4; k++) {
    for (let i: usize = 0; i < 5; i++) {
      setLimb(at(POINT, k), 0, i, limb(at(SUM, k), 1, i)); setLimb(at(POINT, k), 1, i, limb(at(SUM, k), 0, i))
    }
  }
  toCached(TABLE, POINT)
  memory.copy(ROWS, SUM, 320)
  addCached(ROWS, TABLE)
  memory.fill(BAD, 0, 2)
}

/** The first bad row among n, or -1. */
export function firstBad(n: i32): i32 {
  for (let row = 0; row < n; row++) if (load<u8>(BAD + row)) return row
  return -1
}

/** Forgets scalars, points and every intermediate value of a call over blocks of at most n rows. */
export function wipeRows(n: i32): void {
  const pairs = <usize>((n + 1) >> 1)
  memory.fill(POINTS, 0, 32 * n); memory.fill(SCALARS, 0, 32 * n); memory.fill(UNIFORM, 0, 64 * n)
  memory.fill(ROWS, 0, 320 * pairs); memory.fill(SUM, 0, 320); memory.fill(TABLE, 0, 320 * 8)
  memory.fill(CHOSEN, 0, 320); memory.fill(POINT, 0, 320); memory.fill(DIGITS, 0, 128)
  memory.fill(SCRATCH, 0, SCRATCH_BYTES); memory.fill(FIELD_SCRATCH, 0, FIELD_SCRATCH_BYTES); memory.fill(BAD, 0, 257)
  wipePowers()
}
