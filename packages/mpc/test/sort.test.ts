/** Sorting, permuting and grouping against plain arrays, ties and edges included. */
import { describe, expect, it } from 'vitest'
import { groupBy, permute, radixSort, sort, top, type Arithmetic } from '@tallystick/mpc'
import { integers, runShared, shared } from './harness.ts'

const keysOf = (length: number, kinds: number, seed = 1): bigint[] =>
  Array.from({ length }, (_, i) => ((BigInt(i + seed) * 0x9e3779b97f4a7c15n) >> 40n) % BigInt(kinds))
const rows = (keys: readonly bigint[]) => keys.map((_, i) => BigInt(i))
const stable = (keys: readonly bigint[], sign = 1) =>
  keys
    .map((key, i) => ({ key, i }))
    .toSorted((a, b) => sign * (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.i - b.i)
const within = (run: ReturnType<typeof runShared>) => {
  expect(run.rounds).toBeLessThanOrEqual(run.cost.rounds)
  expect(run.bytes).toBeLessThanOrEqual(run.cost.bytes)
}

describe('sort', () => {
  it.each([
    [0, 1],
    [1, 1],
    [2, 1],
    [7, 3],
    [50, 1],
    [60, 5],
    [60, 2 ** 20],
  ])('%i rows of %i keys, equal keys in the order in which they came', (length, kinds) => {
    const keys = keysOf(length, kinds).map((key, i) => (i % 3 === 0 ? -key : key))
    for (const descending of [false, true]) {
      const run = runShared({ k: shared(keys), i: shared(rows(keys)) }, function* (b, { k, i }) {
        const sorted = yield* sort(b, k as Arithmetic<64>, [i!], { bits: 21, descending })
        return { keys: sorted.keys, rows: sorted.columns[0]! }
      })
      const expected = stable(keys, descending ? -1 : 1)
      expect(integers(run, 'keys')).toEqual(expected.map(({ key }) => key))
      expect(integers(run, 'rows')).toEqual(expected.map(({ i }) => BigInt(i)))
      within(run)
    }
  })
  it('takes keys of the whole range', () => {
    const keys = [2n ** 61n, -(2n ** 61n), 0n, 2n ** 62n - 1n, -(2n ** 62n) + 1n, 1n, -1n, 2n ** 61n, 5n]
    const run = runShared({ k: shared(keys) }, function* (b, { k }) {
      return { keys: (yield* sort(b, k as Arithmetic<64>, [])).keys }
    })
    expect(integers(run, 'keys')).toEqual(stable(keys).map(({ key }) => key))
    within(run)
  })
  it.each([0, 63, 1.5, Number.NaN])('refuses keys of %d bits', (bits) => {
    const run = () =>
      runShared({ k: shared([3, 1, 2]) }, function* (b, { k }) {
        return { keys: (yield* sort(b, k as Arithmetic<64>, [], { bits })).keys }
      })
    expect(run).toThrow(expect.objectContaining({ code: 'api/misuse' }))
    expect(run).toThrow('expected keys of 1 to 62 bits')
  })
  it('finds the greatest, and wanted places, without sorting the rest', () => {
    const keys = keysOf(200, 40)
    const full = runShared({ k: shared(keys) }, function* (b, { k }) {
      return { keys: (yield* sort(b, k as Arithmetic<64>, [], { bits: 8 })).keys }
    })
    const run = runShared({ k: shared(keys), i: shared(rows(keys)) }, function* (b, { k, i }) {
      const best = yield* top(b, k as Arithmetic<64>, [i!], 3, { bits: 8 })
      return { keys: best.keys, rows: best.columns[0]! }
    })
    const expected = stable(keys, -1).slice(0, 3)
    expect(integers(run, 'keys')).toEqual(expected.map(({ key }) => key))
    expect(integers(run, 'rows')).toEqual(expected.map(({ i }) => BigInt(i)))
    expect(run.bytes).toBeLessThan(full.bytes)
    const median = runShared({ k: shared(keys) }, function* (b, { k }) {
      return { keys: (yield* sort(b, k as Arithmetic<64>, [], { bits: 8, places: [0, 100, 199] })).keys }
    })
    const sorted = stable(keys)
    expect(integers(median, 'keys')).toEqual([0, 100, 199].map((place) => sorted[place]!.key))
  })
  it('by bits: the same in rounds and bytes that depend on sizes alone', () => {
    for (const length of [1, 2, 30]) {
      const keys = keysOf(length, 16)
      const run = runShared({ k: shared(keys), i: shared(rows(keys)) }, function* (b, { k, i }) {
        const sorted = yield* radixSort(b, k as Arithmetic<64>, [i!], 4)
        return { keys: sorted.keys, rows: sorted.columns[0]! }
      })
      const expected = stable(keys)
      expect(integers(run, 'keys')).toEqual(expected.map(({ key }) => key))
      expect(integers(run, 'rows')).toEqual(expected.map(({ i }) => BigInt(i)))
      expect({ rounds: run.rounds, bytes: run.bytes }).toEqual(run.cost)
    }
  })
  it('permutes by secret places', () => {
    const places = [3, 0, 4, 1, 2]
    const run = runShared({ p: shared(places), x: shared([10, 11, 12, 13, 14]) }, function* (b, { p, x }) {
      return { moved: (yield* permute(b, p as Arithmetic<64>, [x!]))[0]! }
    })
    expect(integers(run, 'moved')).toEqual([11n, 13n, 14n, 10n, 12n])
  })
})

describe('group-by', () => {
  it.each([
    [1, 1, 3],
    [20, 1, 2],
    [50, 7, 10],
    [50, 7, 7],
    [30, 1000, 30],
    [40, 12, 5],
  ])('%i rows of %i keys into at most %i groups', (length, kinds, most) => {
    const keys = keysOf(length, kinds)
    const values = keys.map((key, i) => key * 100n - BigInt(i))
    const run = runShared({ k: shared(keys), v: shared(values) }, function* (b, { k, v }) {
      const groups = yield* groupBy(b, k as Arithmetic<64>, [v as Arithmetic<64>], most, { bits: 11 })
      const { keys, sums, counts, valid, total } = groups
      return { keys, sums: sums[0]!, counts, valid, total }
    })
    const distinct = [...new Set(keys)].toSorted((a, b) => Number(a - b))
    const kept = distinct.slice(0, most)
    const padded = (found: bigint[]) => [
      ...found,
      ...Array.from({ length: Math.min(most, length) - kept.length }, () => 0n),
    ]
    const of = (key: bigint) => values.filter((_, i) => keys[i] === key)
    expect(integers(run, 'keys')).toEqual(padded(kept))
    expect(integers(run, 'sums')).toEqual(padded(kept.map((key) => of(key).reduce((sum, v) => sum + v, 0n))))
    expect(integers(run, 'counts')).toEqual(padded(kept.map((key) => BigInt(of(key).length))))
    expect(integers(run, 'valid')).toEqual(padded(kept.map(() => 1n)))
    expect(integers(run, 'total')).toEqual([BigInt(distinct.length)])
    within(run)
  })
})
