/** Disclosure control against who subtracts: over random lists and tables, in the clear. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clearBackend, clearShare, clearWords, integersOfWords, runClear, wordsOfIntegers } from '@tallystick/mpc'
import {
  analyse,
  correlation,
  count,
  crosstab,
  decisionTree,
  explain,
  groupBy,
  histogram,
  linear,
  mean,
  statistics,
  sum,
  variance,
  weightOfEvidence,
} from '@tallystick/statistics'
import { keepCells, keepWhole, roundTo } from '../src/figures/withhold.ts'
import type { Write } from './compare.ts'
import { horizontal, ideal } from './tables.ts'

const share = (values: readonly number[]) => clearShare(128, wordsOfIntegers(128, values))
const bits = (flags: ReturnType<typeof share>): boolean[] =>
  integersOfWords(128, clearWords(flags)).map((v) => v === 1n)
const keptOf = (counts: readonly number[], least: number): boolean[] =>
  bits(runClear(keepCells(clearBackend, share(counts), least)))
const isKept = (counts: readonly number[], least: number): boolean =>
  bits(runClear(keepWhole(clearBackend, share(counts), least)))[0]!

/** The rules as their header has them. */
const isSmall = (count: number, least: number): boolean => count > 0 && count < least
const listRule = (counts: readonly number[], least: number): boolean[] => {
  if (!counts.some((count) => isSmall(count, least))) return counts.map(() => true)
  const next = Math.min(...counts.filter((count) => count >= least))
  if (next === Infinity) return counts.map(() => false)
  return counts.map((count) => !isSmall(count, least) && count !== next)
}

/** All lists of so many counts with a sum up to `most`. */
const lists = (cells: number, most: number): number[][] =>
  cells === 0
    ? [[]]
    : Array.from({ length: most + 1 }, (_, first) =>
        lists(cells - 1, most - first).map((rest) => [first, ...rest]),
      ).flat()

const totalOf = (counts: readonly number[]): number => counts.reduce((sum, each) => sum + each, 0)

/**
 * Who knows the rule, the totals and all that is opened, and asks which of all lists can be meant: withheld small counts
 * that are told, and those that are told to be small beside one that is not.
 */
const attack = (all: readonly number[][], least: number, rule: typeof listRule) => {
  const released = Map.groupBy(all, (counts) => {
    const kept = rule(counts, least)
    return `${totalOf(counts)}: ${counts.map((count, i) => (kept[i] === true ? count : '?')).join()}`
  })
  let [told, small] = [0, 0]
  for (const [key, meant] of released) {
    if (!key.includes('?')) continue
    const places = meant[0]!.flatMap((_, i) => (rule(meant[0]!, least)[i] === true ? [] : [i]))
    const values = places.map((i) => new Set(meant.map((counts) => counts[i]!)))
    const larger = meant.some((counts) => places.some((i) => counts[i]! >= least))
    for (const found of values) {
      if (found.size === 1 && [...found].every((count) => isSmall(count, least))) told++
      if (larger && [...found].every((count) => isSmall(count, least))) small++
    }
  }
  return { released: released.size, told, small }
}

/** What stood here before: small counts and one more where their sum told them, chosen as the smallest. */
const formerRule = (counts: readonly number[], least: number): boolean[] => {
  const kept = counts.map((count) => !isSmall(count, least))
  const withheld = (): number[] => counts.filter((_, i) => kept[i] === false)
  const short = withheld().length === 1 || totalOf(withheld()) - withheld().length < least - 1
  if (withheld().length > 0 && short) {
    const left = counts.filter((count, i) => kept[i] === true && count > 0)
    if (left.length === 0) return counts.map(() => false)
    kept[counts.findIndex((count, i) => kept[i] === true && count === Math.min(...left))] = false
  }
  return kept
}

