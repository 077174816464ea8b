/**
 * Fixed-point numbers: a share of round(value · 2^fraction) and a bound on its magnitude, both public. Every operation
 * derives the bound of its result; where that does not fit the ring, it goes on over Z_2^128, and where it does not fit
 * that either, it refuses. Bounds and fractions depend on no secret, so `cost` of a program refuses as the run would:
 * at plan time.
 */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Ring, Shape } from '../backend.ts'
import { bitLength, powerOfTwo, wordsOfNumbers } from '../words.ts'

export interface Fixed<R extends Ring = Ring> {
  readonly share: Arithmetic<R>
  /** Bits after the point; negative where the unit is more than 1. */
  readonly fraction: number
  /** |share| <= bound: a double, rounded up where it is not exact. */
  readonly bound: number
}

/** The largest magnitude that truncation and comparison take: 2^62 or 2^126. */
export const limitOf = (ring: Ring): number => 2 ** (ring - 2)

/** A sum or product of bounds, rounded up. */
const up = (bound: number): number => bound * (1 + 2 ** -50)

const refuse = (bound: number, what: string): TallyError =>
  new TallyError(
    'terms/unsupported',
    'self',
    `${what}: expected values below 2^126, found up to 2^${bitLength(bound)}`,
    { remedy: 'use fewer fraction bits, or tighter bounds of the columns' },
  )

const fits = (bound: number, ring: Ring): boolean => bound < limitOf(ring)

/** @throws TallyError terms/unsupported where the bound does not fit the share's ring */
export const fixed = <R extends Ring>(share: Arithmetic<R>, fraction: number, bound: number): Fixed<R> => {
  if (!fits(bound, share.ring)) throw refuse(bound, `a share over 2^${share.ring}`)
  return { share, fraction, bound }
}

/** |value| <= magnitude, of numbers with `fraction` bits. */
export const fixedOf = <R extends Ring>(share: Arithmetic<R>, fraction: number, magnitude: number): Fixed<R> =>
  fixed(share, fraction, Math.ceil(magnitude * 2 ** fraction))

/** Public numbers, one or as many as they meet. */
export const constantFixed = <R extends Ring>(
  backend: Backend,
  ring: R,
  values: ArrayLike<number>,
  fraction: number,
): Fixed<R> => {
  const largest = Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return fixed(backend.constant(ring, wordsOfNumbers(ring, values, fraction)), fraction, largest * 2 ** fraction + 1)
}

/** Planes that hold the number and its sign. */
export const widthOf = ({ bound, share }: Fixed): number => Math.min(share.ring, Math.max(1, bitLength(bound)) + 1)

/** Over Z_2^128; 2 rounds where it is not there already. */
export function* widenFixed(backend: Backend, x: Fixed): Routine<Fixed<128>> {
  if (x.share.ring === 128) return x as Fixed<128>
  return { ...x, share: yield* backend.widen(x.share as Arithmetic<64>) }
}

/** Over Z_2^64, where the bound allows it: no message. */
export const narrowFixed = (backend: Backend, x: Fixed): Fixed =>
  x.share.ring === 128 && fits(x.bound, 64) ? { ...x, share: backend.low(x.share as Arithmetic<128>) } : x

const shiftedLeft = <R extends Ring>(backend: Backend, x: Fixed<R>, by: number): Fixed<R> =>
  fixed(backend.scale(x.share, powerOfTwo(x.share.ring, by)), x.fraction + by, x.bound * 2 ** by)

/** The same numbers with another fraction: exact upwards, floor or one more downwards (2 rounds). */
export function* rescale(backend: Backend, x: Fixed, fraction: number): Routine<Fixed> {
  const by = x.fraction - fraction
  if (by === 0) return x
  if (by > 0) {
    return fixed(yield* backend.truncate(x.share, by), fraction, Math.ceil(x.bound / 2 ** by) + 1)
  }
  if (fits(x.bound * 2 ** -by, x.share.ring)) return shiftedLeft(backend, x, -by)
  return shiftedLeft(backend, yield* widenFixed(backend, x), -by)
}

/** Both over one ring with one fraction, the larger one. */
function* aligned(backend: Backend, x: Fixed, y: Fixed): Routine<readonly [Fixed, Fixed]> {
  const fraction = Math.max(x.fraction, y.fraction)
  let [a, b] = [yield* rescale(backend, x, fraction), yield* rescale(backend, y, fraction)]
  if (!fits(a.bound + b.bound, a.share.ring) || a.share.ring !== b.share.ring) {
    ;[a, b] = [yield* widenFixed(backend, a), yield* widenFixed(backend, b)]
  }
  return [a, b]
}

/** No message where both have room: else they are widened. */
export function* addFixed(backend: Backend, x: Fixed, y: Fixed): Routine<Fixed> {
  const [a, b] = yield* aligned(backend, x, y)
  return fixed(backend.add(a.share, b.share), a.fraction, up(a.bound + b.bound))
}

