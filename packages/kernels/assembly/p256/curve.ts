// Batches on P-256 over a two-lane field: rows 2i and 2i + 1 are the lanes of pair i. Points are Jacobian, (X/Z², Y/Z³);
// a row that is no point stands in as the generator and is marked bad. Everything that depends on the scalar is
// straight-line or uses masks; loop bounds and addresses depend on row counts only.
import {
  SIZE, add, carry, limb, mask, mul, negateWhere, quadruple, setLimb, sq, sub, subBoth, subTwice, triple,
} from './field.generated'

/** Rows a call may hold, and their width in bytes: SEC 1, compressed. */
export const BLOCK: i32 = 256
const WIDTH: usize = 33
export const POINTS: usize = memory.data(33 * 256 + 16, 16)
export const SCALAR: usize = memory.data(32, 16)
const BAD: usize = memory.data(257, 16)

const XS: usize = memory.data(80 * 129, 16)
const YS: usize = memory.data(80 * 129, 16)
const ZS: usize = memory.data(80 * 129, 16)
const PRODUCTS: usize = memory.data(80 * 129, 16)

/** 1, R², b and the generator, words of 64 bits, low first. */
const WORDS: usize = memory.data<u64>([
  1, 0, 0, 0,
  0x0000000000000300, 0xfffffbffffffff00, 0xfffffffffffffeff, 0x000004fffffffdff,
  0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7,
  0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247,
  0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b,
], 16)
const CONSTANTS: usize = memory.data(80 * 6, 16)
const UNIT: usize = CONSTANTS, SQUARE: usize = CONSTANTS + 80, B: usize = CONSTANTS + 160
const GX: usize = CONSTANTS + 240, GY: usize = CONSTANTS + 320, ONE: usize = CONSTANTS + 400

/** P, 3P, ... 15P of a pair, each X, Y, Z, Z², Z³. */
const TABLE: usize = memory.data(8 * 400, 16)
const ENTRY: usize = memory.data(400, 16)
/** k or n - k, whichever is odd, and a word of zeros above it. */
const ODD: usize = memory.data(40, 16)

const SCRATCH_BYTES: usize = 80 * 20
const SCRATCH: usize = memory.data(80 * 20, 16)
const CANONICAL: usize = memory.data(32, 16)

@inline function slot(i: usize): usize { return SCRATCH + 80 * i }

@inline function select(o: usize, a: usize, b: usize, m: v128): void {
  for (let i: usize = 0; i < SIZE; i += 16) v128.store(o + i, v128.bitselect(v128.load(a + i), v128.load(b + i), m))
}

// ---- encodings

const LOW52: i64 = 0xfffffffffffff

@inline function setWords(o: usize, lane: usize, w0: u64, w1: u64, w2: u64, w3: u64): void {
  setLimb(o, lane, 0, <i64>w0 & LOW52)
  setLimb(o, lane, 1, <i64>((w0 >> 52) | (w1 << 12)) & LOW52)
  setLimb(o, lane, 2, <i64>((w1 >> 40) | (w2 << 24)) & LOW52)
  setLimb(o, lane, 3, <i64>((w2 >> 28) | (w3 << 36)) & LOW52)
  setLimb(o, lane, 4, <i64>(w3 >> 16))
}

function constant(o: usize, words: usize): void {
  const w0 = load<u64>(words), w1 = load<u64>(words, 8), w2 = load<u64>(words, 16), w3 = load<u64>(words, 24)
  setWords(o, 0, w0, w1, w2, w3); setWords(o, 1, w0, w1, w2, w3)
  carry(o)
}

export function init(): void {
  constant(UNIT, WORDS); constant(SQUARE, WORDS + 32)
  constant(B, WORDS + 64); mul(B, B, SQUARE)
  constant(GX, WORDS + 96); mul(GX, GX, SQUARE)
  constant(GY, WORDS + 128); mul(GY, GY, SQUARE)
  mul(ONE, UNIT, SQUARE)
}

