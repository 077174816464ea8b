/** What the parties of `bench mpc` compute: one operation over and over, on inputs that p0 brings. */
import type { AnyProtocol, Routine } from '@tallystick/protocol'
import {
  divideFixed,
  equal,
  expFixed,
  fixed,
  groupBy,
  isNegative,
  logisticFixed,
  fieldOfIntegers,
  programProtocol,
  rep4Program,
  semi2kProgram,
  shamirProgram,
  sqrtFixed,
  wordsOfIntegers,
  type Arithmetic,
  type Backend,
  type Fixed,
  type Program,
  type Shared,
} from '@tallystick/mpc'

type Vector = Arithmetic<64>

interface Operation {
  readonly run: (backend: Backend, x: Vector, y: Vector) => Routine<Shared>
  /** Units of work that an element is, where it is not one. */
  readonly units?: number
}

const number = (share: Vector): Fixed => fixed(share, 16, 2 ** 36)

export const operations: Readonly<Record<string, Operation>> = {
  multiply: { run: (b, x, y) => b.multiply(x, y) },
  'fixed-product': { run: (b, x, y) => b.multiplyTruncate(x, y, 16) },
  dot: { run: (b, x, y) => b.matrixProduct(x, y, { rows: 1, inner: x.length, columns: 1 }) },
  'less-than': { run: (b, x, y) => isNegative(b, b.subtract(x, y)) },
  'less-than-32': { run: (b, x, y) => isNegative(b, b.subtract(x, y), 33) },
  equal: { run: (b, x, y) => equal(b, x, y) },
  and: {
    *run(b, x) {
      // 64 gates an element; the shares are those of x, taken as bits.
      const bits = b.constantBits(64, x.length, new Uint32Array(64 * 4 * Math.ceil(x.length / 128)))
      return yield* b.and(bits, bits)
    },
    units: 64,
  },
  divide: {
    run: function* (b, x, y) {
      return (yield* divideFixed(b, number(x), number(y))).share
    },
  },
  sqrt: {
    run: function* (b, x) {
      return (yield* sqrtFixed(b, number(x))).share
    },
  },
  exp: {
    run: function* (b, x) {
      return (yield* expFixed(b, fixed(x, 34, 2 ** 36))).share
    },
  },
  logistic: {
    run: function* (b, x) {
      return (yield* logisticFixed(b, number(x))).share
    },
  },
  shuffle: {
    run: function* (b, x) {
      return (yield* b.shuffle([x]))[0]!
    },
  },
  'group-by': {
    *run(b, x, y) {
      return (yield* groupBy(b, x, [y], 1000, { bits: 32 })).keys
    },
  },
  sort: {
    *run(b, x) {
      // The row in the low bits: a secret tie-breaker.
      const row = Math.ceil(Math.log2(Math.max(2, x.length)))
      const keys = b.shift(
        b.scale(x, wordsOfIntegers(64, [2 ** row])),
        wordsOfIntegers(
          64,
          Array.from({ length: x.length }, (_, i) => i),
        ),
      )
      const [shuffled] = yield* b.shuffle([keys])
      return b.gather(shuffled!, yield* b.order(shuffled as Vector))
    },
  },
}

export interface ShareParameters {
  readonly operation: string
  readonly length: number
  readonly repeat: number
}

/** Called where a repetition begins, and after the last: what a bench measures between. */
export const marks: { each: (repetition: number) => void } = { each: () => {} }

/** 32-bit numbers by a fixed recursion, in the low word of each element. */
const numbers = (length: number, seed: number): Uint32Array => {
  const out = new Uint32Array(2 * length)
  for (let i = 0; i < length; i++) out[2 * i] = Math.imul(i + seed, 2654435761) >>> 1 || 1
  return out
}

const program: Program<ShareParameters, null, number> = {
  id: 'bench/shares',
  version: 1,
  parameters: (value) => value as ShareParameters,
  inputs: ({ length }) => ['x', 'y'].map((name) => ({ name, owner: 'p0', ring: 64, length })),
  receivers: () => ['p0', 'p1', 'p2'],
  encode: ({ length }) => ({ x: numbers(length, 1), y: numbers(length, 7) }),
  *compute(backend, { operation, repeat }, inputs) {
    const { run } = operations[operation]!
    const [x, y] = [inputs['x'] as Vector, inputs['y'] as Vector]
    for (let i = 0; i < repeat; i++) {
      marks.each(i)
      yield* run(backend, x, y)
    }
    marks.each(repeat)
    return { done: backend.slice(x, 0, 1) }
  },
  decode: (_, { done }) => done!.length,
  leakage: 'sort, group-by: the order of shuffled, different keys and shuffled places, random permutations both',
}

/** Sums and products are all there is: products, over and over. */
const products = shamirProgram<ShareParameters, null, number>(
  {
    id: 'bench/shares',
    version: 1,
    parameters: (value) => value as ShareParameters,
    inputs: ({ length }) => ['x', 'y'].map((name) => ({ name, owner: 'p0', length })),
    receivers: () => ['p0', 'p1', 'p2'],
    encode: ({ length }) => ({ x: numbers(length, 1), y: numbers(length, 7) }),
    *compute(backend, { operation, repeat }, { x, y }) {
      for (let i = 0; i < repeat; i++) {
        marks.each(i)
        if (operation === 'multiply') yield* backend.multiply(x!, y!)
        else yield* backend.matrixProduct(x!, y!, { rows: 1, inner: x!.length, columns: 1 })
      }
      marks.each(repeat)
      return { done: backend.add(backend.slice(x!, 0, 1), backend.constant(fieldOfIntegers([0]))) }
    },
    decode: (_, { done }) => done!.length,
  },
  { parties: 3 },
)

const outside: Program<ShareParameters, null, number> = { ...program, receivers: () => ['p0', 'p1'] }

/** By name of the backend: what the parties of a run compute under. */
export const shareProtocols: Readonly<Record<string, AnyProtocol>> = {
  rep3: programProtocol(program),
  rep4: rep4Program(program),
  'semi2k, helper': semi2kProgram(outside, { parties: 2, triples: 'helper' }),
  'semi2k, transfers': semi2kProgram(outside, { parties: 2, triples: 'transfers' }),
  'semi2k, bgv': semi2kProgram(outside, { parties: 2, triples: 'bgv' }),
  shamir: products,
}
