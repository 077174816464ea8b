/**
 * Polynomials over a prime field of less than 2^32 that take given values at given points, slot by slot, and their
 * encoding: what the holder of a table makes of it (src/rlwe/interpolate.ts). Words of 64 bits unless said otherwise; the
 * layout of memory is the caller's.
 *
 * Constant time: for given numbers of points, no branch and no address depends on a point, a value or a mask.
 */
export const BASE: usize = (__heap_base + 15) & ~15

// @ts-ignore: decorator
@inline
function multiply(a: u64, b: u64, t: u64, inverse: f64): u64 {
  const quotient = <u64>(<f64>a * <f64>b * inverse)
  let r = <i64>(a * b - quotient * t)
  r += (r >> 63) & <i64>t
  r -= <i64>t
  r += (r >> 63) & <i64>t
  return <u64>r
}

// @ts-ignore: decorator
@inline
function subtract(a: u64, b: u64, t: u64): u64 {
  const r = <i64>(a - b)
  return <u64>(r + ((r >> 63) & <i64>t))
}

// @ts-ignore: decorator
@inline
function add(a: u64, b: u64, t: u64): u64 {
  return subtract(a, t - b, t)
}

function power(base: u64, exponent: u64, t: u64, inverse: f64): u64 {
  let result: u64 = 1
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, base, t, inverse)
    base = multiply(base, base, t, inverse)
  }
  return result
}

/** product <- the count + 1 coefficients of (Y - x_0)·(Y - x_1)… , the lowest first. */
function vanishing(product: usize, points: usize, count: i32, t: u64, inverse: f64): void {
  store<u64>(product, 1)
  for (let i = 0; i < count; i++) {
    const x = <u64>load<u32>(points + (<usize>i << 2))
    const top = product + (<usize>(i + 1) << 3)
    store<u64>(top, 1)
    for (let c = top - 8; c > product; c -= 8) {
      store<u64>(c, subtract(load<u64>(c - 8), multiply(x, load<u64>(c), t, inverse), t))
    }
    store<u64>(product, subtract(0, multiply(x, load<u64>(product), t, inverse), t))
  }
}

/** row <- the words of product / (Y - x), 32 bits each; its value at x. */
function quotient(row: usize, product: usize, x: u64, count: i32, t: u64, inverse: f64): u64 {
  let carried: u64 = 0
  let value: u64 = 0
  for (let c = count; c > 0; c--) {
    carried = add(load<u64>(product + (<usize>c << 3)), multiply(x, carried, t, inverse), t)
    store<u32>(row + (<usize>(c - 1) << 2), <u32>carried)
    value = add(carried, multiply(x, value, t, inverse), t)
  }
  return value
}

/** basis <- rows of `width` bytes: the Lagrange polynomials of the points; slopes is room for count + 1 words. */
function lagrange(
  basis: usize,
  width: usize,
  slopes: usize,
  product: usize,
  points: usize,
  count: i32,
  t: u64,
  inverse: f64,
): void {
  let all: u64 = 1
  for (let i = 0; i < count; i++) {
    const x = <u64>load<u32>(points + (<usize>i << 2))
    const row = basis + <usize>i * width
    memory.fill(row, 0, width)
    const slope = quotient(row, product, x, count, t, inverse)
    // The slope, and the product of those before: one inversion serves all.
    store<u64>(slopes + (<usize>i << 4), slope)
    store<u64>(slopes + (<usize>i << 4) + 8, all)
    all = multiply(all, slope, t, inverse)
  }
  let rest = power(all, t - 2, t, inverse)
  for (let i = count - 1; i >= 0; i--) {
    const factor = multiply(rest, load<u64>(slopes + (<usize>i << 4) + 8), t, inverse)
    rest = multiply(rest, load<u64>(slopes + (<usize>i << 4)), t, inverse)
    const row = basis + <usize>i * width
    for (let c: usize = 0; c < <usize>count << 2; c += 4) {
      store<u32>(row + c, <u32>multiply(<u64>load<u32>(row + c), factor, t, inverse))
    }
  }
}

/** high·2^32 + low modulo t, for sums of fewer than 2^16 halves of products. */
// @ts-ignore: decorator
@inline
function folded(low: u64, high: u64, wrap: u64, t: u64, inverse: f64): u64 {
  return add(multiply(multiply(high, 1, t, inverse), wrap, t, inverse), multiply(low, 1, t, inverse), t)
}