describe('counts of a list', () => {
  const list = fc.record({
    counts: fc.array(fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 1000 })), {
      minLength: 2,
      maxLength: 9,
    }),
    least: fc.integer({ min: 3, max: 9 }),
  })
  it('are withheld by the rule that is written down', () => {
    const property = fc.property(list, ({ counts, least }) => {
      expect(keptOf(counts, least)).toEqual(listRule(counts, least))
      expect(isKept(counts, least)).toBe(!counts.some((count) => isSmall(count, least)))
    })
    fc.assert(property, { numRuns: 150, seed: 12 })
  })
  it.each([
    [2, 20, 5],
    [3, 18, 5],
    [4, 18, 5],
    [4, 16, 3],
    [5, 12, 4],
  ])(
    'of %i cells and %i rows at most are told to nobody who knows the rule, at a minimum of %i',
    (cells, most, least) => {
      expect(attack(lists(cells, most), least, listRule)).toMatchObject({ told: 0, small: 0 })
    },
  )
  it('would be told by a choice of the smallest other count, and by a minimum of 2', () => {
    expect(attack(lists(4, 18), 5, formerRule).told).toBeGreaterThan(20)
    expect(listRule([4, 4, 4, 6], 5)).toEqual([false, false, false, false])
    expect(attack(lists(2, 9), 2, listRule).told).toBe(2)
  })
  it('are left as they are where none is small', () => {
    expect(keptOf([7, 0, 900, 5], 5)).toEqual([true, true, true, true])
    expect(keptOf([7, 2, 900, 0, 60], 5)).toEqual([false, false, true, true, true])
    expect(keptOf([9, 1, 9, 60], 5)).toEqual([false, false, false, true])
    expect(keptOf([0, 0, 2, 0], 5)).toEqual([false, false, false, false])
  })
})

describe('tables of which all margins are known', () => {
  it.each([
    [2, 2, 14, 5],
    [2, 3, 9, 3],
    [2, 4, 7, 3],
    [3, 3, 7, 3],
    [3, 3, 7, 4],
  ])(
    'of %i by %i cells and %i rows at most tell no small count that the margins do not',
    (down, width, most, least) => {
      const all = lists(down * width, most)
      const margins = (counts: readonly number[]): string =>
        [
          ...Array.from({ length: down }, (_, r) => totalOf(counts.slice(r * width, (r + 1) * width))),
          ...Array.from({ length: width }, (_, c) => totalOf(counts.filter((_count, i) => i % width === c))),
        ].join()
      let withheld = 0
      const told: string[] = []
      for (const known of Map.groupBy(all, margins).values()) {
        const meant = known.filter((counts) => counts.some((count) => isSmall(count, least)))
        withheld += meant.length
        for (let i = 0; i < down * width && meant.length > 0; i++) {
          const before = new Set(known.map((counts) => counts[i]!))
          const after = new Set(meant.map((counts) => counts[i]!))
          if (before.size > 1 && after.size === 1 && isSmall(meant[0]![i]!, least)) told.push(meant[0]!.join())
        }
      }
      expect(told).toEqual([])
      expect(withheld).toBeGreaterThan(100)
    },
  )
})

