/** Counts, sums, means, variances and covariances: exact, opened as whole numbers and divided in clear. */
import type { Json } from '@tallystick/core'
import type { Arithmetic, Backend } from '@tallystick/mpc'
import { wordsOfIntegers } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { finite, nothingElse, ratio, type Figure, type Given, type NoisePart } from '../figure.ts'
import { largestOf, sumOf, value, weight as weightOf, weightedSum, type Moment, type Vector } from '../moments.ts'
import type { Sensitivity } from '../privacy/index.ts'
import { impossible } from '../problems.ts'
import { originOf, rangeOf, unitOf, type Scope } from '../scope.ts'

const openMoments = (moments: readonly Moment[]) =>
  // oxlint-disable-next-line require-yield -- opens sums as they are
  function* (_: Backend, given: Given): Routine<readonly Arithmetic[]> {
    return moments.map((moment) => given.moment(moment))
  }

/** A weight by its column, which must not be negative. */
export const weightIn = (scope: Scope, column: string | undefined): Vector | undefined => {
  if (column === undefined) return undefined
  if (originOf(scope, column) >= 0) return weightOf(column)
  throw impossible(`weights "${column}": the declared minimum is negative`, 'declare a minimum of 0 or more')
}

/** The largest sum of weights of all rows. */
export const mostWeight = (scope: Scope, weight: Vector | undefined): number =>
  scope.rows * (weight === undefined ? 1 : largestOf(scope, weight))

export const weighted = (column: string | undefined): string =>
  column === undefined ? '' : `, weighted by "${column}"`

/** Of a sum whose terms differ by so much at most. */
const sumSensitivity = (change: number): Sensitivity => ({ length: 1, sum: change, squares: change ** 2 })

export const countFigure = (scope: Scope, column?: string): Figure => {
  const weight = weightIn(scope, column)
  if (weight === undefined || column === undefined) {
    return {
      ...nothingElse,
      learns: 'the number of rows, which the terms say',
      open: openMoments([]),
      read: () => scope.rows,
    }
  }
  const moments = [sumOf(weight)]
  return {
    ...nothingElse,
    moments,
    learns: `the sum of the weights "${column}"`,
    noise: [{ sensitivity: sumSensitivity(rangeOf(scope, column)), unit: unitOf(scope, column) }],
    open: openMoments(moments),
    read: ([sums]) => finite(ratio(sums![0]!, 1n) * unitOf(scope, column)),
  }
}

const sumNoise = (
  scope: Scope,
  kind: 'sum' | 'mean',
  column: string,
  weight: Vector | undefined,
): readonly NoisePart[] => {
  const unit = unitOf(scope, column)
  if (weight === undefined || weight.kind === 'one') {
    return [{ sensitivity: sumSensitivity(rangeOf(scope, column)), unit: unit / (kind === 'sum' ? 1 : scope.rows) }]
  }
  const by = unitOf(scope, weight.column)
  const most = largestOf(scope, weight) * rangeOf(scope, column)
  const { minimum } = scope.numeric(column)
  return [
    { sensitivity: sumSensitivity(most), unit: unit * by, what: `the weighted sum above ${minimum}` },
    { sensitivity: sumSensitivity(rangeOf(scope, weight.column)), unit: by, what: 'the sum of the weights' },
  ]
}

/**
 * n² times a variance is Σ (u_i - u_j)² over all pairs: a record that is replaced changes n - 1 of these, each by the square
 * of the range at most.
 */
const varianceNoise = (scope: Scope, column: string): readonly NoisePart[] => {
  const n = scope.rows
  const sensitivity = sumSensitivity((n - 1) * rangeOf(scope, column) ** 2)
  return [{ sensitivity, unit: unitOf(scope, column) ** 2 / n / (n - 1), what: 'the variance' }]
}

/** Sums and means of the columns of the caller; both tell the same. */
export const sumFigure = (scope: Scope, kind: 'sum' | 'mean', column: string, by?: string): Figure => {
  const weight = weightIn(scope, by)
  const moments = [weightedSum(weight, value(column)), ...(weight === undefined ? [] : [sumOf(weight)])]
  const product = mostWeight(scope, weight) * (rangeOf(scope, column) + Math.abs(originOf(scope, column)))
  requireBits(bitsOf(product), 128, `the sum of "${column}"`, narrower)
  return {
    ...nothingElse,
    moments,
    learns: `the sum of "${column}"${weighted(by)}${by === undefined ? '' : ', and the sum of the weights'}`,
    open: openMoments(moments),
    noise: sumNoise(scope, kind, column, weight),
    read: ([sums, weights]) => {
      const total = weights?.[0] ?? BigInt(scope.rows)
      // Weights with noise.
      if (kind === 'mean' && total <= 0n) return null
      const all = sums![0]! + BigInt(originOf(scope, column)) * total
      const unit = unitOf(scope, column) * (by === undefined || kind === 'mean' ? 1 : unitOf(scope, by))
      return finite(ratio(all, kind === 'sum' ? 1n : total) * unit)
    },
  }
}

