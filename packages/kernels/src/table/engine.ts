/**
 * `table/intersect` as a radix join in WebAssembly: both sides are dealt, by the top bits of a hash, into parts whose
 * hash tables stay in the cache; rows themselves are touched only where 32 bits of hash agree. Memory: the rows, and 12
 * to 16 bytes a row on each side; a right side that does not fit is taken in slices.
 *
 * Rows may come from a hostile peer, who could aim at a known hash function and make chains long. The hash is therefore
 * multiply-shift over all words of a row (2-universal: Dietzfelbinger 1996; Thorup, "High Speed Hashing for Integers and
 * Strings", section 3; chains are of constant expected length for any fixed rows), under keys expanded from a digest of
 * rows sampled on both sides. Who cannot predict the sampled rows of the other side (they are masked by its secret)
 * cannot predict the hash. The result never depends on it. Time depends on the rows: they are masked values, not secrets.
 *
 * `table/sort` deals rows by their first bits and sorts the small parts by insertion; rows too uneven for that, or too
 * many, are sorted in TypeScript.
 */
import type { Engine } from '@tallystick/protocol'
import { blake3 } from '@noble/hashes/blake3.js'
import { arenaOf, layout, type ArenaExports } from '../arena.ts'
import type { IntersectInput, ItemsInput, SortInput, Sorted } from './kernels.ts'
import { checkIntersect, checkItems, checkSort } from './shapes.ts'
import { base64 } from './table.wasm.ts'
import { sortRows } from './sort.ts'

interface Exports extends ArenaExports {
  readonly hash: (
    rows: number,
    n: number,
    width: number,
    keys: number,
    hashes: number,
    shift: number,
    counts: number,
  ) => void
  readonly deal: (n: number, hashes: number, shift: number, counts: number, parts: number, entries: number) => void
  readonly join: (
    left: number,
    right: number,
    width: number,
    parts: number,
    leftEnds: number,
    rightEnds: number,
    leftEntries: number,
    rightEntries: number,
    bits: number,
    heads: number,
    next: number,
    found: number,
  ) => void
  readonly sort: (
    rows: number,
    n: number,
    width: number,
    bits: number,
    most: number,
    counts: number,
    entries: number,
    out: number,
    order: number,
  ) => number
  readonly hashItems: (
    rows: number,
    offsets: number,
    n: number,
    seed: bigint,
    hashes: number,
    shift: number,
    counts: number,
  ) => void
  readonly duplicate: (
    rows: number,
    offsets: number,
    n: number,
    parts: number,
    ends: number,
    entries: number,
    bits: number,
    heads: number,
    next: number,
    found: number,
  ) => void
}

const samples = 64
/** Right rows that a part should have: with heads and entries some 64 KiB. */
const partRows = 4096
const maxPartBits = 11
/** Rows that insertion should sort at once. */
const sortedRows = 12
/** Bytes of memory for a slice of the right rows beside the left ones. */
const sliceBytes = 2 ** 30

/** Evenly spaced rows, at most `samples`. */
function sample(table: Uint8Array, width: number): Uint8Array {
  const rows = table.length / width
  const count = Math.min(rows, samples)
  const out = new Uint8Array(count * width)
  for (let i = 0; i < count; i++) {
    const row = Math.floor((i * rows) / count)
    out.set(table.subarray(row * width, row * width + width), i * width)
  }
  return out
}

/** 8 bytes for each word of a row, and 8 more. */
const hashKeys = ({ left, right, width }: IntersectInput): Uint8Array =>
  blake3
    .create({ dkLen: 8 * (Math.ceil(width / 4) + 1) })
    .update(sample(left, width))
    .update(sample(right, width))
    .digest()

/** How many parts for so many rows, and how many heads a part has: at most 2^17, then chains grow. */
function partition(rows: number) {
  const partBits = Math.min(maxPartBits, Math.max(0, Math.ceil(Math.log2(rows / partRows))))
  const parts = 2 ** partBits
  return { partBits, parts, bits: Math.min(17, Math.max(4, Math.ceil(Math.log2((1.5 * rows) / parts)))) }
}

