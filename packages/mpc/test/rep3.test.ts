/** A program of each operator family through the conformance kit: p0 and d0 bring a vector each, p1 and d1 learn. */
import { describe, expect, it } from 'vitest'
import { createRng, taggedDigest, TallyError } from '@tallystick/core'
import { referenceEngine, simulate, type Routine } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import {
  floor,
  lessThan,
  mux,
  programProtocol,
  radixSort,
  sort,
  wordsOfIntegers,
  type Arithmetic,
  type Backend,
  type InputSpec,
  type Outputs,
  type Ring,
  type Vectors,
} from '@tallystick/mpc'

interface Shape {
  readonly length: number
}
type Rows = Readonly<Record<string, readonly bigint[]>>
type Text = (backend: Backend, x: Arithmetic<any>, y: Arithmetic<any>, length: number) => Routine<Outputs>

const protocolOf = (id: string, compute: Text, ring: Ring = 64, leakage?: string) => {
  const specs = ({ length }: Shape): InputSpec[] => [
    { name: 'x', owner: 'p0', ring, length },
    { name: 'y', owner: 'd0', ring, length },
  ]
  return programProtocol<Shape, Rows, Vectors>({
    id,
    version: 1,
    owners: ['d0', 'd1'],
    parameters(value) {
      const { length, ...rest } = value as Shape
      if (Number.isInteger(length) && Object.keys(rest).length === 0) return { length }
      throw new TallyError('terms/malformed', 'self', `${id}: expected { length } and nothing else`)
    },
    inputs: specs,
    receivers: () => ['p1', 'd1'],
    encode: (shape, role, rows) =>
      Object.fromEntries(
        specs(shape)
          .filter(({ owner }) => owner === role)
          .map(({ name }) => [name, wordsOfIntegers(ring, rows[name]!)]),
      ),
    compute: (backend, { length }, { x, y }) => compute(backend, x!, y!, length),
    decode: (_, opened) => opened,
    ...(leakage !== undefined && { leakage }),
  })
}

const inputs = (length: number, value: (i: number, salt: number) => bigint): Record<string, Rows> => ({
  p0: { x: Array.from({ length }, (_, i) => value(i, 1)) },
  p1: {},
  p2: {},
  d0: { y: Array.from({ length }, (_, i) => value(i, 2)) },
  d1: {},
})

const any = (seed: number) => (i: number, salt: number) =>
  BigInt.asIntN(64, BigInt((i + 1) * (seed + salt)) * 0x9e3779b97f4a7c15n)
const tiny = (seed: number) => (i: number, salt: number) => any(seed)(i, salt) >> 62n

const cases = (length: number, value: typeof any) => [
  {
    name: `${length} rows`,
    parameters: { length },
    inputs: inputs(length, value(3)),
    alternative: inputs(length, value(8)),
  },
]

const products = protocolOf('mpc/products', function* (backend, x, y, length) {
  return {
    product: yield* backend.multiply(x, y),
    dot: yield* backend.matrixProduct(x, y, { rows: 1, inner: length, columns: 1 }),
    sum: backend.add(x, backend.scale(y, wordsOfIntegers(64, [-3]))),
  }
})
conformance(products, cases(3, any), { schedules: 30 })

const choices = protocolOf('mpc/choices', function* (backend, x, y) {
  return { least: yield* mux(backend, yield* lessThan(backend, x, y, 3), x, y) }
})
conformance(choices, cases(1, tiny), { schedules: 10, sample: 60 })

/** Exact at the output, so that the ideal in the clear is the real one. */
const rounding = protocolOf('mpc/rounding', function* (backend, x) {
  return { floor: yield* floor(backend, x, 1) }
})
conformance(rounding, cases(1, tiny), { schedules: 10, sample: 60 })

const ordersText: Text = function* (backend, x, y) {
  const { keys, columns } = yield* sort(backend, x, [y], { bits: 2 })
  return { keys, rows: columns[0]! }
}
const orders = protocolOf('mpc/orders', ordersText, 64, 'the order of shuffled, different keys')
/** Inputs in one order: the opened comparisons are those of the order, shuffled by the same coins. */
conformance(
  orders,
  [
    {
      name: '3 rows in one order',
      parameters: { length: 3 },
      inputs: inputs(3, (i) => BigInt((i * 2) % 3) - 1n),
      alternative: inputs(3, (i) => BigInt(((i * 2) % 3) * 2 - 3)),
    },
  ],
  { schedules: 5, sample: 60 },
)

