/** Scripts that name parties and tables: what they make is what `tally stats` runs, and a rehearsal gives the figures. */
import { expect, it } from 'vitest'
import { wasmEngine } from '@tallystick/kernels/engine'
import {
  categorical,
  correlation,
  groupBy,
  join,
  logistic,
  mean,
  numeric,
  only,
  party,
  stack,
} from '@tallystick/statistics'

const engine = await wasmEngine()
const ids = Array.from({ length: 40 }, (_, i) => `c${i}`)
const bankA = party('Bank A', {
  customers: {
    columns: [numeric('income', 0, 100), categorical('segment', ['basic', 'plus'])],
    rows: ids.map((id, i) => ({ id, income: (7 * i) % 60, segment: i % 3 === 0 ? 'plus' : 'basic' })),
  },
})
const bankB = party('Bank B', {
  loans: {
    columns: [numeric('balance', 0, 500, 1), numeric('default', 0, 1)],
    // In another order, and without the first customer.
    rows: ids
      .map((id, i) => ({ id, balance: i / 2 + ((i * i) % 11), default: +((3 * i) % 7 < 3) }))
      .slice(1)
      .reverse(),
  },
})

it('joins, runs as the parties would, and plans for them', () => {
  const joined = join(bankA.table('customers'), bankB.table('loans'), { on: 'id' })
  const result = joined.run(
    ({ income, balance, default: y }) => ({
      r: correlation([income, balance]),
      model: logistic(y, [income, balance], { iterations: 3, penalty: 1 }),
      income: only(mean(income), 'p1'),
    }),
    { engine },
  )
  const [x, y] = [
    ids.slice(1).map((_, i) => (7 * (i + 1)) % 60),
    ids.slice(1).map((_, i) => (i + 1) / 2 + ((i + 1) ** 2 % 11)),
  ]
  const centred = (v: number[]): number[] => v.map((each) => each - v.reduce((a, b) => a + b) / v.length)
  const dot = (a: number[], b: number[]): number => a.reduce((sum, each, i) => sum + each * b[i]!, 0)
  const [u, w] = [centred(x), centred(y)]
  const r = result['r'] as number[][]
  expect(r[0]![1]).toBeCloseTo(dot(u, w) / Math.sqrt(dot(u, u) * dot(w, w)), 8)
  expect(result['income']).toBeCloseTo(x.reduce((a, b) => a + b) / x.length, 12)
  expect((result['model'] as { coefficients: number[] }).coefficients).toHaveLength(2)
  const plan = joined.plan(({ segment, balance }) => ({ groups: groupBy(segment, balance) }), { minimumCount: 5 })
  expect(plan).toMatchObject({ layout: 'vertical', minimumCount: 5, to: 'all', outputs: [{ name: 'groups' }] })
  // @ts-expect-error -- a column that no table has
  expect(() => joined.run(({ missing }) => ({ m: mean(missing) }), { engine })).toThrow()
})

it('stacks the rows of more parties than compute', () => {
  const columns = [numeric('a', 0, 9)]
  const parties = ['u', 'v', 'w', 'x', 'y'].map((name, i) =>
    party(name, { t: { columns, rows: [{ a: i }, { a: 9 - i }] } }),
  )
  const joint = stack(...parties.map((each) => each.table('t')))
  expect(joint.run(({ a }) => ({ mean: mean(a) }), { engine })).toEqual({ mean: 4.5 })
})

it('names the row and column of a cell that is not as declared', () => {
  const wrong = party('w', { t: { columns: [numeric('a', 0, 9)], rows: [{ a: 3 }, { a: 12 }] } })
  expect(() => stack(wrong.table('t')).run(({ a }) => ({ mean: mean(a) }))).toThrow(/row 1, column "a"/)
  const none = party('n', { t: { columns: [numeric('a', 0, 9)] } })
  expect(() => stack(none.table('t')).run(({ a }) => ({ mean: mean(a) }))).toThrow(/no rows to rehearse/)
})
