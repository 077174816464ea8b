/**
 * The logistic function 1 / (1 + e^-x): sign and piece of |x| by its bits, a polynomial of degree 4 on each piece, its
 * coefficients a public linear combination of the pieces' shares of 0 or 1.
 *
 * On |x| < 16 pieces of width 1, off by 2^-18 at most (max |f^(5)| = 1/4; 1/4 (1/2)^5 / (2^4 5!)), or, above 18 fraction
 * bits, of width 1/2, off by 2^-23; 0 or 1 beyond, off by e^-16 < 2^-23. Coefficients and powers of the distance from
 * the middle of a piece have 24 fraction bits: 2^-22 more. Two units of the result for its truncation and sign.
 */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits } from '../backend.ts'
import { powerOfTwo, wordsOfIntegers, wordsOfNumbers } from '../words.ts'
import { all } from './adder.ts'
import { fixed, rescale, widthOf, type Fixed } from './fixed.ts'
import { bitsOf, weigh } from './normalise.ts'
import { powers } from './polynomial.ts'
import { chebyshev, logistic, substitute } from './series.ts'

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

const degree = 4
/** Fraction bits of coefficients and powers. */
const inner = 24
/** Beyond 2^reach the function is 0 or 1. */
const reach = 4

/** By piece, then by power: coefficients in the distance from the middle of the piece. */
const piecesOf = (halvings: number): readonly (readonly number[])[] => {
  const width = 2 ** -halvings
  return range(0, 2 ** (reach + halvings)).map((k) =>
    substitute(chebyshev(logistic, k * width, (k + 1) * width, degree), 0, 2 / width),
  )
}
const pieces = [piecesOf(0), piecesOf(1)] as const

/** Which of 2^width values the planes hold: one plane each. ceil(log2 width) rounds. */
export function* demultiplex(backend: Backend, bits: Bits): Routine<Bits> {
  if (bits.width === 1) return backend.stack(backend.not(bits), bits)
  const half = bits.width >> 1
  const [low, high] = yield* backend.join(
    (branch) => demultiplex(branch, branch.planes(bits, range(0, half))),
    (branch) => demultiplex(branch, branch.planes(bits, range(half, bits.width))),
  )
  const all = range(0, low.width * high.width)
  const left = all.map((i) => i % low.width)
  const right = all.map((i) => Math.floor(i / low.width))
  return yield* backend.and(backend.planes(low, left), backend.planes(high, right))
}

/** A share of 0 or 1 for each piece, all 0 beyond them. */
function* weightsOf(backend: Backend, place: Bits, beyond: Bits, ring: 64 | 128): Routine<Arithmetic> {
  const [selected, within] = yield* backend.join(
    (branch) => demultiplex(branch, place),
    function* (branch) {
      return beyond.width === 0 ? undefined : yield* all(branch, branch.not(beyond))
    },
  )
  if (within === undefined) return yield* backend.inject(selected, ring)
  const gate = backend.stack(...range(0, selected.width).map(() => within))
  return yield* backend.inject(yield* backend.and(selected, gate), ring)
}

/** Whether x < 0, and the powers of the distance of |x| from the middle of its piece (beyond them: anything). */
function* distances(backend: Backend, x: Fixed, place: Bits, sign: Bits) {
  const { share, fraction: f } = x
  const { ring, length } = share
  const injected = yield* backend.inject(backend.stack(place, sign), ring)
  const negative = backend.slice(injected, place.width * length, (place.width + 1) * length)
  const twice = backend.shift(backend.add(share, share), wordsOfIntegers(ring, [1]))
  const size = backend.subtract(share, yield* backend.multiply(negative, twice))
  const width = 2 ** (reach - place.width)
  const starts = range(0, place.width).map((i) => 2 ** i * width)
  const start = weigh(backend, backend.slice(injected, 0, place.width * length), starts, f)
  const t = backend.shift(backend.subtract(size, start), wordsOfNumbers(ring, [-width / 2], f))
  const distance = yield* rescale(backend, fixed(t, f, (2 ** f * width) / 2 + 2), inner)
  return { negative, terms: yield* powers(backend, distance, degree) }
}

/** The polynomial of the piece, or 1 beyond all, `fraction` bits. */
function* evaluate(
  backend: Backend,
  table: readonly (readonly number[])[],
  weights: Arithmetic,
  terms: readonly Fixed[],
  fraction: number,
): Routine<Arithmetic> {
  const { ring } = weights
  const coefficient = (power: number, digits: number): Arithmetic =>
    weigh(
      backend,
      weights,
      table.map((piece) => piece[power]!),
      digits,
    )
  // 1 less what the pieces hold of it, as the constant term has it.
  const outside = weigh(
    backend,
    weights,
    table.map(() => -1),
    2 * inner,
  )
  const constant = backend.add(coefficient(0, 2 * inner), backend.shift(outside, powerOfTwo(ring, 2 * inner)))
  const left = backend.concat(constant, ...terms.map(({ share }) => share))
  const one = backend.constant(
    ring,
    wordsOfIntegers(
      ring,
      Array.from({ length: constant.length }, () => 1),
    ),
  )
  const right = backend.concat(one, ...range(1, degree + 1).map((power) => coefficient(power, inner)))
  return yield* backend.multiplyTruncate(left, right, 2 * inner - fraction, degree + 1)
}

/**
 * For any x; `fraction` bits, at most 24. 11 + log2 of the width of x rounds (about 18). Absolute error 2^-17 for up to
 * 18 fraction bits, 2^-21 above, and two units.
 */
export function* logisticFixed(backend: Backend, given: Fixed, fraction = given.fraction): Routine<Fixed> {
  // The slope is at most 1/4.
  const x = yield* rescale(backend, given, Math.max(20, Math.min(given.fraction, inner)))
  const halvings = fraction <= 18 ? 0 : 1
  const { ring } = x.share
  const f = x.fraction
  const width = Math.max(widthOf(x), f + reach + 1)
  const bits = yield* bitsOf(backend, x.share, width)
  const sign = backend.planes(bits, [width - 1])
  // One's complement: |x|, less a unit where x < 0.
  const flips = backend.stack(...range(0, width - 1).map(() => sign))
  const magnitude = backend.xor(backend.planes(bits, range(0, width - 1)), flips)
  const place = backend.planes(magnitude, range(f - halvings, f + reach))
  const beyond = backend.planes(magnitude, range(f + reach, width - 1))
  const [{ negative, terms }, weights] = yield* backend.join(
    (branch) => distances(branch, x, place, sign),
    (branch) => weightsOf(branch, place, beyond, ring),
  )
  const half = yield* evaluate(backend, pieces[halvings], weights, terms, fraction)
  // 1 - f(|x|) where x < 0.
  const rest = backend.shift(backend.negate(backend.add(half, half)), powerOfTwo(ring, fraction))
  const share = backend.add(half, yield* backend.multiply(negative, rest))
  return { share, fraction, bound: 2 ** fraction + 2 }
}
