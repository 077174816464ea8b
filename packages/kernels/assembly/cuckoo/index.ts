/** Cuckoo and simple hashing with three functions; the layout of memory is the caller's (src/cuckoo/engine.ts). */
export const BASE: usize = (__heap_base + 15) & ~15

const EMPTY: u32 = 0xffffffff

/** The bin of the row at `p` under function k: its word k, scaled to [0, bins). */
// @ts-ignore: decorator
@inline function bin(p: usize, k: u32, bins: u32): u32 {
  return <u32>((<u64>load<u32>(p + (<usize>k << 2)) * <u64>bins) >> 32)
}

// @ts-ignore: decorator
@inline function slot(table: usize, at: u32): usize { return table + (<usize>at << 2) }

/**
 * rows: n digests of 16 bytes; table: `bins` words; left: room for n words. First every row that finds one of its bins
 * empty, then the others by random walk of at most `steps` evictions each. Returns how many rows found no place; they
 * are the first words of `left`.
 */
export function cuckoo(rows: usize, n: u32, table: usize, bins: u32, left: usize, steps: u32): u32 {
  memory.fill(table, 0xff, <usize>bins << 2)
  let waiting: u32 = 0
  for (let i: u32 = 0; i < n; i++) {
    const p = rows + (<usize>i << 4)
    const a = slot(table, bin(p, 0, bins)), b = slot(table, bin(p, 1, bins)), c = slot(table, bin(p, 2, bins))
    const ea = load<u32>(a), eb = load<u32>(b), ec = load<u32>(c), id = i << 2
    if (ea == EMPTY) store<u32>(a, id)
    else if (eb == EMPTY) store<u32>(b, id | 1)
    else if (ec == EMPTY) store<u32>(c, id | 2)
    else store<u32>(slot(left, waiting++), i)
  }
  let coin: u32 = 0x9e3779b9, lost: u32 = 0
  for (let j: u32 = 0; j < waiting; j++) {
    let row = load<u32>(slot(left, j)), from: u32 = 3
    for (let step: u32 = 0; ; step++) {
      const p = rows + (<usize>row << 4)
      let k: u32 = 0
      for (; k < 3; k++) if (k != from && load<u32>(slot(table, bin(p, k, bins))) == EMPTY) break
      const placed = k < 3
      if (!placed) {
        if (step == steps) { store<u32>(slot(left, lost++), row); break }
        coin ^= coin << 13
        coin ^= coin >> 17
        coin ^= coin << 5
        k = <u32>((<u64>coin * 3) >> 32)
        if (k == from) k = k == 2 ? 0 : k + 1
      }
      const at = slot(table, bin(p, k, bins)), evicted = load<u32>(at)
      store<u32>(at, (row << 2) | k)
      if (placed) break
      row = evicted >> 2
      from = evicted & 3
    }
  }
  return lost
}

/** offsets: bins + 2 words, zero before; counts row by row, so that a call may bring a part of the rows. */
export function count(rows: usize, n: u32, offsets: usize, bins: u32): void {
  for (let p = rows, end = rows + (<usize>n << 4); p < end; p += 16) {
    for (let k: u32 = 0; k < 3; k++) {
      const at = slot(offsets, bin(p, k, bins) + 2)
      store<u32>(at, load<u32>(at) + 1)
    }
  }
}

/** From counts at bin + 2 to first entries at bin + 1. */
export function accumulate(offsets: usize, bins: u32): void {
  let sum: u32 = 0
  for (let i: u32 = 1; i <= bins + 1; i++) {
    sum += load<u32>(slot(offsets, i))
    store<u32>(slot(offsets, i), sum)
  }
}

/** Puts the rows first, first + 1 … into their bins; offsets[bin + 1] moves from the bin's start to its end. */
export function distribute(rows: usize, n: u32, first: u32, offsets: usize, entries: usize, bins: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const p = rows + (<usize>i << 4)
    for (let k: u32 = 0; k < 3; k++) {
      const at = slot(offsets, bin(p, k, bins) + 1)
      const to = load<u32>(at)
      store<u32>(at, to + 1)
      store<u32>(slot(entries, to), ((first + i) << 2) | k)
    }
  }
}
