/**
 * Bins of equal frequency: the edges are values of the column, at ranks that depend on the number of rows alone. Where one
 * owner has the column it makes them, and the bin of each row, in clear; where several have rows of it, the edges are
 * order statistics under sharing, and each row is compared with each edge.
 */
import { isNegative, wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf } from './bounds.ts'
import type { Order } from './figure.ts'
import type { Factor } from './moments.ts'
import { impossible } from './problems.ts'
import { isSpread, rangeOf, type Scope } from './scope.ts'

/** How a numeric column is cut: at public edges, or in so many bins of about equally many rows. */
export type Binning = { readonly edges: readonly number[] } | { readonly bins: number }

/** As it stands in a plan, which has one of the two. */
export const binningOf = (plan: {
  readonly edges?: readonly number[] | undefined
  readonly bins?: number | undefined
}): Binning => {
  if (plan.edges !== undefined && plan.bins === undefined) return { edges: plan.edges }
  if (plan.bins !== undefined && plan.edges === undefined) return { bins: plan.bins }
  throw impossible('bins by edges and by a number, or by neither', 'name edges, or a number of bins')
}

/** Ranks, from 1, of the first row of every bin but the first. */
const edgeRanks = (rows: number, bins: number): readonly number[] =>
  Array.from({ length: bins - 1 }, (_, i) => Math.floor(((i + 1) * rows) / bins) + 1)

export const edgeOrder = (scope: Scope, column: string, bins: number): Order => {
  if (bins < 2 || bins > scope.rows) throw impossible(`${bins} bins of ${scope.rows} rows`, 'use fewer bins')
  // Edges are values of rows: many of them are the sorted column.
  const fewest = Math.floor(scope.rows / bins)
  const { minimumCount } = scope.parameters
  if (fewest < minimumCount) {
    throw impossible(
      `${bins} bins of equal frequency of "${column}" have ${fewest} rows each, the plan wants ${minimumCount}`,
      'use fewer bins, or lower minimumCount',
    )
  }
  return { column, ranks: edgeRanks(scope.rows, bins) }
}

/** Whether bins can only be made under sharing. */
export const isJoint = (scope: Scope, { bins }: Factor): boolean => bins !== undefined && isSpread(scope)

/** Codes at the edges of bins of one owner's column. */
export const ownEdges = (codes: Float64Array, bins: number): readonly number[] => {
  const sorted = codes.toSorted()
  return edgeRanks(codes.length, bins).map((rank) => sorted[rank - 1]!)
}

/** An indicator of each bin for each row, bin by bin, of shared codes and edges. About 11 rounds. */
export function* jointBins(
  backend: Backend,
  scope: Scope,
  column: string,
  codes: Arithmetic<64>,
  edges: Arithmetic<64>,
): Routine<Arithmetic<64>> {
  const n = codes.length
  const count = edges.length
  const row = Uint32Array.from({ length: n * count }, (_, i) => i % n)
  const edge = Uint32Array.from({ length: n * count }, (_, i) => Math.floor(i / n))
  const gaps = backend.subtract(backend.gather(codes, row), backend.gather(edges, edge))
  const below = yield* backend.inject(yield* isNegative(backend, gaps, bitsOf(rangeOf(scope, column)) + 1), 64)
  // Bin i holds what is below edge i and not below edge i - 1; everything is below the end.
  const ones = backend.constant(64, wordsOfIntegers(64, new Float64Array(n).fill(1)))
  const zeros = backend.constant(64, new Uint32Array(2 * n))
  return backend.subtract(backend.concat(below, ones), backend.concat(zeros, below))
}
