/** Every operator on encrypted columns against plain arithmetic, over the declared ranges with their ends. */
import { createRng } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel } from '@tallystick/protocol'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeInClear } from '../src/operators/clear.ts'
import * as h from '../src/operators/expression.ts'
import { createKeys, decrypt, encrypt, evaluateEncrypted } from '../src/pool/operators.ts'
import type { Runner } from '../src/pool/operators.ts'
import { planOf } from '../src/plan/index.ts'
import { sealEngine } from '../src/seal/engine.ts'

const engine = { ...(await wasmEngine()), ...(await sealEngine()) }
const runner: Runner = { run: (kernel, input) => Promise.resolve(runKernel(engine, kernel, input)) }

type Table = Record<string, readonly number[]>

const answered = async (program: h.Program, table: Table) => {
  const plan = planOf(program)
  const keys = await createKeys(plan, createRng(new Uint8Array(32).fill(5)), runner)
  const columns = Object.fromEntries(Object.entries(table).map(([name, values]) => [name, Float64Array.from(values)]))
  const frames = await encrypt(plan, keys, columns, runner)
  const results = await decrypt(plan, keys, await evaluateEncrypted(plan, keys.published, frames, runner), runner)
  return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, [...values]]))
}

const sum = (values: readonly number[]): number => values.reduce((all, x) => all + x, 0)
const places = (length: number, f: (i: number) => number): readonly number[] => Array.from({ length }, (_, i) => f(i))
/** A column whose range is reached at both ends. */
const drawn = (length: number, least: number, greatest: number, seed: number): readonly number[] =>
  places(
    length,
    (i) => [least, greatest, least + ((i * 7919 + seed * 104_729) % (greatest - least + 1))][Math.min(i, 2)]!,
  )

/** (n·Σxy - Σx·Σy)/(n·(n - 1)), in integers. */
const covarianceOf = (x: readonly number[], y: readonly number[]): number =>
  (x.length * sum(x.map((a, i) => a * y[i]!)) - sum(x) * sum(y)) / (x.length * (x.length - 1))

test('adds, subtracts, negates, multiplies, by numbers and by columns, of any length', async () => {
  const sizes = fc.record({ length: fc.constantFrom(1, 2, 100, 4096, 4097), seed: fc.nat(1000) })
  await fc.assert(
    fc.asyncProperty(sizes, async ({ length, seed }) => {
      const [x, y] = [drawn(length, -1000, 1000, seed), drawn(length, 0, 50, seed + 1)]
      const numbers = drawn(length, -3, 9, seed + 2)
      const inputs = { x: h.vector(length, { range: [-1000, 1000] }), y: h.vector(length, { range: [0, 50] }) }
      const job = h.program(inputs, ({ x, y }) => ({
        sum: h.add(x, y),
        difference: h.subtract(3, h.multiply(y, 0.25)),
        product: h.multiply(x, y),
        negative: h.negate(h.add(x, 1.5)),
        plain: h.add(h.multiply(x, numbers), numbers),
        weighted: h.linearScore([x, y], [0.5, -2], 7),
      }))
      expect(await answered(job, { x, y })).toEqual({
        sum: x.map((a, i) => a + y[i]!),
        difference: y.map((a) => 3 - a / 4),
        product: x.map((a, i) => a * y[i]! + 0),
        negative: x.map((a) => -(a + 1.5)),
        plain: x.map((a, i) => a * numbers[i]! + numbers[i]! + 0),
        weighted: x.map((a, i) => a / 2 - 2 * y[i]! + 7),
      })
    }),
    { numRuns: 3, seed: 3 },
  )
})

test('statistics are exact, of integers and of decimals, over several tiles', async () => {
  const length = 5000
  const [x, y] = [drawn(length, -100, 100, 1), drawn(length, 0, 60, 2)]
  const inputs = {
    x: h.vector(length, { range: [-100, 100] }),
    cents: h.vector(length, { range: [0, 0.6], decimals: 2 }),
  }
  const job = h.program(inputs, ({ x, cents }) => ({
    total: h.sum(h.add(x, 2)),
    mean: h.mean(cents),
    variance: h.variance(x),
    covariance: h.covariance(x, cents),
    dot: h.dot(x, cents),
    score: h.logisticScore([cents], [2], -0.5),
  }))
  const cents = y.map((a) => a / 100)
  const found = await answered(job, { x, cents })
  expect(found['total']).toEqual([sum(x) + 2 * length])
  expect(found['mean']).toEqual([sum(y) / (100 * length)])
  expect(found['variance']![0]).toBeCloseTo(covarianceOf(x, x), 10)
  expect(found['covariance']![0]).toBeCloseTo(covarianceOf(x, y) / 100, 10)
  expect(found['dot']).toEqual([sum(x.map((a, i) => a * y[i]!)) / 100])
  found['score']!.forEach((p, i) => expect(p).toBeCloseTo(1 / (1 + Math.exp(0.5 - y[i]! / 50)), 12))
})

