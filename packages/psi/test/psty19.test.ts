import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dealer as transfers, dealerMessages, sha256 } from '../../ot/test/dealer.ts'
import { psty19, psty19Over, type Parameters, type Valued } from '../src/psty19/index.ts'
import { parseParameters } from '../src/psty19/messages.ts'
import { dealer } from './dealer.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await nodeEngine()
const dealt = psty19Over({ vole: dealer, transfers: { ...transfers, messages: dealerMessages } })

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

conformance(dealt, [named('statistics', 3, 4, 2, { output: 'statistics', columns: [1, 1], bits: 4, to: 'receiver' })], {
  engine,
  schedules: 10,
  hash: sha256,
})

describe.each([
  named('cardinality to the sender', 5, 3, 2, { output: 'cardinality', to: 'sender' }),
  named('sum with a minimum', 4, 6, 3, { output: 'sum', columns: [0, 2], minimum: 3 }),
])('psi/psty19 as it is: $name', (test) => {
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
      { numRuns: 8 },
    )
  })
})
