/**
 * exp, log and the logistic function.
 *
 * exp x = 2^n 2^r with n + r = x log2 e: n by its bits b_i as the product of 1 + b_i (2^(2^i) - 1), 2^r, r in [0, 1),
 * by a polynomial of degree 6 that is off by 2^-29 (Chebyshev; degree 11 and 2^-60 over Z_2^128).
 * ln x = ln y + e ln 2 with the mantissa y in [1/2, 1]: a polynomial of degree 9, off by 2^-27 (degree 22, 2^-58).
 * logistic x on |x| < 16: 32 pieces of degree 4, off by 2^-22; 0 or 1 beyond, off by e^-16 < 2^-23.
 */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits } from '../backend.ts'
import { bitLength, powerOfTwo, wordsOfIntegers, wordsOfNumbers } from '../words.ts'
import { all } from './adder.ts'
import {
  addFixed,
  boundedBy,
  concatFixed,
  fixed,
  multiplyFixed,
  rescale,
  scaleFixed,
  splitFixed,
  widthOf,
  type Fixed,
} from './fixed.ts'
import { bitsOf, innerFraction, normalise, ofExponent, weigh } from './normalise.ts'
import { polynomial, powers } from './polynomial.ts'
import { chebyshev, exponential, ln2, log2e, logarithm, logistic, substitute } from './series.ts'

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

const powerOfTwoOn = (degree: number): number[] =>
  substitute(
    chebyshev((r) => exponential(r * ln2), 0, 1, degree),
    -1,
    2,
  )
const logOn = (degree: number): number[] => chebyshev(logarithm, 0.5, 1, degree)

/** The product of 1 + b_i (2^(2^i) - 1): exact, for the bits of n as shares of 0 or 1. */
function* powerByBits(backend: Backend, bits: readonly Arithmetic[]): Routine<Arithmetic> {
  const { ring } = bits[0]!
  const one = wordsOfIntegers(ring, [1])
  let factors = bits.map((bit, i) => backend.shift(backend.scale(bit, allOnes(ring, 2 ** i)), one))
  while (factors.length > 1) {
    const half = factors.length >> 1
    const { length } = bits[0]!
    const product = yield* backend.multiply(
      backend.concat(...factors.slice(0, half)),
      backend.concat(...factors.slice(half, 2 * half)),
    )
    const next = range(0, half).map((i) => backend.slice(product, i * length, (i + 1) * length))
    factors = factors.length % 2 === 1 ? [...next, ...factors.slice(-1)] : next
  }
  return factors[0]!
}

/** 2^exponent - 1. */
const allOnes = (ring: 64 | 128, exponent: number): Uint32Array => {
  const out = powerOfTwo(ring, exponent)
  return out.map((word, i) => (i < exponent >>> 5 ? 0xffffffff : i === exponent >>> 5 ? word - 1 : 0))
}

/**
 * e^x, `fraction` bits, for |x| as bounded: from `least` (a number; minus the bound unless told) to `most`. About 22
 * rounds. Relative error 2^-27 and one unit.
 */
export function* expFixed(
  backend: Backend,
  x: Fixed,
  { fraction = x.fraction, least = -x.bound / 2 ** x.fraction, most = x.bound / 2 ** x.fraction } = {},
): Routine<Fixed> {
  const inner = innerFraction(x.share.ring)
  const scaled = yield* scaleFixed(backend, yield* rescale(backend, x, inner), log2e, inner)
  const [from, to] = [Math.floor(least * log2e) - 1, Math.ceil(most * log2e) + 1]
  const { ring } = scaled.share
  const z = backend.shift(scaled.share, wordsOfNumbers(ring, [-from], inner))
  const places = bitLength(to - from)
  const bits = yield* bitsOf(backend, z, inner + places)
  const { length } = z
  const n = yield* backend.inject(backend.planes(bits, range(inner, inner + places)), ring)
  const planes = range(0, places).map((i) => backend.slice(n, i * length, (i + 1) * length))
  const rest = backend.subtract(
    z,
    backend.scale(
      weigh(
        backend,
        n,
        range(0, places).map((i) => 2 ** i),
        0,
      ),
      powerOfTwo(ring, inner),
    ),
  )
  const r = fixed(rest, inner, 2 ** inner)
  const [power, mantissa] = yield* backend.join(
    (branch) => powerByBits(branch, planes),
    (branch) => polynomial(branch, r, powerOfTwoOn(ring === 64 ? 6 : 11)),
  )
  const moved = fixed(power, -from, 2 ** (to - from + 1))
  return boundedBy(
    yield* multiplyFixed(backend, boundedBy(mantissa, 2.001), moved, fraction),
    exponential(most) * 1.001 + 2 ** (1 - fraction),
  )
}