/**
 * One slot. `points`: `count` distinct words of 32 bits; `labels`: `rows` times as many, `labelStep` bytes apart; `masks`:
 * rows + 1 words of 32 bits, `maskStep` bytes apart. `out` <- rows + 1 polynomials of most + 1 coefficients, each
 * coefficient `step` bytes after the one before: mask_0·P, then the interpolation of each row of labels plus mask·P, P
 * vanishing at the points. `scratch`: basis (count rows of `width` bytes, a multiple of 16), then 16 bytes a point, then
 * the product.
 */
export function slot(
  out: usize,
  step: usize,
  most: i32,
  points: usize,
  count: i32,
  labels: usize,
  labelStep: usize,
  rows: i32,
  masks: usize,
  maskStep: usize,
  scratch: usize,
  width: usize,
  t: u64,
): void {
  const inverse = 1.0 / <f64>t
  const wrap = (<u64>1 << 32) % t
  const slopes = scratch + <usize>most * width
  const product = slopes + (<usize>most << 4)
  vanishing(product, points, count, t, inverse)
  lagrange(scratch, width, slopes, product, points, count, t, inverse)
  const halves = i64x2.splat(0xffffffff)
  for (let k = 0; k <= rows; k++) {
    const mask = <u64>load<u32>(masks + <usize>k * maskStep)
    const row = labels + <usize>(k - 1) * labelStep
    for (let c = 0; c <= most; c += 4) {
      let low0 = i64x2.splat(0), low1 = i64x2.splat(0), high0 = i64x2.splat(0), high1 = i64x2.splat(0)
      if (k > 0 && c < count) {
        let from = scratch + (<usize>c << 2)
        for (let i = 0; i < count; i++, from += width) {
          const label = v128.load32_splat(row + (<usize>i << 2))
          const words = v128.load(from)
          const p0 = i64x2.extmul_low_i32x4_u(words, label)
          const p1 = i64x2.extmul_high_i32x4_u(words, label)
          low0 = i64x2.add(low0, v128.and(p0, halves))
          low1 = i64x2.add(low1, v128.and(p1, halves))
          high0 = i64x2.add(high0, i64x2.shr_u(p0, 32))
          high1 = i64x2.add(high1, i64x2.shr_u(p1, 32))
        }
      }
      const end = min(4, most + 1 - c)
      for (let j = 0; j < end; j++) {
        const low = j == 0 ? i64x2.extract_lane(low0, 0) : j == 1 ? i64x2.extract_lane(low0, 1)
          : j == 2 ? i64x2.extract_lane(low1, 0) : i64x2.extract_lane(low1, 1)
        const high = j == 0 ? i64x2.extract_lane(high0, 0) : j == 1 ? i64x2.extract_lane(high0, 1)
          : j == 2 ? i64x2.extract_lane(high1, 0) : i64x2.extract_lane(high1, 1)
        let value = folded(<u64>low, <u64>high, wrap, t, inverse)
        if (c + j <= count) {
          value = add(value, multiply(mask, load<u64>(product + (<usize>(c + j) << 3)), t, inverse), t)
        }
        store<u64>(out + <usize>(k * (most + 1) + c + j) * step, value)
      }
    }
  }
}

/** The inverse negacyclic transform of n words, as in index.ts. */
export function inverse(values: usize, powers: usize, n: i32, inverseDegree: u64, t: u64): void {
  const estimate = 1.0 / <f64>t
  let half = 1
  for (let m = n >> 1; m >= 1; m >>= 1) {
    for (let i = 0; i < m; i++) {
      const w = load<u64>(powers + (<usize>(m + i) << 3))
      let low = values + (<usize>(2 * i * half) << 3)
      const step = <usize>half << 3
      const end = low + step
      for (; low < end; low += 8) {
        const u = load<u64>(low)
        const v = load<u64>(low + step)
        store<u64>(low, add(u, v, t))
        store<u64>(low + step, multiply(subtract(u, v, t), w, t, estimate))
      }
    }
    half <<= 1
  }
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    store<u64>(values + i, multiply(load<u64>(values + i), inverseDegree, t, estimate))
  }
}
