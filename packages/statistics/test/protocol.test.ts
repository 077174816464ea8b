/** The protocol itself: conformance, refusals before anything is shared, exact sums, rows that do not fit. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wasmEngine } from '@tallystick/kernels/engine'
import { conformance } from '@tallystick/protocol/testing'
import {
  boostedTrees,
  correlation,
  covariance,
  crosstab,
  decodeTable,
  encodeTable,
  explain,
  histogram,
  linear,
  mean,
  median,
  minimum,
  quantiles,
  statistics,
  statisticsWith,
  summarise,
  sum,
  tableInput,
  type Parameters,
  type Computing as Role,
  type Statistic,
  type StatisticsOutput,
  type Table,
  type TableSchema,
} from '@tallystick/statistics'
import { simulated } from './tables.ts'

const ids = (rows: number): Uint8Array => Uint8Array.from({ length: 16 * rows }, (_, i) => i % 251)

const table = (...codes: readonly (readonly number[])[]): Table => ({
  rows: codes[0]!.length,
  codes: codes.map((column) => Float64Array.from(column)),
  ids: ids(codes[0]!.length),
})

const amount = (name: string, maximum = 20, decimals = 0) =>
  ({ name, type: 'numeric', minimum: 0, maximum, decimals }) as const
const region = { name: 'region', type: 'categorical', levels: ['north', 'south', 'west'] } as const

const outputsOf = (statistics: Readonly<Record<string, Statistic>>) =>
  Object.entries(statistics).map(([name, statistic]) => ({ name, statistic }))

const columns = (a: string) => ({ column: a })
const shared: TableSchema = { columns: [amount('a'), amount('b'), region] }

const horizontal = (written: Readonly<Record<string, Statistic>>, minimumCount = 0): Parameters => ({
  layout: 'horizontal',
  outputs: outputsOf(written),
  minimumCount,
  to: 'all',
  sizes: { p0: 3, p1: 2, p2: 2 },
  tables: { p0: shared, p1: shared, p2: shared },
})
const rowsOf = (shift: number): Readonly<Record<Role, Table>> => ({
  p0: table([1 + shift, 7, 20], [3, 9, 14], [0, 1, 1]),
  p1: table([4, 15], [6 + shift, 11], [2, 0]),
  p2: table([9, 12], [0, 13], [1, 1]),
})

const two: Parameters = {
  layout: 'vertical',
  outputs: outputsOf({ table: crosstab(columns('region'), columns('flag')), sum: sum(columns('a')) }),
  minimumCount: 3,
  to: 'p1',
  sizes: { p0: 5, p1: 5 },
  tables: { p0: { columns: [amount('a'), region] }, p1: { columns: [amount('flag', 1)] } },
}
const nobody: Table = { rows: 0, codes: [], ids: new Uint8Array(0) }
const joined = (last: number): Readonly<Record<Role, Table>> => ({
  p0: table([1, 2, 3, 4, last], [0, 0, 1, 1, 1]),
  p1: table([1, 1, 0, 1, 1]),
  p2: nobody,
})

const exact = horizontal({
  mean: mean(columns('a')),
  covariance: covariance([columns('a'), columns('b')]),
  median: median(columns('b')),
})

/** Ranks among the rows of all, and quantiles of a column with too many codes to be counted. */
const ordered: Parameters = {
  ...horizontal({ ranks: correlation([columns('a'), columns('b')], 'spearman'), median: median(columns('b')) }),
  tables: Object.fromEntries(
    ['p0', 'p1', 'p2'].map((role) => [role, { columns: [amount('a'), amount('b', 2 ** 25), region] }]),
  ),
}
const weighted: Parameters = {
  layout: 'vertical',
  outputs: outputsOf({ covariance: covariance([columns('a'), columns('b')], { weight: columns('w') }) }),
  minimumCount: 0,
  to: 'all',
  sizes: { p0: 4, p1: 4, p2: 4 },
  tables: { p0: { columns: [amount('a')] }, p1: { columns: [amount('b')] }, p2: { columns: [amount('w')] } },
}
const threefold = { p0: table([1, 5, 9, 20]), p1: table([3, 3, 0, 7]), p2: table([1, 2, 20, 4]) }