/** Words of the canonical value of one lane, taken out of Montgomery's form, at CANONICAL. */
function canonical(o: usize, lane: usize): void {
  const t = slot(19)
  mul(t, o, UNIT)
  // Within 1.1 p: add 2p, then take p off three times where it can be.
  let l0 = limb(t, lane, 0) + 2 * LOW52, l1 = limb(t, lane, 1) + 2 * 0xfffffffffff, l2 = limb(t, lane, 2)
  let l3 = limb(t, lane, 3) + 0x2000000000, l4 = limb(t, lane, 4) + 2 * 0xffffffff0000
  l1 += l0 >> 52; l0 &= LOW52; l2 += l1 >> 52; l1 &= LOW52; l3 += l2 >> 52; l2 &= LOW52; l4 += l3 >> 52; l3 &= LOW52
  for (let round = 0; round < 3; round++) {
    let d0 = l0 - LOW52, d1 = l1 - 0xfffffffffff, d2 = l2, d3 = l3 - 0x1000000000, d4 = l4 - 0xffffffff0000
    d1 += d0 >> 52; d0 &= LOW52; d2 += d1 >> 52; d1 &= LOW52; d3 += d2 >> 52; d2 &= LOW52; d4 += d3 >> 52; d3 &= LOW52
    const keep = d4 >> 63
    l0 = (l0 & keep) | (d0 & ~keep); l1 = (l1 & keep) | (d1 & ~keep); l2 = (l2 & keep) | (d2 & ~keep)
    l3 = (l3 & keep) | (d3 & ~keep); l4 = (l4 & keep) | (d4 & ~keep)
  }
  store<u64>(CANONICAL, l0 | (l1 << 52)); store<u64>(CANONICAL, (l1 >> 12) | (l2 << 40), 8)
  store<u64>(CANONICAL, (l2 >> 24) | (l3 << 28), 16); store<u64>(CANONICAL, (l3 >> 36) | (l4 << 16), 24)
}

/** -1 if the lane is 0 modulo p, else 0. */
function zero(o: usize, lane: usize): i64 {
  canonical(o, lane)
  const any = <i64>(load<u64>(CANONICAL) | load<u64>(CANONICAL, 8) | load<u64>(CANONICAL, 16) | load<u64>(CANONICAL, 24))
  return ((any | -any) >> 63) ^ -1
}

/** -1 if the canonical value is odd, else 0. */
function parity(o: usize, lane: usize): i64 {
  canonical(o, lane)
  return -<i64>(load<u64>(CANONICAL) & 1)
}

// ---- powers

function squares(o: usize, a: usize, n: i32): void {
  sq(o, a)
  for (let i = 1; i < n; i++) sq(o, o)
}

/** o = z^(2^32 - 1), z30 = z^(2^30 - 1) */
function chain(o: usize, z30: usize, z: usize): void {
  const t = slot(0), two = slot(1)
  sq(two, z); mul(two, two, z)                      // 2^2 - 1
  squares(o, two, 2); mul(o, o, two)                // 2^4 - 1
  squares(t, o, 4); mul(t, t, o)                    // 2^8 - 1
  squares(z30, t, 8); mul(z30, z30, t)              // 2^16 - 1
  squares(z30, z30, 8); mul(z30, z30, t)            // 2^24 - 1
  squares(z30, z30, 4); mul(z30, z30, o)            // 2^28 - 1
  squares(z30, z30, 2); mul(z30, z30, two)          // 2^30 - 1
  squares(o, z30, 2); mul(o, o, two)                // 2^32 - 1
}

/** o = z^(p - 2), p - 2 = ((((2^32 - 1) 2^32 + 1) 2^128 + 2^32 - 1) 2^32 + 2^32 - 1) 2^32 + 2^32 - 3 */
function invert(o: usize, z: usize): void {
  const z32 = slot(2), z30 = slot(3)
  chain(z32, z30, z)
  squares(z30, z30, 2); mul(z30, z30, z)            // 2^32 - 3
  const t = slot(4)
  squares(t, z32, 32); mul(t, t, z)
  squares(t, t, 128); mul(t, t, z32)
  squares(t, t, 32); mul(t, t, z32)
  squares(t, t, 32); mul(o, t, z30)
}

