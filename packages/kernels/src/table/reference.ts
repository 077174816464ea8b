/** Reference of `table/intersect`: sort the right rows, then search each left row. O((n + m)·log n) whatever the rows. */
import type { IntersectInput, ItemsInput, SortInput, Sorted } from './kernels.ts'

function compareRows(a: Uint8Array, i: number, b: Uint8Array, j: number, width: number): number {
  for (let k = 0; k < width; k++) {
    const difference = a[i * width + k]! - b[j * width + k]!
    if (difference !== 0) return difference
  }
  return 0
}

export function intersect({ left, right, width }: IntersectInput): Int32Array {
  const order = Int32Array.from({ length: right.length / width }, (_, i) => i)
  order.sort((i, j) => compareRows(right, i, right, j, width) || i - j)
  const found = new Int32Array(left.length / width).fill(-1)
  for (let row = 0; row < found.length; row++) {
    let low = 0
    for (let high = order.length; low < high;) {
      const middle = (low + high) >>> 1
      if (compareRows(right, order[middle]!, left, row, width) < 0) low = middle + 1
      else high = middle
    }
    const candidate = order[low]
    if (candidate !== undefined && compareRows(right, candidate, left, row, width) === 0) found[row] = candidate
  }
  return found
}

export function sort({ rows, width }: SortInput): Sorted {
  const order = Uint32Array.from({ length: rows.length / width }, (_, i) => i)
  order.sort((i, j) => compareRows(rows, i, rows, j, width) || i - j)
  const sorted = new Uint8Array(rows.length)
  order.forEach((row, i) => sorted.set(rows.subarray(width * row, width * (row + 1)), width * i))
  return { rows: sorted, order }
}

export function duplicate({ bytes, offsets }: ItemsInput): Uint32Array {
  const first = new Map<string, number>()
  for (let row = 0; row + 1 < offsets.length; row++) {
    const key = bytes.subarray(offsets[row], offsets[row + 1]).join()
    const before = first.get(key)
    if (before !== undefined) return Uint32Array.of(row, before)
    first.set(key, row)
  }
  return new Uint32Array()
}
