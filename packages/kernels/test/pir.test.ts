/** The PIR kernels beyond equality with their references: resident memory, what is left in it, and the distribution. */
import { describe, expect, it } from 'vitest'
import { pirEngine } from '../src/pir/engine.ts'
import { gaussTable } from '../src/pir/gauss.ts'
import {
  borrow,
  commonInstance,
  inScratch,
  lend,
  ownScratch,
  resident,
  residentIn,
  sharedResident,
} from '../src/pir/module.ts'
import { scan } from '../src/pir/kernels.ts'
import { bytes } from './samples.ts'

const words = (seed: number, length: number): Uint32Array => new Uint32Array(bytes(seed, 4 * length).buffer)

describe('resident bytes', () => {
  it('are scanned where they lie, whole or in part, as after a change', () => {
    const columns = 64
    const table = resident(100 * columns)
    const other = resident(10)
    table.set(bytes(1, table.length))
    const queries = words(2, 5 * columns)
    expect(residentIn(table)).toBeDefined()
    expect(residentIn(other)).not.toBe(residentIn(table))
    expect(residentIn(table.subarray(1))).toBeUndefined()
    for (const matrix of [table, table.subarray(columns * 3), table.subarray(32, 32 + columns * 9)]) {
      expect(pirEngine['pir/scan']({ matrix, columns, queries })).toEqual(scan.run({ matrix, columns, queries }))
    }
    table.fill(255)
    expect(pirEngine['pir/scan']({ matrix: table, columns, queries })).toEqual(
      scan.run({ matrix: table, columns, queries }),
    )
  })

  it('hold no query, secret or coin after a call', () => {
    const columns = 64
    const table = resident(8 * columns)
    const { bytes: memory } = residentIn(table)!
    const before = memory.slice(ownScratch.raw, ownScratch.out)
    pirEngine['pir/scan']({ matrix: table, columns, queries: words(3, 3 * columns) })
    pirEngine['pir/multiply']({
      matrix: new Uint32Array(table.buffer, table.byteOffset, 128),
      inner: 16,
      vectors: words(4, 48),
    })
    expect(Buffer.compare(memory.slice(ownScratch.raw, ownScratch.out), before)).toBe(0)
    const { bytes: common, free } = commonInstance()
    pirEngine['pir/gauss']({ coins: bytes(7, 16 * 777) })
    expect(Buffer.compare(common.slice(ownScratch.raw, free), new Uint8Array(free - ownScratch.raw))).toBe(0)
  })

  it('are scanned by another thread where they lie, in scratch of its own, and wiped after', () => {
    const columns = 64
    const table = sharedResident(100 * columns)
    table.set(bytes(1, table.length))
    const queries = words(2, 3 * columns)
    const expected = scan.run({ matrix: table, columns, queries })
    const lent = structuredClone(lend(table.subarray(columns * 40)))
    const borrowed = borrow(lent) as Uint8Array
    const home = residentIn(borrowed)!
    const rest = scan.run({ matrix: table.subarray(columns * 40), columns, queries })
    const other = inScratch(residentIn(table)!, ({ raw }) => {
      expect(pirEngine['pir/scan']({ matrix: borrowed, columns, queries })).toEqual(rest)
      return raw
    })
    expect(other).toBe(ownScratch.raw)
    expect(pirEngine['pir/scan']({ matrix: table, columns, queries })).toEqual(expected)
    const second = inScratch(home, () => inScratch(home, (scratch) => scratch))
    for (const { raw, out } of [ownScratch, second]) {
      expect(Buffer.compare(home.bytes.slice(raw, out), new Uint8Array(out - raw))).toBe(0)
    }
    expect(lend(resident(64))).toBeUndefined()
    expect(borrow(bytes(1, 4))).toEqual(bytes(1, 4))
  })

  it('are refused beyond what a memory can have', () => {
    expect(() => resident(2 ** 33)).toThrow(expect.objectContaining({ code: 'input/oversize' }))
  })
})

describe('the discrete Gaussian with σ = 16', () => {
  /** Entries as reals, from doubles and by another formula: the table is exact, so doubles agree to about 2^-50. */
  it('has the table of its definition', () => {
    const density = (x: number): number => Math.exp(-(x * x) / 512)
    let total = 1
    for (let x = 1; x < 400; x++) total += 2 * density(x)
    let sum = 0
    gaussTable().forEach((entry, k) => {
      sum += (k === 0 ? 1 : 2) * density(k)
      const found = Number(entry >> 62n) / 2 ** 64
      expect(Math.abs(found - sum / total), `entry ${k}`).toBeLessThan(2 ** -48)
    })
    expect(gaussTable().length).toBe(208)
    expect(gaussTable().every((entry, k) => k === 0 || entry > gaussTable()[k - 1]!)).toBe(true)
  })

  /** From the far end, where doubles keep their relative precision: an entry of fewer bits would show. */
  it('has tail entries with all their 126 bits', () => {
    // Pr[|x| > k] from the far end, where doubles have full relative precision.
    const density = (x: number): number => Math.exp(-(x * x) / 512)
    let total = 1
    for (let x = 1; x < 400; x++) total += 2 * density(x)
    for (const k of [100, 140, 170, 190]) {
      let tail = 0
      for (let x = 399; x > k; x--) tail += 2 * density(x)
      const found = Number((1n << 126n) - gaussTable()[k]!) / 2 ** 126
      expect(Math.abs(found / (tail / total) - 1), `tail beyond ${k}`).toBeLessThan(k === 190 ? 1e-3 : 1e-9)
    }
  })

  /** χ² over 61 cells: a control with σ = 17 fails by far. */
  it('is what the samples show, and no other', () => {
    const samples = pirEngine['pir/gauss']({ coins: bytes(99, 16 * 200_000) })
    const chiSquare = (sigma: number): number => {
      const density = (x: number): number => Math.exp(-(x * x) / (2 * sigma * sigma))
      const cells = Array.from({ length: 61 }, (_, i) => density(i - 30))
      let total = 0
      for (let x = -300; x <= 300; x++) total += density(x)
      const found = new Float64Array(61)
      let outside = 0
      for (const sample of samples) {
        if (Math.abs(sample) <= 30) found[sample + 30]!++
        else outside++
      }
      let sum = 0
      cells.forEach((p, i) => {
        const expected = (samples.length * p) / total
        sum += (found[i]! - expected) ** 2 / expected
      })
      const rest = samples.length * (1 - cells.reduce((a, p) => a + p, 0) / total)
      return sum + (outside - rest) ** 2 / rest
    }
    // 61 degrees of freedom: mean 61, deviation 11.
    expect(chiSquare(16)).toBeLessThan(130)
    expect(chiSquare(17)).toBeGreaterThan(1000)
  })
})
