/**
 * A number as a mantissa in [1/2, 1] and a power of two: the most significant bit by a prefix OR over the bits (Catrina
 * and Saxena, FC 2010, section 3.3, over a bit-sliced sum), one share of 0 or 1 for each place that it may have.
 * Any function of the exponent is then a public linear combination.
 */
import { invariant } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits, Ring } from '../backend.ts'
import { powerOfTwo, wordsOfNumbers } from '../words.ts'
import { add } from './adder.ts'
import { fixed, rescale, widthOf, type Fixed } from './fixed.ts'

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** The bits of x, |x| < 2^(width - 1), two's complement. 1 + 1 + ceil(log2 (width - 1)) rounds. */
export function* bitsOf(backend: Backend, x: Arithmetic, width: number): Routine<Bits> {
  const [u, v] = yield* backend.summands(x, width)
  return yield* add(backend, u, v)
}

/** Plane i is the OR of the planes i and above. ceil(log2 width) rounds. */
function* prefixOr(backend: Backend, x: Bits): Routine<Bits> {
  // NOT OR = AND of NOTs: Hillis and Steele's scan.
  let zeros = backend.not(x)
  for (let by = 1; by < x.width; by *= 2) {
    const low = range(0, x.width - by)
    const high = low.map((i) => i + by)
    const both = yield* backend.and(backend.planes(zeros, low), backend.planes(zeros, high))
    zeros = backend.stack(both, backend.planes(zeros, range(x.width - by, x.width)))
  }
  return backend.not(zeros)
}

/** The sum of values[k] times the k-th vector of a stack of vectors of one length. */
export const weigh = <R extends Ring>(
  backend: Backend,
  stacked: Arithmetic<R>,
  values: readonly number[],
  fraction: number,
): Arithmetic<R> => backend.weigh(stacked, wordsOfNumbers(stacked.ring, values, fraction))

/** Fraction bits of mantissas and what is computed of them: products of two fit the ring. */
export const innerFraction = (ring: Ring): number => ring / 2 - 2

export interface Normal {
  /** |x| 2^-exponent in [1/2, 1], 0 for x = 0; `innerFraction` bits. */
  readonly mantissa: Fixed
  /** Where they were asked for: for k = 0 … count - 1, whether |x| (as an integer) has exponent k + 1 - `below`; none of them for x = 0. */
  readonly places: Arithmetic | undefined
  /** The same in bits, always. */
  readonly top: Bits
  readonly count: number
  /** 1 where signs are doubled away: exponents are k + 1 - below. */
  readonly below: number
  /** 1 where x < 0, for a signed x. */
  readonly negative: Arithmetic | undefined
  /** 2^(count - 1 - k), negative where x is. */
  readonly factor: Fixed
}

/** Up to here fewer rounds count for more than fewer bytes. */
const fewBits = 2 ** 13

interface Factor {
  readonly places: Arithmetic | undefined
  readonly negative: Arithmetic | undefined
  readonly unsigned: Arithmetic
}

/** A share of every place, hence of any function of it. 2 rounds, 11 bytes a place and element from each party. */
function* byPlaces(backend: Backend, top: Bits, sign: Bits | undefined, ring: Ring): Routine<Factor> {
  const { width: count, length } = top
  const injected = yield* backend.inject(sign === undefined ? top : backend.stack(top, sign), ring)
  const places = backend.slice(injected, 0, count * length)
  const powers = range(0, count).map((k) => 2 ** (count - 1 - k))
  return {
    places,
    negative: sign && backend.slice(injected, count * length, (count + 1) * length),
    unsigned: weigh(backend, places, powers, 0),
  }
}

/** The power of two by its bits, which are the places in reverse. 9 rounds, about 75 bytes an element. */
function* byComposition(backend: Backend, top: Bits, sign: Bits | undefined, ring: Ring): Routine<Factor> {
  const { width: count } = top
  const [unsigned, negative] = yield* backend.join(
    (branch) => branch.compose(branch.planes(top, range(0, count).reverse()), ring),
    function* (branch) {
      return sign && (yield* branch.inject(sign, ring))
    },
  )
  return { places: undefined, negative, unsigned }
}

/**
 * For 0 <= x, or any x where `signed`; without `exponents` only the factor is made, of many elements in fewer bytes.
 * Rounds: 2 + 2 log2 width of the bits, 2 of their injection, 1 to 4 for
 * the mantissa.
 */
