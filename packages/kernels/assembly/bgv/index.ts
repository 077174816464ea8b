/**
 * What products of two parties over Z_2^64 and Z_2^128 need beside the polynomials of `../rlwe/index.ts`: numbers of many
 * 32-bit words as residues, a change of modulus on coefficients, the Chinese remainder theorem both ways, and residues as
 * packed bits. Primes are above 2^32 and below 2^50; t = 0 stands for the plain modulus 2^64.
 *
 * Constant time: no branch and no address depends on a residue or a word (`unpack` checks what a peer sent).
 */
export * from '../rlwe/index'

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

/** out <- number - less mod q; numbers of `limbs` 32-bit words each, little endian, the last of them masked. */
export function numbers(out: usize, words: usize, limbs: i32, mask: u32, less: u64, n: i32, q: u64): void {
  const inverse = 1.0 / <f64>q
  const step = <usize>limbs << 2
  for (let i: usize = 0; i < <usize>n; i++) {
    const at = words + i * step
    let sum = <u64>(load<u32>(at + step - 4) & mask)
    for (let k = limbs - 2; k >= 0; k--) {
      sum = add(multiply(sum, 0x100000000, q, inverse), <u64>load<u32>(at + (<usize>k << 2)), q)
    }
    store<u64>(out + (i << 3), subtract(sum, less, q))
  }
}

/**
 * value <- (value - last)/qLast - k mod q, k = -last/qLast mod t around zero: the modulus qLast is divided out, and what is
 * added is a multiple of t. `inverse` is that of qLast modulo q, `minus` is -1/qLast modulo t.
 */
export function divide(value: usize, last: usize, inverse: u64, minus: u64, t: u64, n: i32, q: u64): void {
  const ofQ = 1.0 / <f64>q
  const ofT = t == 0 ? 0.0 : 1.0 / <f64>t
  const half = <i64>(t >> 1)
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    const rest = load<u64>(last + i)
    let k: u64
    if (t == 0) {
      const wide = <i64>(rest * minus)
      let high = wide >> 32
      high += (high >> 63) & <i64>q
      k = add(multiply(<u64>high, 0x100000000, q, ofQ), <u64>wide & 0xffffffff, q)
    } else {
      let small = <i64>multiply(rest, minus, t, ofT)
      small -= ((half - small) >> 63) & <i64>t
      small += (small >> 63) & <i64>q
      k = <u64>small
    }
    const difference = subtract(load<u64>(value + i), multiply(rest, 1, q, ofQ), q)
    store<u64>(value + i, subtract(multiply(difference, inverse, q, ofQ), k, q))
  }
}

/**
 * out <- factor·x mod t, where x, around zero, is a modulo q and b modulo p; `inverse` is that of q modulo p, `residue` is q
 * modulo t and `product` p·q modulo t. Gives back the largest |x|, in units of q.
 */
export function reduce(
  out: usize, a: usize, b: usize, inverse: u64, residue: u64, product: u64, factor: u64, t: u64, n: i32, q: u64, p: u64,
): u64 {
  const ofP = 1.0 / <f64>p
  const ofT = t == 0 ? 0.0 : 1.0 / <f64>t
  const half = <i64>(p >> 1)
  let most: i64 = 0
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    const low = load<u64>(a + i)
    const k = multiply(subtract(load<u64>(b + i), multiply(low, 1, p, ofP), p), inverse, p, ofP)
    const negative = (half - <i64>k) >> 63
    const size = (<i64>k ^ negative) + (negative & (<i64>p + 1))
    most += ((most - size) >> 63) & (size - most)
    if (t == 0) {
      store<u64>(out + i, (low + k * residue - (<u64>negative & product)) * factor)
    } else {
      const sum = add(multiply(low, 1, t, ofT), multiply(k, residue, t, ofT), t)
      store<u64>(out + i, multiply(subtract(sum, <u64>negative & product, t), factor, t, ofT))
    }
  }
  return <u64>most
}

/**
 * out <- the numbers below the product of `count` primes with these residues (count × n words), modulo 2^(32·limbs), as
 * words: mixed radix digits (Garner), in `digits`. `inverses` are those of the product of all primes before, modulo each.
 */
export function recombine(
  out: usize, values: usize, primes: usize, inverses: usize, digits: usize, count: i32, limbs: i32, n: i32,
): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < count; j++) {
      const p = load<u64>(primes + (<usize>j << 3))
      const ofP = 1.0 / <f64>p
      let sum: u64 = 0
      for (let k = j - 1; k >= 0; k--) {
        const digit = multiply(load<u64>(digits + (<usize>k << 3)), 1, p, ofP)
        sum = add(multiply(sum, load<u64>(primes + (<usize>k << 3)), p, ofP), digit, p)
      }
      const value = load<u64>(values + (<usize>(j * n + i) << 3))
      const digit = multiply(subtract(value, sum, p), load<u64>(inverses + (<usize>j << 3)), p, ofP)
      store<u64>(digits + (<usize>j << 3), digit)
    }
    let low: u64 = 0
    let high: u64 = 0
    for (let j = count - 1; j >= 0; j--) {
      const p = load<u64>(primes + (<usize>j << 3))
      // (high, low) <- (high, low)·p + digit modulo 2^128, by halves of 32 bits.
      const lowest = low & 0xffffffff
      const lower = low >> 32
      const p0 = p & 0xffffffff
      const p1 = p >> 32
      const first = lowest * p0
      const second = lower * p0 + (first >> 32)
      const third = lowest * p1 + (second & 0xffffffff)
      high = high * p + lower * p1 + (second >> 32) + (third >> 32)
      low = (third << 32) | (first & 0xffffffff)
      const digit = load<u64>(digits + (<usize>j << 3))
      low += digit
      high += low < digit ? 1 : 0
    }
    const at = out + (<usize>(i * limbs) << 2)
    store<u64>(at, low)
    if (limbs > 2) store<u64>(at + 8, high)
  }
}

/** out <- the lowest `bits` bits of each of n words, one after the other; n a multiple of 8. */
export function pack(out: usize, values: usize, bits: i32, n: i32): void {
  let held: u64 = 0
  let count = 0
  for (let i: usize = 0; i < <usize>n << 3; i += 8) {
    const value = load<u64>(values + i)
    held |= value << <u64>count
    count += bits
    if (count >= 64) {
      store<u64>(out, held)
      out += 8
      count -= 64
      held = count == 0 ? 0 : value >> <u64>(bits - count)
    }
  }
  for (; count > 0; count -= 8) {
    store<u8>(out, <u8>held)
    out++
    held >>= 8
  }
}

/** The inverse of `pack`; how many words are not below q. 8 bytes after the last one may be read. */
export function unpack(out: usize, packed: usize, bits: i32, n: i32, q: u64): i32 {
  const mask = (<u64>1 << <u64>bits) - 1
  let above = 0
  for (let i: usize = 0; i < <usize>n; i++) {
    const place = i * <usize>bits
    const at = packed + (place >> 3)
    // At most 50 bits from one of 8 places: 57 bits, within one word.
    const value = (load<u64>(at) >> <u64>(place & 7)) & mask
    above += value >= q ? 1 : 0
    store<u64>(out + (i << 3), value)
  }
  return above
}