/** o = z^((p + 1) / 4), (p + 1) / 4 = (((2^32 - 1) 2^32 + 1) 2^96 + 1) 2^94: a root where there is one. */
function root(o: usize, z: usize): void {
  const z32 = slot(2), z30 = slot(3), t = slot(4)
  chain(z32, z30, z)
  squares(t, z32, 32); mul(t, t, z)
  squares(t, t, 96); mul(t, t, z)
  squares(o, t, 94)
}

// ---- points

/** 1 if 33 bytes are no compressed encoding: another prefix than 2 or 3, or an x of p or more. */
function malformed(p: usize): u8 {
  const w3 = bswap<u64>(load<u64>(p, 1)), w2 = bswap<u64>(load<u64>(p, 9))
  const w1 = bswap<u64>(load<u64>(p, 17)), w0 = bswap<u64>(load<u64>(p, 25))
  const below = u8(w3 < 0xffffffff00000001) | (u8(w3 == 0xffffffff00000001) & u8(w2 == 0) &
    (u8(w1 < 0xffffffff) | (u8(w1 == 0xffffffff) & u8(w0 < 0xffffffffffffffff))))
  return (below ^ 1) | u8((load<u8>(p) & 0xfe) != 2)
}

@inline function abscissa(o: usize, lane: usize, p: usize): void {
  setWords(o, lane, bswap<u64>(load<u64>(p, 25)), bswap<u64>(load<u64>(p, 17)), bswap<u64>(load<u64>(p, 9)), bswap<u64>(load<u64>(p, 1)))
}

/** Reads n rows of POINTS; returns the first bad one or -1. An odd last pair repeats its row. */
export function read(n: i32): i32 {
  let first: i32 = -1
  const rhs = slot(5), t = slot(6)
  for (let row = 0; row < n; row += 2) {
    const other = min(row + 1, n - 1)
    const p0 = POINTS + WIDTH * <usize>row, p1 = POINTS + WIDTH * <usize>other
    const x = XS + 40 * <usize>row, y = YS + 40 * <usize>row
    abscissa(x, 0, p0); abscissa(x, 1, p1)
    carry(x); mul(x, x, SQUARE)
    sq(rhs, x); mul(rhs, rhs, x); triple(t, x); sub(rhs, rhs, t); add(rhs, rhs, B)
    root(y, rhs)
    sq(t, y); sub(t, t, rhs)
    const b0 = <i64>malformed(p0) | (~zero(t, 0) & 1), b1 = <i64>malformed(p1) | (~zero(t, 1) & 1)
    store<u8>(BAD + row, <u8>b0); store<u8>(BAD + other, <u8>b1)
    if (first < 0 && (b0 | b1) != 0) first = b0 != 0 ? row : other
    const odd0 = -<i64>(load<u8>(p0) & 1), odd1 = -<i64>(load<u8>(p1) & 1)
    negateWhere(y, y, mask(parity(y, 0) ^ odd0, parity(y, 1) ^ odd1))
    const bad = mask(-b0, -b1)
    select(x, GX, x, bad); select(y, GY, y, bad)
  }
  return first
}

export function isBad(row: i32): i32 { return load<u8>(BAD + row) }

/** (X, Y, Z) doubled in place: dbl-2001-b of Bernstein and Lange's database, for a = -3. */
function double(x: usize, y: usize, z: usize): void {
  const delta = slot(5), gamma = slot(6), beta = slot(7), alpha = slot(8), t = slot(9)
  sq(delta, z); sq(gamma, y); mul(beta, x, gamma)
  sub(t, x, delta); add(alpha, x, delta); triple(alpha, alpha); mul(alpha, alpha, t)
  quadruple(beta, beta)
  add(z, y, z); sq(z, z); subBoth(z, z, gamma, delta)
  sq(x, alpha); subTwice(x, x, beta)
  sub(t, beta, x); mul(t, alpha, t)
  sq(gamma, gamma); quadruple(gamma, gamma); subTwice(y, t, gamma)
}

