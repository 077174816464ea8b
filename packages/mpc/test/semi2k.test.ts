/** Additive shares: every source of triples gives what the clear gives, at the counted cost. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRng, taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import {
  floor,
  fixed,
  lessThan,
  logisticFixed,
  numbersOfWords,
  semi2kProgram,
  sort,
  wordsOfIntegers,
  wordsOfNumbers,
  type Arithmetic,
  type Program,
  type Semi2kSetting,
  type Vectors,
} from '@tallystick/mpc'
import { integers, runShared, shared, type ProtocolOf } from './harness.ts'
import { agree } from './random-programs.ts'

const engine = await nodeEngine()
const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
const helped = { parties: 2, triples: 'helper' } as const
const settings: Readonly<Record<string, Semi2kSetting & { readonly runs: number }>> = {
  'two parties and a helper': { ...helped, runs: 50 },
  'three parties and a helper': { parties: 3, triples: 'helper', runs: 30 },
  'a party that deals': { parties: 2, triples: 'insecure-first-party-deals', runs: 30 },
  'oblivious transfers': { parties: 2, triples: 'transfers', runs: 5 },
  ciphertexts: { parties: 2, triples: 'bgv', runs: 2 },
}
const under =
  (setting: Semi2kSetting): ProtocolOf =>
  (program) =>
    semi2kProgram(program, setting)

const edges = [0n, 1n, -1n, 5n, -5n, 12_345_678_901n, 2n ** 62n - 1n, 1n - 2n ** 62n, 2n ** 61n + 3n, -(2n ** 61n)]

describe.each(Object.entries(settings))('semi2k: %s', (_, { runs, ...setting }) => {
  it('random programs', () => agree(runs, under(setting), engine))

  it('truncates to the floor or one more, widens exactly, at the edges of the range', () => {
    const run = runShared(
      { x: shared(edges) },
      function* (b, { x }) {
        const wide = yield* b.widen(x!)
        const low = yield* b.truncate(x!, 7)
        return {
          low,
          most: yield* b.truncate(x!, 62),
          product: yield* b.multiplyTruncate(x!, b.constant(64, shared([1]).words), 20),
          wide,
        }
      },
      engine,
      under(setting),
    )
    expect(integers(run, 'wide', 128)).toEqual(edges)
    for (const [output, by] of [
      ['low', 7n],
      ['most', 62n],
      ['product', 20n],
    ] as const) {
      integers(run, output).forEach((found, i) =>
        expect([0n, 1n], `${output} ${i}`).toContain(found - (edges[i]! >> by)),
      )
    }
    expect({ rounds: run.rounds, bytes: run.bytes }).toEqual(run.cost)
  })

  it('rounds up with the probability of the fraction', () => {
    const run = runShared(
      { x: shared(Array.from({ length: 4000 }, () => 7 * 16 + 4)) },
      function* (b, { x }) {
        return { x: yield* b.truncate(x!, 4) }
      },
      engine,
      under(setting),
    )
    const up = integers(run, 'x').filter((value) => value === 8n).length
    // 1000 expected; six standard deviations.
    expect(Math.abs(up - 1000)).toBeLessThan(165)
  })

  it.skipIf(setting.triples === 'transfers' || setting.triples === 'bgv')(
    'multiplies and truncates over Z_2^128, sorts, and evaluates functions',
    () => {
      const keys = [5, -3, 9, 0, 7, 7, -8, 2, 1]
      const points = [-4.5, -0.1, 0, 0.75, 3]
      const run = runShared(
        { k: shared(keys), w: shared(edges, 128), x: { ring: 64, words: wordsOfNumbers(64, points, 16) } },
        function* (b, { k, w, x }) {
          const square = yield* b.multiply(w!, w!)
          return {
            sorted: (yield* sort(b, k as Arithmetic<64>, [], { bits: 8 })).keys,
            square,
            floor: yield* floor(b, square, 40),
            logistic: (yield* logisticFixed(b, fixed(x!, 16, 2 ** 36))).share,
          }
        },
        engine,
        under(setting),
      )
      expect(integers(run, 'sorted')).toEqual(keys.toSorted((a, b) => a - b).map(BigInt))
      expect(integers(run, 'square', 128)).toEqual(edges.map((x) => x * x))
      expect(integers(run, 'floor', 128)).toEqual(edges.map((x) => (x * x) >> 40n))
      const found = numbersOfWords(64, run.opened['logistic']!, 16)
      points.forEach((x, i) => expect(Math.abs(found[i]! - 1 / (1 + Math.exp(-x)))).toBeLessThan(2 ** -14))
      expect(run.rounds).toBeLessThanOrEqual(run.cost.rounds)
      expect(run.bytes).toBeLessThanOrEqual(run.cost.bytes)
    },
  )
})

type Rows = Readonly<Record<string, readonly bigint[]>>
const program: Program<{ readonly length: number }, Rows, Vectors> = {
  id: 'mpc/semi2k-test',
  version: 1,
  owners: ['d0'],
  parameters: (value) => value as { readonly length: number },
  inputs: ({ length }) => [
    { name: 'x', owner: 'p0', ring: 64, length },
    { name: 'y', owner: 'd0', ring: 64, length },
  ],
  receivers: () => ['p1', 'd0'],
  encode: ({ length }, role, rows) =>
    role === 'p0' ? { x: wordsOfIntegers(64, rows['x']!) } : { y: wordsOfIntegers(64, rows['y']!.slice(0, length)) },
  *compute(b, { length }, inputs) {
    const [x, y] = [inputs['x'] as Arithmetic<64>, inputs['y'] as Arithmetic<64>]
    const less = yield* lessThan(b, x, y, 2)
    const [bit, dot] = yield* b.join(
      (branch) => branch.inject(less, 64),
      (branch) => branch.matrixProduct(x, y, { rows: 1, inner: length, columns: 1 }),
    )
    return { less, bit, dot }
  },
  decode: (_, opened) => opened,
}
const rows = (salt: bigint) => ({
  p0: { x: [0n, salt] },
  p1: {},
  p2: {},
  helper: {},
  d0: { y: [-salt, 1n] },
})
const test = {
  name: 'two rows',
  parameters: { length: 2 },
  inputs: rows(1n),
  alternative: rows(-1n),
}
conformance(semi2kProgram(program, helped), [test], { engine, hash, schedules: 20, sample: 80 })

it('the helper is sent nothing but keys, and numbers of comparisons', () => {
  const sorting: typeof program = {
    ...program,
    leakage: 'the order of shuffled keys',
    *compute(b, _, inputs) {
      return { sorted: (yield* sort(b, inputs['x'] as Arithmetic<64>, [], { bits: 8 })).keys }
    },
  }
  const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', role))
  const received = [program, sorting].map((text) => {
    const protocol = semi2kProgram(text, helped)
    const { trace, errors } = simulate(protocol, { parameters: { length: 2 }, inputs: rows(1n), rng, engine })
    expect(errors).toEqual({})
    return trace.filter(({ to }) => to === 'helper').map(({ step, bytes }) => `${step.replace(/.*\//, '')} ${bytes}`)
  })
  expect(received).toEqual([
    ['key 32', 'key 32'],
    ['key 32', 'key 32', 'pairs 4', 'pairs 4'],
  ])
})

it('says of a party that deals that it is not secure', () => {
  const { security } = semi2kProgram(program, { parties: 2, triples: 'insecure-first-party-deals' })
  expect(security).toMatchObject({ corruptions: 0, computational: 0 })
  expect(security.assumptions.join()).toContain('INSECURE')
})

it('refuses numbers of parties that it does not work for', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse' })
  for (const setting of [
    { parties: 1, triples: 'helper' },
    { parties: 3, triples: 'transfers' },
  ] as const) {
    expect(() => semi2kProgram(program, setting)).toThrow(misuse)
  }
})

it('refuses what it has no correlations for, before anything is shared', () => {
  const unsupported = expect.objectContaining({ code: 'terms/unsupported' })
  const wide = () =>
    runShared(
      { x: shared([1], 128) },
      function* (b, { x }) {
        return { x: yield* b.multiply(x!, x!) }
      },
      engine,
      under({ parties: 2, triples: 'transfers' }),
    )
  expect(wide).toThrow(unsupported)
  expect(() =>
    runShared(
      { x: shared([1]) },
      function* (b, { x }) {
        return { x: (yield* b.shuffle([x!]))[0]! }
      },
      engine,
      under({ parties: 2, triples: 'transfers' }),
    ),
  ).toThrow(unsupported)
})