/** ln x for x > 0, `fraction` bits; undefined for x = 0. About 28 rounds. Absolute error 2^-26 and two units. */
export function* logFixed(backend: Backend, x: Fixed, fraction = x.fraction): Routine<Fixed> {
  const normal = yield* normalise(backend, x, false)
  const { mantissa } = normal
  const { ring } = mantissa.share
  // t = 4 y - 3 in [-1, 1]; no digit is lost.
  const t = backend.shift(
    backend.scale(mantissa.share, wordsOfIntegers(ring, [4])),
    wordsOfNumbers(ring, [-3], mantissa.fraction),
  )
  const argument = fixed(t, mantissa.fraction, 2 ** mantissa.fraction + 4)
  const logOfMantissa = yield* polynomial(backend, argument, logOn(ring === 64 ? 9 : 22))
  const ofPower = ofExponent(backend, normal, x, (e) => e * ln2, fraction)
  const sum = yield* addFixed(backend, yield* rescale(backend, boundedBy(logOfMantissa, 1.6), fraction), ofPower)
  return sum
}

const pieces = 32
const pieceWidth = 0.5
const degree = 4

/** By power, then by piece: coefficients in t, |t| <= 1/4, the distance from the middle of the piece. */
const logisticPieces = range(0, pieces).map((k) =>
  substitute(chebyshev(logistic, k * pieceWidth, (k + 1) * pieceWidth, degree), 0, 2 / pieceWidth),
)

/** Which of 2^width values the planes hold: one plane each. ceil(log2 width) rounds or one more. */
function* demultiplex(backend: Backend, bits: Bits): Routine<Bits> {
  if (bits.width === 1) return backend.stack(backend.not(bits), bits)
  const half = bits.width >> 1
  const [low, high] = yield* backend.join(
    (branch) => demultiplex(branch, branch.planes(bits, range(0, half))),
    (branch) => demultiplex(branch, branch.planes(bits, range(half, bits.width))),
  )
  const count = low.width * high.width
  const left = backend.planes(
    low,
    range(0, count).map((i) => i % low.width),
  )
  const right = backend.planes(
    high,
    range(0, count).map((i) => Math.floor(i / low.width)),
  )
  return yield* backend.and(left, right)
}

/**
 * 1 / (1 + e^-x), `fraction` bits, for any x. Two units and 2^-21 absolute error. About 20 rounds; x is taken with 20
 * fraction bits, since the slope is at most 1/4.
 */
