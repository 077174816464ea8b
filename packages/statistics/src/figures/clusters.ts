/**
 * k-means by Lloyd's iterations from public starting points: distances by a matrix product, the nearest centre by a
 * tournament, new centres by a division. Centres and assignments of all iterations stay shared; the last centres and
 * the sizes of their clusters are opened. A cluster without rows keeps its centre. About 50 + 11 log2(k) rounds an
 * iteration, and k² comparisons and choices a row.
 */
import {
  divideFixed,
  fixedOf,
  isZero,
  mux,
  narrowFixed,
  tournament,
  wordsOfIntegers,
  wordsOfNumbers,
  type Arithmetic,
  type Backend,
} from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { nothingElse, ratio, type Figure, type Given } from '../figure.ts'
import { impossible } from '../problems.ts'
import { originOf, rangeOf, type Scope } from '../scope.ts'
import { withheld } from './tables.ts'
import { keepCells } from './withhold.ts'

interface Model {
  readonly scope: Scope
  readonly x: readonly string[]
  readonly starts: readonly (readonly number[])[]
  readonly iterations: number
}

interface Sizes {
  readonly n: number
  readonly p: number
  readonly k: number
  /** Digits after the point that all columns are brought to. */
  readonly digits: number
  /** Bits of the largest value then. */
  readonly bits: number
  /** Bits after the point of a centre. */
  readonly fraction: number
}

const least = 4

const sizesOf = ({ scope, x, starts }: Model): Sizes => {
  const digits = Math.max(...x.map((column) => scope.numeric(column).decimals))
  const bits = Math.max(...x.map((column) => bitsOf(rangeOf(scope, column) * factorOf(scope, column, digits))))
  const fraction = Math.min(16, Math.floor((59 - 2 * bits - bitsOf(x.length)) / 2))
  return { n: scope.rows, p: x.length, k: starts.length, digits, bits, fraction }
}

const factorOf = (scope: Scope, column: string, digits: number): number =>
  10 ** (digits - scope.numeric(column).decimals)

/** Places that turn a matrix of rows × columns over. */
const transposed = (rows: number, columns: number): Uint32Array =>
  Uint32Array.from({ length: rows * columns }, (_, i) => (i % rows) * columns + Math.floor(i / rows))

/** Rows × columns of common units above the least values. */
const points = (backend: Backend, given: Given, { scope, x }: Model, { n, p, digits }: Sizes): Arithmetic<64> => {
  const columns = x.map((column) =>
    backend.scale(given.codes(column), wordsOfIntegers(64, [factorOf(scope, column, digits)])),
  )
  return backend.gather(backend.concat(...columns), transposed(p, n))
}

/** The starting points in the same units. */
const startingCentres = ({ scope, x, starts }: Model, { digits, fraction }: Sizes) =>
  wordsOfNumbers(
    64,
    starts.flatMap((start) => start.map((value, j) => value * 10 ** digits - originIn(scope, x[j]!, digits))),
    fraction,
  )

const originIn = (scope: Scope, column: string, digits: number): number =>
  originOf(scope, column) * factorOf(scope, column, digits)

/** An indicator for each centre and row: whether it is the nearest, the first among equals. */
function* nearest(
  backend: Backend,
  rows: Arithmetic<64>,
  centres: Arithmetic<64>,
  { n, p, k, fraction }: Sizes,
): Routine<Arithmetic<64>> {
  const [products, squares] = yield* backend.join(
    (branch) => {
      const columns = branch.gather(centres, transposed(k, p))
      return branch.matrixProduct(rows, columns, { rows: n, inner: p, columns: k })
    },
    (branch) => branch.multiply(centres, centres),
  )
  const norms = backend.gather(
    backend.sum(squares, p),
    Uint32Array.from({ length: n * k }, (_, i) => i % k),
  )
  // |x - c|² less |x|².
  const distances = backend.subtract(norms, backend.scale(products, wordsOfIntegers(64, [2 ** (fraction + 1)])))
  const marks = Array.from({ length: k }, (_, c) =>
    backend.constant(
      64,
      wordsOfIntegers(
        64,
        Float64Array.from({ length: n * k }, (_mark, i) => +(i % k === c)),
      ),
    ),
  )
  const { carried } = yield* tournament(backend, { value: distances, carried: marks }, k, false)
  return backend.concat(...carried)
}

