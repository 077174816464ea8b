/** Counts, sums, means, variances and covariances: exact, opened as whole numbers and divided in clear. */
import type { Json } from '@tallystick/core'
import type { Arithmetic, Backend } from '@tallystick/mpc'
import { wordsOfIntegers } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { finite, nothingElse, ratio, type Figure, type Given } from '../figure.ts'
import { sumOf, value, type Moment, type Vector } from '../moments.ts'
import { originOf, rangeOf, unitOf, type Scope } from '../scope.ts'

const openMoments = (moments: readonly Moment[]) =>
  // oxlint-disable-next-line require-yield -- opens sums as they are
  function* (_: Backend, given: Given): Routine<readonly Arithmetic[]> {
    return moments.map((moment) => given.moment(moment))
  }

export const countFigure = ({ rows }: Scope): Figure => ({
  ...nothingElse,
  learns: 'the number of rows, which the terms say',
  open: openMoments([]),
  read: () => rows,
})

/** Sums and means of the columns of the caller; both tell the same. */
export const sumFigure = (scope: Scope, kind: 'sum' | 'mean', column: string): Figure => {
  const moment = sumOf(value(column))
  const origin = BigInt(originOf(scope, column)) * BigInt(scope.rows)
  return {
    ...nothingElse,
    moments: [moment],
    learns: `the sum of "${column}"`,
    open: openMoments([moment]),
    read: ([sums]) =>
      finite(ratio(sums![0]! + origin, kind === 'sum' ? 1n : BigInt(scope.rows)) * unitOf(scope, column)),
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

export const covarianceMoments = (vectors: readonly Vector[]): readonly Moment[] => [
  ...vectors.map((vector) => sumOf(vector)),
  ...pairsOf(vectors.length).map(([i, j]) => sumOf(vectors[i]!, vectors[j])),
]

/**
 * n² times the population covariances, n · Σ u v - Σ u Σ v, of all pairs: whole numbers, exact. One round.
 * Below 2^126 where {@link requireCovariance} has passed.
 */
export function* scatter(
  backend: Backend,
  given: Given,
  vectors: readonly Vector[],
  rows: number,
): Routine<Arithmetic<128>> {
  const pairs = pairsOf(vectors.length)
  const sums = backend.concat(...vectors.map((vector) => given.moment(sumOf(vector))))
  const products = backend.concat(...pairs.map(([i, j]) => given.moment(sumOf(vectors[i]!, vectors[j]))))
  const left = backend.gather(
    sums,
    Uint32Array.from(pairs, ([i]) => i),
  )
  const right = backend.gather(
    sums,
    Uint32Array.from(pairs, ([, j]) => j),
  )
  const scaled = backend.scale(products, wordsOfIntegers(128, [rows]))
  return backend.subtract(scaled, yield* backend.multiply(left, right))
}

/** @throws TallyError terms/unsupported where `scatter` could wrap around */
export const requireCovariance = (scope: Scope, columns: readonly string[], what: string): void => {
  const largest = Math.max(...columns.map((column) => rangeOf(scope, column)))
  requireBits(2 * bitsOf(largest * scope.rows), 128, `${what} of ${columns.join(', ')}`, narrower)
}

export const covarianceFigure = (
  scope: Scope,
  columns: readonly string[],
  read: (covariances: number[][]) => Json,
): Figure => {
  requireCovariance(scope, columns, 'the covariances')
  const vectors = columns.map(value)
  const n = BigInt(scope.rows)
  const p = columns.length
  return {
    ...nothingElse,
    moments: covarianceMoments(vectors),
    learns:
      p === 1
        ? `the variance of "${columns[0]}"`
        : `the covariance matrix of ${columns.map((c) => `"${c}"`).join(', ')}`,
    *open(backend, given) {
      return [yield* scatter(backend, given, vectors, scope.rows)]
    },
    read: ([scattered]) =>
      read(
        columns.map((a, i) =>
          columns.map((b, j) => {
            const units = unitOf(scope, a) * unitOf(scope, b)
            return ratio(scattered![pairIndex(p, i, j)]!, n * (n - 1n)) * units
          }),
        ),
      ),
  }
}