export function* logisticFixed(backend: Backend, given: Fixed, fraction = given.fraction): Routine<Fixed> {
  const x = yield* rescale(backend, given, Math.max(20, Math.min(given.fraction, 24)))
  const { ring, length } = x.share
  const f = x.fraction
  const width = Math.max(widthOf(x), f + 5)
  const bits = yield* bitsOf(backend, x.share, width)
  const sign = backend.planes(bits, [width - 1])
  // One's complement: |x|, less a unit where x < 0.
  const flips = backend.stack(...range(0, width - 1).map(() => sign))
  const magnitude = backend.xor(backend.planes(bits, range(0, width - 1)), flips)
  const place = backend.planes(magnitude, range(f - 1, f + 4))
  const beyond = backend.planes(magnitude, range(f + 4, width - 1))
  const [[negative, terms], [weights, inside]] = yield* backend.join(
    function* (branch) {
      const injected = yield* branch.inject(branch.stack(place, sign), ring)
      const negative = branch.slice(injected, 5 * length, 6 * length)
      const both = yield* branch.multiply(
        negative,
        branch.shift(branch.add(x.share, x.share), wordsOfIntegers(ring, [1])),
      )
      const size = branch.subtract(x.share, both)
      const middle = weigh(
        branch,
        branch.slice(injected, 0, 5 * length),
        range(0, 5).map((i) => 2 ** i * pieceWidth),
        f,
      )
      const t = branch.shift(branch.subtract(size, middle), wordsOfNumbers(ring, [-pieceWidth / 2], f))
      // Beyond the pieces t is off by the planes that were not looked at, which has to stay within the ring.
      return [negative, { t, size }] as const
    },
    function* (branch) {
      const selected = yield* demultiplex(branch, place)
      const inRange = beyond.width === 0 ? undefined : yield* all(branch, branch.not(beyond))
      const gated =
        inRange === undefined
          ? selected
          : yield* branch.and(selected, branch.stack(...range(0, pieces).map(() => inRange)))
      const injected = yield* branch.inject(gated, ring)
      return [
        injected,
        inRange === undefined ? undefined : branch.sum(transposed(branch, injected, pieces), pieces),
      ] as const
    },
  )
  return yield* logisticOf(backend, {
    x,
    length,
    f,
    fraction,
    negative,
    t: terms.t,
    weights,
    inside,
    beyond: beyond.width > 0,
  })
}

const transposed = (backend: Backend, stacked: Arithmetic, count: number): Arithmetic => {
  const length = stacked.length / count
  return backend.gather(
    stacked,
    Uint32Array.from({ length: stacked.length }, (_, i) => (i % count) * length + Math.floor(i / count)),
  )
}

interface Pieces {
  readonly x: Fixed
  readonly length: number
  readonly f: number
  readonly fraction: number
  readonly negative: Arithmetic
  readonly t: Arithmetic
  readonly weights: Arithmetic
  readonly inside: Arithmetic | undefined
  readonly beyond: boolean
}

function* logisticOf(backend: Backend, p: Pieces): Routine<Fixed> {
  const { f, fraction, negative, weights, inside, length } = p
  const { ring } = p.t
  // Beyond the pieces all weights are zero; t is made zero as well, so that its powers stay small.
  const small = inside === undefined ? p.t : yield* backend.multiply(p.t, inside)
  const t = yield* rescale(backend, fixed(small, f, 2 ** (f - 2) + 2), 24)
  const terms = yield* powers(backend, t, degree)
  const coefficient = (power: number): Fixed =>
    fixed(
      weigh(
        backend,
        weights,
        logisticPieces.map((c) => c[power]!),
        24,
      ),
      24,
      2 ** 24,
    )
  const left = concatFixed(backend, [...terms])
  const right = concatFixed(backend, range(1, degree + 1).map(coefficient))
  const products = splitFixed(backend, yield* multiplyFixed(backend, left, right), degree)
  let sum = coefficient(0).share
  for (const product of products) sum = backend.add(sum, product.share)
  // 1 beyond the pieces.
  if (inside !== undefined) {
    const outside = backend.scale(
      backend.shift(backend.negate(inside), wordsOfIntegers(ring, [1])),
      powerOfTwo(ring, 24),
    )
    sum = backend.add(sum, outside)
  }
  const half = yield* rescale(backend, fixed(sum, 24, 2 ** 24 + 8), fraction)
  // 1 - f(|x|) where x < 0.
  const one = powerOfTwo(ring, fraction)
  const twice = backend.add(half.share, half.share)
  const flipped = yield* backend.multiply(negative, backend.shift(backend.negate(twice), one))
  void length
  return { share: backend.add(half.share, flipped), fraction, bound: 2 ** fraction + 2 }
}
