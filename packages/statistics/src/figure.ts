/** A statistic of a plan as it is computed: what it needs, the program over shares, and how its outputs are read. */
import type { Json } from '@tallystick/core'
import type { Arithmetic, Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import type { Factor, Moment } from './moments.ts'
import type { Sensitivity } from './privacy/index.ts'

/** The codes that stand at these ranks, from 1, when all rows are sorted by a column. */
export interface Order {
  readonly column: string
  readonly ranks: readonly number[]
}

/** What a figure works on. */
export interface Given {
  /** A sum, by {@link Moment}; figures name theirs in advance. */
  moment(moment: Moment): Arithmetic<128>
  /** The codes of a numeric column, all rows. */
  codes(column: string): Arithmetic<64>
  /** An indicator of each group for each row, group by group; figures name theirs in advance. */
  rows(backend: Backend, factor: Factor): Routine<Arithmetic<64>>
  /** Codes of a column at some places of its order. */
  order(order: Order): Arithmetic<64>
}

export type Rounding = { readonly drop: number } | { readonly keep: number }

/** A vector that may have noise. */
export interface NoisePart {
  readonly sensitivity: Sensitivity
  /** What one unit of the vector is in the result, or in `what`. */
  readonly unit: number
  /** What the vector holds, where it is not the figure itself. */
  readonly what?: string
}

/** An opened vector: whole numbers. */
export type Opened = readonly bigint[]

export interface Figure {
  readonly moments: readonly Moment[]
  /** Numeric columns that are needed row by row. */
  readonly codes: readonly string[]
  readonly orders: readonly Order[]
  /** Groups that are needed row by row; of bins under sharing (bins.ts) also their order and codes. */
  readonly rows?: readonly Factor[]
  /** Of all that is opened, vector by vector, where the figure may have noise. */
  readonly noise?: readonly NoisePart[]
  /**
   * For each opened vector, the bits that are rounded away before anybody reads on, so that truncation at random does not
   * show: low bits, or all but the first ones of each number. Exact vectors where absent.
   */
  readonly rounding?: readonly (Rounding | undefined)[]
  /** What the receivers learn, in words; the same whatever the data are. */
  readonly learns: string
  /** What is opened to the receivers, in one ring a vector. */
  open(backend: Backend, given: Given): Routine<readonly Arithmetic[]>
  /** The result, of the vectors that `open` names, in its order. */
  read(opened: readonly Opened[]): Json
}

/** The parts that most figures leave empty. */
export const nothingElse = { moments: [], codes: [], orders: [] } as const

/** a / b as a double, exact to its last bits for any size. */
export const ratio = (a: bigint, b: bigint): number => {
  if (b === 0n) return Number.NaN
  const negative = a < 0n !== b < 0n
  const [p, q] = [a < 0n ? -a : a, b < 0n ? -b : b]
  // 64 significant bits of the quotient before it becomes a double.
  const shift = Math.max(0, 64 - (p.toString(2).length - q.toString(2).length))
  const quotient = Number((p << BigInt(shift)) / q) / 2 ** shift
  return negative ? -quotient : quotient
}

/** A number that JSON can say. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
