/** What cuckoo tables, digests and joins must be, whatever computes them. */
import { toHex, utf8ToBytes } from '@tallystick/core'
import { runKernel } from '@tallystick/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wasmEngine } from '../src/engine.ts'
import {
  blake3Ids,
  cuckooPlace,
  cuckooSimple,
  emptyBin,
  tableDuplicate,
  tableIntersect,
  tableSort,
  type CuckooInput,
} from '../src/index.ts'
import { bytes, messages } from './samples.ts'

const engine = await wasmEngine()

describe('BLAKE3', () => {
  it.each([
    // The keyed hashes of the authors' test vectors: bytes 0, 1, … 250, 0, … under this key.
    [0, '0x92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26'],
    [1, '0x6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b'],
    [1024, '0x75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4'],
    [1025, '0x357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69'],
  ])('of %d bytes is that of the test vectors', (length, digest) => {
    const key = utf8ToBytes('whats the Elvish word for friend')
    const row = Uint8Array.from({ length }, (_, i) => i % 251)
    const { first, second } = runKernel(engine, blake3Ids, { key, bytes: row, offsets: Uint32Array.of(0, length) })
    expect(toHex(Uint8Array.from([...first, ...second]))).toBe(digest)
  })
})

/** The bins of a row, from the words of its digest. */
const binsOf = ({ digests, bins }: CuckooInput, row: number): number[] => {
  const view = new DataView(digests.buffer, digests.byteOffset)
  return [0, 4, 8].map((at) => Number((BigInt(view.getUint32(16 * row + at, true)) * BigInt(bins)) >> 32n))
}

describe('cuckoo tables', () => {
  it('have every row once, in one of its bins, or name it as unplaced', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 800 }), fc.integer({ min: 1, max: 1200 }), fc.nat(), (n, bins, seed) => {
        const input = { digests: bytes(seed + 1, 16 * n), bins }
        const { table, unplaced } = runKernel(engine, cuckooPlace, input)
        const rows = [...unplaced]
        table.forEach((entry, bin) => {
          if (entry === emptyBin) return
          rows.push(entry >>> 2)
          expect(binsOf(input, entry >>> 2)[entry & 3]).toBe(bin)
        })
        expect(rows.sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
      }),
      { numRuns: 60 },
    )
  })
  it('leave no row out at 1.27 bins a row, and many at 1.05', () => {
    let left = 0
    for (let seed = 1; seed <= 60; seed++) {
      const digests = bytes(7919 * seed, 16 * 4096)
      expect(runKernel(engine, cuckooPlace, { digests, bins: Math.ceil(1.27 * 4096) }).unplaced).toHaveLength(0)
      left += runKernel(engine, cuckooPlace, { digests, bins: Math.ceil(1.05 * 4096) }).unplaced.length
    }
    expect(left).toBeGreaterThan(60)
  })
  it('agree with simple hashing: each entry is in the list of its bin', () => {
    const input = { digests: bytes(3, 16 * 1000), bins: 1270 }
    const { table } = runKernel(engine, cuckooPlace, input)
    const { offsets, entries } = runKernel(engine, cuckooSimple, input)
    expect(entries).toHaveLength(3000)
    table.forEach((entry, bin) => {
      if (entry !== emptyBin) expect(entries.subarray(offsets[bin], offsets[bin + 1])).toContain(entry)
    })
  })
})

describe('tables', () => {
  it('that are sorted find the rows that they were made of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 300 }), fc.nat(), (width, n, seed) => {
        const rows = bytes(seed + 1, width * n)
        const sorted = runKernel(engine, tableSort, { rows, width })
        const found = runKernel(engine, tableIntersect, { left: sorted.rows, right: rows, width })
        // Equal rows keep their order, so the first of them stands at its own place.
        found.forEach((place, i) => expect(place).toBeLessThanOrEqual(sorted.order[i]!))
        expect([...sorted.order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
      }),
      { numRuns: 60 },
    )
  })
  it('of a hostile right side, all rows equal or all in few bytes, are joined all the same', () => {
    const width = 16
    const left = bytes(5, width * 3000)
    const right = new Uint8Array(width * 60_000)
    for (let i = 0; i < 60_000; i++) right.set(left.subarray(width * (i % 2), width * ((i % 2) + 1)), width * i)
    const found = runKernel(engine, tableIntersect, { left, right, width })
    expect([...found.subarray(0, 3)]).toEqual([0, 1, -1])
  })
  it('name the first repetition, wherever it is', () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => utf8ToBytes(`row ${i}`))
    rows[17_000] = rows[4]!
    rows[9001] = rows[9000]!
    expect([...runKernel(engine, tableDuplicate, messages(rows))]).toEqual([9001, 9000])
  })
})
