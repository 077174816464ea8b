/** Radix join of binary rows; the layout of memory and the hash's keys are the caller's (src/table/engine.ts). */
export const BASE: usize = (__heap_base + 15) & ~15

// @ts-ignore: decorator
@inline function word(base: usize, i: u32): usize { return base + (<usize>i << 2) }
// @ts-ignore: decorator
@inline function entry(base: usize, i: u32): usize { return base + (<usize>i << 3) }

/** Multiply-shift over the row's words of 32 bits, the last filled up with zeros: 8 bytes of key a word and 8 more. */
// @ts-ignore: decorator
@inline function hashOf(p: usize, width: u32, keys: usize): u32 {
  let sum = load<u64>(keys), at: usize = 0
  for (let end = <usize>(width & ~3); at < end; at += 4) {
    keys += 8
    sum += <u64>load<u32>(p + at) * load<u64>(keys)
  }
  const rest = width & 3
  if (rest != 0) sum += <u64>(load<u32>(p + at) & ((<u32>1 << (rest << 3)) - 1)) * load<u64>(keys + 8)
  return <u32>(sum >> 32)
}

/** hashes: n words; counts, at part + 2: how many rows go to each part, which is the hash's top bits. */
export function hash(rows: usize, n: u32, width: u32, keys: usize, hashes: usize, shift: u32, counts: usize): void {
  let p = rows
  for (let i: u32 = 0; i < n; i++, p += <usize>width) {
    const h = hashOf(p, width, keys)
    store<u32>(word(hashes, i), h)
    const at = word(counts, <u32>(<u64>h >> <u64>shift) + 2)
    store<u32>(at, load<u32>(at) + 1)
  }
}

/** Deals (row, hash) into parts, in the order of rows; counts become starts, and starts at part + 1 move to ends. */
export function deal(n: u32, hashes: usize, shift: u32, counts: usize, parts: u32, entries: usize): void {
  let total: u32 = 0
  for (let i: u32 = 1; i <= parts + 1; i++) {
    total += load<u32>(word(counts, i))
    store<u32>(word(counts, i), total)
  }
  for (let i: u32 = 0; i < n; i++) {
    const h = load<u32>(word(hashes, i)), at = word(counts, <u32>(<u64>h >> <u64>shift) + 1), to = load<u32>(at)
    store<u32>(at, to + 1)
    store<u64>(entry(entries, to), <u64>i | (<u64>h << 32))
  }
}

function equal(a: usize, b: usize, width: usize): bool {
  let at: usize = 0
  for (; at + 8 <= width; at += 8) if (load<u64>(a + at) != load<u64>(b + at)) return false
  for (; at < width; at++) if (load<u8>(a + at) != load<u8>(b + at)) return false
  return true
}

/**
 * Joins all parts by chained hash tables of 2^bits heads: found[i] is the first right row equal to left row i, plus one,
 * or 0. `next`: room for the largest part's right rows.
 */
export function join(
  left: usize, right: usize, width: u32, parts: u32, leftEnds: usize, rightEnds: usize, leftEntries: usize,
  rightEntries: usize, bits: u32, heads: usize, next: usize, found: usize,
): void {
  const mask = (<u32>1 << bits) - 1, w = <usize>width
  for (let part: u32 = 0; part < parts; part++) {
    const from = load<u32>(word(rightEnds, part)), to = load<u32>(word(rightEnds, part + 1))
    const leftTo = load<u32>(word(leftEnds, part + 1))
    let i = load<u32>(word(leftEnds, part))
    if (from == to || i == leftTo) continue
    memory.fill(heads, 0, <usize>4 << bits)
    for (let j = from; j < to; j++) {
      const e = load<u64>(entry(rightEntries, j)), head = word(heads, <u32>(e >> 32) & mask), p = right + <usize><u32>e * w
      let known = load<u32>(head)
      for (; known != 0; known = load<u32>(word(next, known - 1))) {
        const other = load<u64>(entry(rightEntries, from + known - 1))
        if (other >> 32 == e >> 32 && equal(right + <usize><u32>other * w, p, w)) break
      }
      if (known != 0) continue
      store<u32>(word(next, j - from), load<u32>(head))
      store<u32>(head, j - from + 1)
    }
    for (; i < leftTo; i++) {
      const e = load<u64>(entry(leftEntries, i))
      let known = load<u32>(word(heads, <u32>(e >> 32) & mask))
      for (; known != 0; known = load<u32>(word(next, known - 1))) {
        const other = load<u64>(entry(rightEntries, from + known - 1))
        if (other >> 32 == e >> 32 && equal(right + <usize><u32>other * w, left + <usize><u32>e * w, w)) {
          store<u32>(word(found, <u32>e), <u32>other + 1)
          break
        }
      }
    }
  }
}

/** The first eight bytes of a row, the first the most significant; bytes beyond the row are zero. */
// @ts-ignore: decorator
@inline function keyOf(p: usize, keep: u64): u64 { return bswap<u64>(load<u64>(p)) & keep }

/** Whether row a comes after row b, whose first eight bytes are the same. */
function after(a: usize, b: usize, width: usize): bool {
  for (let at: usize = 8; at < width; at++) {
    const x = load<u8>(a + at), y = load<u8>(b + at)
    if (x != y) return x > y
  }
  return false
}

