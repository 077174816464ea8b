/** Correlation matrices, of values or of ranks: the covariances are scaled to 1 under sharing, only the result is opened. */
import type { Arithmetic, Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { fraction, normalise, rootsOf, shiftRight, type Bounds, type Normal, type Root } from '../algebra.ts'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { nothingElse, type Figure, type Given } from '../figure.ts'
import { largestOf, rank, value, type Vector } from '../moments.ts'
import { impossible } from '../problems.ts'
import { isSpread, originOf, rangeOf, type Scope } from '../scope.ts'
import { covarianceMoments, mostWeight, pairIndex, pairsOf, scatter, weighted, weightIn } from './moments.ts'

/**
 * n² times a variance of whole numbers: 0, or at least n - 1 (n Σ u² - (Σ u)² = Σ (u_i - u_j)² over pairs), and at
 * most (n range / 2)² (Popoviciu 1935). With weights of w units at least, (n - 1) w² or more.
 */
export const scatterBounds = (scope: Scope, vectors: readonly Vector[], weight?: Vector): Bounds => {
  const largest = Math.max(...vectors.map((vector) => largestOf(scope, vector)))
  const most = mostWeight(scope, weight)
  const bits = 2 * bitsOf(largest * most) - 2
  requireBits(2 * bitsOf(largest * most), 128, 'the products of sums of a column', narrower)
  if (scope.rows < 2) throw impossible('expected two rows or more, found one', 'use larger tables')
  const lightest = weight === undefined || weight.kind === 'one' ? 1 : originOf(scope, weight.column)
  return { top: bits + (bits % 2), least: Math.max(1, bitsOf((scope.rows - 1) * lightest ** 2)) - 1 }
}

/** A correlation matrix with what it was made of. */
export interface Standard extends Root {
  readonly normal: Normal
  readonly bounds: Bounds
  /** All pairs i <= j; the diagonal is 1, or 0 for a constant column. */
  readonly correlations: Arithmetic<128>
}

/** Scales the covariances of the vectors to correlations. About 55 rounds. */
export function* standardise(
  backend: Backend,
  given: Given,
  scope: Scope,
  vectors: readonly Vector[],
  weight?: Vector,
): Routine<Standard> {
  const bounds = scatterBounds(scope, vectors, weight)
  const p = vectors.length
  const pairs = pairsOf(p)
  const [left, right] = [0, 1].map((side) => Uint32Array.from(pairs, (pair) => pair[side]!))
  const scattered = yield* scatter(backend, given, vectors, scope.rows, weight)
  const squares = backend.gather(
    scattered,
    Uint32Array.from({ length: p }, (_, i) => pairIndex(p, i, i)),
  )
  const normal = yield* normalise(backend, squares, bounds)
  const [small, roots] = yield* backend.join(
    function* (branch) {
      const powers = yield* branch.multiply(branch.gather(normal.up, left!), branch.gather(normal.up, right!))
      // |Σ_ij| 2^(m_i + m_j) < 2^top, as |Σ_ij|² <= Σ_ii Σ_jj.
      return yield* shiftRight(branch, yield* branch.multiply(scattered, powers), bounds.top - fraction)
    },
    (branch) => rootsOf(branch, normal.mantissa),
  )
  const { root, inverse } = roots
  const both = yield* backend.multiplyTruncate(
    backend.gather(inverse, left!),
    backend.gather(inverse, right!),
    fraction,
  )
  return { normal, bounds, root, inverse, correlations: yield* backend.multiplyTruncate(small, both, fraction) }
}

/** All p × p entries of a symmetric matrix from its pairs. */
export const fullMatrix = (backend: Backend, pairs: Arithmetic<128>, p: number): Arithmetic<128> =>
  backend.gather(
    pairs,
    Uint32Array.from({ length: p * p }, (_, k) => pairIndex(p, Math.floor(k / p), k % p)),
  )

/** Fixed point to a double. */
export const numberOf = (opened: bigint, bits = fraction): number => Number(opened) / 2 ** bits

/** Rows of several owners that are ranked: gigabytes beyond. */
const mostRanked = 2 ** 18

export const correlationFigure = (
  scope: Scope,
  columns: readonly string[],
  method: 'pearson' | 'spearman',
  by?: string,
): Figure => {
  const weight = weightIn(scope, by)
  if (weight !== undefined && method === 'spearman') {
    throw impossible('Spearman with weights: ranks of weighted rows are not defined here', 'leave out the weights')
  }
  columns.forEach((column) => scope.numeric(column))
  if (method === 'spearman' && isSpread(scope)) {
    if (scope.rows > mostRanked) {
      throw impossible(`ranks among ${scope.rows} rows of several owners, ${mostRanked} at most`, 'use pearson')
    }
    const largest = Math.max(...columns.map((column) => rangeOf(scope, column)))
    requireBits(bitsOf(largest) + bitsOf(scope.rows) + 2, 64, 'codes with places of rows', narrower)
  }
  const vectors = columns.map(method === 'pearson' ? value : rank)
  scatterBounds(scope, vectors, weight)
  const p = columns.length
  return {
    ...nothingElse,
    moments: covarianceMoments(vectors, weight),
    rounding: [{ drop: fraction - 30 }],
    learns: `the ${method} correlations of ${columns.map((c) => `"${c}"`).join(', ')}${weighted(by)}, and which of them are constant`,
    *open(backend, given) {
      return [(yield* standardise(backend, given, scope, vectors, weight)).correlations]
    },
    read: ([opened]) => {
      const at = (i: number, j: number): number => numberOf(opened![pairIndex(p, i, j)]!)
      const constant = columns.map((_, i) => at(i, i) < 0.5)
      return columns.map((_, i) =>
        columns.map((_column, j) => {
          if (constant[i] === true || constant[j] === true) return null
          return i === j ? 1 : Math.min(1, Math.max(-1, at(i, j)))
        }),
      )
    },
  }
}