test('predicates and tables of small integers', async () => {
  const [x, y] = [drawn(50, -1, 2, 1), drawn(50, -1, 2, 9)]
  const column = h.vector(50, { range: [-1, 2] })
  const table = [9, -5, 1, 1000]
  const job = h.program({ x: column, y: column }, ({ x, y }) => ({
    less: h.less(x, y),
    equal: h.equal(x, y),
    below: h.less(x, 1),
    above: h.less(0, x),
    members: h.isIn(x, [-1, 2]),
    inside: h.between(x, 0, 1),
    table: h.applyTable(x, table),
    count: h.count(h.logicalAnd(h.less(x, 1), h.logicalNot(h.equal(y, 0)))),
    where: h.sumWhere(x, h.logicalOr(h.equal(x, 1), h.equal(x, 2))),
    bins: h.histogram(y, [2])[0]!,
    wide: h.histogramBetween(y, [-1, 1, 3])[0]!,
  }))
  const bit = (condition: boolean): number => (condition ? 1 : 0)
  expect(await answered(job, { x, y })).toEqual({
    less: x.map((a, i) => bit(a < y[i]!)),
    equal: x.map((a, i) => bit(a === y[i]!)),
    below: x.map((a) => bit(a < 1)),
    above: x.map((a) => bit(a > 0)),
    members: x.map((a) => bit(a === -1 || a === 2)),
    inside: x.map((a) => bit(a >= 0 && a <= 1)),
    table: x.map((a) => table[a + 1]!),
    count: [x.filter((a, i) => a < 1 && y[i] !== 0).length],
    where: [sum(x.filter((a) => a === 1 || a === 2))],
    bins: [y.filter((a) => a === 2).length],
    wide: [y.filter((a) => a < 1).length],
  })
})

test('a product of encrypted matrices that are not square', async () => {
  const [a, b] = [drawn(6, -9, 9, 1), drawn(6, -5, 5, 2)]
  const inputs = { a: h.vector(6, { range: [-9, 9] }), b: h.vector(6, { range: [-5, 5] }) }
  const job = h.program(inputs, ({ a, b }) => h.matrixProduct(a, b, [2, 3, 2]))
  const entry = (i: number, j: number): number => sum(places(3, (l) => a[3 * i + l]! * b[2 * l + j]!))
  expect(await answered(job, { a, b })).toEqual({ result: [entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)] })
  const square = h.program({ a: h.vector(9, { range: [-99.99, 99.99], decimals: 2 }) }, ({ a }) => ({
    square: h.matrixProduct(a, a, [3, 3, 3]),
  }))
  const decimals = drawn(9, -9999, 9999, 3)
  const squared = places(9, (at) =>
    sum(places(3, (l) => decimals[3 * Math.floor(at / 3) + l]! * decimals[3 * l + (at % 3)]!)),
  )
  const values = { a: Float64Array.from(decimals, (x) => x / 100) }
  expect([...computeInClear(square, values)['square']!]).toEqual(squared.map((x) => x / 10_000))
  expect(planOf(square).seconds).toBeGreaterThan(0)
  const wrong = h.program(inputs, ({ a, b }) => h.matrixProduct(a, b, [2, 3, 3]))
  expect(() => planOf(wrong)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
  const large = h.program({ a: h.vector(65, { range: [0, 1] }) }, ({ a }) => h.matrixProduct(a, a, [1, 65, 1]))
  expect(() => planOf(large)).toThrow(expect.objectContaining({ code: 'terms/unsupported' }))
})

test('rotations, plain matrices, polynomials', async () => {
  const rows = places(5, (i) => i).map((i) => places(24, (j) => ((i * j) % 7) / 2 - 1))
  const [x, long] = [drawn(24, -20, 20, 4), drawn(5000, 0, 9, 5)]
  const inputs = { x: h.vector(24, { range: [-20, 20] }), long: h.vector(5000, { range: [0, 9] }) }
  const job = h.program(inputs, ({ x, long }) => ({
    ahead: h.rotate(x, 3),
    around: h.rotate(long, -1200),
    transformed: h.matrixVector(rows, x),
    cubic: h.polynomial(x, [1.5, 0, -2, 1]),
  }))
  expect(await answered(job, { x, long })).toEqual({
    ahead: places(24, (i) => x[(i + 3) % 24]!),
    around: places(5000, (i) => long[(i + 3800) % 5000]!),
    transformed: rows.map((row) => sum(row.map((m, j) => m * x[j]!))),
    cubic: x.map((a) => 1.5 - 2 * a * a + a ** 3),
  })
})
