/** References of `cuckoo/*`: the definitions, row by row. */
import { emptyBin, maxEvictions } from './kernels.ts'
import type { CuckooInput, CuckooTable, SimpleTable } from './kernels.ts'

/** The bin of a row under function k. */
const binOf = ({ digests, bins }: CuckooInput): ((row: number, k: number) => number) => {
  const view = new DataView(digests.buffer, digests.byteOffset, digests.byteLength)
  return (row, k) => Number((BigInt(view.getUint32(16 * row + 4 * k, true)) * BigInt(bins)) >> 32n)
}

const functions = [0, 1, 2]

export function place(input: CuckooInput): CuckooTable {
  const bin = binOf(input)
  const rows = input.digests.length / 16
  const table = new Uint32Array(input.bins).fill(emptyBin)
  const waiting: number[] = []
  for (let row = 0; row < rows; row++) {
    const k = functions.find((k) => table[bin(row, k)] === emptyBin)
    if (k === undefined) waiting.push(row)
    else table[bin(row, k)] = 4 * row + k
  }
  const unplaced: number[] = []
  let coin = 0x9e3779b9
  const toss = (): number => {
    coin ^= coin << 13
    coin ^= coin >>> 17
    coin ^= coin << 5
    return Math.floor((3 * (coin >>> 0)) / 2 ** 32)
  }
  const walk = (start: number): number | undefined => {
    let [row, from] = [start, 3]
    for (let step = 0; ; step++) {
      const free = functions.find((k) => k !== from && table[bin(row, k)] === emptyBin)
      if (free === undefined && step === maxEvictions) return row
      let k = free ?? toss()
      if (k === from) k = (k + 1) % 3
      const evicted = table[bin(row, k)]!
      table[bin(row, k)] = 4 * row + k
      if (free !== undefined) return undefined
      ;[row, from] = [evicted >>> 2, evicted & 3]
    }
  }
  for (const row of waiting) {
    const left = walk(row)
    if (left !== undefined) unplaced.push(left)
  }
  return { table, unplaced: Uint32Array.from(unplaced) }
}

export function simple(input: CuckooInput): SimpleTable {
  const bin = binOf(input)
  const rows = input.digests.length / 16
  const content: number[][] = Array.from({ length: input.bins }, () => [])
  for (let row = 0; row < rows; row++) for (const k of functions) content[bin(row, k)]!.push(4 * row + k)
  const offsets = new Uint32Array(input.bins + 1)
  content.forEach((entries, j) => (offsets[j + 1] = offsets[j]! + entries.length))
  return { offsets, entries: Uint32Array.from(content.flat()) }
}