const radixText: Text = function* (backend, x, y) {
  const { keys, columns } = yield* radixSort(backend, x, [y], 1)
  return { keys, rows: columns[0]! }
}
const radix = protocolOf('mpc/radix', radixText, 64, 'shuffled places')
conformance(
  radix,
  [
    {
      name: '2 rows',
      parameters: { length: 2 },
      inputs: inputs(2, (i) => BigInt(1 - i)),
      alternative: inputs(2, () => 1n),
    },
  ],
  { schedules: 5, sample: 60 },
)

describe('a program that opens values in mid-run', () => {
  const texts: Readonly<Record<string, Text>> = {
    order: ordersText,
    reveal: radixText,
    *revealBits(backend, x, y) {
      yield* backend.revealBits(yield* lessThan(backend, x, y))
      return { x }
    },
    *join(backend, x) {
      yield* backend.join((branch) => branch.reveal(x))
      return { x }
    },
  }
  const refused = expect.objectContaining({ code: 'api/misuse' })
  const run = (protocol: ReturnType<typeof protocolOf>) =>
    simulate(protocol, {
      parameters: { length: 3 },
      inputs: inputs(3, (i) => BigInt(i % 2)),
      rng: (role) => createRng(taggedDigest('tallystick/test/v1', 'leakage', role)),
      engine: referenceEngine,
    })
  it.each(Object.keys(texts))('is refused without a statement: %s', (name) => {
    for (const leakage of [undefined, '', ' Nothing']) {
      const protocol = protocolOf('mpc/unstated', texts[name]!, 64, leakage)
      expect(() => protocol.cost({ length: 3 })).toThrow(refused)
      const { errors, trace } = run(protocol)
      expect(errors['p0']).toEqual(refused)
      expect(trace.filter(({ step }) => step.includes('reveal'))).toEqual([])
    }
    const stated = protocolOf('mpc/stated', texts[name]!, 64, 'what this test opens')
    expect(stated.leakage['p1']).toBe('what this test opens')
    expect(stated.attempts).toBe(1)
    expect(stated.cost({ length: 3 }).rounds).toBeGreaterThan(0)
    expect(run(stated).errors).toEqual({})
  })
  it('needs none where nothing is opened', () => {
    expect(run(products).errors).toEqual({})
    expect(products.leakage['p0']).toBe('nothing')
    expect(products.attempts).toBeUndefined()
  })
})

it('refuses operands of two rings, in the count, in the clear and over shares', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse', message: expect.stringContaining('one ring') })
  const calls: Readonly<Record<string, (b: Backend, x: any, y: any) => Routine<Arithmetic> | Arithmetic>> = {
    add: (b, x, y) => b.add(x, y),
    subtract: (b, x, y) => b.subtract(x, y),
    multiply: (b, x, y) => b.multiply(x, y),
    matrixProduct: (b, x, y) => b.matrixProduct(x, y, { rows: 1, inner: 1, columns: 1 }),
    multiplyTruncate: (b, x, y) => b.multiplyTruncate(x, y, 3),
    matrixProductTruncate: (b, x, y) => b.matrixProductTruncate(x, y, { rows: 1, inner: 1, columns: 1 }, 3),
  }
  for (const [name, call] of Object.entries(calls)) {
    const text: Text = function* (b, x) {
      const wide = b.constant(128, Uint32Array.of(1, 0, 0, 0))
      const result = call(b, x, wide)
      return { result: 'kind' in result ? result : yield* result }
    }
    const protocol = protocolOf('mpc/mixed', text)
    expect(() => protocol.cost({ length: 1 }), name).toThrow(misuse)
    expect(() => protocol.ideal({ length: 1 }, inputs(1, any(1))), name).toThrow(misuse)
    const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', role))
    const { errors } = simulate(protocol, { parameters: { length: 1 }, inputs: inputs(1, any(1)), rng })
    expect(errors['p0'], name).toEqual(misuse)
  }
})
