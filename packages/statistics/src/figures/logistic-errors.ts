/** The second half of a logistic regression: standard errors, and what is read from the opened numbers. */
import { wordsOfNumbers, type Arithmetic, type Backend } from '@tallystick/mpc'
import { fraction, mostOf, normalise, rootsOf } from '../algebra.ts'
import { normalTail } from '../distributions.ts'
import { finite, ratio, type Given } from '../figure.ts'
import { value } from '../moments.ts'
import { originOf, unitOf } from '../scope.ts'
import { scatterBounds, type Standard } from './correlation.ts'
import { inflationBits, leverage, leverages, moderate, spread } from './linear.ts'
import type { Fit, Model, Sizes } from './logistic.ts'

const repeat = (backend: Backend, x: Arithmetic<128>, times: number): Arithmetic<128> =>
  backend.gather(x, new Uint32Array(times))

/** Of the diagonal of an inverse of a Hessian by row: from 1 (weights are at most 1/4) up to accepted inflation. */
const variances = { top: fraction + inflationBits + 8, least: fraction }

/** √ of the variances of the coefficients, of codes. */
export function* errorsOf(
  backend: Backend,
  given: Given,
  model: Model,
  standard: Standard,
  { inverse: covariance }: Fit,
  q: number,
) {
  const { scope, x } = model
  const p = x.length
  const { normal, inverse } = standard
  const origins = x.map((column) => BigInt(originOf(scope, column)))
  const a = yield* leverages(backend, given, model, standard, origins, leverage)
  const fits = yield* moderate(backend, a)
  const modest = backend.concat(
    backend.constant(128, wordsOfNumbers(128, [-1], leverage)),
    yield* backend.multiply(a, repeat(backend, fits, p)),
  )
  const turned = yield* backend.matrixProductTruncate(covariance, modest, { rows: q, inner: q, columns: 1 }, fraction)
  const square = yield* backend.matrixProduct(modest, turned, { rows: 1, inner: q, columns: 1 })
  const diagonal = backend.gather(
    covariance,
    Uint32Array.from({ length: p }, (_, j) => (j + 1) * (q + 1)),
  )
  const [v, w] = yield* backend.join(
    (branch) => normalise(branch, diagonal, variances),
    (branch) => normalise(branch, square, { ...spread, least: spread.least - 2 }),
  )
  const { root } = yield* rootsOf(backend, backend.concat(v.mantissa, w.mantissa))
  const product = yield* backend.multiplyTruncate(
    backend.slice(root, 0, p),
    backend.slice(inverse, 0, p),
    fraction + fraction - 36,
  )
  const [slopes, level] = yield* backend.join(
    function* (branch) {
      return yield* branch.multiply(yield* branch.multiply(product, v.down), branch.slice(normal.up, 0, p))
    },
    function* (branch) {
      const own = yield* branch.truncate(branch.slice(root, p, p + 1), fraction - 36)
      return yield* branch.multiply(yield* branch.multiply(own, w.down), fits)
    },
  )
  return { slopes, level, fits }
}

export const readLogistic = (
  { scope, x, weight }: Model,
  { unit, bits, series, scale: weightBits }: Sizes,
  [settledBit, ...opened]: readonly bigint[],
  inferred: boolean,
  total: number,
) => {
  const p = x.length
  if (opened.at(-1) !== 1n) return { diverged: true, settled: false, intercept: null, coefficients: null }
  const settled = settledBit === 1n
  const bounds = scatterBounds(scope, x.map(value), weight)
  // 1 / s_j of codes, with the divisor n (or the sum of the weights), is n inverse up / 2^(top / 2).
  const perCode = total / 2 ** (bounds.top / 2)
  const coefficients = x.map(
    (column, j) => ((ratio(opened[j]!, 2n ** BigInt(bits + 8)) * perCode) / unitOf(scope, column)) * series.limit,
  )
  const shift = x.reduce(
    (sum, column, j) => sum + coefficients[j]! * originOf(scope, column) * unitOf(scope, column),
    0,
  )
  const intercept = ratio(opened[p]!, 2n ** BigInt(bits + 24)) * series.limit - shift
  if (!inferred) return { settled, intercept, coefficients }
  // The inverse was by row, in units of 2^unit.
  const counted = weight === undefined || weight.kind === 'one' ? 1 : 2 ** weightBits * unitOf(scope, weight.column)
  const scale = 2 ** (-unit / 2) / Math.sqrt(counted)
  const vMost = mostOf(variances)
  const errors = x.map((column, j) => {
    const raw = ratio(opened[p + 1 + j]!, 2n ** BigInt(36 + vMost))
    return ((raw * 2 ** ((variances.top - fraction) / 2) * perCode) / unitOf(scope, column)) * scale
  })
  const wBounds = { ...spread, least: spread.least - 2 }
  const level = ratio(opened[2 * p + 1]!, 2n ** BigInt(36 + mostOf(wBounds)))
  const interceptError = opened[2 * p + 2] === 1n ? level * 2 ** ((wBounds.top - 2 * leverage) / 2) * scale : null
  const z = coefficients.map((coefficient, j) => finite(coefficient / errors[j]!))
  const first = interceptError === null ? null : finite(intercept / interceptError)
  const tail = (each: number | null): number | null => (each === null ? null : normalTail(each))
  return {
    settled,
    intercept,
    coefficients,
    errors,
    interceptError,
    z,
    interceptZ: first,
    p: z.map(tail),
    interceptP: tail(first),
  }
}
