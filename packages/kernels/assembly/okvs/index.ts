/** Oblivious key-value store, bin by bin; the layout of memory is the caller's (src/okvs/engine.ts). */
export const BASE: usize = (__heap_base + 15) & ~15

/** Sums of every six of the 48 dense elements of the bin at hand: 8 tables of 64 elements. */
const SUMS: usize = memory.data(16 * 8 * 64, 16)
/** The system of the dense elements: by leading column a coefficient mask and a value. */
const MASKS: usize = memory.data(8 * 48, 16)
const RIGHT: usize = memory.data(16 * 48, 16)

// @ts-ignore: decorator
@inline function word(base: usize, i: u32): usize { return base + (<usize>i << 2) }
// @ts-ignore: decorator
@inline function block(base: usize, i: u32): usize { return base + (<usize>i << 4) }

// @ts-ignore: decorator
@inline function binOf(p: usize, bins: u32): u32 { return <u32>((<u64>load<u32>(p) * <u64>bins) >> 32) }

/** Three distinct slots below `sparse`, 16 bits each. */
// @ts-ignore: decorator
@inline function slotsOf(p: usize, bins: u32, sparse: u32): u64 {
  const fraction = load<u32>(p) * bins
  const a = <u32>((<u64>fraction * <u64>sparse) >> 32)
  let b = <u32>((<u64>load<u32>(p, 4) * <u64>(sparse - 1)) >> 32)
  let c = <u32>((<u64>load<u32>(p, 8) * <u64>(sparse - 2)) >> 32)
  b += u32(b >= a)
  const low = min<u32>(a, b), high = max<u32>(a, b)
  c += u32(c >= low)
  c += u32(c >= high)
  return <u64>a | (<u64>b << 16) | (<u64>c << 32)
}

/** Which dense columns the row has: 48 bits before the mask. */
// @ts-ignore: decorator
@inline function denseOf(p: usize, sparse: u32, mask: u64): u64 {
  const b = (load<u32>(p, 4) * (sparse - 1)) >> 24, c = (load<u32>(p, 8) * (sparse - 2)) >> 24
  return (<u64>load<u32>(p, 12) | (<u64>b << 32) | (<u64>c << 40)) & mask
}

/** Sums of the dense elements at `from`, for `denseSum`. */
function makeSums(from: usize, dense: u32): void {
  memory.fill(SUMS, 0, 16 * 8 * 64)
  for (let column: u32 = 0; column < dense; column++) {
    const table = SUMS + (<usize>(column / 6) << 10), bit: u32 = 1 << (column % 6)
    const element = v128.load(block(from, column))
    for (let i: u32 = 0; i < 64; i++) {
      if ((i & bit) != 0) v128.store(block(table, i), v128.xor(v128.load(block(table, i)), element))
    }
  }
}

// @ts-ignore: decorator
@inline function sum(bits: u64, table: u32): v128 {
  return v128.load(SUMS + (<usize>table << 10) + (<usize>((bits >> (6 * <u64>table)) & 63) << 4))
}

// @ts-ignore: decorator
@inline function denseSum(bits: u64): v128 {
  const a = v128.xor(v128.xor(sum(bits, 0), sum(bits, 1)), v128.xor(sum(bits, 2), sum(bits, 3)))
  return v128.xor(a, v128.xor(v128.xor(sum(bits, 4), sum(bits, 5)), v128.xor(sum(bits, 6), sum(bits, 7))))
}

/** Appends rows and values to their bins, each with room for `room` rows. Returns a bin that overflows, or -1. */
export function deal(
  rows: usize, values: usize, n: u32, bins: u32, room: u32, counts: usize, toRows: usize, toValues: usize,
): i32 {
  for (let i: u32 = 0; i < n; i++) {
    const p = block(rows, i), bin = binOf(p, bins), count = load<u32>(word(counts, bin))
    if (count == room) return bin
    store<u32>(word(counts, bin), count + 1)
    const to = bin * room + count
    v128.store(block(toRows, to), v128.load(p))
    v128.store(block(toValues, to), v128.load(block(values, i)))
  }
  return -1
}

/** Adds n rows to the counts at bin + 2. */
export function count(rows: usize, n: u32, bins: u32, counts: usize): void {
  for (let p = rows, end = block(rows, n); p < end; p += 16) {
    const at = word(counts, binOf(p, bins) + 2)
    store<u32>(at, load<u32>(at) + 1)
  }
}