/** (X, Y, Z) plus an entry of the table, in place: add-2007-bl without its doublings. Neither is neutral nor are they ±equal. */
function addEntry(x: usize, y: usize, z: usize, entry: usize): void {
  const x2 = entry, y2 = entry + 80, z2 = entry + 160, zz2 = entry + 240, zzz2 = entry + 320
  const zz = slot(5), u = slot(6), h = slot(7), s = slot(8), r = slot(9), hhh = slot(10), v = slot(11)
  sq(zz, z)
  mul(u, x, zz2); mul(h, x2, zz); sub(h, h, u)
  mul(zz, zz, z); mul(s, y, zzz2); mul(r, y2, zz); sub(r, r, s)
  mul(z, z, z2); mul(z, z, h)
  sq(v, h); mul(hhh, v, h); mul(v, u, v)
  sq(x, r); sub(x, x, hhh); subTwice(x, x, v)
  sub(v, v, x); mul(v, r, v); mul(s, s, hhh); sub(y, v, s)
}

function complete(entry: usize): void {
  sq(entry + 240, entry + 160)
  mul(entry + 320, entry + 240, entry + 160)
}

/** The table of a pair: odd multiples up to 15. */
function tabulate(x: usize, y: usize): void {
  const twice = ENTRY
  memory.copy(TABLE, x, SIZE); memory.copy(TABLE + 80, y, SIZE); memory.copy(TABLE + 160, ONE, SIZE)
  complete(TABLE)
  memory.copy(twice, TABLE, 240)
  double(twice, twice + 80, twice + 160)
  complete(twice)
  for (let i: usize = 1; i < 8; i++) {
    const entry = TABLE + 400 * i
    memory.copy(entry, entry - 400, 240)
    addEntry(entry, entry + 80, entry + 160, twice)
    complete(entry)
  }
}

/** The order of the group. */
const N0: u64 = 0xf3b9cac2fc632551, N1: u64 = 0xbce6faada7179e84, N2: u64 = 0xffffffffffffffff, N3: u64 = 0xffffffff00000000

/** Takes SCALAR, big endian, into ODD; -1 if it was even, so that the products are to be negated. */
function makeOdd(): i64 {
  const k0 = bswap<u64>(load<u64>(SCALAR, 24)), k1 = bswap<u64>(load<u64>(SCALAR, 16))
  const k2 = bswap<u64>(load<u64>(SCALAR, 8)), k3 = bswap<u64>(load<u64>(SCALAR))
  const even = (k0 & 1) - 1
  const d0 = N0 - k0, b0 = u64(N0 < k0)
  const e1 = N1 - k1, d1 = e1 - b0, b1 = u64(N1 < k1) | u64(e1 < b0)
  const e2 = N2 - k2, d2 = e2 - b1, b2 = u64(N2 < k2) | u64(e2 < b1)
  const d3 = N3 - k3 - b2
  store<u64>(ODD, (d0 & even) | (k0 & ~even)); store<u64>(ODD, (d1 & even) | (k1 & ~even), 8)
  store<u64>(ODD, (d2 & even) | (k2 & ~even), 16); store<u64>(ODD, (d3 & even) | (k3 & ~even), 24)
  store<u64>(ODD, 0, 32)
  return <i64>even
}

/** ENTRY = |d| P with the sign of d, by reading the whole table; d is odd, from -15 to 15. */
function look(d: i64): void {
  const sign = d >> 63, index = ((d ^ sign) - sign) >> 1
  memory.fill(ENTRY, 0, 400)
  for (let i: i64 = 0; i < 8; i++) {
    const other = i ^ index
    const m = i64x2.splat(((other | -other) >> 63) ^ -1), entry = TABLE + 400 * <usize>i
    for (let at: usize = 0; at < 400; at += 16) {
      v128.store(ENTRY + at, v128.or(v128.load(ENTRY + at), v128.and(v128.load(entry + at), m)))
    }
  }
  negateWhere(ENTRY + 80, ENTRY + 80, i64x2.splat(sign))
}

