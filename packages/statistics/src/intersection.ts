/**
 * Figures over an intersection that nobody sees, from the sums that `psi/psty19` opens: they follow from these sums, so
 * they tell nothing more. Sums are exact; a figure is computed from them over the integers and rounded once.
 */
import { TallyError } from '@tallystick/core'

/** A column whose values were multiplied by 10^decimals. */
export interface ScaledColumn {
  readonly column: string
  readonly decimals: number
}

/** Sums over the common rows, whole numbers as decimal text; `products` are those of x_i x_j for i <= j, row by row. */
export interface Moments {
  readonly size: number
  readonly sums: readonly string[]
  readonly products: readonly string[]
}

export interface ColumnFigures {
  readonly column: string
  /** Exact, as decimal text. */
  readonly sum: string
  /** Null without a row. */
  readonly mean: number | null
  /** Of a sample, over n - 1; null below two rows. */
  readonly variance: number | null
  readonly deviation: number | null
}

export interface PairFigures {
  readonly columns: readonly [string, string]
  readonly covariance: number | null
  /** Pearson's; null where a variance is zero. */
  readonly correlation: number | null
}

export interface IntersectionFigures {
  readonly count: number
  readonly columns: readonly ColumnFigures[]
  readonly pairs: readonly PairFigures[]
}

/** a / b, correctly rounded up to the last bit or two: 2^64 and more of the quotient is whole before it becomes a number. */
const quotient = (a: bigint, b: bigint): number => {
  if (a === 0n) return 0
  const negative = a < 0n
  const size = negative ? -a : a
  const shift = Math.max(0, b.toString(2).length - size.toString(2).length + 64)
  const value = Number((size << BigInt(shift)) / b) / 2 ** Math.min(shift, 1000) / 2 ** Math.max(0, shift - 1000)
  return negative ? -value : value
}

/** A whole number of units of the last digit, as decimal text. */
export const decimalText = (units: bigint | string, decimals: number): string => {
  const value = BigInt(units)
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0')
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
  return value < 0n ? `-${text}` : text
}

/** @throws TallyError api/misuse for another number of sums than the columns have. */
export const intersectionFigures = (columns: readonly ScaledColumn[], moments: Moments): IntersectionFigures => {
  const { size, sums, products } = moments
  const pairs = columns.flatMap((_, i) => columns.slice(i).map((_other, k) => [i, i + k] as const))
  if (sums.length !== columns.length || products.length !== pairs.length) {
    const found = `${sums.length} and ${products.length}`
    const message = `expected ${columns.length} sums and ${pairs.length} sums of products, found ${found}`
    throw new TallyError('api/misuse', 'self', message)
  }
  const n = BigInt(size)
  const sum = sums.map(BigInt)
  /** n (n - 1) times the covariance, in units of both columns. */
  const crossed = new Map(pairs.map(([i, j], at) => [`${i} ${j}`, n * BigInt(products[at]!) - sum[i]! * sum[j]!]))
  const between = (i: number, j: number): bigint => crossed.get(`${i} ${j}`)!
  const covariance = (i: number, j: number): number | null =>
    size < 2 ? null : quotient(between(i, j), n * (n - 1n) * 10n ** BigInt(columns[i]!.decimals + columns[j]!.decimals))
  return {
    count: size,
    columns: columns.map(({ column, decimals }, i) => {
      const variance = covariance(i, i)
      return {
        column,
        sum: decimalText(sum[i]!, decimals),
        mean: size === 0 ? null : quotient(sum[i]!, n * 10n ** BigInt(decimals)),
        variance,
        deviation: variance === null ? null : Math.sqrt(variance),
      }
    }),
    pairs: pairs
      .filter(([i, j]) => i !== j)
      .map(([i, j]) => {
        const spread = between(i, i) * between(j, j)
        return {
          columns: [columns[i]!.column, columns[j]!.column],
          covariance: covariance(i, j),
          correlation: spread <= 0n ? null : Number(between(i, j)) / Math.sqrt(Number(spread)),
        }
      }),
  }
}
