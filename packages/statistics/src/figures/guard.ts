/**
 * A figure of which a minimum of rows has to be behind, where that is no public number: it is opened, or zeros instead.
 *
 *   weights      count for the minimum of rows at least, (Σ w)² / Σ w² (Kish, Survey Sampling, 1965), so that neither
 *                weights of 0 nor one large weight pick out a row; and leave out no row, or that many: what is left out
 *                follows from the figure without weights
 *   two values   the sum of a column of two values is a count of each: none, or that many
 *
 * It is a guard against picking out, not against an owner that makes up a column: weights of 1 and 2 beside a sum without
 * weights tell the row of the 2, and so does a covariance with a column that is 1 in one row.
 */
import { isNegative, wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { valueOf } from '../columns.ts'
import type { Figure, Given } from '../figure.ts'
import { countBy, largestOf, momentLength, sumOf, type Moment, type Vector } from '../moments.ts'
import { originOf, rangeOf, type Scope } from '../scope.ts'
import { mostWeight, weightIn } from './moments.ts'
import { keepWhole } from './withhold.ts'

/** Counts of rows by whether a column lies above its least value. */
const apart = (scope: Scope, column: string): Moment => countBy({ column, edges: [valueOf(scope.numeric(column), 1)] })

/** 1 where the weights count for so many rows. About 20 rounds. */
function* isEnough(backend: Backend, given: Given, weight: Vector, least: number): Routine<Arithmetic<128>> {
  const total = given.moment(sumOf(weight))
  const squares = backend.scale(given.moment(sumOf(weight, weight)), wordsOfIntegers(128, [least]))
  const gap = backend.subtract(yield* backend.multiply(total, total), squares)
  const short = yield* backend.inject(yield* isNegative(backend, gap), 128)
  return backend.shift(backend.negate(short), wordsOfIntegers(128, [1]))
}

/** Vectors times a bit. */
function* keptIf(backend: Backend, vectors: readonly Arithmetic[], bit: Arithmetic<128>): Routine<Arithmetic[]> {
  const low = backend.low(bit)
  return yield* backend.join(
    ...vectors.map(
      (vector) =>
        function* (branch: Backend): Routine<Arithmetic> {
          const times = new Uint32Array(vector.length)
          if (vector.ring === 64) return yield* branch.multiply(vector as Arithmetic<64>, branch.gather(low, times))
          return yield* branch.multiply(vector as Arithmetic<128>, branch.gather(bit, times))
        },
    ),
  )
}

interface Guard {
  readonly moments: readonly Moment[]
  readonly says: string
  keeps(backend: Backend, given: Given): Routine<Arithmetic<128>>
}

const weightGuard = (scope: Scope, column: string, least: number): Guard => {
  const weight = weightIn(scope, column)!
  const most = mostWeight(scope, weight)
  requireBits(2 * bitsOf(most), 128, `the square of the sum of the weights "${column}"`, narrower)
  requireBits(bitsOf(least) + bitsOf(most * largestOf(scope, weight)), 128, `squares of "${column}"`, narrower)
  const mayBeNone = originOf(scope, column) === 0
  return {
    moments: [sumOf(weight), sumOf(weight, weight), ...(mayBeNone ? [apart(scope, column)] : [])],
    says:
      `nothing if the weights "${column}" count for fewer than ${least} rows` +
      (mayBeNone ? ` or leave out 1 to ${least - 1}` : ''),
    *keeps(backend, given) {
      if (!mayBeNone) return yield* isEnough(backend, given, weight, least)
      const [enough, left] = yield* backend.join(
        (branch) => isEnough(branch, given, weight, least),
        (branch) => keepWhole(branch, branch.slice(given.moment(apart(scope, column)), 0, 1), least),
      )
      return yield* backend.multiply(enough, left)
    },
  }
}

const binaryGuard = (scope: Scope, column: string, least: number): Guard => {
  const moment = apart(scope, column)
  return {
    moments: [moment],
    says: `nothing if 1 to ${least - 1} rows have one of the two values of "${column}"`,
    keeps: (backend, given) =>
      keepWhole(backend, backend.slice(given.moment(moment), 0, momentLength(scope, moment)), least),
  }
}

/** What a figure is guarded by: its weights, and the column that it is the sum of. */
export interface Guarded {
  readonly weight?: string | undefined
  readonly counted?: string | undefined
}

/** The figure, or null instead. */
export const guarded = (scope: Scope, { weight, counted }: Guarded, figure: Figure): Figure => {
  const { minimumCount: least } = scope.parameters
  if (least <= 1) return figure
  const guards = [
    ...(weight === undefined ? [] : [weightGuard(scope, weight, least)]),
    ...(counted === undefined || rangeOf(scope, counted) > 1 ? [] : [binaryGuard(scope, counted, least)]),
  ]
  if (guards.length === 0) return figure
  return {
    ...figure,
    moments: [...figure.moments, ...guards.flatMap(({ moments }) => moments)],
    learns: `${figure.learns}; ${guards.map(({ says }) => says).join(', ')}`,
    *open(backend, given) {
      const [vectors, bits] = yield* backend.join(
        (branch) => figure.open(branch, given),
        (branch) =>
          branch.join(
            ...guards.map(
              ({ keeps }) =>
                (part: Backend) =>
                  keeps(part, given),
            ),
          ),
      )
      const bit = bits.length === 1 ? bits[0]! : yield* backend.multiply(bits[0]!, bits[1]!)
      return [...(yield* keptIf(backend, vectors, bit)), bit]
    },
    read: (opened) => (opened.at(-1)![0] === 1n ? figure.read(opened.slice(0, -1)) : null),
  }
}
