/** Polynomials with public coefficients. */
import type { Routine } from '@tallystick/protocol'
import type { Backend } from '../backend.ts'
import { bitLength, wordsOfNumbers } from '../words.ts'
import { concatFixed, fixed, multiplyFixed, splitFixed, type Fixed } from './fixed.ts'

/** x, x^2, … x^degree, for |x| <= 1 or so; 2 ceil(log2 degree) rounds. Power k is off by at most 2k units. */
export function* powers(backend: Backend, x: Fixed, degree: number): Routine<readonly Fixed[]> {
  const known: Fixed[] = [x]
  while (known.length < degree) {
    const most = known.length
    const count = Math.min(most, degree - most)
    const left = concatFixed(backend, known.slice(0, count))
    const right = concatFixed(
      backend,
      Array.from({ length: count }, () => known[most - 1]!),
    )
    known.push(...splitFixed(backend, yield* multiplyFixed(backend, left, right), count))
  }
  return known
}

/** The sum of coefficient k + 1 times power k, and coefficient 0: one truncation, 2 rounds. */
export function* combine(backend: Backend, terms: readonly Fixed[], coefficients: readonly number[]): Routine<Fixed> {
  const { share, fraction } = terms[0]!
  const { ring } = share
  // As many digits of the coefficients as the ring has room for, no more than the terms have.
  const weight = terms.reduce((sum, { bound }, i) => sum + bound * Math.abs(coefficients[i + 1]!), 0)
  const constant = Math.abs(coefficients[0]!) * 2 ** fraction
  const room = ring - 2 - bitLength(weight + constant + terms.length * terms[0]!.bound + 1)
  const digits = Math.min(fraction, room)
  let sum = backend.constant(ring, wordsOfNumbers(ring, [coefficients[0]!], fraction + digits))
  let bound = constant * 2 ** digits + 1
  terms.forEach((term, i) => {
    sum = backend.add(backend.scale(term.share, wordsOfNumbers(ring, [coefficients[i + 1]!], digits)), sum)
    bound += term.bound * (Math.abs(coefficients[i + 1]!) * 2 ** digits + 1)
  })
  const raw = fixed(sum, fraction + digits, bound)
  return fixed(yield* backend.truncate(raw.share, digits), fraction, Math.ceil(bound / 2 ** digits) + 1)
}

/** Coefficients lowest first; 2 + 2 ceil(log2 degree) rounds. */
export function* polynomial(backend: Backend, x: Fixed, coefficients: readonly number[]): Routine<Fixed> {
  return yield* combine(backend, yield* powers(backend, x, coefficients.length - 1), coefficients)
}
