import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dealer as transfers, dealerMessages, sha256 } from '../../ot/test/dealer.ts'
import { circuitInput, psty19, psty19Over, type Parameters, type Valued } from '../src/psty19/index.ts'
import { parseParameters, slotsOf, tagBits } from '../src/psty19/messages.ts'
import { dealer } from './dealer.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await nodeEngine()
const blocks = { vole: dealer, transfers: { ...transfers, messages: dealerMessages } }
const dealt = psty19Over(blocks)

const columnsOf = (count: number) => Array.from({ length: count }, (_, i) => ({ column: `c${i}`, decimals: 0 }))
const valued = (rows: readonly string[], columns: number, bits: number, seed: number): Valued => ({
  ...itemsOf(rows),
  values: Float64Array.from({ length: rows.length * columns }, (_, i) =>
    i % 7 === 3 ? 2 ** bits - 1 : ((i + seed) * 2_654_435_761) % 2 ** bits,
  ),
})

interface Shape {
  readonly output: Parameters['output']
  readonly to?: Parameters['to']
  readonly columns?: readonly [receiver: number, sender: number]
  readonly minimum?: number
  readonly bits?: number
}

const caseOf = (n: number, m: number, common: number, shape: Shape, seed = 0) => {
  const { output, to = 'both', columns = [0, 0], minimum = 0, bits = 20 } = shape
  const parameters = parseParameters({
    sizes: { receiver: n, sender: m },
    output,
    to,
    columns: { receiver: columnsOf(columns[0]), sender: columnsOf(columns[1]) },
    bits,
    minimum,
    chunkRows: 1000,
  })
  const inputs = {
    receiver: valued(ids(seed, n), columns[0], bits, seed + 1),
    sender: valued(ids(seed + n - common, m).reverse(), columns[1], bits, seed + 2),
  }
  return { parameters, inputs }
}

const named = (name: string, n: number, m: number, common: number, shape: Shape) => ({
  name,
  ...caseOf(n, m, common, shape),
  alternative: caseOf(n, m, Math.min(n, m), shape, 99_990).inputs,
})

/** With tags of 16 bits, which changes the depth of a tree only: the cases have few rows. */
conformance(
  psty19Over({ ...blocks, statistical: 7 }),
  [named('a cardinality', 3, 4, 2, { output: 'cardinality', to: 'receiver' })],
  { engine, schedules: 10, sample: 60, hash: sha256 },
)