// The kit is quadratic in the frames: a plan of few rounds. Longer plans are compared with the ideal below.
const brief = horizontal({ mean: mean(columns('a')), covariance: covariance([columns('a'), columns('b')]) })
conformance(
  statistics,
  [{ name: 'sums of rows, exact', parameters: brief, inputs: rowsOf(0), alternative: rowsOf(1) }],
  { engine: await wasmEngine(), schedules: 20, sample: 60 },
)

const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'nothing'
}

const idealOf = (parameters: Parameters, inputs: Readonly<Record<Role, Table>>, role: Role = 'p0') => {
  const output = statistics.ideal(parameters, inputs)[role]
  return output === undefined ? undefined : (summarise(parameters, output) as Record<string, any>)
}

/** Correlations but for their last bits, which truncation makes random. */
const near = (output: StatisticsOutput | undefined) =>
  output && { ...output, opened: { ...output.opened, ranks: output.opened['ranks']?.flat().map((v) => v >> 30n) } }

/** Five parties: two that compute only, one that does both, two that only have tables; and figures for some of them. */
const five: Parameters = {
  layout: 'horizontal',
  outputs: [
    { name: 'mean', statistic: mean(columns('a')), to: ['owner-1', 'p1'] },
    { name: 'regions', statistic: histogram(columns('b'), [5, 10]), to: ['p2'] },
    { name: 'covariance', statistic: covariance([columns('a'), columns('b')]), to: ['p1'] },
  ],
  minimumCount: 0,
  owners: 2,
  to: ['owner-1', 'p1', 'p2'],
  sizes: { p2: 3, 'owner-1': 2, 'owner-2': 2 },
  tables: { p2: shared, 'owner-1': shared, 'owner-2': shared },
}
const tables5 = (shift: number): Readonly<Record<string, Table>> => {
  const { p0, p1, p2 } = rowsOf(shift)
  return { p0: nobody, p1: nobody, p2: p0, 'owner-1': p1, 'owner-2': p2 }
}
conformance(
  statisticsWith(2),
  [{ name: 'figures for some', parameters: five, inputs: tables5(0), alternative: tables5(1) }],
  { engine: await wasmEngine(), schedules: 5, sample: 60 },
)

describe('statistics/rep3/owners-2', () => {
  it('tells each role the figures that are for it', () => {
    const found = statisticsWith(2).ideal(statisticsWith(2).parameters(five), tables5(0))
    const told = Object.entries(found).map(([role, output]) => [role, output && Object.keys(summarise(five, output))])
    expect(Object.fromEntries(told)).toEqual({
      p0: undefined,
      p1: ['mean', 'covariance'],
      p2: ['regions'],
      'owner-1': ['mean'],
      'owner-2': undefined,
    })
    expect(summarise(five, found['owner-1']!)).toEqual({ mean: 68 / 7 })
    expect(explain(five, 0).learns[1]!.text).toContain('(only p2)')
  })
  it.each([
    ['a receiver that learns nothing', { ...five, to: ['owner-1', 'owner-2', 'p1', 'p2'] }],
    ['an owner too many', { ...five, owners: 1 }],
    ['outputs for others than the plan says', { ...five, to: 'p1' }],
  ])('refuses %s', (_, parameters) => {
    expect(code(() => statisticsWith(2).parameters(parameters))).toBe('terms/malformed')
  })
})