export async function loadTable(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)

  const join = ({ left, right, width }: IntersectInput, keys: Uint8Array): Int32Array => {
    const rows = { left: left.length / width, right: right.length / width }
    const { partBits, parts, bits } = partition(rows.right)
    const regions = layout({
      left: left.length + 4,
      right: right.length + 4,
      keys: keys.length,
      leftEnds: 4 * (parts + 2),
      rightEnds: 4 * (parts + 2),
      leftEntries: 8 * rows.left,
      rightEntries: 8 * rows.right,
      heads: 4 * 2 ** bits,
      // Hashes until they are dealt; then the chains of a part, and what is found.
      next: 4 * rows.right,
      found: 4 * rows.left,
    })
    return arena.run(regions.bytes, (exports, base) => {
      const at = regions.from(base)
      const memory = new Uint8Array(exports.memory.buffer)
      memory.set(left, at.left)
      memory.set(right, at.right)
      memory.set(keys, at.keys)
      const shift = 32 - partBits
      exports.hash(at.left, rows.left, width, at.keys, at.found, shift, at.leftEnds)
      exports.deal(rows.left, at.found, shift, at.leftEnds, parts, at.leftEntries)
      exports.hash(at.right, rows.right, width, at.keys, at.next, shift, at.rightEnds)
      exports.deal(rows.right, at.next, shift, at.rightEnds, parts, at.rightEntries)
      memory.fill(0, at.found, at.found + 4 * rows.left)
      const { leftEnds, rightEnds, leftEntries, rightEntries, heads, next, found } = at
      exports.join(
        at.left,
        at.right,
        width,
        parts,
        leftEnds,
        rightEnds,
        leftEntries,
        rightEntries,
        bits,
        heads,
        next,
        found,
      )
      return new Int32Array(exports.memory.buffer, found, rows.left).map((row) => row - 1)
    })
  }

  const intersect = (input: IntersectInput): Int32Array => {
    const { left, right, width } = checkIntersect(input)
    const found = new Int32Array(left.length / width).fill(-1)
    if (left.length === 0 || right.length === 0) return found
    const keys = hashKeys(input)
    const slice = width * Math.max(1, Math.floor(sliceBytes / (width + 16)))
    if (right.length <= slice) return join(input, keys)
    for (let from = 0; from < right.length; from += slice) {
      const part = join({ left, right: right.subarray(from, from + slice), width }, keys)
      for (let i = 0; i < found.length; i++) {
        if (found[i]! < 0 && part[i]! >= 0) found[i] = part[i]! + from / width
      }
    }
    return found
  }

  const duplicate = (input: ItemsInput): Uint32Array => {
    const { bytes, offsets } = checkItems(input)
    const n = offsets.length - 1
    if (n < 2) return new Uint32Array()
    const { partBits, parts, bits } = partition(n)
    const regions = layout({
      // 8 bytes of slack, since rows are read by words.
      rows: bytes.length + 8,
      offsets: 4 * (n + 1),
      counts: 4 * (parts + 2),
      entries: 8 * n,
      heads: 4 * 2 ** bits,
      next: 4 * n,
      found: 8,
    })
    return arena.run(regions.bytes, (exports, base) => {
      const at = regions.from(base)
      new Uint8Array(exports.memory.buffer).set(bytes, at.rows)
      new Uint32Array(exports.memory.buffer, at.offsets).set(offsets)
      const seed = new DataView(blake3(sample(bytes, 1)).buffer).getBigUint64(0, true)
      const shift = 32 - partBits
      exports.hashItems(at.rows, at.offsets, n, seed, at.next, shift, at.counts)
      exports.deal(n, at.next, shift, at.counts, parts, at.entries)
      exports.duplicate(at.rows, at.offsets, n, parts, at.counts, at.entries, bits, at.heads, at.next, at.found)
      const found = new Uint32Array(exports.memory.buffer, at.found, 2)
      return found[0] === n ? new Uint32Array() : found.slice()
    })
  }

  const sort = (input: SortInput): Sorted => {
    const { rows, width } = checkSort(input)
    const n = rows.length / width
    const bits = Math.min(16, Math.max(0, Math.ceil(Math.log2(n / sortedRows))))
    const regions = layout({
      // 16 bytes of slack, since vectors are read and written whole.
      rows: rows.length + 16,
      out: rows.length + 16,
      counts: 4 * (2 ** bits + 2),
      entries: 16 * n,
      order: 4 * n,
    })
    if (regions.bytes > 2 ** 31) return sortRows(input)
    return arena.run(regions.bytes, (exports, base) => {
      const at = regions.from(base)
      const memory = new Uint8Array(exports.memory.buffer)
      memory.set(rows, at.rows)
      const most = Math.max(8 * sortedRows, (8 * n) / 2 ** bits)
      if (!exports.sort(at.rows, n, width, bits, most, at.counts, at.entries, at.out, at.order)) return sortRows(input)
      return {
        rows: memory.slice(at.out, at.out + rows.length),
        order: new Uint32Array(exports.memory.buffer, at.order, n).slice(),
      }
    })
  }

  return { 'table/intersect': intersect, 'table/sort': sort, 'table/duplicate': duplicate }
}