/** From counts at bin + 2 to starts at bin + 1. */
export function accumulate(counts: usize, bins: u32): void {
  let total: u32 = 0
  for (let i: u32 = 1; i <= bins + 1; i++) {
    total += load<u32>(word(counts, i))
    store<u32>(word(counts, i), total)
  }
}

/** Brings the rows first, first + 1 … to their bins, with their numbers; starts[bin + 1] moves to the bin's end. */
export function scatter(rows: usize, n: u32, first: u32, bins: u32, starts: usize, toRows: usize, numbers: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    const p = block(rows, i), at = word(starts, binOf(p, bins) + 1), to = load<u32>(at)
    store<u32>(at, to + 1)
    v128.store(block(toRows, to), v128.load(p))
    store<u32>(word(numbers, to), first + i)
  }
}

/** Decodes the rows [from, to) of one bin, whose part of the vector is at `part`, to block(out, number). */
export function decode(
  rows: usize, numbers: usize, from: u32, to: u32, bins: u32, sparse: u32, dense: u32, part: usize, out: usize,
): void {
  makeSums(block(part, sparse), dense)
  const mask = (<u64>1 << dense) - 1
  for (let i = from; i < to; i++) {
    const p = block(rows, i), slots = slotsOf(p, bins, sparse)
    const a = v128.load(block(part, <u32>slots & 0xffff)), b = v128.load(block(part, <u32>(slots >> 16) & 0xffff))
    const c = v128.xor(v128.load(block(part, <u32>(slots >> 32))), denseSum(denseOf(p, sparse, mask)))
    v128.store(block(out, load<u32>(word(numbers, i))), v128.xor(v128.xor(a, b), c))
  }
}

/** State of the peeling of one bin: slots of (sum of row numbers, count), a stack, and the order found so far. */
let cells: usize, stack: usize, height: u32, order: usize, peeled: u32, triples: usize

// @ts-ignore: decorator
@inline function remove(row: u32): void {
  const slots = load<u64>(triples + (<usize>row << 3))
  for (let shift: u64 = 0; shift < 48; shift += 16) {
    const slot = <u32>((slots >> shift) & 0xffff), at = cells + (<usize>slot << 3)
    const cell = (load<u64>(at) ^ <u64>row) - ((<u64>1) << 32)
    store<u64>(at, cell)
    if (cell >> 32 == 1) store<u32>(word(stack, height++), slot)
  }
}

/** Removes rows that are alone in a slot, as long as there are any; `order` has (slot, row) of each. */
function peel(): void {
  while (height > 0) {
    const slot = load<u32>(word(stack, --height)), cell = load<u64>(cells + (<usize>slot << 3))
    if (cell >> 32 != 1) continue
    const row = <u32>cell
    store<u64>(order + (<usize>peeled << 3), (<u64>slot << 32) | <u64>row)
    peeled++
    remove(row)
  }
}

/**
 * A row outside of the triangular part: substitutes the peeled rows' equations in it, by `marks`, a byte a slot. What
 * stays are slots that no row determines, which hold their fill. Reduces the equation of dense elements that is left by
 * those before it and keeps it under its lowest column. False where it contradicts them.
 */
function reduce(row: u32, rows: usize, values: usize, sparse: u32, mask: u64, part: usize, marks: usize): bool {
  memory.fill(marks, 0, <usize>sparse)
  let bits = denseOf(block(rows, row), sparse, mask), value = v128.load(block(values, row))
  let slots = load<u64>(triples + (<usize>row << 3))
  for (let shift: u64 = 0; shift < 48; shift += 16) store<u8>(marks + <usize>((slots >> shift) & 0xffff), 1)
  for (let t: u32 = 0; t < peeled; t++) {
    const step = load<u64>(order + (<usize>t << 3))
    if (load<u8>(marks + <usize>(step >> 32)) == 0) continue
    const other = <u32>step
    slots = load<u64>(triples + (<usize>other << 3))
    for (let shift: u64 = 0; shift < 48; shift += 16) {
      const mark = marks + <usize>((slots >> shift) & 0xffff)
      store<u8>(mark, load<u8>(mark) ^ 1)
    }
    bits ^= denseOf(block(rows, other), sparse, mask)
    value = v128.xor(value, v128.load(block(values, other)))
  }
  for (let slot: u32 = 0; slot < sparse; slot++) {
    if (load<u8>(marks + <usize>slot) != 0) value = v128.xor(value, v128.load(block(part, slot)))
  }
  while (bits != 0) {
    const column = <u32>ctz(bits), known = load<u64>(MASKS + (<usize>column << 3))
    if (known == 0) {
      store<u64>(MASKS + (<usize>column << 3), bits)
      v128.store(block(RIGHT, column), value)
      return true
    }
    bits ^= known
    value = v128.xor(value, v128.load(block(RIGHT, column)))
  }
  return !v128.any_true(value)
}

