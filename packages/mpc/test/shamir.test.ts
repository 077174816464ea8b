/** Sums and products modulo 2^61 - 1: what bigints give, at the counted cost, for any number of parties. */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { createRng, taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import {
  fieldOfIntegers,
  integersOfField,
  prime61,
  shamirProgram,
  type FieldProgram,
  type ShamirSetting,
} from '@tallystick/mpc'

const engine = await nodeEngine()
const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
interface Parameters {
  readonly length: number
}
type Rows = readonly bigint[]
type Opened = Readonly<Record<string, readonly bigint[]>>

const program: FieldProgram<Parameters, Rows, Opened> = {
  id: 'mpc/shamir-test',
  version: 1,
  parameters: (value) => value as Parameters,
  inputs: ({ length }) => [
    { name: 'x', owner: 'p0', length },
    { name: 'y', owner: 'p2', length },
  ],
  receivers: () => ['p1', 'p2'],
  encode: (_, role, rows) => ({ [role === 'p0' ? 'x' : 'y']: fieldOfIntegers(rows) }),
  *compute(b, { length }, { x, y }) {
    const product = yield* b.multiply(x!, b.subtract(y!, b.constant(fieldOfIntegers([3]))))
    const squares = yield* b.matrixProduct(b.concat(x!, y!), b.concat(x!, y!), {
      rows: 2,
      inner: length,
      columns: 2,
      transposed: true,
    })
    const scaled = yield* b.scale(b.add(x!, y!), fieldOfIntegers([-2]))
    return {
      cube: yield* b.multiply(product, b.slice(x!, 0, 1)),
      squares,
      sum: b.sum(scaled, length),
      less: b.negate(x!),
    }
  },
  decode: (_, opened) =>
    Object.fromEntries(Object.entries(opened).map(([name, words]) => [name, integersOfField(words)])),
}

const modulo = (value: bigint): bigint => {
  const rest = ((value % prime61) + prime61) % prime61
  return rest > prime61 / 2n ? rest - prime61 : rest
}
const sumOf = (values: readonly bigint[]): bigint => modulo(values.reduce((sum, value) => sum + value, 0n))
const expected = (x: Rows, y: Rows): Opened => ({
  cube: x.map((value, i) => modulo(value * (y[i]! - 3n) * x[0]!)),
  squares: [x, y].flatMap((a) => [x, y].map((b) => sumOf(a.map((value, i) => value * b[i]!)))),
  sum: [modulo(-2n * sumOf([...x, ...y]))],
  less: x.map((value) => modulo(-value)),
})

const inputsOf = (parties: number, x: Rows, y: Rows): Record<string, Rows> =>
  Object.fromEntries(Array.from({ length: parties }, (_, i) => [`p${i}`, i === 0 ? x : i === 2 ? y : []]))
const element = fc.oneof(
  fc.bigInt(-(prime61 / 2n), prime61 / 2n),
  fc.constantFrom(0n, 1n, -1n, prime61 / 2n, -(prime61 / 2n)),
)

it.each<ShamirSetting>([{ parties: 3 }, { parties: 4 }, { parties: 5 }, { parties: 7, threshold: 2 }])(
  'is what bigints give, at the counted cost: %o',
  (setting) => {
    const protocol = shamirProgram(program, setting)
    const pairs = fc.array(fc.tuple(element, element), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(pairs, (rows) => {
        const [x, y] = [rows.map(([value]) => value), rows.map(([, value]) => value)]
        const parameters = { length: rows.length }
        const inputs = inputsOf(setting.parties, x, y)
        const rng = (role: string) => createRng(taggedDigest('tallystick/test/shamir/v1', role))
        const { outputs, errors, rounds, bytes, coins } = simulate(protocol, { parameters, inputs, rng, engine })
        expect(errors).toEqual({})
        expect(outputs['p1']).toEqual(expected(x, y))
        expect(outputs['p2']).toEqual(expected(x, y))
        expect(protocol.ideal(parameters, inputs)['p1']).toEqual(expected(x, y))
        const { correlations: _, ...cost } = protocol.cost(parameters)
        expect({ rounds, bytes, coins }).toEqual(cost)
      }),
      { numRuns: 15, seed: 5 },
    )
  },
)

const sums: typeof program = {
  ...program,
  *compute(b, _, { x, y }) {
    return { product: yield* b.multiply(x!, y!), sum: b.add(x!, y!) }
  },
}
const test = {
  name: 'two rows',
  parameters: { length: 2 },
  inputs: inputsOf(3, [5n, -7n], [0n, 11n]),
  alternative: inputsOf(3, [-5n, 0n], [2n, 1n]),
}
conformance(shamirProgram(sums, { parties: 3 }), [test], { engine, hash, schedules: 20 })

it('refuses a threshold that is not below half', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse' })
  for (const setting of [{ parties: 2 }, { parties: 4, threshold: 2 }, { parties: 3, threshold: 0 }]) {
    expect(() => shamirProgram(program, setting)).toThrow(misuse)
  }
})

it('refuses elements that are not below the prime', () => {
  const protocol = shamirProgram({ ...program, encode: () => ({ x: Uint32Array.of(0, 2 ** 29) }) }, { parties: 3 })
  const rng = (role: string) => createRng(taggedDigest('tallystick/test/shamir/v1', role))
  const { errors } = simulate(protocol, { parameters: { length: 1 }, inputs: inputsOf(3, [], []), rng, engine })
  expect(errors['p0']).toMatchObject({ code: 'input/malformed' })
})

it('takes no number that would come back as another', () => {
  const most = 2n ** 60n - 1n
  expect(integersOfField(fieldOfIntegers([most, -most, 0n, -1n]))).toEqual([most, -most, 0n, -1n])
  for (const value of [most + 1n, -most - 1n, 2n ** 62n]) {
    expect(() => fieldOfIntegers([value])).toThrow(/below 2\^60/)
  }
})