describe('statistics/rep3', () => {
  it.each([
    ['quantiles over several owners', exact, rowsOf(0)],
    ['a table between two owners of three', two, joined(5)],
    ['ranks and order among rows of several owners', ordered, rowsOf(0)],
    ['sums of products of three owners', weighted, threefold],
  ])('gives the ideal outputs at the declared cost: %s', (_, parameters, inputs) => {
    const { outputs, errors, rounds, bytes } = simulated({ parameters, inputs })
    expect(errors).toEqual({})
    const expected = statistics.ideal(parameters, inputs)
    for (const role of ['p0', 'p1', 'p2'] as const) expect(near(outputs[role])).toEqual(near(expected[role]))
    const cost = statistics.cost(parameters)
    expect({ rounds, bytes }).toEqual({ rounds: cost.rounds, bytes: cost.bytes })
  })

  it('grows trees of rows of several owners, at the declared cost', () => {
    const cuts = [
      { column: columns('a'), cuts: { bins: 2 } },
      { column: columns('region2'), cuts: [5, 9] },
    ]
    const named = (name: string) => ({ columns: [amount('a'), amount('b'), { ...amount('region2'), name }] })
    const parameters: Parameters = {
      ...horizontal({ tree: boostedTrees(columns('b'), cuts, { trees: 2, depth: 1 }) }, 3),
      tables: { p0: named('region2'), p1: named('region2'), p2: named('region2') },
    }
    const { outputs, errors, rounds, bytes } = simulated({ parameters, inputs: rowsOf(0) })
    expect(errors).toEqual({})
    const cost = statistics.cost(parameters)
    expect({ rounds, bytes }).toEqual({ rounds: cost.rounds, bytes: cost.bytes })
    const found = summarise(parameters, outputs['p1']!)['tree'] as any
    const expected = idealOf(parameters, rowsOf(0))!['tree']
    found.trees.forEach((tree: any, t: number) => {
      expect(tree.splits).toEqual(expected.trees[t].splits)
      tree.leaves.forEach((leaf: number | null, i: number) => {
        if (leaf === null) expect(expected.trees[t].leaves[i]).toBeNull()
        else expect(Math.abs(leaf - expected.trees[t].leaves[i])).toBeLessThan(0.01)
      })
    })
  })

  it('opens to the receivers of the plan only, and withholds small cells', () => {
    expect(idealOf(two, joined(5), 'p0')).toBeUndefined()
    const found = idealOf(two, joined(5), 'p1')!
    expect(found['sum']).toBe(15)
    // Regions by flag: (0, 2), (1, 2), (0, 0).
    expect(found['table'].counts).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ])
    // By region 2, 3 and 0; by flag 1 and 4.
    expect(found['table']).toMatchObject({ rowTotals: [null, null, 0], columnTotals: [null, null] })
  })

  it('opens nothing of tables that have other ids', () => {
    const inputs = joined(5)
    const other = { ...inputs, p1: { ...inputs.p1, ids: inputs.p1.ids.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) } }
    const output = statistics.ideal(two, other)['p1'] as StatisticsOutput
    expect(output.aligned).toBe(false)
    expect(
      Object.values(output.opened)
        .flat(2)
        .every((value) => value === 0n),
    ).toBe(true)
    expect(summarise(two, output)).toEqual({ table: null, sum: null })
  })

  it('opens nothing of lists that a linear digest would take for the same', () => {
    const inputs = joined(5)
    const words = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f]
    const listOf = (first: readonly number[], second: readonly number[]): Uint8Array => {
      const ids = inputs.p0.ids.slice()
      const view = new DataView(ids.buffer)
      ;[...first, ...second].forEach((word, i) => view.setUint32(4 * i, word))
      return ids
    }
    // 1 · m + 0 = 0 · m + m, whatever follows.
    const [left, right] = [listOf([1, 1, 1, 1], [0, 0, 0, 0]), listOf([0, 0, 0, 0], words)]
    const alike = { ...inputs, p0: { ...inputs.p0, ids: left }, p1: { ...inputs.p1, ids: left } }
    expect((statistics.ideal(two, alike)['p1'] as StatisticsOutput).aligned).toBe(true)
    const other = { ...alike, p1: { ...inputs.p1, ids: right } }
    expect((statistics.ideal(two, other)['p1'] as StatisticsOutput).aligned).toBe(false)
  })

  it('has exact sums and covariances over the whole declared range', () => {
    const largest = 2 ** 40
    const wide: TableSchema = { columns: [amount('a', largest), amount('b', largest)] }
    const value = fc.oneof(fc.integer({ min: 0, max: largest }), fc.constantFrom(0, 1, largest - 1, largest))
    const column = fc.array(value, { minLength: 4, maxLength: 4 })
    const property = fc.property(fc.array(fc.tuple(column, column), { minLength: 3, maxLength: 3 }), (parts) => {
      const parameters: Parameters = {
        ...horizontal({ sum: sum(columns('a')), covariance: covariance([columns('a'), columns('b')]) }),
        sizes: { p0: 4, p1: 4, p2: 4 },
        tables: { p0: wide, p1: wide, p2: wide },
      }
      const [p0, p1, p2] = parts.map(([a, b]) => table(a, b))
      const output = statistics.ideal(parameters, { p0: p0!, p1: p1!, p2: p2! })['p0'] as StatisticsOutput
      const [a, b] = [0, 1].map((c) => parts.flatMap((part) => part[c]!.map(BigInt)))
      const total = (values: readonly bigint[]): bigint => values.reduce((x, y) => x + y, 0n)
      const scatter = (x: readonly bigint[], y: readonly bigint[]): bigint =>
        12n * total(x.map((v, i) => v * y[i]!)) - total(x) * total(y)
      expect(output.opened['sum']).toEqual([[total(a!)]])
      expect(output.opened['covariance']).toEqual([[scatter(a!, a!), scatter(a!, b!), scatter(b!, b!)]])
    })
    fc.assert(property, { numRuns: 60, seed: 4 })
  })

  it.each([
    ['a column that is not there', { m: mean(columns('c')) }],
    ['a mean of a category', { m: mean(columns('region')) }],
    ['a level of more digits than there are', { q: quantiles(columns('a'), [1 / 3]) }],
    ['bins that do not ascend', { h: histogram(columns('a'), [5, 3]) }],
    ['bins outside of the range', { h: histogram(columns('a'), [500]) }],
    ['a column twice', { l: linear(columns('a'), [columns('a')]) }],
  ])('refuses %s before anything is shared', (_, written) => {
    expect(code(() => statistics.parameters(horizontal(written as Record<string, Statistic>)))).toMatch(/^terms\//)
  })

  it('refuses what could wrap around, and says what to change', () => {
    const wide: TableSchema = { columns: [amount('a', 2 ** 45), amount('b', 2 ** 45)] }
    const parameters: Parameters = {
      ...horizontal({ r: correlation([columns('a'), columns('b')]) }),
      sizes: { p0: 2 ** 26, p1: 1, p2: 1 },
      tables: { p0: wide, p1: wide, p2: wide },
    }
    expect(() => statistics.parameters(parameters)).toThrow(/could wrap around/)
    expect(code(() => statistics.parameters({ ...parameters, sizes: { p0: 2 ** 10, p1: 1, p2: 1 } }))).toBe('nothing')
  })

  it('refuses a minimum where counts below a threshold are withheld', () => {
    expect(() => statistics.parameters(horizontal({ m: minimum(columns('a')) }, 3))).toThrow(/1 rows on one side/)
  })

  it('refuses vertical tables of different lengths, and horizontal ones with other columns', () => {
    expect(code(() => statistics.parameters({ ...two, sizes: { p0: 5, p1: 4 } }))).toBe('terms/malformed')
    const tables = { ...exact.tables, p2: { columns: [amount('a')] } }
    expect(code(() => statistics.parameters({ ...exact, tables }))).toBe('terms/malformed')
  })

  it('explains what a plan tells, with the exact rounds and bytes', () => {
    const { rounds, bytes, learns, seconds } = explain(exact, 1)
    expect({ rounds, bytes }).toEqual({ rounds: statistics.cost(exact).rounds, bytes: statistics.cost(exact).bytes })
    expect(learns.map(({ name }) => name)).toEqual(['mean', 'covariance', 'median'])
    expect(seconds).toBeGreaterThan(0)
  })

  it('reads committed rows back as they were, and no others', () => {
    const cells = fc.array(fc.tuple(fc.nat(20), fc.nat(20), fc.nat(2)), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(cells, fc.boolean(), (rows, vertical) => {
        const codes = [0, 1, 2].map((c) => Float64Array.from(rows, (row) => row[c]!))
        const given: Table = { rows: rows.length, codes, ids: vertical ? ids(rows.length) : new Uint8Array(0) }
        expect(decodeTable(shared, encodeTable(shared, given, vertical), vertical)).toEqual(given)
      }),
      { numRuns: 50, seed: 5 },
    )
    const rows = encodeTable(shared, table([1], [2], [0]), false)
    expect(tableInput(rows, 'p0', exact).codes[1]).toEqual(Float64Array.of(2))
    expect(code(() => tableInput({ ...rows, bytes: rows.bytes.map(() => 200) }, 'p0', exact))).toBe('input/malformed')
    expect(code(() => decodeTable(shared, { bytes: rows.bytes, offsets: Uint32Array.of(0, 2) }, false))).toBe(
      'input/malformed',
    )
  })
})
