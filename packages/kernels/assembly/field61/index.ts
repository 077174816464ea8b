/**
 * The field of 2^61 - 1: elements are 64-bit words below the prime, two a vector. Factors are cut into 31 low and 30 high
 * bits, so that all products are of 32 bits; 2^61 = 1 and 2^62 = 2. Vectors are whole: the caller pads. No branch and no
 * address depends on a value.
 */
export const BASE: usize = (__heap_base + 15) & ~15

const PRIME: u64 = 0x1fffffffffffffff

/** The first halves of both vectors' lanes, as 32-bit lanes. */
@inline function narrow(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 2, 4, 6)
}

/** Below 2^63 to below the prime. */
@inline function reduce(x: v128): v128 {
  const prime = i64x2.splat(PRIME)
  const folded = i64x2.add(v128.and(x, prime), i64x2.shr_u(x, 61))
  return i64x2.sub(folded, v128.and(prime, i64x2.ge_s(folded, prime)))
}

/** 2 high + middle 2^31 + low, folded once: below 2^61 + 4. */
@inline function fold(low: v128, middle: v128, high: v128): v128 {
  const rest = v128.and(middle, i64x2.splat(0x3fffffff))
  const sum = i64x2.add(
    i64x2.add(low, i64x2.shl(high, 1)), i64x2.add(i64x2.shl(rest, 31), i64x2.shr_u(middle, 30)))
  return i64x2.add(v128.and(sum, i64x2.splat(PRIME)), i64x2.shr_u(sum, 61))
}

/** Products of four elements each; two vectors at `to`, below 2^61 + 4. */
@inline function products(x: usize, y: usize, to: usize): void {
  const mask = i64x2.splat(0x7fffffff)
  const a = v128.load(x), b = v128.load(x, 16), c = v128.load(y), d = v128.load(y, 16)
  const x0 = narrow(v128.and(a, mask), v128.and(b, mask)), x1 = narrow(i64x2.shr_u(a, 31), i64x2.shr_u(b, 31))
  const y0 = narrow(v128.and(c, mask), v128.and(d, mask)), y1 = narrow(i64x2.shr_u(c, 31), i64x2.shr_u(d, 31))
  v128.store(to, fold(
    i64x2.extmul_low_i32x4_u(x0, y0),
    i64x2.add(i64x2.extmul_low_i32x4_u(x0, y1), i64x2.extmul_low_i32x4_u(x1, y0)),
    i64x2.extmul_low_i32x4_u(x1, y1)))
  v128.store(to, fold(
    i64x2.extmul_high_i32x4_u(x0, y0),
    i64x2.add(i64x2.extmul_high_i32x4_u(x0, y1), i64x2.extmul_high_i32x4_u(x1, y0)),
    i64x2.extmul_high_i32x4_u(x1, y1)), 16)
}

const PAIR: usize = memory.data(32, 16)

/** x y element by element; `bytes` in whole 32. */
export function multiply(x: usize, y: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 32) {
    products(x + i, y + i, PAIR)
    v128.store(to + i, reduce(v128.load(PAIR)))
    v128.store(to + i, reduce(v128.load(PAIR, 16)), 16)
  }
}

/** What stands at `to`, plus x y. */
export function multiplyAdd(x: usize, y: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 32) {
    products(x + i, y + i, PAIR)
    v128.store(to + i, reduce(i64x2.add(v128.load(to + i), v128.load(PAIR))))
    v128.store(to + i, reduce(i64x2.add(v128.load(to + i, 16), v128.load(PAIR, 16))), 16)
  }
}

/** Four copies of an element at `to`. */
export function spread(from: usize, to: usize): void {
  const x = v128.load64_splat(from)
  v128.store(to, x)
  v128.store(to, x, 16)
}

/** What stands at `to`, plus the product of x with the one element that is spread at `factor`. */
export function scaleAdd(x: usize, factor: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 32) {
    products(x + i, factor, PAIR)
    v128.store(to + i, reduce(i64x2.add(v128.load(to + i), v128.load(PAIR))))
    v128.store(to + i, reduce(i64x2.add(v128.load(to + i, 16), v128.load(PAIR, 16))), 16)
  }
}

/** The sum of x y at `to`: one element. */
export function dot(x: usize, y: usize, to: usize, bytes: usize): void {
  let p = i64x2.splat(0), q = p
  for (let i: usize = 0; i < bytes; i += 32) {
    products(x + i, y + i, PAIR)
    p = reduce(i64x2.add(p, v128.load(PAIR)))
    q = reduce(i64x2.add(q, v128.load(PAIR, 16)))
  }
  p = reduce(i64x2.add(p, q))
  p = reduce(i64x2.add(p, i64x2.shuffle(p, p, 1, 0)))
  store<u64>(to, i64x2.extract_lane(p, 0))
}
