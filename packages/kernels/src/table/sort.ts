/** Lexicographic order of binary rows: radix passes over the first four bytes, then comparison within equal ones. */
import type { SortInput, Sorted } from './kernels.ts'

const radix = 2048

/** One stable counting pass over 11 bits of the keys. */
function pass(keys: Uint32Array, order: Uint32Array, shift: number, toKeys: Uint32Array, toOrder: Uint32Array): void {
  const starts = new Uint32Array(radix + 1)
  for (let i = 0; i < keys.length; i++) starts[((keys[i]! >>> shift) & (radix - 1)) + 1]!++
  for (let i = 1; i < radix; i++) starts[i]! += starts[i - 1]!
  for (let i = 0; i < keys.length; i++) {
    const to = starts[(keys[i]! >>> shift) & (radix - 1)]!++
    toKeys[to] = keys[i]!
    toOrder[to] = order[i]!
  }
}

/** The first four bytes of each row, the first the most significant; missing bytes are zero. */
function keysOf(rows: Uint8Array, width: number): Uint32Array {
  const keys = new Uint32Array(rows.length / width)
  const used = Math.min(width, 4)
  for (let i = 0, at = 0; i < keys.length; i++, at += width) {
    let key = 0
    for (let k = 0; k < 4; k++) key = (key << 8) | (k < used ? rows[at + k]! : 0)
    keys[i] = key
  }
  return keys
}

export function sortRows({ rows, width }: SortInput): Sorted {
  const n = rows.length / width
  let keys: Uint32Array = keysOf(rows, width)
  let order: Uint32Array = Uint32Array.from({ length: n }, (_, i) => i)
  let [spareKeys, spareOrder]: [Uint32Array, Uint32Array] = [new Uint32Array(n), new Uint32Array(n)]
  for (const shift of [0, 11, 22]) {
    pass(keys, order, shift, spareKeys, spareOrder)
    ;[keys, order, spareKeys, spareOrder] = [spareKeys, spareOrder, keys, order]
  }
  const compare = (i: number, j: number): number => {
    for (let k = 4; k < width; k++) {
      const difference = rows[i * width + k]! - rows[j * width + k]!
      if (difference !== 0) return difference
    }
    return i - j
  }
  for (let from = 0, to = 1; from < n; from = to, to++) {
    while (to < n && keys[to] === keys[from]) to++
    if (to - from > 1) order.subarray(from, to).sort(compare)
  }
  const sorted = new Uint8Array(rows.length)
  for (let i = 0, at = 0; i < n; i++) {
    const row = order[i]! * width
    for (let k = 0; k < width; k++) sorted[at++] = rows[row + k]!
  }
  return { rows: sorted, order }
}