export function* normalise(backend: Backend, x: Fixed, signed: boolean, exponents = true): Routine<Normal> {
  const { share } = x
  const { ring, length } = share
  const width = widthOf(x)
  const all = yield* bitsOf(backend, share, width)
  const magnitude = backend.planes(all, range(0, width - 1))
  let bits = magnitude
  let sign: Bits | undefined
  if (signed) {
    // 2|x| - 1 for x < 0, 2|x| else: the bits of 2x, all flipped by the sign. Its top bit is right for 2^k as well:
    // then the mantissa is 1.
    sign = backend.planes(all, [width - 1])
    const flips = backend.stack(...range(0, width).map(() => sign!))
    bits = backend.xor(backend.planes(magnitude, [-1, ...range(0, width - 1)]), flips)
  }
  const seen = yield* prefixOr(backend, bits)
  const count = bits.width
  const top = backend.xor(seen, backend.planes(seen, [...range(1, count), -1]))
  const { places, negative, unsigned } =
    exponents || count * length <= fewBits
      ? yield* byPlaces(backend, top, sign, ring)
      : yield* byComposition(backend, top, sign, ring)
  const below = signed ? 1 : 0
  let factor = unsigned
  if (negative !== undefined) {
    const both = yield* backend.multiply(negative, unsigned)
    factor = backend.subtract(unsigned, backend.add(both, both))
  }
  // |x| 2^below · 2^(count - 1 - k) is in [2^(count - 1), 2^count].
  const scaled = yield* backend.multiply(share, factor)
  const whole = fixed(scaled, count - below, 2 ** (count - below))
  const mantissa = yield* rescale(backend, whole, innerFraction(ring))
  return {
    mantissa: { ...mantissa, bound: 2 ** mantissa.fraction + 1 },
    places,
    top,
    count,
    below,
    negative,
    factor: { share: factor, fraction: 0, bound: 2 ** (count - 1) },
  }
}

/** Whether an element has one of the places of each list. */
const anyOf = (backend: Backend, top: Bits, lists: readonly (readonly number[])[]): Bits => {
  const depth = lists.reduce((most, list) => Math.max(most, list.length), 1)
  return range(0, depth)
    .map((i) =>
      backend.planes(
        top,
        lists.map((list) => list[i] ?? -1),
      ),
    )
    .reduce((sum, part) => backend.xor(sum, part))
}

/**
 * 2^(e/2) of the exponent e of x, or 2^(-e/2) where `inverse`: 2^floor(±e/2) by its bits, and a factor of 1 or sqrt(2)
 * with `innerFraction` bits. For many elements; the rounds of a composition.
 */
export function* rootOfPower(
  backend: Backend,
  { top, count, below }: Normal,
  x: Fixed,
  inverse: boolean,
): Routine<{ readonly power: Fixed; readonly factor: Fixed }> {
  const { ring } = x.share
  const halves = range(0, count).map((k) => ((inverse ? -1 : 1) * (k + 1 - below - x.fraction)) / 2)
  const whole = halves.map((half) => Math.floor(half))
  const least = Math.min(...whole)
  const most = Math.max(...whole)
  const planes = range(least, most + 1).map((value) => range(0, count).filter((k) => whole[k] === value))
  const odd = range(0, count).filter((k) => halves[k] !== whole[k])
  const [power, bit] = yield* backend.join(
    (branch) => branch.compose(anyOf(branch, top, planes), ring),
    (branch) => branch.inject(anyOf(branch, top, [odd]), ring),
  )
  const inner = innerFraction(ring)
  const scaled = backend.scale(bit, wordsOfNumbers(ring, [Math.SQRT2 - 1], inner))
  return {
    power: fixed(power, -least, 2 ** (most - least)),
    factor: fixed(backend.shift(scaled, powerOfTwo(ring, inner)), inner, Math.ceil(1.5 * 2 ** inner)),
  }
}

/** Whether to take the way of fewer bytes, for these many elements. */
export const isLarge = (x: Fixed): boolean => (widthOf(x) - 1) * x.share.length > fewBits

/** f of the exponent e of |x| = mantissa · 2^e (|x| as a number, so with its fraction taken off), `fraction` bits. */
export const ofExponent = (
  backend: Backend,
  { places, count, below }: Normal,
  x: Fixed,
  f: (exponent: number) => number,
  fraction: number,
): Fixed => {
  invariant(places !== undefined, 'the exponents were asked for')
  const values = range(0, count).map((k) => f(k + 1 - below - x.fraction))
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return fixed(weigh(backend, places, values, fraction), fraction, largest * 2 ** fraction + 1)
}