/**
 * Sorts n rows: dealt by their first `bits` bits into parts, sorted there by insertion. entries: 16 bytes a row of (key,
 * row). False, and nothing of use, where a part has more than `most` rows: the rows are not random.
 */
export function sort(
  rows: usize, n: u32, width: u32, bits: u32, most: u32, counts: usize, entries: usize, out: usize, order: usize,
): bool {
  const w = <usize>width, parts: u32 = 1 << bits, shift = <u64>(64 - bits)
  const keep: u64 = width >= 8 ? u64.MAX_VALUE : ~(u64.MAX_VALUE >> (<u64>width << 3))
  let p = rows
  for (let i: u32 = 0; i < n; i++, p += w) {
    const at = word(counts, bits == 0 ? 2 : <u32>(keyOf(p, keep) >> shift) + 2)
    store<u32>(at, load<u32>(at) + 1)
  }
  let total: u32 = 0
  for (let i: u32 = 1; i <= parts + 1; i++) {
    const count = load<u32>(word(counts, i))
    if (count > most) return false
    total += count
    store<u32>(word(counts, i), total)
  }
  p = rows
  for (let i: u32 = 0; i < n; i++, p += w) {
    const key = keyOf(p, keep), at = word(counts, bits == 0 ? 1 : <u32>(key >> shift) + 1), to = load<u32>(at)
    store<u32>(at, to + 1)
    store<u64>(entries + (<usize>to << 4), key)
    store<u64>(entries + (<usize>to << 4), <u64>i, 8)
  }
  for (let part: u32 = 0; part < parts; part++) {
    const from = entries + (<usize>load<u32>(word(counts, part)) << 4), to = entries + (<usize>load<u32>(word(counts, part + 1)) << 4)
    for (let e = from + 16; e < to; e += 16) {
      const key = load<u64>(e), row = load<u64>(e, 8)
      let at = e
      for (; at > from; at -= 16) {
        const before = load<u64>(at - 16), other = load<u64>(at - 16, 8)
        if (before < key || (before == key && !after(rows + <usize>other * w, rows + <usize>row * w, w))) break
        store<u64>(at, before)
        store<u64>(at, other, 8)
      }
      store<u64>(at, key)
      store<u64>(at, row, 8)
    }
  }
  for (let i: u32 = 0; i < n; i++) {
    const row = load<u32>(entries + (<usize>i << 4), 8), from = rows + <usize>row * w, to = out + <usize>i * w
    store<u32>(word(order, i), row)
    if (width <= 16) v128.store(to, v128.load(from))
    else memory.copy(to, from, w)
  }
  return true
}

/** A keyed mix of a row of any length: 64 bits at a time, the last filled up with zeros, and the length. */
function mixOf(p: usize, length: usize, seed: u64): u32 {
  let h = seed ^ (<u64>length * 0x9e3779b97f4a7c15)
  const end = p + length
  for (; p + 8 <= end; p += 8) {
    h = (h ^ load<u64>(p)) * 0xd6e8feb86659fd93
    h ^= h >> 32
  }
  if (p < end) {
    h = (h ^ (load<u64>(p) & ~(u64.MAX_VALUE << (<u64>(end - p) << 3)))) * 0xd6e8feb86659fd93
    h ^= h >> 32
  }
  h = (h ^ seed) * 0xd6e8feb86659fd93
  return <u32>(h >> 32)
}

/** As `hash`, for rows between n + 1 offsets. */
export function hashItems(rows: usize, offsets: usize, n: u32, seed: u64, hashes: usize, shift: u32, counts: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    const from = load<u32>(word(offsets, i)), h = mixOf(rows + <usize>from, <usize>(load<u32>(word(offsets, i + 1)) - from), seed)
    store<u32>(word(hashes, i), h)
    const at = word(counts, <u32>(<u64>h >> <u64>shift) + 2)
    store<u32>(at, load<u32>(at) + 1)
  }
}

/** The first row that repeats an earlier one, and (at 4 bytes from `found`) the first of those; or n. */
export function duplicate(
  rows: usize, offsets: usize, n: u32, parts: u32, ends: usize, entries: usize, bits: u32, heads: usize, next: usize,
  found: usize,
): void {
  const mask = (<u32>1 << bits) - 1
  store<u32>(found, n)
  for (let part: u32 = 0; part < parts; part++) {
    const from = load<u32>(word(ends, part)), to = load<u32>(word(ends, part + 1))
    memory.fill(heads, 0, <usize>4 << bits)
    for (let j = from; j < to; j++) {
      const e = load<u64>(entry(entries, j)), row = <u32>e, head = word(heads, <u32>(e >> 32) & mask)
      const at = load<u32>(word(offsets, row)), length = load<u32>(word(offsets, row + 1)) - at
      let known = load<u32>(head)
      for (; known != 0; known = load<u32>(word(next, known - 1))) {
        const other = load<u64>(entry(entries, from + known - 1))
        if (other >> 32 != e >> 32) continue
        const first = load<u32>(word(offsets, <u32>other))
        if (load<u32>(word(offsets, <u32>other + 1)) - first != length) continue
        if (!equal(rows + <usize>first, rows + <usize>at, <usize>length)) continue
        if (row < load<u32>(found)) {
          store<u32>(found, row)
          store<u32>(found, <u32>other, 4)
        }
        break
      }
      if (known != 0) continue
      store<u32>(word(next, j - from), load<u32>(head))
      store<u32>(head, j - from + 1)
    }
  }
}