describe('counts', () => {
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

describe('a figure', () => {
  const amount = (name: string, most: number) =>
    ({ name, type: 'numeric', minimum: 0, maximum: most, decimals: 0 }) as const
  const rows = 60
  /** Whatever column w is, of a table whose v is 777 in row 13. */
  const found = (w: (row: number) => number, write: Write, most = 1) => {
    const columns = [amount('v', 1000), amount('w', most), amount('u', 1000)]
    const tables = [0, 1, 2].map((owner) => {
      const own = Array.from({ length: 20 }, (_, i) => 20 * owner + i)
      const codes = [
        Float64Array.from(own, (row) => (row === 13 ? 777 : row)),
        Float64Array.from(own, w),
        Float64Array.from(own, (row) => (row * row) % 31),
      ]
      return { rows: 20, codes, ids: new Uint8Array(0) }
    })
    const byRole = <T>(of: (i: number) => T) => ({ p0: of(0), p1: of(1), p2: of(2) })
    const names = ['v', 'w', 'u']
    return ideal({
      parameters: {
        ...analyse({ layout: 'horizontal', columns: names, minimumCount: 10 }, write),
        sizes: byRole(() => 20),
        tables: byRole(() => ({ columns })),
      },
      inputs: byRole((i) => tables[i]!),
    })
  }
  const weighted: Write = ({ v, w, u }) => ({
    count: count({ weight: w! }),
    mean: mean(v!, { weight: w! }),
    sum: sum(v!, { weight: w! }),
    variance: variance(v!, { weight: w! }),
    correlation: correlation([v!, u!], 'pearson', { weight: w! }),
  })
  const line: Write = ({ v, w, u }) => ({ line: linear(v!, [u!], { weight: w! }) })
  const nothing = { count: null, mean: null, sum: null, variance: null, correlation: null }

  it('is not told of rows that weights of 0 and 1 pick out, nor of all but a few', () => {
    expect(found((row) => +(row === 13), weighted)).toEqual(nothing)
    expect(found((row) => +(row < 9), weighted)).toEqual(nothing)
    expect(found((row) => +(row !== 13), weighted)).toEqual(nothing)
    const some = found((row) => +(row >= 10 && row < 20), weighted)
    expect([some['count'], some['mean']]).toEqual([10, (145 - 13 + 777) / 10])
    expect(found((row) => +(row === 13), line)['line']).toBeNull()
    expect(found(() => 1, weighted)['count']).toBe(rows)
  })
  it('is not told of a row that a large weight picks out', () => {
    expect(found((row) => (row === 13 ? 1000 : 1), weighted, 1000)).toEqual(nothing)
    expect(found((row) => 1 + (row % 2), weighted, 1000)['count']).toBe(90)
  })
  it('is not told where it is a small count by another name', () => {
    const sums: Write = ({ w }) => ({ sum: sum(w!), mean: mean(w!), variance: variance(w!) })
    expect(found((row) => +(row < 9), sums)).toEqual({ sum: null, mean: null, variance: null })
    expect(found((row) => +(row >= 9), sums)['mean']).toBeNull()
    expect(found((row) => +(row < 10), sums)['mean']).toBe(1 / 6)
    expect(found(() => 0, sums)['sum']).toBe(0)
  })
  it('says when it is not told, and is refused of fewer rows than the minimum', () => {
    const plan = (minimumCount: number) =>
      horizontal(
        'diabetes',
        ['bmi', 'age'],
        analyse({ layout: 'horizontal', columns: ['bmi', 'age'], minimumCount }, ({ bmi, age }) => ({
          mean: mean(bmi, { weight: age }),
        })),
      ).parameters
    expect(explain(plan(10), 0).learns[0]!.text).toContain('the weights "age" count for fewer than 10 rows')
    expect(() => statistics.parameters(plan(443))).toThrow(/442 rows in all, figures want 443/)
    expect(() => statistics.parameters(plan(2))).toThrow(/name 3 or more/)
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
  it('cuts a column alike in all figures, or small counts would follow from two', () => {
    const plan = (edges: readonly number[], minimumCount: number) =>
      analyse({ layout: 'horizontal', columns, minimumCount }, ({ severe, bmi }) => ({
        bins: histogram(bmi!, [20, 25, 30]),
        woe: weightOfEvidence(severe!, bmi!, edges),
      }))
    const parse = (edges: readonly number[], least: number) =>
      statistics.parameters(horizontal('diabetes', columns, plan(edges, least)).parameters)
    expect(() => parse([20, 25.1, 30], 10)).toThrow(
      /"bins" cuts "bmi" at edges 20, 25, 30, "woe" at edges 20, 25.1, 30/,
    )
    expect(parse([20, 25, 30], 10).minimumCount).toBe(10)
    expect(parse([20, 25.1, 30], 0).minimumCount).toBe(0)
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
