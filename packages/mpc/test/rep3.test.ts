/** The representative programs of `rep3`: each operator family through the conformance kit. */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import {
  integersOfWords,
  programProtocol,
  wordsOfIntegers,
  type Backend,
  type Inputs,
  type InputSpec,
  type Outputs,
  type Ring,
} from '@tallystick/mpc'

interface Shape {
  readonly length: number
  readonly to: readonly string[]
}

type Rows = Readonly<Record<string, readonly (number | bigint)[]>>

/** A program whose owners p0 and d0 bring one vector each. */
const protocolOf = (
  id: string,
  compute: (backend: Backend, inputs: Inputs, shape: Shape) => Routine<Outputs>,
  options: { ring?: Ring; leakage?: string } = {},
) => {
  const ring = options.ring ?? 64
  const specs = ({ length }: Shape): InputSpec[] => [
    { name: 'x', owner: 'p0', ring, length },
    { name: 'y', owner: 'd0', ring, length },
  ]
  return programProtocol<Shape, Rows, Readonly<Record<string, string>>>({
    id,
    version: 1,
    owners: ['d0', 'd1'],
    parameters(value) {
      const { length, to } = value as Shape
      if (!Number.isInteger(length)) throw new TallyError('terms/malformed', 'self', 'expected a length')
      return { length, to }
    },
    inputs: specs,
    receivers: ({ to }) => to,
    encode: (shape, role, rows) =>
      Object.fromEntries(
        specs(shape)
          .filter(({ owner }) => owner === role)
          .map(({ name }) => [name, wordsOfIntegers(ring, rows[name]!)]),
      ),
    compute: (backend, shape, inputs) => compute(backend, inputs, shape),
    decode: (_, opened) =>
      Object.fromEntries(
        Object.entries(opened).map(([name, words]) => [
          name,
          Buffer.from(words.buffer.slice(words.byteOffset, words.byteOffset + words.byteLength)).toString('hex'),
        ]),
      ),
    ...(options.leakage !== undefined && { leakage: options.leakage }),
  })
}

const rows = (length: number, seed: bigint): Record<string, Rows> => {
  const values = (salt: bigint) =>
    Array.from({ length }, (_, i) => BigInt.asIntN(64, (BigInt(i) + 1n) * (seed + salt) * 0x9e3779b97f4a7c15n))
  return { p0: { x: values(1n) }, p1: {}, p2: {}, d0: { y: values(2n) }, d1: {} }
}

const cases = (lengths: readonly number[], to: readonly string[]) =>
  lengths.map((length) => ({
    name: `${length} rows`,
    parameters: { length, to },
    inputs: rows(length, 3n),
    alternative: rows(length, 8n),
  }))

const products = protocolOf('mpc/products', function* (backend, { x, y }, { length }) {
  const product = yield* backend.multiply(x!, y!)
  const dot = yield* backend.matrixProduct(x!, y!, { rows: 1, inner: length, columns: 1 })
  const sum = backend.add(product, backend.scale(x!, wordsOfIntegers(64, [-3])))
  return { product, dot, sum }
})

conformance(products, cases([1, 5], ['p1', 'd1']), { schedules: 20 })
void integersOfWords
