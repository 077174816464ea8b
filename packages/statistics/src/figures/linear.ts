/**
 * Least squares and ridge regression from the correlation matrix R of the columns: with b = (R_xx + penalty/n I)^-1 r_xy,
 * the coefficient of column j is b_j s_y / s_j. Only coefficients, standard errors and R² are opened.
 *
 *     R² = b' r_xy                            s²_j = s_y² / s_j² (1 - R²) (R_xx^-1)_jj / (n - p - 1)
 *     intercept = mean_y - Σ b_j mean_j s_y / s_j
 *     s²_0 = s_y² (1 - R²) (1 + a' R_xx^-1 a) / (n - p - 1)      with a_j = mean_j / s_j, s with the divisor n
 *
 * Numbers of unknown size are carried as a mantissa and a power of two (algebra.ts), so that small and large columns
 * are equally exact. A run whose design is collinear (a variance inflation above about 2^15) opens zeros and says so.
 */
import { isNegative, wordsOfIntegers, wordsOfNumbers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { fixed, fraction, inverseOf, inverseSteps, mostOf, normalise, rootsOf, shiftRight } from '../algebra.ts'
import { bitsOf, requireBits, narrower } from '../bounds.ts'
import { fisherTail, studentTail } from '../distributions.ts'
import { finite, nothingElse, ratio, type Figure, type Given } from '../figure.ts'
import { sumOf, value, weightedSum, type Vector } from '../moments.ts'
import { impossible } from '../problems.ts'
import { originOf, unitOf, type Scope } from '../scope.ts'
import { fullMatrix, scatterBounds, standardise, type Standard } from './correlation.ts'
import { covarianceMoments, mostWeight, weighted, weightIn } from './moments.ts'

/** Eigenvalues of a correlation matrix that are told from 0. */
export const leastEigenvalue = 2 ** -16
/** Bits of the largest diagonal entry of the inverse that is accepted. */
export const inflationBits = 16
/** Bits of the largest |mean| / deviation for which the standard error of the intercept is given. */
const leverageBits = 12
/** Fraction bits of opened mantissas. */
const opening = 36
/** Those of the intercept, in deviations of y. */
const level = 24
/** Bits of the largest |b_j| of a design that is accepted: |b_j|² <= (R_xx^-1)_jj. */
const slopeBits = 9
/** 1 - R² below 2^-this is taken for 0. */
const exactFit = 24

interface Model {
  readonly scope: Scope
  readonly y: string
  readonly x: readonly string[]
  readonly penalty: number
  readonly weight: Vector | undefined
}

const slice = (backend: Backend, x: Arithmetic<128>, from: number, length = 1): Arithmetic<128> =>
  backend.slice(x, from, from + length)

const repeat = (backend: Backend, x: Arithmetic<128>, times: number): Arithmetic<128> =>
  backend.gather(x, new Uint32Array(times))

/** a · b · c … of mantissas, truncated to the bits that are opened. */
function* mantissa(backend: Backend, first: Arithmetic<128>, ...rest: readonly Arithmetic<128>[]) {
  let product = first
  for (const factor of rest) product = yield* backend.multiplyTruncate(product, factor, fraction)
  return yield* backend.truncate(product, fraction - opening)
}

function* product(backend: Backend, first: Arithmetic<128>, ...rest: readonly Arithmetic<128>[]) {
  let result = first
  for (const factor of rest) result = yield* backend.multiply(result, factor)
  return result
}

/** 1 where x < 2^bits, as one number; x is one fixed-point number. */
export function* below(backend: Backend, x: Arithmetic<128>, bits: number): Routine<Arithmetic<128>> {
  const bound = wordsOfIntegers(128, [-(2n ** BigInt(bits))])
  return yield* backend.inject(yield* isNegative(backend, backend.shift(x, bound)), 128)
}

interface Fit {
  readonly standard: Standard
  /** (R_xx + penalty/n I)^-1. */
  readonly inverse: Arithmetic<128>
  readonly b: Arithmetic<128>
  readonly rSquared: Arithmetic<128>
}

function* fit(backend: Backend, given: Given, { scope, y, x, penalty, weight }: Model): Routine<Fit> {
  const p = x.length
  const standard = yield* standardise(backend, given, scope, [...x, y].map(value), weight)
  const full = fullMatrix(backend, standard.correlations, p + 1)
  const pick = (index: (k: number) => number, length: number) =>
    backend.gather(
      full,
      Uint32Array.from({ length }, (_, k) => index(k)),
    )
  const design = pick((k) => Math.floor(k / p) * (p + 1) + (k % p), p * p)
  const target = pick((k) => k * (p + 1) + p, p)
  const ridge = penalty / scope.rows
  const shifted = backend.shift(
    design,
    wordsOfNumbers(
      128,
      Array.from({ length: p * p }, (_, k) => (k % (p + 1) === 0 ? ridge : 0)),
      fraction,
    ),
  )
  const largest = p + ridge
  const steps = inverseSteps(largest, Math.max(ridge, leastEigenvalue))
  const inverse = yield* inverseOf(backend, shifted, p, largest, steps)
  const b = yield* backend.matrixProductTruncate(inverse, target, { rows: p, inner: p, columns: 1 }, fraction)
  // b' r where there is no penalty; 2 b' r - b' R b with one.
  const fitted = yield* backend.matrixProductTruncate(design, b, { rows: p, inner: p, columns: 1 }, fraction)
  const twice = backend.subtract(backend.scale(target, wordsOfIntegers(128, [2])), fitted)
  const rSquared = yield* backend.matrixProductTruncate(b, twice, { rows: 1, inner: p, columns: 1 }, fraction)
  return { standard, inverse, b, rSquared }
}

/** mean_j / s_j of the columns, the means as they are measured from `origin` units. */
export function* leverages(
  backend: Backend,
  given: Given,
  { scope, x, weight }: Pick<Model, 'scope' | 'x' | 'weight'>,
  { normal, inverse, bounds }: Standard,
  origins: readonly bigint[],
  bits: number,
): Routine<Arithmetic<128>> {
  const p = x.length
  const sums = backend.concat(...x.map((column) => given.moment(weightedSum(weight, value(column)))))
  const total =
    weight === undefined ? backend.constant(128, wordsOfIntegers(128, [scope.rows])) : given.moment(sumOf(weight))
  const moved = backend.add(
    sums,
    backend.scale(backend.gather(total, new Uint32Array(p)), wordsOfIntegers(128, origins)),
  )
  const raised = yield* backend.multiply(moved, slice(backend, normal.up, 0, p))
  const kept = yield* shiftRight(backend, raised, bounds.top / 2 - bits)
  return yield* backend.multiplyTruncate(kept, slice(backend, inverse, 0, p), fraction)
}

/** Coefficients and intercept, in codes: mantissas with powers of two (see `read`). */
function* coefficients(backend: Backend, given: Given, model: Model, { standard, b }: Fit) {
  const { x, y } = model
  const p = x.length
  const { normal, root, inverse, bounds } = standard
  const rootY = repeat(backend, slice(backend, root, p), p)
  const downY = repeat(backend, slice(backend, normal.down, p), p)
  const slopes = yield* mantissa(backend, b, slice(backend, inverse, 0, p), rootY)
  const scaled = yield* product(backend, slopes, slice(backend, normal.up, 0, p), downY)
  const a = yield* leverages(
    backend,
    given,
    model,
    standard,
    x.map(() => 0n),
    level,
  )
  const d = yield* backend.matrixProductTruncate(b, a, { rows: 1, inner: p, columns: 1 }, fraction)
  const offset = yield* product(
    backend,
    yield* backend.multiplyTruncate(d, slice(backend, root, p), fraction),
    slice(backend, normal.down, p),
  )
  // Σ y 2^(level + most) - offset 2^(top / 2), both n times the intercept.
  const sumY = backend.scale(
    given.moment(weightedSum(model.weight, value(y))),
    wordsOfIntegers(128, [2n ** BigInt(level + normal.most)]),
  )
  const intercept = backend.subtract(sumY, backend.scale(offset, wordsOfIntegers(128, [2n ** BigInt(bounds.top / 2)])))
  return { scaled, intercept }
}

/** Bounds of the numbers under the roots of standard errors, with {@link fraction} or twice `leverage` bits of fraction. */
const unexplained = { top: fraction + 2, least: fraction - exactFit }
const inflation = { top: fraction + inflationBits + 2, least: fraction - 2 }
export const leverage = 36
export const spread = { top: 2 * leverage + 52, least: 2 * leverage }

/** √(1 - R²) s_y and so on, as mantissas times powers of two. */
function* errors(backend: Backend, given: Given, model: Model, { standard, inverse: inverted, rSquared }: Fit) {
  const { scope, x } = model
  const p = x.length
  const { normal, root, inverse } = standard
  // Above the rounding of R², so that no perfect fit becomes negative.
  const rest = backend.shift(backend.negate(rSquared), fixed(1 + 2 ** -30))
  const diagonal = backend.gather(
    inverted,
    Uint32Array.from({ length: p }, (_, j) => j * (p + 1)),
  )
  const origins = x.map((column) => BigInt(originOf(scope, column)))
  const a = yield* leverages(backend, given, model, standard, origins, leverage)
  const fits = yield* moderate(backend, a)
  const modest = yield* backend.multiply(a, repeat(backend, fits, p))
  const turned = yield* backend.matrixProductTruncate(inverted, modest, { rows: p, inner: p, columns: 1 }, fraction)
  const square = yield* backend.matrixProduct(modest, turned, { rows: 1, inner: p, columns: 1 })
  const lever = backend.shift(square, wordsOfIntegers(128, [2n ** BigInt(2 * leverage)]))
  const [e, v, w] = yield* backend.join(
    (branch) => normalise(branch, rest, unexplained),
    (branch) => normalise(branch, diagonal, inflation),
    (branch) => normalise(branch, lever, spread),
  )
  const roots = yield* rootsOf(backend, backend.concat(e.mantissa, v.mantissa, w.mantissa))
  const part = (from: number, length: number) => slice(backend, roots.root, from, length)
  const rootY = slice(backend, root, p)
  const downY = slice(backend, normal.down, p)
  const common = yield* backend.multiplyTruncate(part(0, 1), rootY, fraction)
  const powers = yield* backend.multiply(e.down, downY)
  const each = yield* mantissa(backend, part(1, p), slice(backend, inverse, 0, p), repeat(backend, common, p))
  const slopes = yield* product(backend, each, v.down, slice(backend, normal.up, 0, p), repeat(backend, powers, p))
  const first = yield* mantissa(backend, part(1 + p, 1), common)
  const intercept = yield* product(backend, first, w.down, powers, fits)
  return { slopes, intercept, fits }
}

/** 1 where all |a_j| < 2^leverageBits; a has `leverage` bits of fraction. */
export function* moderate(backend: Backend, a: Arithmetic<128>): Routine<Arithmetic<128>> {
  const bound = wordsOfIntegers(128, [2n ** BigInt(leverage + leverageBits)])
  const gaps = backend.concat(backend.shift(a, bound), backend.shift(backend.negate(a), bound))
  const outside = backend.sum(yield* backend.inject(yield* isNegative(backend, gaps), 128), gaps.length)
  return yield* below(backend, outside, 0)
}

/** Bits of the largest opened number, of standard errors. */
const errorBits = (most: number): number =>
  opening + 1 + 2 * most + mostOf(unexplained) + Math.max(mostOf(inflation), mostOf(spread) - most)

interface Asked {
  readonly y: string
  readonly x: readonly string[]
  readonly penalty: number
  readonly weight?: string | undefined
}

export const linearFigure = (scope: Scope, { y, x, penalty, weight: by }: Asked): Figure => {
  const weight = weightIn(scope, by)
  const model: Model = { scope, y, x, penalty, weight }
  if (weight !== undefined && penalty > 0) {
    throw impossible('a ridge regression with weights', 'leave out the penalty or the weights')
  }
  const p = x.length
  const n = scope.rows
  const columns = [...x, y]
  columns.forEach((column) => scope.numeric(column))
  if (n <= p + 1) throw impossible(`${p} columns and an intercept need more than ${n} rows`, 'use fewer columns')
  if (new Set(columns).size < columns.length)
    throw impossible('a column stands twice in a regression', 'name each once')
  const bounds = scatterBounds(scope, columns.map(value), weight)
  const most = mostOf(bounds)
  requireBits(
    Math.max(opening + slopeBits + 1 + 2 * most, penalty === 0 ? errorBits(most) : 0),
    128,
    `the regression of "${y}"`,
    narrower,
  )
  const leverBits = Math.max(
    ...x.map((column) => bitsOf(mostWeight(scope, weight) * Math.abs(originOf(scope, column)) + 2 ** (bounds.top / 2))),
  )
  const means = leverBits + most - bounds.top / 2 + 1
  requireBits(means + fraction + leverage, 128, `the intercept of "${y}"`, narrower)
  requireBits(bounds.top / 2 + level + 2 * most + 2 + slopeBits + bitsOf(p), 128, `the intercept of "${y}"`, narrower)
  return {
    ...nothingElse,
    moments: covarianceMoments(columns.map(value), weight),
    rounding: [{ keep: 26 }],
    learns:
      `coefficients${penalty === 0 ? ', standard errors' : ''} and R² of the regression of "${y}" on ` +
      `${x.map((c) => `"${c}"`).join(', ')}${weighted(by)}, or that the columns are collinear` +
      (by === undefined ? '' : ', and the sum of the weights'),
    *open(backend, given) {
      const fitted = yield* fit(backend, given, model)
      const trace = backend.sum(
        backend.gather(
          fitted.inverse,
          Uint32Array.from({ length: p }, (_, j) => j * (p + 1)),
        ),
        p,
      )
      const [regular, found, spreads] = yield* backend.join(
        (branch) => below(branch, trace, fraction + inflationBits),
        (branch) => coefficients(branch, given, model, fitted),
        function* (branch) {
          return penalty === 0 ? yield* errors(branch, given, model, fitted) : undefined
        },
      )
      const all = [found.scaled, found.intercept, fitted.rSquared]
      if (spreads !== undefined) all.push(spreads.slopes, spreads.intercept, spreads.fits)
      const values = backend.concat(...all)
      const kept = yield* backend.multiply(values, repeat(backend, regular, values.length))
      const result = backend.concat(kept, regular)
      return weight === undefined ? [result] : [result, given.moment(sumOf(weight))]
    },
    read: ([opened, total]) => readLinear(model, most, opened!, total?.[0] ?? BigInt(n)),
  }
}

const readLinear = (
  { scope, y, x, penalty, weight }: Model,
  most: number,
  opened: readonly bigint[],
  total: bigint,
) => {
  const p = x.length
  const n = scope.rows
  if (opened.at(-1) !== 1n) return { collinear: true, intercept: null, coefficients: null, rSquared: null }
  const unitY = unitOf(scope, y)
  const scale = 2n ** BigInt(opening + most)
  const slopes = x.map((column, j) => (ratio(opened[j]!, scale) * unitY) / unitOf(scope, column))
  const shift = x.reduce((sum, column, j) => sum + slopes[j]! * originOf(scope, column) * unitOf(scope, column), 0)
  const inCodes = ratio(opened[p]!, 2n ** BigInt(level + most) * total) + originOf(scope, y)
  const rSquared = Number(opened[p + 1]!) / 2 ** fraction
  const result = { intercept: inCodes * unitY - shift, coefficients: slopes, rSquared }
  if (penalty > 0) return result
  const freedom = n - p - 1
  const powers = most + mostOf(unexplained)
  const errorsOf = x.map((column, j) => {
    const raw = ratio(opened[p + 2 + j]!, 2n ** BigInt(opening + powers + mostOf(inflation)))
    return (
      (raw * rootScale(unexplained, fraction) * rootScale(inflation, fraction) * unitY) /
      unitOf(scope, column) /
      Math.sqrt(freedom)
    )
  })
  const first = ratio(opened[2 * p + 2]!, 2n ** BigInt(opening + powers + mostOf(spread)))
  const bounds = scatterBounds(scope, [...x, y].map(value), weight)
  const deviation = 2 ** (bounds.top / 2) / Number(total)
  const interceptError =
    opened[2 * p + 3] === 1n
      ? (first * deviation * rootScale(unexplained, fraction) * rootScale(spread, 2 * leverage) * unitY) /
        Math.sqrt(freedom)
      : null
  return { ...result, ...inference(result.intercept, slopes, interceptError, errorsOf, rSquared, freedom) }
}

/** √(2^top) of a normalised number with so many bits of fraction. */
const rootScale = ({ top }: { readonly top: number }, bits: number): number => 2 ** ((top - bits) / 2)

/** t, p and F from what was opened. */
const inference = (
  intercept: number,
  slopes: readonly number[],
  interceptError: number | null,
  errorsOf: readonly number[],
  rSquared: number,
  freedom: number,
) => {
  const t = slopes.map((slope, j) => finite(slope / errorsOf[j]!))
  const first = interceptError === null ? null : finite(intercept / interceptError)
  const tail = (each: number | null): number | null => (each === null ? null : studentTail(each, freedom))
  const p = slopes.length
  const f = rSquared / p / ((1 - rSquared) / freedom)
  return {
    errors: [...errorsOf],
    interceptError,
    t,
    interceptT: first,
    p: t.map(tail),
    interceptP: tail(first),
    f: finite(f),
    fp: Number.isFinite(f) ? fisherTail(f, p, freedom) : null,
    freedom,
  }
}