/** Dense elements by their equations, from the last column on: each has its lowest column as the one to determine. */
function solve(dense: usize, columns: u32): void {
  for (let column = <i32>columns - 1; column >= 0; column--) {
    let bits = load<u64>(MASKS + (<usize>column << 3))
    if (bits == 0) continue
    let value = v128.load(block(RIGHT, column))
    bits &= bits - 1
    for (; bits != 0; bits &= bits - 1) value = v128.xor(value, v128.load(block(dense, <u32>ctz(bits))))
    v128.store(block(dense, column), value)
  }
}

/**
 * Encodes n rows and values of one bin into its part of the vector, which holds the fill (or zeros). `work`: 17 bytes
 * for each slot and each row. False where the equations contradict each other.
 */
export function encode(
  rows: usize, values: usize, n: u32, bins: u32, sparse: u32, dense: u32, part: usize, work: usize,
): bool {
  cells = work
  order = cells + (<usize>sparse << 3)
  triples = order + (<usize>n << 3)
  stack = triples + (<usize>n << 3)
  const marks = stack + (<usize>sparse << 3), mask = (<u64>1 << dense) - 1
  height = 0
  peeled = 0
  memory.fill(cells, 0, <usize>sparse << 3)
  for (let i: u32 = 0; i < n; i++) {
    const slots = slotsOf(block(rows, i), bins, sparse)
    store<u64>(triples + (<usize>i << 3), slots)
    for (let shift: u64 = 0; shift < 48; shift += 16) {
      const at = cells + (<usize>((slots >> shift) & 0xffff) << 3)
      store<u64>(at, (load<u64>(at) ^ <u64>i) + ((<u64>1) << 32))
    }
  }
  for (let slot: u32 = 0; slot < sparse; slot++) {
    if (load<u64>(cells + (<usize>slot << 3)) >> 32 != 1) continue
    store<u32>(stack, slot)
    height = 1
    peel()
  }
  // What is left has two rows or more in each of its slots: take rows out until the rest can be peeled.
  let consistent = true, out: u32 = 0
  if (peeled < n) {
    memory.fill(MASKS, 0, 8 * 48)
    const gone = marks + <usize>sparse
    memory.fill(gone, 0, <usize>n)
    let marked: u32 = 0
    for (let row: u32 = 0; peeled + out < n; row++) {
      for (; marked < peeled; marked++) store<u8>(gone + <usize><u32>load<u64>(order + (<usize>marked << 3)), 1)
      if (load<u8>(gone + <usize>row) != 0) continue
      store<u8>(gone + <usize>row, 2)
      out++
      remove(row)
      peel()
    }
    for (let row: u32 = 0; row < n && consistent; row++) {
      if (load<u8>(gone + <usize>row) == 2) consistent = reduce(row, rows, values, sparse, mask, part, marks)
    }
    solve(block(part, sparse), dense)
  }
  makeSums(block(part, sparse), dense)
  for (let t = <i32>peeled - 1; t >= 0; t--) {
    const step = load<u64>(order + (<usize>t << 3)), row = <u32>step, slots = load<u64>(triples + (<usize>row << 3))
    const slot = block(part, <u32>(step >> 32))
    v128.store(slot, v128.load(block(values, row)))
    const a = v128.load(block(part, <u32>slots & 0xffff)), b = v128.load(block(part, <u32>(slots >> 16) & 0xffff))
    const c = v128.xor(v128.load(block(part, <u32>(slots >> 32))), denseSum(denseOf(block(rows, row), sparse, mask)))
    v128.store(slot, v128.xor(v128.xor(a, b), c))
  }
  return consistent
}
