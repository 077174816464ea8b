/** Disclosure control against who subtracts: over random lists and tables, in the clear. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clearBackend, clearShare, clearWords, integersOfWords, runClear, wordsOfIntegers } from '@tallystick/mpc'
import {
  analyse,
  crosstab,
  decisionTree,
  groupBy,
  histogram,
  statistics,
  weightOfEvidence,
} from '@tallystick/statistics'
import { keepFrom, roundTo, type Cells } from '../src/figures/withhold.ts'
import { horizontal, ideal } from './tables.ts'

const least = 5
const share = (values: readonly number[]) => clearShare(128, wordsOfIntegers(128, values))
const keptOf = (counts: readonly number[], cells: Cells): boolean[] =>
  integersOfWords(128, clearWords(runClear(keepFrom(clearBackend, share(counts), least, cells)))).map((v) => v === 1n)

const linesOf = (counts: readonly number[], { rows, columns }: Cells): number[][] => {
  const places = counts.map((_, i) => i)
  if (rows === 1 || columns === 1) return [places]
  return [
    ...Array.from({ length: rows }, (_, r) => places.filter((i) => Math.floor(i / columns) === r)),
    ...Array.from({ length: columns }, (_, c) => places.filter((i) => i % columns === c)),
  ]
}

const count = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 1000 }))
const table = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })).chain(([rows, columns]) =>
  fc.record({
    cells: fc.constant({ rows, columns }),
    counts: fc.array(count, { minLength: rows * columns, maxLength: rows * columns }),
  }),
)

describe('counts', () => {
  it('withheld in a line are none, or several each of which may reach the minimum, or all that it has', () => {
    const property = fc.property(table, ({ cells, counts }) => {
      const kept = keptOf(counts, cells)
      counts.forEach((each, i) => each > 0 && each < least && expect(kept[i]).toBe(false))
      if (counts.every((each) => each === 0 || each >= least)) expect(kept).not.toContain(false)
      if (!kept.includes(true)) return
      for (const line of linesOf(counts, cells)) {
        const withheld = line.filter((i) => kept[i] === false)
        const sum = withheld.reduce((total, i) => total + counts[i]!, 0)
        const rest = line.filter((i) => kept[i] === true && counts[i]! > 0)
        // What subtraction leaves for one of them, where the others are 1.
        const most = sum - withheld.length + 1
        const safe = withheld.length === 0 || (withheld.length > 1 && most >= least) || rest.length === 0
        expect(safe, `${counts.join()} of ${cells.rows} rows keeps ${kept.join()}`).toBe(true)
      }
    })
    fc.assert(property, { numRuns: 400, seed: 12 })
  })
  it('are left as they are where nothing is small, and lose no more than one more in a list', () => {
    expect(keptOf([7, 0, 900, 5], { rows: 1, columns: 4 })).toEqual([true, true, true, true])
    expect(keptOf([7, 2, 900, 0, 60], { rows: 1, columns: 5 })).toEqual([false, false, true, true, true])
    expect(keptOf([7, 4, 900, 3], { rows: 1, columns: 4 })).toEqual([true, false, true, false])
  })
  it('of 1 each are not told by their sum, nor by the places of zeros beside them', () => {
    const list = (...counts: readonly number[]) => keptOf(counts, { rows: 1, columns: counts.length })
    expect(list(1, 1, 1, 1, 1, 100, 200)).toEqual([false, false, false, false, false, false, true])
    expect(list(1, 1, 0, 1, 1, 1)).toEqual([false, false, false, false, false, false])
    expect(list(0, 0, 2, 0)).toEqual([false, false, false, false])
    expect(list(0, 0, 9, 0)).toEqual([true, true, true, true])
  })
  it('are rounded to the nearest multiple', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: 2 ** 27 }),
      fc.integer({ min: 2, max: 1000 }),
      (each, base) => {
        const [found] = integersOfWords(128, clearWords(runClear(roundTo(clearBackend, share([each]), base))))
        expect(Number(found)).toBe(Math.floor((each + Math.floor(base / 2)) / base) * base)
      },
    )
    fc.assert(property, { numRuns: 300, seed: 13 })
  })
})

describe('a plan', () => {
  const columns = ['generation', 'severe', 'bmi']
  it('rounds what it tells of counts', () => {
    const plan = analyse(
      { layout: 'horizontal', columns, roundTo: 10, minimumCount: 5 },
      ({ generation, severe, bmi }) => ({
        table: crosstab(generation!, severe!),
        bins: histogram(bmi!, [20, 25, 30]),
      }),
    )
    const { table: found, bins } = ideal(horizontal('diabetes', columns, plan))
    const all = [...found.counts.flat(), ...bins.counts] as number[]
    for (const each of all) expect(each % 10).toBe(0)
    expect(Math.abs(bins.counts.reduce((a: number, b: number) => a + b) - 442)).toBeLessThanOrEqual(20)
  })
  it('refuses exact counts beside rounded ones', () => {
    const plan = analyse({ layout: 'horizontal', columns, roundTo: 10 }, ({ generation, bmi }) => ({
      groups: groupBy(generation!, bmi!),
    }))
    expect(() => statistics.parameters(horizontal('diabetes', columns, plan).parameters)).toThrow(/rounded to 10/)
  })
  it('withholds no leaf alone, which would follow from the mean and the other one', () => {
    const tree = (minimumCount: number) => {
      const names = ['progression', 'bmi']
      const plan = analyse({ layout: 'horizontal', columns: names, minimumCount }, ({ progression, bmi }) => ({
        // Three of 442 rows have more.
        tree: decisionTree(progression!, [{ column: bmi!, cuts: [39] }], { depth: 1 }),
      }))
      return ideal(horizontal('diabetes', names, plan))['tree'].trees[0].leaves as (number | null)[]
    }
    expect(tree(0)).not.toContain(null)
    expect(tree(10)).toEqual([null, null])
  })
  it('tells no edges of bins that have fewer rows than a count may', () => {
    const plan = (bins: number) =>
      analyse({ layout: 'horizontal', columns, minimumCount: 10 }, ({ severe, bmi }) => ({
        woe: weightOfEvidence(severe!, bmi!, { bins }),
      }))
    const parse = (bins: number) => statistics.parameters(horizontal('diabetes', columns, plan(bins)).parameters)
    expect(() => parse(45)).toThrow(/45 bins of equal frequency of "bmi" have 9 rows each/)
    expect(parse(44).minimumCount).toBe(10)
  })
})
