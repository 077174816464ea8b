/**
 * `table/intersect` by an open-addressing hash table over typed arrays: linear probing, load at most 3/4, slots of
 * (row + 1, hash), so that a probe touches the row itself only where 32 bits of hash agree.
 *
 * Rows may come from a hostile peer, who could aim at a known hash function and make probing quadratic. The hash is
 * therefore simple tabulation over all bytes of a row (constant expected time of linear probing for any fixed rows:
 * Patrascu and Thorup, "The Power of Simple Tabulation Hashing", 2012), under tables expanded from a digest of rows
 * sampled on both sides. Who cannot predict the sampled rows of the other side (they are masked by its scalar) cannot
 * predict the hash. The result never depends on it. Time depends on the rows: they are masked values, not secrets.
 */
import { blake3 } from '@noble/hashes/blake3.js'
import type { IntersectInput } from './kernels.ts'
import { checkIntersect } from './shapes.ts'

const SAMPLES = 64
const BATCH = 256

/** Evenly spaced rows, at most SAMPLES. */
function sample(table: Uint8Array, width: number): Uint8Array {
  const rows = table.length / width
  const count = Math.min(rows, SAMPLES)
  const out = new Uint8Array(count * width)
  for (let i = 0; i < count; i++) {
    const row = Math.floor((i * rows) / count)
    out.set(table.subarray(row * width, row * width + width), i * width)
  }
  return out
}

/** 256 words for each byte position. */
function tabulation({ left, right, width }: IntersectInput): Uint32Array {
  const state = blake3
    .create({ dkLen: 1024 * width })
    .update(sample(left, width))
    .update(sample(right, width))
  return new Uint32Array(state.digest().buffer)
}

export function intersect(input: IntersectInput): Int32Array {
  const { left, right, width } = checkIntersect(input)
  const leftRows = left.length / width
  const rightRows = right.length / width
  const found = new Int32Array(leftRows).fill(-1)
  if (leftRows === 0 || rightRows === 0) return found

  const words = tabulation(input)
  const hashes = new Int32Array(BATCH)
  /** Hashes of rows [from, to); in batches, so that the cache misses of the probes that follow overlap. */
  const hash = (table: Uint8Array, from: number, to: number): void => {
    for (let row = from, at = from * width; row < to; row++, at += width) {
      let h = 0
      for (let k = 0; k < width; k++) h ^= words[(k << 8) | table[at + k]!]!
      hashes[row - from] = h
    }
  }
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(4, (rightRows * 4) / 3)))
  const mask = capacity - 1
  const slots = new Int32Array(2 * capacity)
  /** The slot of the right row equal to this one, or the empty slot where it would go. */
  const probe = (table: Uint8Array, row: number, h: number): number => {
    for (let slot = h & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[2 * slot]!
      if (entry === 0) return slot
      if (slots[2 * slot + 1] !== h) continue
      let k = 0
      for (let a = row * width, b = (entry - 1) * width; k < width && table[a + k] === right[b + k];) k++
      if (k === width) return slot
    }
  }

  for (let from = 0; from < rightRows; from += BATCH) {
    const to = Math.min(from + BATCH, rightRows)
    hash(right, from, to)
    for (let row = from; row < to; row++) {
      const h = hashes[row - from]!
      const slot = probe(right, row, h)
      if (slots[2 * slot] !== 0) continue // a later duplicate: the first one stands
      slots[2 * slot] = row + 1
      slots[2 * slot + 1] = h
    }
  }
  for (let from = 0; from < leftRows; from += BATCH) {
    const to = Math.min(from + BATCH, leftRows)
    hash(left, from, to)
    for (let row = from; row < to; row++) found[row] = slots[2 * probe(left, row, hashes[row - from]!)]! - 1
  }
  return found
}