/**
 * (XS : YS : ZS) = SCALAR · (XS, YS) for n rows: 64 signed odd digits of four bits (regular recoding: Joye and Tunstall,
 * AFRICACRYPT 2009) and a leading 1. The sum before a digit is at least 16 P, so no addition meets the neutral element or
 * ± its entry, but for the last digit where the odd scalar is n - 2d, d to 15: these scalars are the caller's.
 */
export function multiply(n: i32): void {
  const negated = i64x2.splat(makeOdd())
  for (let row = 0; row < n; row += 2) {
    const x = XS + 40 * <usize>row, y = YS + 40 * <usize>row, z = ZS + 40 * <usize>row
    tabulate(x, y)
    memory.copy(z, ONE, SIZE)
    for (let i: i32 = 63; i >= 0; i--) {
      double(x, y, z); double(x, y, z); double(x, y, z); double(x, y, z)
      const d = <i64>(((load<u64>(ODD + (i >> 1)) >> ((i & 1) << 2)) & 31) | 1) - 16
      look(d)
      addEntry(x, y, z, ENTRY)
    }
    negateWhere(y, y, negated)
  }
}

/** Affine rows by one shared inversion for each lane, written to POINTS; bad ones as zeros. */
export function write(n: i32): void {
  if (n == 0) return
  const running = slot(12), inverse = slot(13), square = slot(14), x = slot(15), y = slot(16)
  const pairs: i32 = (n + 1) >> 1
  memory.copy(PRODUCTS, ZS, SIZE)
  for (let i = 1; i < pairs; i++) mul(PRODUCTS + 80 * <usize>i, PRODUCTS + 80 * <usize>(i - 1), ZS + 80 * <usize>i)
  invert(running, PRODUCTS + 80 * <usize>(pairs - 1))
  for (let i = pairs - 1; i >= 0; i--) {
    if (i > 0) mul(inverse, running, PRODUCTS + 80 * <usize>(i - 1))
    else memory.copy(inverse, running, SIZE)
    mul(running, running, ZS + 80 * <usize>i)
    sq(square, inverse)
    mul(x, XS + 80 * <usize>i, square)
    mul(square, square, inverse); mul(y, YS + 80 * <usize>i, square)
    for (let lane = 0; lane < 2 && 2 * i + lane < n; lane++) {
      const p = POINTS + WIDTH * <usize>(2 * i + lane)
      const odd = parity(y, lane)
      canonical(x, lane)
      const keep: u64 = load<u8>(BAD + 2 * i + lane) != 0 ? 0 : -1
      store<u8>(p, <u8>(2 - odd) & <u8>keep)
      store<u64>(p, bswap<u64>(load<u64>(CANONICAL, 24)) & keep, 1); store<u64>(p, bswap<u64>(load<u64>(CANONICAL, 16)) & keep, 9)
      store<u64>(p, bswap<u64>(load<u64>(CANONICAL, 8)) & keep, 17); store<u64>(p, bswap<u64>(load<u64>(CANONICAL)) & keep, 25)
    }
  }
}

/** Erases what a call over n rows left. */
export function wipe(n: i32): void {
  const rows = <usize>n + 1
  memory.fill(SCALAR, 0, 32); memory.fill(ODD, 0, 40); memory.fill(SCRATCH, 0, SCRATCH_BYTES); memory.fill(CANONICAL, 0, 32)
  memory.fill(TABLE, 0, 8 * 400); memory.fill(ENTRY, 0, 400)
  memory.fill(XS, 0, 40 * rows); memory.fill(YS, 0, 40 * rows); memory.fill(ZS, 0, 40 * rows); memory.fill(PRODUCTS, 0, 40 * rows)
  memory.fill(POINTS, 0, WIDTH * <usize>n)
}
