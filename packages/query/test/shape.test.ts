/** The bound on wrong decoding: as derived, as promised, and, scaled down, as measured. */
import { createRng } from '@tallystick/core'
import { pirGauss } from '@tallystick/kernels'
import { runKernel } from '@tallystick/protocol'
import { checkShape, chooseShape, failureBits, linesOf } from '@tallystick/query'
import { describe, expect, it } from 'vitest'
import { engine } from './samples.ts'

describe('the bound on a wrong byte', () => {
  it('is far below what is promised for every shape allowed', () => {
    expect(failureBits(2 ** 16, 1)).toBeGreaterThan(180)
    expect(failureBits(2 ** 17, 1)).toBeGreaterThan(90)
    expect(failureBits(2 ** 17, 2 ** 20)).toBeGreaterThan(70)
    // The control: the width that is not allowed would not keep the promise.
    expect(failureBits(2 ** 18, 2 ** 20)).toBeLessThan(40)
    expect(() => checkShape({ columns: 2 ** 18, slots: 4, valueBytes: 8 })).toThrow(/columns/)
  })

  /**
   * The same inequality at a reach that is often missed: Pr[|Σ 128·e_j| ≥ t] ≤ 2 exp(-t² / (2·(128σ)²·m)) for the worst
   * table, all bytes at their extreme; and the share that is measured lies above a tenth of it, so the bound is near.
   */
  it('holds, and is near, where it can be measured', () => {
    const m = 64
    const trials = 20_000
    const samples = runKernel(engine, pirGauss, { coins: createRng(new Uint8Array(32).fill(5)).bytes(16 * m * trials) })
    for (const ratio of [1.5, 2, 2.5]) {
      const reach = ratio * 16 * 128 * Math.sqrt(m)
      let beyond = 0
      for (let trial = 0; trial < trials; trial++) {
        let sum = 0
        for (let j = 0; j < m; j++) sum += 128 * samples[trial * m + j]!
        if (Math.abs(sum) >= reach) beyond++
      }
      const bound = 2 * Math.exp(-(ratio ** 2) / 2)
      expect(beyond / trials).toBeLessThan(bound)
      expect(beyond / trials).toBeGreaterThan(bound / 10)
    }
  })
})

describe('the choice of a shape', () => {
  it('takes the widths of the documentation', () => {
    expect(chooseShape(1_000_000, 64)).toMatchObject({ columns: 2 ** 14, slots: 69 })
    expect(chooseShape(10_000_000, 64).columns).toBe(2 ** 16)
    expect(linesOf(chooseShape(1_000_000, 64)) % 4).toBe(0)
  })

  it('says what is too large', () => {
    expect(() => chooseShape(2 ** 36, 64)).toThrow(expect.objectContaining({ code: 'input/oversize' }))
  })
})