export function* subtractFixed(backend: Backend, x: Fixed, y: Fixed): Routine<Fixed> {
  const [a, b] = yield* aligned(backend, x, y)
  return fixed(backend.subtract(a.share, b.share), a.fraction, up(a.bound + b.bound))
}

/** What is made of raw products: fraction and ring of the result, and how far they are truncated. */
const planProduct = (x: Fixed, y: Fixed, terms: number, fraction: number) => {
  const bound = up(x.bound * y.bound * terms)
  // What came over Z_2^128 stays there; what was widened for this product goes back.
  const narrow = x.share.ring === 64 && y.share.ring === 64
  const ring: Ring = fits(bound, 64) && narrow ? 64 : 128
  if (!fits(bound, ring)) throw refuse(bound, 'a product')
  const by = x.fraction + y.fraction - fraction
  if (by > ring - 2) throw refuse(2 ** by, 'the fraction of a product')
  return { ring, bound, by, narrow }
}

function* finish(
  backend: Backend,
  share: Arithmetic,
  { by, bound, narrow }: { readonly by: number; readonly bound: number; readonly narrow: boolean },
  fraction: number,
  truncated: boolean,
): Routine<Fixed> {
  const result = truncated
    ? fixed(share, fraction, Math.ceil(bound / 2 ** by) + 1)
    : yield* rescale(backend, fixed(share, fraction + by, bound), fraction)
  return narrow ? narrowFixed(backend, result) : result
}

const overRing = function* (backend: Backend, x: Fixed, ring: Ring): Routine<Arithmetic> {
  return ring === 64 ? x.share : (yield* widenFixed(backend, x)).share
}

/**
 * Element by element, with `fraction` bits (those of x unless told): 2 rounds, 2 more where the raw products need
 * Z_2^128. Floor of the exact product or one unit more.
 */
export function* multiplyFixed(backend: Backend, x: Fixed, y: Fixed, fraction = x.fraction): Routine<Fixed> {
  const plan = planProduct(x, y, 1, fraction)
  const [a, b] = [yield* overRing(backend, x, plan.ring), yield* overRing(backend, y, plan.ring)]
  const truncated = plan.by > 0
  const share = truncated ? yield* backend.multiplyTruncate(a, b, plan.by) : yield* backend.multiply(a, b)
  return yield* finish(backend, share, plan, fraction, truncated)
}

/** The same of matrices: one truncation a result, exact sums. */
export function* matrixProductFixed(
  backend: Backend,
  x: Fixed,
  y: Fixed,
  shape: Shape,
  fraction = x.fraction,
): Routine<Fixed> {
  const plan = planProduct(x, y, shape.inner, fraction)
  const [a, b] = [yield* overRing(backend, x, plan.ring), yield* overRing(backend, y, plan.ring)]
  const truncated = plan.by > 0
  const share = truncated
    ? yield* backend.matrixProductTruncate(a, b, shape, plan.by)
    : yield* backend.matrixProduct(a, b, shape)
  return yield* finish(backend, share, plan, fraction, truncated)
}

/** x · a public number, `precision` significant bits of it kept; 2 rounds, 2 more where it needs Z_2^128. */
export function* scaleFixed(backend: Backend, x: Fixed, factor: number, precision = 30): Routine<Fixed> {
  const digits = precision - bitLength(factor || 1)
  const ring: Ring = fits(up(x.bound * Math.abs(factor) * 2 ** digits + x.bound), x.share.ring) ? x.share.ring : 128
  const wide = ring === x.share.ring ? x : yield* widenFixed(backend, x)
  const words = wordsOfNumbers(ring, [factor], digits)
  const scaled = fixed(
    backend.scale(wide.share, words),
    x.fraction + digits,
    up(x.bound * (Math.abs(factor) * 2 ** digits + 1)),
  )
  const result = yield* rescale(backend, scaled, x.fraction)
  return x.share.ring === 64 ? narrowFixed(backend, result) : result
}

/** Vectors of one fraction and one ring as one, to be worked on in one round. */
export const concatFixed = (backend: Backend, parts: readonly Fixed[]): Fixed => ({
  share: backend.concat(...parts.map(({ share }) => share)),
  fraction: parts[0]!.fraction,
  bound: Math.max(...parts.map(({ bound }) => bound)),
})

/** Equal parts of a vector. */
export const splitFixed = (backend: Backend, x: Fixed, count: number): Fixed[] => {
  const length = x.share.length / count
  return Array.from({ length: count }, (_, i) => ({
    ...x,
    share: backend.slice(x.share, i * length, (i + 1) * length),
  }))
}

/** A tighter bound that the caller knows to hold. */
export const boundedBy = <R extends Ring>(x: Fixed<R>, magnitude: number): Fixed<R> => ({
  ...x,
  bound: Math.min(x.bound, Math.ceil(magnitude * 2 ** x.fraction)),
})