interface Clusters {
  readonly centres: Arithmetic<64>
  readonly counts: Arithmetic<64>
}

function* iterate(backend: Backend, rows: Arithmetic<64>, centres: Arithmetic<64>, sizes: Sizes): Routine<Clusters> {
  const { n, p, k, bits, fraction } = sizes
  const marks = yield* nearest(backend, rows, centres, sizes)
  const counts = backend.sum(marks, n)
  const each = Uint32Array.from({ length: k * p }, (_, i) => Math.floor(i / p))
  const [sums, empty] = yield* backend.join(
    (branch) => branch.matrixProduct(marks, rows, { rows: k, inner: n, columns: p }),
    (branch) => isZero(branch, branch.gather(counts, each)),
  )
  // The quotient is as fine as the dividend.
  const dividend = fixedOf(backend.scale(sums, wordsOfIntegers(64, [2 ** fraction])), fraction, n * 2 ** bits)
  const divisor = fixedOf(backend.gather(counts, each), 0, n)
  const quotient = yield* divideFixed(backend, dividend, divisor, { fraction, most: 2 ** bits })
  const moved = narrowFixed(backend, quotient).share
  if (moved.ring !== 64) throw impossible('the centres of the clusters need more than 62 bits', narrower)
  return { centres: yield* mux(backend, empty, centres, moved as Arithmetic<64>), counts }
}

export const clustersFigure = (scope: Scope, statistic: Omit<Model, 'scope'>): Figure => {
  const model: Model = { scope, ...statistic }
  const { x, starts, iterations } = model
  x.forEach((column) => scope.numeric(column))
  if (starts.some((start) => start.length !== x.length)) {
    throw impossible(`expected starting points of ${x.length} coordinates`, 'give one coordinate for each column')
  }
  const sizes = sizesOf(model)
  const { n, p, k, bits, fraction } = sizes
  if (fraction < least) requireBits(2 * bits + bitsOf(p) + 2 * least + 3, 64, 'squared distances', narrower)
  requireBits(bits + bitsOf(n) + fraction, 64, 'sums of clusters', narrower)
  const outside = starts.some((start) =>
    start.some((value, j) => {
      const units = value * 10 ** sizes.digits - originIn(scope, x[j]!, sizes.digits)
      return !(units >= 0 && units < 2 ** bits)
    }),
  )
  if (outside) throw impossible('a starting point lies outside of the declared ranges', 'move it inside')
  const { minimumCount } = scope.parameters
  return {
    ...nothingElse,
    codes: [...x],
    rounding: [{ drop: Math.max(0, fraction - 13) }, undefined, undefined],
    learns:
      `the centres of ${k} clusters by ${x.map((c) => `"${c}"`).join(', ')} after ${iterations} iterations, and how many ` +
      `rows each has${withheld(scope)}`,
    *open(backend, given) {
      const rows = points(backend, given, model, sizes)
      let found: Clusters = {
        centres: backend.constant(64, startingCentres(model, sizes)),
        counts: backend.constant(64, wordsOfIntegers(64, new Float64Array(k))),
      }
      for (let step = 0; step < iterations; step++) found = yield* iterate(backend, rows, found.centres, sizes)
      if (minimumCount <= 1) return [found.centres, found.counts]
      const kept = backend.low(yield* keepCells(backend, yield* backend.widen(found.counts), minimumCount))
      const each = backend.gather(
        kept,
        Uint32Array.from({ length: k * p }, (_, i) => Math.floor(i / p)),
      )
      const all = yield* backend.multiply(backend.concat(found.centres, found.counts), backend.concat(each, kept))
      return [backend.slice(all, 0, k * p), backend.slice(all, k * p, k * p + k), kept]
    },
    read: ([centres, counts, kept]) => ({
      centres: starts.map((_, c) =>
        kept?.[c] === 0n
          ? null
          : x.map((column, j) => {
              const units = ratio(centres![c * p + j]!, 2n ** BigInt(fraction)) + originIn(scope, column, sizes.digits)
              return units / 10 ** sizes.digits
            }),
      ),
      sizes: starts.map((_, c) => (kept?.[c] === 0n ? null : Number(counts![c]!))),
    }),
  }
}
