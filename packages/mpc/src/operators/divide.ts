/**
 * Reciprocal and division: Goldschmidt's iteration on the mantissa (Catrina, Saxena, FC 2010, section 3.4).
 *
 * With w = 48/17 - 32/17 y the error e = 1 - y w of y in [1/2, 1] is at most 1/17; w (1 + e)(1 + e^2)(1 + e^4) leaves
 * e^8 < 2^-32 (e^16 < 2^-65 over Z_2^128, one step more).
 * Error. Let u = 2^-30 (2^-62 over Z_2^128), the unit of the mantissa. y is off by u: 2u relative; y^2 by u and the
 * constants by u: e by 5u; each of the steps by 3u. The quotient's relative error is below 16 u = 2^-26 (2^-58), plus
 * one unit of the result's last place.
 */
import type { Routine } from '@tallystick/protocol'
import type { Backend } from '../backend.ts'
import { addFixed, boundedBy, concatFixed, constantFixed, multiplyFixed, splitFixed } from './fixed.ts'
import type { Fixed } from './fixed.ts'
import { normalise, type Normal } from './normalise.ts'
import { combine } from './polynomial.ts'

/** 1/y for y in [1/2, 1] with as many fraction bits; 8 rounds (10 over Z_2^128). Result in [1, 2]. */
function* mantissaReciprocal(backend: Backend, y: Fixed): Routine<Fixed> {
  const { ring } = y.share
  const square = yield* multiplyFixed(backend, y, y)
  const one = constantFixed(backend, ring, [1], y.fraction)
  // 1 - y w = 1 - 48/17 y + 32/17 y^2; and w.
  let e = boundedBy(yield* combine(backend, [y, square], [1, -48 / 17, 32 / 17]), 0.06)
  let w = boundedBy(yield* combine(backend, [y], [48 / 17, -32 / 17]), 2)
  const steps = ring === 64 ? 3 : 4
  for (let step = 0; step < steps; step++) {
    if (step === steps - 1) {
      w = boundedBy(yield* multiplyFixed(backend, w, yield* addFixed(backend, one, e)), 2.001)
      break
    }
    const left = concatFixed(backend, [yield* addFixed(backend, e, one), e])
    const right = concatFixed(backend, [w, e])
    const [next, squared] = splitFixed(backend, yield* multiplyFixed(backend, left, right), 2)
    w = boundedBy(next!, 2.001)
    e = boundedBy(squared!, 0.06 ** (2 ** (step + 1)) + 2 ** -20)
  }
  return w
}

export interface DivideOptions {
  /** Fraction bits of the result; those of the dividend unless told. */
  readonly fraction?: number
  /** Whether the divisor may be negative. */
  readonly signed?: boolean
  /** A bound of the quotient's magnitude that the caller knows; else that of the dividend over the least divisor. */
  readonly most?: number
}

/** The part of a division that depends on the divisor alone: for many dividends. */
export interface Divisor {
  readonly normal: Normal
  readonly inverse: Fixed
  readonly divisor: Fixed
}

export function* divisor(backend: Backend, x: Fixed, signed = false): Routine<Divisor> {
  const normal = yield* normalise(backend, x, signed, false)
  return { normal, inverse: yield* mantissaReciprocal(backend, normal.mantissa), divisor: x }
}

/** a / x by what was made of x. 4 rounds, 2 to 4 more where the raw products need Z_2^128. */
export function* divideBy(
  backend: Backend,
  a: Fixed,
  { normal, inverse, divisor }: Divisor,
  { fraction = a.fraction, most }: DivideOptions = {},
): Routine<Fixed> {
  const { count, below, factor } = normal
  // 1/|x| = w · 2^(count - 1 - k) · 2^(x.fraction + below - count).
  const part = yield* multiplyFixed(backend, a, inverse, a.fraction)
  const moved: Fixed = { ...factor, fraction: count - below - divisor.fraction }
  const quotient = yield* multiplyFixed(backend, part, moved, fraction)
  const largest = most ?? (2 * a.bound * 2 ** (divisor.fraction + below)) / 2 ** a.fraction
  return boundedBy(quotient, largest)
}

/**
 * a / x for x > 0, or any x where `signed`; 0 for x = 0. About 28 rounds for 40-bit divisors. Relative error below
 * 2^-26 and one unit of the result.
 */
export function* divideFixed(backend: Backend, a: Fixed, x: Fixed, options: DivideOptions = {}): Routine<Fixed> {
  return yield* divideBy(backend, a, yield* divisor(backend, x, options.signed ?? false), options)
}

/** 1 / x, as `divideFixed`. */
export const reciprocalFixed = (
  backend: Backend,
  x: Fixed,
  options: DivideOptions & { readonly fraction: number },
): Routine<Fixed> => {
  const { ring, length } = x.share
  const ones = Array.from({ length }, () => 1)
  return divideFixed(backend, constantFixed(backend, ring, ones, options.fraction), x, options)
}
