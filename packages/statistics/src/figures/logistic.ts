/**
 * Logistic regression with an intercept on columns standardised under sharing.
 *
 *   fixed-hessian   Böhning and Lindsay (1988): steps by the bound Z'Z / 4 + penalty of the Hessian, inverted once. Each
 *                   step is sure and cheap (about 20 rounds); where fitted probabilities come near 0 or 1 it takes
 *                   hundreds of them: ten steps are far from the end on such data.
 *   newton          the Hessian of each step, inverted by Newton-Schulz from the bound's inverse (about 55 rounds);
 *                   8 steps are enough for most data, and give standard errors where there is no penalty.
 *
 * Weights are taken as parts of a public power of two above all that may occur, 0 < v <= 1: all bounds of rows that count
 * once stand. Where most weigh little against that, a fixed Hessian takes smaller steps, and Newton inverts for longer.
 *
 * The iterations are public; whether the last step was small is opened (`settled`). Every step is checked to
 * stay where nothing can wrap around; where one does not (separable classes without a penalty, collinear columns), zeros
 * are opened, and the word of it.
 */
import { wordsOfIntegers, wordsOfNumbers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { constantVector, fraction, inverseOf, inverseSteps, mostOf, refineInverse, shiftRight } from '../algebra.ts'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { nothingElse, type Figure, type Given } from '../figure.ts'
import { largestOf, sumOf, value, weightedSum, type Vector } from '../moments.ts'
import { impossible } from '../problems.ts'
import { originOf, rangeOf, unitOf, type Scope } from '../scope.ts'
import { long, short, sigmoid, type Series } from '../sigmoid.ts'
import { fullMatrix, scatterBounds, standardise, type Standard } from './correlation.ts'
import { below, inflationBits, leastEigenvalue, leverage, leverages } from './linear.ts'
import { errorsOf, readLogistic } from './logistic-errors.ts'
import { covarianceMoments, mostWeight, weighted, weightIn } from './moments.ts'
import { requireBinary } from './evidence.ts'

export interface Model {
  readonly scope: Scope
  readonly y: string
  readonly x: readonly string[]
  readonly penalty: number
  readonly iterations: number
  readonly method: 'fixed-hessian' | 'newton'
  readonly weight: Vector | undefined
}

/** The root of the sum of all squared coefficients / limit, over all steps, stays below 2^this: else zeros are opened. */
const stepBits = 5
/** A last step is small where its length / limit is below 2^-this: three in a thousand of a deviation. */
const restBits = 12
/** Bits of an inverse after the point where it meets a gradient. */
const inverseBits = 32
/** Steps of Newton-Schulz from the bound's inverse. */
const refinements = 9

export interface Sizes {
  readonly n: number
  /** Columns and the intercept. */
  readonly q: number
  /** 2^this >= n: gradients are taken by row, in this unit. */
  readonly unit: number
  /** Bits after the point of standardised columns and coefficients. */
  readonly bits: number
  /** Of residuals. */
  readonly residual: number
  readonly series: Series
  /** Largest |z| is below 2^this. */
  readonly reach: number
  /** A weight of 1 in units is 2^-scale; and the least weight in units. */
  readonly scale: number
  readonly lightest: number
}

const sizesOf = ({ scope, x, method, weight }: Model): Sizes => {
  const n = scope.rows
  const q = x.length + 1
  const unit = Math.ceil(Math.log2(n))
  const isWeighted = weight !== undefined && weight.kind !== 'one'
  const lightest = isWeighted ? originOf(scope, weight.column) : 1
  const scale = isWeighted ? bitsOf(largestOf(scope, weight)) : 0
  // w z² <= Σ w.
  const reach = isWeighted ? Math.ceil(Math.log2((n * largestOf(scope, weight)) / lightest) / 2) : unit / 2
  // A sum over the columns and a coefficient of stepBits within 62 bits.
  const bits = Math.min(24, Math.floor((61 - stepBits - bitsOf(q) - reach) / 2))
  const residual = Math.min(28, 61 - bits - unit)
  return { n, q, unit, bits, residual, series: method === 'newton' ? long : short, reach, scale, lightest }
}

const repeatEach = (count: number, times: number): Uint32Array =>
  Uint32Array.from({ length: count * times }, (_, k) => Math.floor(k / times))

/** Standardised columns and a column of ones, column by column; then the same row by row. */
function* design(backend: Backend, given: Given, { x, weight }: Model, standard: Standard, { n, q, bits }: Sizes) {
  const { normal, bounds, inverse } = standard
  const p = x.length
  const sums = backend.low(backend.concat(...x.map((column) => given.moment(weightedSum(weight, value(column))))))
  const codes = backend.concat(...x.map((column) => given.codes(column)))
  const each = repeatEach(p, n)
  const total = weight === undefined ? undefined : backend.low(given.moment(sumOf(weight)))
  const multiples =
    total === undefined ? backend.scale(codes, wordsOfIntegers(64, [n])) : yield* backend.multiply(codes, total)
  const centred = backend.subtract(multiples, backend.gather(sums, each))
  const [raised, small] = yield* backend.join(
    (branch) => branch.multiply(centred, branch.gather(branch.low(branch.slice(normal.up, 0, p)), each)),
    (branch) => shiftRight(branch, branch.slice(inverse, 0, p), fraction - bits),
  )
  const by = bounds.top / 2 - bits
  const scaled = by > 0 ? yield* backend.truncate(raised, by) : backend.scale(raised, wordsOfIntegers(64, [2 ** -by]))
  const columns = yield* backend.multiplyTruncate(scaled, backend.gather(backend.low(small), each), bits)
  const ones = backend.constant(64, wordsOfNumbers(64, new Float64Array(n).fill(1), bits))
  const byColumn = backend.concat(ones, columns)
  const byRow = backend.gather(
    byColumn,
    Uint32Array.from({ length: n * q }, (_, k) => (k % q) * n + Math.floor(k / q)),
  )
  return { byColumn, byRow }
}

/** Inverse of the bound of the Hessian, by row; row and column 0 are the intercept's. And its trace. */
function* boundInverse(backend: Backend, model: Model, standard: Standard, sizes: Sizes) {
  const { x, method } = model
  const { n, q, unit } = sizes
  const p = x.length
  const ridge = (4 * penaltyOf(model, sizes)) / n
  const full = fullMatrix(backend, standard.correlations, p)
  const shifted = backend.shift(
    full,
    constantVector(p * p, (k) => (k % (p + 1) === 0 ? ridge : 0)),
  )
  const largest = p + ridge
  const steps = inverseSteps(largest, Math.max(ridge, leastEigenvalue)) - (method === 'newton' ? 0 : 4)
  const inverse = yield* inverseOf(backend, shifted, p, largest, steps)
  const diagonal = backend.gather(
    inverse,
    Uint32Array.from({ length: p }, (_, j) => j * (p + 1)),
  )
  const factor = (4 * 2 ** unit) / n
  const scaled = yield* backend.truncate(backend.scale(inverse, wordsOfNumbers(128, [factor], 30)), 30)
  const parts = backend.concat(scaled, backend.constant(128, wordsOfNumbers(128, [factor, 0], fraction)))
  const index = Uint32Array.from({ length: q * q }, (_, k) => {
    const [row, column] = [Math.floor(k / q), k % q]
    if (row > 0 && column > 0) return (row - 1) * p + column - 1
    return row === column ? p * p : p * p + 1
  })
  return { bound: backend.gather(parts, index), trace: backend.sum(diagonal, p) }
}

/** The inverse as it meets a gradient: divided by the limit of the series. */
function* stepMatrix(backend: Backend, inverse: Arithmetic<128>, { limit }: Series): Routine<Arithmetic<128>> {
  const scaled = backend.scale(inverse, wordsOfNumbers(128, [1 / limit], 30))
  return yield* backend.truncate(scaled, fraction + 30 - inverseBits)
}

interface Rows {
  readonly byColumn: Arithmetic<64>
  readonly byRow: Arithmetic<64>
  readonly target: Arithmetic<64>
  /** As parts of 2^scale. */
  readonly weights: Arithmetic<64> | undefined
}

/** Where rows have weights, times these: x · v. 2 rounds. */
function* weigh(backend: Backend, x: Arithmetic<64>, { weights }: Rows, { scale }: Sizes): Routine<Arithmetic<64>> {
  return weights === undefined ? x : yield* backend.multiplyTruncate(x, weights, scale)
}

/** Of rows that count as parts of 2^scale. */
const penaltyOf = ({ penalty, weight, scope }: Model, { scale }: Sizes): number =>
  weight === undefined || weight.kind === 'one' ? penalty : penalty / unitOf(scope, weight.column) / 2 ** scale

/** Fitted probabilities at coefficients (divided by the limit). */
function* probabilities(backend: Backend, rows: Rows, at: Arithmetic<128> | undefined, sizes: Sizes) {
  const { n, q, bits, residual, series } = sizes
  if (at === undefined) return backend.constant(64, wordsOfNumbers(64, new Float64Array(n).fill(0.5), residual))
  const shape = { rows: n, inner: q, columns: 1 }
  const v = yield* backend.matrixProductTruncate(rows.byRow, backend.low(at), shape, bits)
  return yield* sigmoid(backend, v, bits, residual, series)
}

/** Gradient by row, with bits + residual + unit bits after the point, of Z_2^128. 3 rounds. */
function* gradient(
  backend: Backend,
  rows: Rows,
  fitted: Arithmetic<64>,
  at: Arithmetic<128> | undefined,
  model: Model,
  sizes: Sizes,
): Routine<Arithmetic<128>> {
  const { n, q, residual, series } = sizes
  const penalty = penaltyOf(model, sizes)
  const gaps = yield* weigh(backend, backend.subtract(rows.target, fitted), rows, sizes)
  const sums = yield* backend.widen(
    yield* backend.matrixProduct(rows.byColumn, gaps, { rows: q, inner: n, columns: 1 }),
  )
  if (at === undefined || penalty === 0) return sums
  const pull = constantVector(q, (k) => (k === 0 ? 0 : penalty * series.limit), residual)
  return backend.subtract(sums, backend.scale(at, pull))
}

/** The inverse of Z' W Z + penalty, by row. */
function* hessianInverse(
  backend: Backend,
  rows: Rows,
  fitted: Arithmetic<64>,
  bound: Arithmetic<128>,
  model: Model,
  sizes: Sizes,
): Routine<Arithmetic<128>> {
  const { n, q, unit, bits, residual, scale, lightest } = sizes
  const penalty = penaltyOf(model, sizes)
  const rest = backend.shift(backend.negate(fitted), wordsOfNumbers(64, [1], residual))
  const plain = yield* backend.multiplyTruncate(fitted, rest, 2 * residual - 24)
  const weights = yield* weigh(backend, plain, rows, sizes)
  const index = Uint32Array.from({ length: n * q }, (_, k) => Math.floor(k / q))
  const weighted = yield* backend.multiplyTruncate(rows.byRow, backend.gather(weights, index), 24)
  const shape = { rows: q, inner: n, columns: q }
  const drop = 2 * bits + unit - fraction
  const raw =
    drop > 0
      ? yield* backend.matrixProductTruncate(rows.byColumn, weighted, shape, drop)
      : yield* backend.matrixProduct(rows.byColumn, weighted, shape)
  const wide = yield* backend.widen(raw)
  const hessian = drop < 0 ? backend.scale(wide, wordsOfIntegers(128, [2 ** -drop])) : wide
  const shifted = backend.shift(
    hessian,
    constantVector(q * q, (k) => (k % (q + 1) === 0 && k > 0 ? penalty / 2 ** unit : 0)),
  )
  const more = Math.ceil(Math.log2(2 ** scale / lightest))
  return yield* refineInverse(backend, shifted, bound, q, refinements + more)
}

export interface Fit {
  /** Divided by the limit, `bits` after the point. */
  readonly coefficients: Arithmetic<128>
  /** The inverse of the last Hessian by row. */
  readonly inverse: Arithmetic<128>
  /** The sum of the squares of all coefficients of all steps. */
  readonly distance: Arithmetic<128>
  /** The sum of the squares of the last step. */
  readonly change: Arithmetic<128>
  /** 1 where the columns are not collinear. */
  readonly collinearity: Arithmetic<128>
}

function* fit(backend: Backend, given: Given, model: Model, standard: Standard, sizes: Sizes): Routine<Fit> {
  const [{ byColumn, byRow }, { bound, trace }] = yield* backend.join(
    (branch) => design(branch, given, model, standard, sizes),
    (branch) => boundInverse(branch, model, standard, sizes),
  )
  const target = backend.scale(given.codes(model.y), wordsOfIntegers(64, [2 ** sizes.residual]))
  const { weight, scope } = model
  const weights =
    weight === undefined || weight.kind === 'one'
      ? undefined
      : backend.shift(given.codes(weight.column), wordsOfIntegers(64, [originOf(scope, weight.column)]))
  const [regular, walked] = yield* backend.join(
    (branch) => below(branch, trace, fraction + inflationBits),
    (branch) => walk(branch, { byColumn, byRow, target, weights }, bound, model, sizes),
  )
  return { ...walked, collinearity: regular }
}

/** All steps; with the sum of all squared coefficients on the way, which bounds each. */
function* walk(backend: Backend, rows: Rows, bound: Arithmetic<128>, model: Model, sizes: Sizes) {
  const { method, iterations } = model
  const { q, unit, residual, series } = sizes
  const fixedStep = method === 'fixed-hessian' ? yield* stepMatrix(backend, bound, series) : undefined
  let coefficients: Arithmetic<128> | undefined
  let inverse = bound
  const visited: Arithmetic<128>[] = []
  for (let step = 0; step < iterations; step++) {
    const at = coefficients
    const fitted = yield* probabilities(backend, rows, at, sizes)
    const [slope, matrix] = yield* backend.join(
      (branch) => gradient(branch, rows, fitted, at, model, sizes),
      function* (branch) {
        if (fixedStep !== undefined) return fixedStep
        inverse = yield* hessianInverse(branch, rows, fitted, bound, model, sizes)
        return yield* stepMatrix(branch, inverse, series)
      },
    )
    const shape = { rows: q, inner: q, columns: 1 }
    const move = yield* backend.matrixProductTruncate(matrix, slope, shape, inverseBits + residual + unit)
    coefficients = at === undefined ? move : backend.add(at, move)
    visited.push(coefficients)
  }
  const all = backend.concat(...visited)
  const last = visited.length === 1 ? all : backend.subtract(coefficients!, visited[visited.length - 2]!)
  const [change, distance] = yield* backend.join(
    (branch) => branch.matrixProduct(last, last, { rows: 1, inner: q, columns: 1 }),
    (branch) => branch.matrixProduct(all, all, { rows: 1, inner: all.length, columns: 1 }),
  )
  return { coefficients: coefficients!, inverse, distance, change }
}

/** 1 where the columns are not collinear and no coefficient of any step reached 2^stepBits. */
function* regularOf(backend: Backend, { distance, collinearity }: Fit, { bits }: Sizes): Routine<Arithmetic<128>> {
  return yield* backend.multiply(yield* below(backend, distance, 2 * (bits + stepBits)), collinearity)
}

const repeat = (backend: Backend, x: Arithmetic<128>, times: number): Arithmetic<128> =>
  backend.gather(x, new Uint32Array(times))

/** n coefficient_j / √scatter_j, and the intercept, of codes; see `read` for their units. */
function* inCodes(backend: Backend, given: Given, model: Model, standard: Standard, { coefficients }: Fit) {
  const p = model.x.length
  const { normal, inverse } = standard
  const slopes = backend.slice(coefficients, 1, p + 1)
  const [turned, means] = yield* backend.join(
    (branch) => branch.multiplyTruncate(slopes, branch.slice(inverse, 0, p), fraction - 8),
    (branch) =>
      leverages(
        branch,
        given,
        model,
        standard,
        model.x.map(() => 0n),
        24,
      ),
  )
  const scaled = yield* backend.multiply(turned, backend.slice(normal.up, 0, p))
  const shift = yield* backend.matrixProduct(slopes, means, { rows: 1, inner: p, columns: 1 })
  const first = backend.scale(backend.slice(coefficients, 0, 1), wordsOfIntegers(128, [2 ** 24]))
  return { slopes: scaled, intercept: backend.subtract(first, shift) }
}

interface Asked extends Omit<Model, 'scope' | 'weight'> {
  readonly weight?: string | undefined
}

/** @throws TallyError terms/unsupported for weights that may be 0, of which a row may lie anywhere */
const modelOf = (scope: Scope, { weight: by, ...rest }: Asked): Model => {
  const weight = weightIn(scope, by)
  if (by !== undefined && originOf(scope, by) < 1) {
    throw impossible(`a logistic regression with weights "${by}" that may be 0`, 'declare a minimum above 0')
  }
  return { scope, weight, ...rest }
}

export const logisticFigure = (scope: Scope, asked: Asked): Figure => {
  const model = modelOf(scope, asked)
  const { y, x, penalty, method, weight } = model
  x.forEach((column) => scope.numeric(column))
  requireBinary(scope, y)
  if (new Set([...x, y]).size < x.length + 1)
    throw impossible('a column stands twice in a regression', 'name each once')
  const sizes = sizesOf(model)
  const { n, q } = sizes
  if (n <= q) throw impossible(`${x.length} columns and an intercept need more than ${n} rows`, 'use fewer columns')
  const bounds = scatterBounds(scope, x.map(value), weight)
  const most = mostOf(bounds)
  const total = mostWeight(scope, weight)
  if (sizes.scale > 16)
    throw impossible(`weights "${asked.weight}" of more than 65,535 units`, 'declare fewer decimals')
  requireBits(bounds.top / 2 + sizes.reach + 2, 64, `the standardised columns of "${y}"`, narrower)
  requireBits(bitsOf(Math.max(...x.map((column) => rangeOf(scope, column))) * total), 64, 'centred columns', narrower)
  const origin = Math.max(
    ...x.map((column) => bitsOf(total * Math.abs(originOf(scope, column)) + 2 ** (bounds.top / 2))),
  )
  requireBits(origin + most - bounds.top / 2 + 1 + fraction + leverage, 128, `the intercept of "${y}"`, narrower)
  const inferred = penalty === 0 && method === 'newton'
  return {
    ...nothingElse,
    moments: covarianceMoments(x.map(value), weight),
    codes: [...x, y, ...(asked.weight === undefined ? [] : [asked.weight])],
    rounding: [{ keep: 16 }],
    learns:
      `coefficients${inferred ? ' and standard errors' : ''} of the logistic regression of "${y}" on ` +
      `${x.map((c) => `"${c}"`).join(', ')}${weighted(asked.weight)} after ${model.iterations} steps, whether the last was small, or that columns are ` +
      `collinear or steps left their bounds${weight === undefined ? '' : ', and the sum of the weights'}`,
    *open(backend, given) {
      const standard = yield* standardise(backend, given, scope, x.map(value), weight)
      const fitted = yield* fit(backend, given, model, standard, sizes)
      const [regular, settled, found, spreads] = yield* backend.join(
        (branch) => regularOf(branch, fitted, sizes),
        (branch) => below(branch, fitted.change, 2 * (sizes.bits - restBits)),
        (branch) => inCodes(branch, given, model, standard, fitted),
        function* (branch) {
          return inferred ? yield* errorsOf(branch, given, model, standard, fitted, q) : undefined
        },
      )
      const all = [settled, found.slopes, found.intercept]
      if (spreads !== undefined) all.push(spreads.slopes, spreads.level, spreads.fits)
      const values = backend.concat(...all)
      const kept = yield* backend.multiply(values, repeat(backend, regular, values.length))
      const result = backend.concat(kept, regular)
      return weight === undefined ? [result] : [result, given.moment(sumOf(weight))]
    },
    read: ([opened, sum]) => readLogistic(model, sizes, opened!, inferred, Number(sum?.[0] ?? n)),
  }
}
