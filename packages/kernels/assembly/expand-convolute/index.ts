/**
 * Convolution and expansion over rows of one or two elements of 16 bytes. Which rows are added is public randomness that
 * the host puts in: addresses depend on it and on nothing else.
 */

/** Eight groups of four rows × 16 sums × at most 32 bytes. */
const SUMS: usize = memory.data(4096, 64)

/** First address that the module does not use itself. */
export const BASE: usize = (__heap_base + 63) & ~63

export function begin(): void {
  memory.fill(SUMS, 0, 4096)
}

/** SHIFT is log2 of the bytes a row. */
// @ts-ignore: decorator
@inline
function convoluteRow(row: usize, group: usize, position: i32, bits: u32, far: bool, shift: i32): void {
  const aligned = (bits & 0xffffff) << position
  const two = shift == 5
  let y = v128.load(row)
  let z = two ? v128.load(row, 16) : y
  if (far) {
    const back = row - (<usize>25 << shift)
    y = v128.xor(y, v128.load(back))
    if (two) z = v128.xor(z, v128.load(back, 16))
  }
  for (let n: usize = 0; n < 7; n++) {
    const entry =
      SUMS + (((group + 2 + n) & 7) << (4 + shift)) + ((<usize>(aligned >> (4 * <u32>n)) & 15) << shift)
    y = v128.xor(y, v128.load(entry))
    if (two) z = v128.xor(z, v128.load(entry, 16))
  }
  v128.store(row, y)
  if (two) v128.store(row, z, 16)
  const table = SUMS + ((group & 7) << (4 + shift))
  const half: usize = (<usize>1 << position) << shift
  for (let at: usize = 0; at < half; at += <usize>1 << shift) {
    v128.store(table + half + at, v128.xor(v128.load(table + at), y))
    if (two) v128.store(table + half + at, v128.xor(v128.load(table + at, 16), z), 16)
  }
}

// @ts-ignore: decorator
@inline
function convoluteRows(rows: usize, from: i32, to: i32, random: usize, shift: i32): void {
  let i = from
  let row = rows + (<usize>from << shift)
  // The first rows have none 25 back.
  for (; i < to && i < 28; i++, row += <usize>1 << shift, random += 4) {
    convoluteRow(row, i >> 2, i & 3, load<u32>(random), i >= 25, shift)
  }
  for (; i + 4 <= to; i += 4, row += <usize>4 << shift, random += 16) {
    const group: usize = i >> 2
    convoluteRow(row, group, 0, load<u32>(random), true, shift)
    convoluteRow(row + (<usize>1 << shift), group, 1, load<u32>(random, 4), true, shift)
    convoluteRow(row + (<usize>2 << shift), group, 2, load<u32>(random, 8), true, shift)
    convoluteRow(row + (<usize>3 << shift), group, 3, load<u32>(random, 12), true, shift)
  }
  for (; i < to; i++, row += <usize>1 << shift, random += 4) {
    convoluteRow(row, i >> 2, i & 3, load<u32>(random), true, shift)
  }
}

/**
 * Rows from … to of a pass, from being a multiple of 4: y_i = x_i + y_(i-25) + the sum of those y_(i-24+m), m < 24, whose
 * bit m of the random word is set. Sums over four neighbours at a time are kept in a table (the method of four Russians).
 */
export function convolute(rows: usize, lanes: i32, from: i32, to: i32, random: usize): void {
  if (lanes == 1) convoluteRows(rows, from, to, random, 4)
  else convoluteRows(rows, from, to, random, 5)
}

/** The pass goes on around the end: its last rows are added to the first 25. */
export function wrap(rows: usize, lanes: i32, count: i32, random: usize): void {
  const shift = lanes == 1 ? 4 : 5
  for (let i = 0; i < 25; i++) {
    const bits = load<u32>(random + (<usize>i << 2))
    const row = rows + (<usize>i << shift)
    const from = rows + (<usize>(count + i - 25) << shift)
    for (let word: usize = 0; word < <usize>lanes; word++) {
      let y = v128.xor(v128.load(row + 16 * word), v128.load(from + 16 * word))
      // Distances up to i stay within the first rows: they were added in the pass.
      for (let m = 0; m < 24 - i; m++) {
        const mask = i64x2.splat(0 - <i64>((bits >> m) & 1))
        y = v128.xor(y, v128.and(mask, v128.load(from + (<usize>(m + 1) << shift) + 16 * word)))
      }
      v128.store(row + 16 * word, y)
    }
  }
}

// @ts-ignore: decorator
@inline
function place(random: usize, bound: u64): usize {
  return <usize>((<u64>load<u32>(random) * bound) >> 32)
}

// @ts-ignore: decorator
@inline
function expandRows(rows: usize, count: i32, n: i32, random: usize, first: usize, second: usize, shift: i32): void {
  const quarter = <u64>(count >> 2)
  const two = shift == 5
  const step = <usize>quarter << shift
  for (let i = 0; i < n; i++, random += 28, first += 16, second += 16) {
    let y = v128.load(first)
    let z = two ? v128.load(second) : y
    let region = rows
    for (let j: usize = 0; j < 7; j++) {
      const at = j < 4 ? region + (place(random + 4 * j, quarter) << shift) : rows + (place(random + 4 * j, count) << shift)
      y = v128.xor(y, v128.load(at))
      if (two) z = v128.xor(z, v128.load(at, 16))
      region += step
    }
    v128.store(first, y)
    if (two) v128.store(second, z)
  }
}

/** n outputs, added to: each the sum of seven rows, one of each quarter and three of all. */
export function expand(
  rows: usize,
  lanes: i32,
  count: i32,
  n: i32,
  random: usize,
  first: usize,
  second: usize,
): void {
  if (lanes == 1) expandRows(rows, count, n, random, first, second, 4)
  else expandRows(rows, count, n, random, first, second, 5)
}

/** Elements to every second place. */
export function spread(source: usize, target: usize, elements: i32): void {
  for (let end = source + (<usize>elements << 4); source < end; source += 16, target += 32) {
    v128.store(target, v128.load(source))
  }
}