/** Pairs (i, j) with i <= j < p, row by row. */
export const pairsOf = (p: number): readonly (readonly [number, number])[] =>
  Array.from({ length: p }, (_, i) => Array.from({ length: p - i }, (_, k) => [i, i + k] as const)).flat()

/** Place of the pair (i, j) in {@link pairsOf}. */
export const pairIndex = (p: number, i: number, j: number): number => {
  const [a, b] = i <= j ? [i, j] : [j, i]
  return a * p - (a * (a - 1)) / 2 + (b - a)
}

export const covarianceMoments = (vectors: readonly Vector[], weight?: Vector): readonly Moment[] => [
  ...vectors.map((vector) => weightedSum(weight, vector)),
  ...pairsOf(vectors.length).map(([i, j]) => weightedSum(weight, vectors[i]!, vectors[j])),
  ...(weight === undefined ? [] : [sumOf(weight)]),
]

/**
 * n² times the population covariances, n · Σ u v - Σ u Σ v, of all pairs: whole numbers, exact. One round. With weights
 * W · Σ w u v - Σ w u Σ w v, where W = Σ w. Below 2^126 where {@link requireCovariance} has passed.
 */
export function* scatter(
  backend: Backend,
  given: Given,
  vectors: readonly Vector[],
  rows: number,
  weight?: Vector,
): Routine<Arithmetic<128>> {
  const pairs = pairsOf(vectors.length)
  const sums = backend.concat(...vectors.map((vector) => given.moment(weightedSum(weight, vector))))
  const products = backend.concat(...pairs.map(([i, j]) => given.moment(weightedSum(weight, vectors[i]!, vectors[j]))))
  const left = backend.gather(
    sums,
    Uint32Array.from(pairs, ([i]) => i),
  )
  const right = backend.gather(
    sums,
    Uint32Array.from(pairs, ([, j]) => j),
  )
  if (weight === undefined) {
    const scaled = backend.scale(products, wordsOfIntegers(128, [rows]))
    return backend.subtract(scaled, yield* backend.multiply(left, right))
  }
  const count = pairs.length
  const total = backend.gather(given.moment(sumOf(weight)), new Uint32Array(count))
  const both = yield* backend.multiply(backend.concat(products, left), backend.concat(total, right))
  return backend.subtract(backend.slice(both, 0, count), backend.slice(both, count, 2 * count))
}

/** @throws TallyError terms/unsupported where `scatter` could wrap around */
const requireCovariance = (scope: Scope, columns: readonly string[], what: string, weight?: Vector): void => {
  const largest = Math.max(...columns.map((column) => rangeOf(scope, column)))
  requireBits(2 * bitsOf(largest * mostWeight(scope, weight)), 128, `${what} of ${columns.join(', ')}`, narrower)
}

export const covarianceFigure = (
  scope: Scope,
  columns: readonly string[],
  read: (covariances: number[][]) => Json,
  by?: string,
): Figure => {
  const weight = weightIn(scope, by)
  requireCovariance(scope, columns, 'the covariances', weight)
  const vectors = columns.map(value)
  const p = columns.length
  const totals = weight === undefined ? [] : [sumOf(weight), sumOf(weight, weight)]
  const what =
    p === 1 ? `the variance of "${columns[0]}"` : `the covariance matrix of ${columns.map((c) => `"${c}"`).join(', ')}`
  return {
    ...nothingElse,
    moments: [...covarianceMoments(vectors, weight), ...totals],
    ...(p === 1 && weight === undefined && { noise: varianceNoise(scope, columns[0]!) }),
    learns: `${what}${weighted(by)}${by === undefined ? '' : ', and the sums of the weights and of their squares'}`,
    *open(backend, given) {
      const scattered = yield* scatter(backend, given, vectors, scope.rows, weight)
      return [scattered, ...totals.map((moment) => given.moment(moment))]
    },
    read: ([scattered, weights, squares]) => {
      const total = weights?.[0] ?? BigInt(scope.rows)
      // W (W - Σ w² / W), which is n (n - 1) where all weigh the same.
      const divisor = total * total - (squares?.[0] ?? total)
      return read(
        columns.map((a, i) =>
          columns.map((b, j) => {
            const units = unitOf(scope, a) * unitOf(scope, b)
            return ratio(scattered![pairIndex(p, i, j)]!, divisor) * units
          }),
        ),
      )
    },
  }
}
