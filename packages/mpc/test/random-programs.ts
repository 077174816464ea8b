/** Random programs of exact operations, for every backend. */
import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { Engine, Routine } from '@tallystick/protocol'
import {
  addBits,
  clear,
  clearShare,
  clearWords,
  equal,
  floor,
  isNegative,
  isZero,
  mux,
  type Arithmetic,
  type Backend,
  type Shared,
} from '@tallystick/mpc'
import { runShared, shared, type ProtocolOf } from './harness.ts'

export type Vector = Arithmetic<64>
type Operation = (b: Backend, x: Vector, y: Vector) => Routine<Vector> | Vector

const one = shared([1]).words

/** Two vectors of one length to one of that length. */
const operations: Readonly<Record<string, Operation>> = {
  add: (b, x, y) => b.add(x, y),
  subtract: (b, x, y) => b.subtract(x, y),
  negate: (b, x) => b.negate(x),
  shift: (b, x) => b.shift(x, one),
  scale: (b, x) => b.scale(x, shared([-(2n ** 33n) + 5n]).words),
  prefixSum: (b, x) => b.prefixSum(x),
  reverse: (b, x) =>
    b.gather(
      x,
      Uint32Array.from({ length: x.length }, (_, i) => x.length - 1 - i),
    ),
  first: (b, x, y) => b.add(b.slice(x, 0, 1), y),
  multiply: (b, x, y) => b.multiply(x, y),
  outer: function* (b, x, y) {
    const all = yield* b.matrixProduct(x, y, { rows: x.length, inner: 1, columns: y.length })
    return b.sum(all, y.length)
  },
  negative: function* (b, x) {
    return yield* b.inject(yield* isNegative(b, x), 64)
  },
  zero: function* (b, x) {
    return yield* b.inject(yield* isZero(b, x), 64)
  },
  equal: function* (b, x, y) {
    return yield* b.inject(b.not(yield* equal(b, x, y)), 64)
  },
  mux: function* (b, x, y) {
    return yield* mux(b, yield* isNegative(b, y), x, y)
  },
  bits: function* (b, x, y) {
    const [u, v] = yield* b.summands(x)
    const [s, t] = yield* b.summands(y)
    const [left, right] = [yield* addBits(b, u, v), yield* addBits(b, s, t)]
    return yield* b.compose(b.xor(yield* b.and(left, right), right), 64)
  },
  wide: function* (b, x) {
    // Widening and exact truncation are for |x| < 2^62.
    const small = yield* floor(b, b.scale(yield* b.inject(yield* isNegative(b, x), 64), shared([12_345]).words), 3)
    return b.low(yield* b.widen(small))
  },
  together: function* (b, x, y) {
    const [product, bit] = yield* b.join(
      (branch) => branch.multiply(x, y),
      (branch) => isZero(branch, y),
    )
    return b.add(product, yield* b.inject(bit, 64))
  },
}
const names = Object.keys(operations)

const program = (steps: readonly (readonly [string, number, number])[]) =>
  function* (b: Backend, x: Vector, y: Vector): Routine<Readonly<Record<string, Shared>>> {
    const values = [x, y]
    for (const [name, i, j] of steps) {
      const result = operations[name]!(b, values[i % values.length]!, values[j % values.length]!)
      values.push('kind' in result ? result : yield* result)
    }
    return Object.fromEntries(values.map((value, i) => [`v${i}`, value]))
  }

const word = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n)),
)

/** Over shares, in the clear and in the count they agree. */
export const agree = (numRuns: number, protocolOf?: ProtocolOf, engine?: Engine): void => {
  const used = new Set<string>()
  const inputs = fc
    .integer({ min: 1, max: 9 })
    .chain((length) =>
      fc.tuple(
        fc.array(word, { minLength: length, maxLength: length }),
        fc.array(word, { minLength: length, maxLength: length }),
      ),
    )
  const steps = fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(9), fc.nat(9)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(inputs, steps, ([x, y], steps) => {
      for (const [name] of steps) used.add(name)
      const text = program(steps)
      const run = runShared(
        { x: shared(x), y: shared(y) },
        (b, { x, y }) => text(b, x as Vector, y as Vector),
        engine,
        protocolOf,
      )
      const ideal = clear((b) => text(b, clearShare(64, shared(x).words), clearShare(64, shared(y).words)), null, null)
      for (const [name, value] of Object.entries(ideal)) expect(run.opened[name], name).toEqual(clearWords(value))
      expect({ rounds: run.rounds, bytes: run.bytes }).toEqual(run.cost)
    }),
    { numRuns, seed: 7 },
  )
  if (numRuns >= 100) expect([...used].toSorted()).toEqual(names.toSorted())
}