describe('psi/psty19 over its own building blocks', () => {
  const test = named('sum with a minimum', 4, 6, 3, { output: 'sum', columns: [0, 2], minimum: 3 })
  const subject = subjectOf(psty19, test, { engine, schedules: 2, hash: sha256 })
  it.each(['ideal', 'cost', 'schedules', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})

describe('psi/psty19', () => {
  const run = (test: ReturnType<typeof caseOf>, seed: string) => {
    const { outputs, errors, rounds, bytes } = simulate(dealt, { ...test, rng: seededRng(seed), engine })
    expect(errors).toEqual({})
    const cost = dealt.cost(test.parameters)
    expect([rounds, bytes]).toEqual([cost.rounds, cost.bytes])
    return outputs
  }

  it.each([
    [3000, 2000, 700, { output: 'statistics', columns: [2, 1], minimum: 700 }],
    [1, 1, 1, { output: 'statistics', columns: [1, 1], bits: 31 }],
    [300, 260, 250, { output: 'statistics', columns: [2, 2], bits: 40, minimum: 3 }],
    [1, 4000, 1, { output: 'sum', columns: [1, 0], bits: 40 }],
    [2500, 3, 0, { output: 'sum', columns: [0, 1] }],
    [40, 50, 40, { output: 'cardinality', to: 'receiver' }],
    [40, 50, 39, { output: 'cardinality', minimum: 40 }],
    [400, 500, 40, { output: 'statistics', columns: [0, 3], minimum: 41 }],
  ] as [number, number, number, Shape][])('%i v %i rows, %i common: %j', (n, m, common, shape) => {
    const test = caseOf(n, m, common, shape)
    expect(run(test, `${n} ${m}`)).toEqual(dealt.ideal(test.parameters, test.inputs))
  })

  it('agrees with sums in the clear, whatever the rows', () => {
    const columns = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
    const rows = fc.integer({ min: 1, max: 60 })
    fc.assert(
      fc.property(rows, rows, fc.nat(), columns, fc.nat({ max: 30 }), (n, m, c, [r, s], minimum) => {
        const output = r + s === 0 ? 'cardinality' : c % 2 === 0 ? 'sum' : 'statistics'
        const test = caseOf(n, m, c % (Math.min(n, m) + 1), { output, columns: [r, s], minimum })
        expect(run(test, `${n} ${m} ${c}`)).toEqual(dealt.ideal(test.parameters, test.inputs))
      }),
      { numRuns: 5 },
    )
  })
  it('errs as often as the bound says where tags are short', () => {
    const test = caseOf(2000, 300, 0, { output: 'cardinality' })
    const slots = slotsOf(test.parameters)
    const short = psty19Over({ ...blocks, statistical: -6 })
    const { outputs } = simulate(short, { ...test, rng: seededRng('short tags'), engine })
    const expected = slots / 2 ** tagBits(test.parameters, -6)
    expect(expected).toBeGreaterThan(35)
    const { size } = outputs.receiver as { size: number }
    expect(Math.abs(size - expected)).toBeLessThan(5 * Math.sqrt(expected))
  })

  it.each([
    ['bits', { bits: 41 }],
    ['a column or more', { columns: {} }],
    ['has no columns', { output: 'cardinality' }],
    ['one of receiver, sender, both', { to: 'all' }],
    ['one of cardinality, sum, statistics', { output: 'intersection' }],
    ['no field', { limbs: 3 }],
    ['sizes.sender', { sizes: { receiver: 3, sender: 0 } }],
  ])('refuses terms: %s', (text, change) => {
    const columns = { receiver: columnsOf(1), sender: [] }
    const good = { sizes: { receiver: 3, sender: 4 }, output: 'sum', to: 'both', columns, bits: 12 }
    expect(parseParameters(good)).toMatchObject({ minimum: 0, bits: 12 })
    expect(() => parseParameters({ ...good, ...change })).toThrow(text)
  })

  it('refuses values that are not as declared', () => {
    const test = caseOf(3, 4, 2, { output: 'sum', columns: [1, 0], bits: 8 })
    for (const value of [256, -1, 0.5, NaN]) {
      const receiver = { ...test.inputs.receiver, values: Float64Array.of(1, 2, value) }
      const inputs = { ...test.inputs, receiver }
      const { errors } = simulate(dealt, { parameters: test.parameters, inputs, rng: seededRng('bad'), engine })
      expect(errors.receiver).toMatchObject({ code: 'input/malformed', message: expect.stringContaining('row 2') })
    }
  })

  it('reads committed rows', () => {
    const { parameters } = caseOf(2, 1, 0, { output: 'sum', columns: [2, 0] })
    const row = (id: string, ...values: number[]) =>
      [...values.flatMap((v) => [0, 0, 0, 0, 0, 0, v, 1]), ...id].map((v) =>
        typeof v === 'string' ? v.charCodeAt(0) : v,
      )
    const rows = [row('ab', 1, 2), row('c', 3, 4)]
    const bytes = Uint8Array.from(rows.flat())
    const offsets = Uint32Array.of(0, rows[0]!.length, bytes.length)
    expect(circuitInput({ bytes, offsets }, 'receiver', parameters)).toEqual({
      ...itemsOf(['ab', 'c']),
      values: Float64Array.of(257, 769, 513, 1025),
    })
  })
})
