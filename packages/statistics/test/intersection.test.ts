import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimalText, intersectionFigures } from '../src/intersection.ts'

const momentsOf = (table: readonly (readonly number[])[], columns: number) => {
  const each = Array.from({ length: columns }, (_, i) => i)
  const total = (of: (row: readonly number[]) => bigint) => table.reduce((sum, row) => sum + of(row), 0n).toString()
  return {
    size: table.length,
    sums: each.map((i) => total((row) => BigInt(row[i]!))),
    products: each.flatMap((i) => each.slice(i).map((j) => total((row) => BigInt(row[i]!) * BigInt(row[j]!)))),
  }
}

const named = (columns: number, decimals = 0) =>
  Array.from({ length: columns }, (_, i) => ({ column: `c${i}`, decimals }))

describe('figures over an intersection', () => {
  it('are those of numpy for a small table', () => {
    // numpy 2.4.6, cov and corrcoef of [[1, 2, 4, 8], [3, 1, 4, 1]].
    const figures = intersectionFigures(
      named(2),
      momentsOf(
        [
          [1, 3],
          [2, 1],
          [4, 4],
          [8, 1],
        ],
        2,
      ),
    )
    expect(figures.count).toBe(4)
    expect(figures.columns[0]!.mean).toBe(3.75)
    expect(figures.columns[0]!.variance).toBeCloseTo(9.58333333, 8)
    expect(figures.pairs[0]!.covariance).toBeCloseTo(-1.58333333, 8)
    expect(figures.pairs[0]!.correlation).toBeCloseTo(-0.3409752, 7)
  })

  it('do not lose digits where all values are large and alike', () => {
    const table = [[2 ** 30 - 1], [2 ** 30], [2 ** 30 + 1]]
    expect(intersectionFigures(named(1), momentsOf(table, 1)).columns[0]!.variance).toBe(1)
  })

  it('take decimals into account', () => {
    const [column] = intersectionFigures(named(1, 2), momentsOf([[150], [250]], 1)).columns
    expect(column).toEqual({ column: 'c0', sum: '4.00', mean: 2, variance: 0.5, deviation: Math.sqrt(0.5) })
  })

  it('are absent where they mean nothing', () => {
    const none = intersectionFigures(named(2), momentsOf([], 2))
    expect(none.columns[0]).toEqual({ column: 'c0', sum: '0', mean: null, variance: null, deviation: null })
    const same = intersectionFigures(
      named(2),
      momentsOf(
        [
          [5, 1],
          [5, 2],
        ],
        2,
      ),
    )
    expect(same.pairs[0]).toEqual({ columns: ['c0', 'c1'], covariance: 0, correlation: null })
  })

  it('agree with two passes over the rows', () => {
    const value = fc.integer({ min: 0, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 50 }), (table) => {
        const mean = (i: 0 | 1) => table.reduce((sum, row) => sum + row[i], 0) / table.length
        const [x, y] = [mean(0), mean(1)]
        const expected = table.reduce((sum, row) => sum + (row[0] - x) * (row[1] - y), 0) / (table.length - 1)
        const found = intersectionFigures(named(2), momentsOf(table, 2))
        expect(Math.abs(found.pairs[0]!.covariance! - expected)).toBeLessThanOrEqual(1e-9 * 2 ** 62 * 1e-3)
        expect(found.columns[0]!.mean).toBeCloseTo(x, 3)
      }),
      { numRuns: 50 },
    )
  })

  it('refuse another number of sums', () => {
    expect(() => intersectionFigures(named(2), momentsOf([[1]], 1))).toThrow('expected 2 sums')
  })

  it('write whole numbers of units', () => {
    expect([decimalText(5n, 2), decimalText('-1234', 3), decimalText(7n, 0)]).toEqual(['0.05', '-1.234', '7'])
  })
})
