/**
 * exp and log.
 *
 * exp x = 2^n 2^r with n + r = x log2 e: n by its bits b_i as the product of 1 + b_i (2^(2^i) - 1), 2^r, r in [0, 1),
 * by a polynomial of degree 6 that is off by 2^-29 (Chebyshev; degree 11 and 2^-60 over Z_2^128).
 * ln x = ln y + e ln 2 with the mantissa y in [1/2, 1]: a polynomial of degree 9, off by 2^-27 (degree 22, 2^-58).
 */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend } from '../backend.ts'
import { bitLength, powerOfTwo, wordsOfIntegers, wordsOfNumbers } from '../words.ts'
import { addFixed, boundedBy, fixed, multiplyFixed, rescale, scaleFixed, type Fixed } from './fixed.ts'
import { bitsOf, innerFraction, normalise, ofExponent, weigh } from './normalise.ts'
import { polynomial } from './polynomial.ts'
import { chebyshev, exponential, ln2, log2e, logarithm, substitute } from './series.ts'

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
