/**
 * Polynomials modulo x^n + 1 over prime fields of less than 2^50: what an owner of a ring-LWE key needs to make keys and
 * ciphertexts from given coins. Everything works on arrays of n words of 64 bits at an address, in place where named so.
 *
 * Constant time: no branch and no address depends on a coefficient; products are reduced by a quotient estimated in
 * double precision (exact to one for q < 2^50, as 3 roundings of 2^-53 leave an error below 1/2) and masked corrections.
 */

/** First address that is free for the caller. */
export const BASE: usize = __heap_base

// @ts-ignore: decorator
@inline
function multiply(a: u64, b: u64, q: u64, inverse: f64): u64 {
  const quotient = <u64>(<f64>a * <f64>b * inverse)
  let r = <i64>(a * b - quotient * q)
  r += (r >> 63) & <i64>q
  r -= <i64>q
  r += (r >> 63) & <i64>q
  return <u64>r
}

// @ts-ignore: decorator
@inline
function subtract(a: u64, b: u64, q: u64): u64 {
  const r = <i64>(a - b)
  return <u64>(r + ((r >> 63) & <i64>q))
}

// @ts-ignore: decorator
@inline
function add(a: u64, b: u64, q: u64): u64 {
  return subtract(a, q - b, q)
}

/** values <- its negacyclic transform, by powers of a 2n-th root in bit-reversed order; the result is bit-reversed too. */
export function transform(values: usize, powers: usize, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  let half = n >> 1
  for (let m = 1; m < n; m <<= 1) {
    for (let i = 0; i < m; i++) {
      const w = load<u64>(powers + (<usize>(m + i) << 3))
      let low = values + (<usize>(2 * i * half) << 3)
      const step = <usize>half << 3
      const end = low + step
      for (; low < end; low += 8) {
        const u = load<u64>(low)
        const v = multiply(load<u64>(low + step), w, q, inverse)
        store<u64>(low, add(u, v, q))
        store<u64>(low + step, subtract(u, v, q))
      }
    }
    half >>= 1
  }
}

/** The inverse of `transform`, by the inverses of the same powers, and the inverse of n modulo q. */
export function inverse(values: usize, powers: usize, n: i32, inverseDegree: u64, q: u64): void {
  const estimate = 1.0 / <f64>q
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
        store<u64>(low, add(u, v, q))
        store<u64>(low + step, multiply(subtract(u, v, q), w, q, estimate))
      }
    }
    half <<= 1
  }
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    store<u64>(values + i, multiply(load<u64>(values + i), inverseDegree, q, estimate))
  }
}

/** out <- (a - b)·factor, element by element. */
export function scaledDifference(out: usize, a: usize, b: usize, factor: u64, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    store<u64>(out + i, multiply(subtract(load<u64>(a + i), load<u64>(b + i), q), factor, q, inverse))
  }
}

/** out <- factor·a mod q; a may be any residues below 2^50, factor is below q. */
export function scale(out: usize, a: usize, factor: u64, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    const residue = multiply(load<u64>(a + i), 1, q, inverse)
    store<u64>(out + i, multiply(residue, factor, q, inverse))
  }
}

/** out[i] <- a[places[i]]; places are 32-bit words. */
export function permute(out: usize, a: usize, places: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    store<u64>(out + (i << 3), load<u64>(a + (<usize>load<u32>(places + (i << 2)) << 3)))
  }
}

/** out <- c - a·b, element by element. */
export function negativeProduct(out: usize, a: usize, b: usize, c: usize, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    const product = multiply(load<u64>(a + i), load<u64>(b + i), q, inverse)
    store<u64>(out + i, subtract(load<u64>(c + i), product, q))
  }
}

/** out <- out + a·b, element by element. */
export function addProduct(out: usize, a: usize, b: usize, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    const product = multiply(load<u64>(a + i), load<u64>(b + i), q, inverse)
    store<u64>(out + i, add(load<u64>(out + i), product, q))
  }
}

/** out <- out + factor·a, element by element. */
export function addScaled(out: usize, a: usize, factor: u64, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    store<u64>(out + i, add(load<u64>(out + i), multiply(load<u64>(a + i), factor, q, inverse), q))
  }
}

/** out <- factor·small + plain mod q, from signed 32-bit words, and residues modulo t < q lifted to (-t/2, t/2]. */
export function lift(out: usize, small: usize, factor: u64, plain: usize, t: u64, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  const half = <i64>(t >> 1)
  for (let i: usize = 0; i < <usize>n; i++) {
    const s = <i64>load<i32>(small + (i << 2))
    const residue = <u64>(s + ((s >> 63) & <i64>q))
    let m = load<i64>(plain + (i << 3))
    m -= ((half - m) >> 63) & <i64>t
    m += (m >> 63) & <i64>q
    store<u64>(out + (i << 3), add(multiply(residue, factor, q, inverse), <u64>m, q))
  }
}

/** out <- uniform residues from `words` random words, masked to the bits of q, those of at least q left out; how many. */
export function uniform(out: usize, random: usize, words: i32, n: i32, q: u64): i32 {
  const mask = (<u64>1 << (64 - <u64>clz(q))) - 1
  let found = 0
  for (let i: usize = 0; i < <usize>words && found < n; i++) {
    const candidate = load<u64>(random + (i << 3)) & mask
    if (candidate >= q) continue
    store<u64>(out + (<usize>found << 3), candidate)
    found++
  }
  return found
}

/** out <- signed 32-bit words, centred binomial with 21 coins a side, from 6 random bytes each. */
export function binomial(out: usize, random: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const at = random + i * 6
    const left = <u32>load<u16>(at) | ((<u32>load<u8>(at + 2) & 31) << 16)
    const right = <u32>load<u16>(at + 3) | ((<u32>load<u8>(at + 5) & 31) << 16)
    store<i32>(out + (i << 2), <i32>popcnt(left) - <i32>popcnt(right))
  }
}
