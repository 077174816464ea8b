/** The store keeps what it is given, and fails as rarely as its parameters say: at scaled-down ones, to be seen. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runKernel } from '@tallystick/protocol'
import { createRng, taggedDigest } from '@tallystick/core'
import { wasmEngine } from '../src/engine.ts'
import { okvsDecode, okvsEncode, okvsShape, okvsSize, type OkvsShape } from '../src/index.ts'
import { expansion } from '../src/okvs/parameters.ts'

const engine = await wasmEngine()
const random = (seed: string, length: number): Uint8Array =>
  createRng(taggedDigest('tallystick/test/v1', seed)).bytes(length)

const encode = (shape: OkvsShape, n: number, seed: string, fill: Uint8Array = new Uint8Array()) => {
  const rows = random(`${seed} rows`, 16 * n)
  const values = random(`${seed} values`, 16 * n)
  return { rows, values, ...runKernel(engine, okvsEncode, { shape, rows, values, fill }) }
}

describe('a store', () => {
  it('gives back the values of all rows, whatever its fill', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3000 }),
        fc.boolean(),
        fc.integer({ min: 20, max: 4000 }),
        (n, filled, bin) => {
          const shape = okvsShape(n, 40, bin)
          const fill = filled ? random('fill', 16 * okvsSize(shape)) : new Uint8Array()
          const { rows, values, vector, bad } = encode(shape, n, `round ${n}`, fill)
          expect(bad).toBe(-1)
          expect(runKernel(engine, okvsDecode, { shape, rows, vector })).toEqual(values)
        },
      ),
      { numRuns: 40 },
    )
  })
  it('gives back the values where rows stay outside of the triangle', () => {
    let solved = 0
    for (let i = 0; i < 50; i++) {
      // At 1.1 slots a row nothing but a few rows can be peeled; 48 dense elements are enough for some of the rest.
      const shape = { bins: 1, load: 100, sparse: 110, dense: 48 }
      const { rows, values, vector, bad } = encode(shape, 100, `core ${i}`)
      if (bad >= 0) continue
      solved++
      expect(runKernel(engine, okvsDecode, { shape, rows, vector })).toEqual(values)
    }
    expect(solved).toBeGreaterThan(25)
  })
  it('hides its rows where its fill is random: no element is zero', () => {
    const shape = okvsShape(300)
    const { vector } = encode(shape, 300, 'fill', random('fill', 16 * okvsSize(shape)))
    for (let i = 0; i < vector.length; i += 16) expect(vector.subarray(i, i + 16).some((byte) => byte > 0)).toBe(true)
  })
})

describe('sizes', () => {
  it('are those of the fitted formula, or slightly above', () => {
    const formula = (rows: number, bits: number): number => {
      const w = Math.log2(3)
      const slope = 2 ** (0.555 * Math.log2(rows) + 0.093 * w ** 3 - 1.01 * w ** 2 + 2.925 * w - 0.133)
      return 1.223 + (bits + 9.2) / slope
    }
    for (const rows of [128, 1000, 5000, 16_384, 34_209, 50_000]) {
      for (const bits of [10, 40, 50]) {
        const excess = expansion(rows, bits) / formula(rows, bits) - 1
        expect(excess).toBeGreaterThanOrEqual(0)
        expect(excess).toBeLessThan(0.03)
      }
    }
  })
  it.each([
    [1, 289],
    [1000, 1484],
    [65_536, 85_698],
    [1_048_576, 1_376_448],
    [10_000_000, 13_177_278],
  ])('of %d rows stay as they are, since they are in the bytes of protocols', (rows, size) => {
    expect(okvsSize(okvsShape(rows))).toBe(size)
  })
})

/** How many of `runs` encodings fail. */
const failures = (shape: OkvsShape, n: number, runs: number, seed: string): number => {
  let failed = 0
  for (let i = 0; i < runs; i++) if (encode(shape, n, `${seed} ${i}`).bad >= 0) failed++
  return failed
}

/** Five standard deviations of a count with this expectation. */
const spread = (expected: number): number => 5 * Math.sqrt(expected) + 1

describe('failures, at parameters scaled down until they are seen', () => {
  const n = 1024
  const runs = 1500
  it('of the triangle come at most as often as the fitted formula says', () => {
    const bits = 5
    const sparse = Math.ceil(expansion(n, bits) * n)
    const gap = Math.floor(bits / Math.log2(sparse))
    // As many dense columns as the gap and the bits ask for: either adds 2^-bits.
    const shape = { bins: 1, load: n, sparse, dense: gap + bits }
    const bound = 2 * runs * 2 ** -bits
    expect(failures(shape, n, runs, 'triangle')).toBeLessThan(bound + spread(bound))
    // The experiment sees failures where there are some: below the threshold of peeling they are the rule.
    expect(failures({ ...shape, sparse: Math.ceil(1.18 * n) }, n, 100, 'triangle')).toBeGreaterThan(90)
  })
  it('of a dense system come as often as a random binary system has no solution', () => {
    // Rows of one slot triple each: all but a few stay outside, k of them in c columns fail with 1 - prod(1 - 2^(i - c)).
    const [k, dense] = [4, 6]
    const trials = 3000
    let probability = 1
    for (let i = 0; i < k; i++) probability *= 1 - 2 ** (i - dense)
    const expected = trials * (1 - probability)
    let failed = 0
    for (let i = 0; i < trials; i++) {
      const triple = random(`triple ${i}`, 12)
      const tails = random(`tails ${i}`, 4 * (k + 1))
      const rows = new Uint8Array(16 * (k + 1))
      for (let row = 0; row <= k; row++) {
        rows.set(triple, 16 * row)
        rows.set(tails.subarray(4 * row, 4 * row + 4), 16 * row + 12)
      }
      const shape = { bins: 1, load: k + 1, sparse: 100, dense }
      const values = random(`values ${i}`, rows.length)
      if (runKernel(engine, okvsEncode, { shape, rows, values, fill: new Uint8Array() }).bad >= 0) failed++
    }
    expect(Math.abs(failed - expected)).toBeLessThan(spread(expected))
  })
  it('of bins that overflow come at most as often as Bernstein says', () => {
    const bits = 4
    const { bins, load } = okvsShape(4096, bits, 64)
    const roomy = { bins, sparse: 400, dense: 48 }
    const bound = 400 * 2 ** -bits
    expect(failures({ ...roomy, load }, 4096, 400, 'bins')).toBeLessThan(bound + spread(bound))
    expect(failures({ ...roomy, load: 75 }, 4096, 100, 'bins')).toBeGreaterThan(90)
  })
  it('do not come at the parameters in use', () => {
    for (const rows of [128, 500, 1024]) expect(failures(okvsShape(rows), rows, 200, `real ${rows}`)).toBe(0)
  })
})
