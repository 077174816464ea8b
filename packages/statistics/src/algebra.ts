/**
 * Fixed-point algebra over Z_2^128 for a few numbers (moments, matrices of moments): roots of numbers of unknown size,
 * and inverses of positive definite matrices. Numbers have `fraction` bits after the point unless told otherwise.
 *
 * Security: that of the backend's calls; nothing is revealed. Rounds and bytes depend on public bounds alone.
 */
import { addBits, wordsOfIntegers, wordsOfNumbers, type Arithmetic, type Backend, type Bits } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'

export const fraction = 48

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

export const fixed = (value: number, bits = fraction) => wordsOfNumbers(128, [value], bits)

/** x · 2^-by, exact where by <= 0. */
export function* shiftRight(backend: Backend, x: Arithmetic<128>, by: number): Routine<Arithmetic<128>> {
  if (by > 0) return yield* backend.truncate(x, by)
  return by === 0 ? x : backend.scale(x, wordsOfIntegers(128, [2n ** BigInt(-by)]))
}

/** y_i = x_i or x_(i+1) or …: by prefixes of the complement, ceil(log2 width) rounds. */
function* orAbove(backend: Backend, x: Bits): Routine<Bits> {
  let clear = backend.not(x)
  for (let step = 1; step < x.width; step *= 2) {
    const from = range(x.width - step)
    const both = yield* backend.and(
      backend.planes(clear, from),
      backend.planes(
        clear,
        from.map((i) => i + step),
      ),
    )
    const rest = range(step).map((i) => x.width - step + i)
    clear = backend.stack(both, backend.planes(clear, rest))
  }
  return backend.not(clear)
}

/** A positive number as mantissa · 2^(top - 2 m): the mantissa from 1/4 to below 1, 2^m and 2^(most - m) whole numbers. */
export interface Normal {
  readonly mantissa: Arithmetic<128>
  /** 2^m; 0 where the number is below the least one. */
  readonly up: Arithmetic<128>
  /** 2^(most - m); 0 where the number is below the least one. */
  readonly down: Arithmetic<128>
  readonly most: number
}

/** What is known of the numbers to be normalised: 0, or from 2^least to below 2^top; `top` is even. */
export interface Bounds {
  readonly top: number
  readonly least: number
}

/** The largest m of {@link Normal}. */
export const mostOf = ({ top, least }: Bounds): number => (top - 2) / 2 - Math.floor(least / 2)

/** One for each power of four at or above `least`, from the top: whether the number begins there. */
function* leading(backend: Backend, x: Arithmetic<128>, bounds: Bounds): Routine<Bits> {
  const [u, v] = yield* backend.summands(x)
  const wanted = range(bounds.top)
  const bits = yield* addBits(backend, backend.planes(u, wanted), backend.planes(v, wanted))
  const pairs = range(bounds.top / 2)
  const even = backend.planes(
    bits,
    pairs.map((q) => 2 * q),
  )
  const odd = backend.planes(
    bits,
    pairs.map((q) => 2 * q + 1),
  )
  // Either of two bits, as the complement of neither.
  const neither = yield* backend.and(backend.not(even), backend.not(odd))
  const above = yield* orAbove(backend, backend.not(neither))
  const first = backend.xor(above, backend.planes(above, [...pairs.slice(1), -1]))
  return backend.planes(
    first,
    range(mostOf(bounds) + 1).map((m) => bounds.top / 2 - 1 - m),
  )
}

/**
 * Normalises whole numbers x. About 9 + 2 log2(top) rounds. A number below 2^least becomes 0: mantissa, up and down.
 */
export function* normalise(backend: Backend, x: Arithmetic<128>, bounds: Bounds): Routine<Normal> {
  const most = mostOf(bounds)
  const flags = yield* backend.inject(yield* leading(backend, x, bounds), 128)
  const count = x.length
  const byNumber = Uint32Array.from({ length: (most + 1) * count }, (_, k) => {
    const [i, m] = [Math.floor(k / (most + 1)), k % (most + 1)]
    return m * count + i
  })
  const rows = backend.gather(flags, byNumber)
  const weighted = (power: (m: number) => number): Arithmetic<128> => {
    const powers = Array.from({ length: (most + 1) * count }, (_, k) => 2n ** BigInt(power(k % (most + 1))))
    return backend.sum(backend.scale(rows, wordsOfIntegers(128, powers)), most + 1)
  }
  const [up, down] = [weighted((m) => m), weighted((m) => most - m)]
  const raised = yield* backend.multiply(
    x,
    weighted((m) => 2 * m),
  )
  return { mantissa: yield* shiftRight(backend, raised, bounds.top - fraction), up, down, most }
}

export interface Root {
  /** √d, from 1/2 to below 1. */
  readonly root: Arithmetic<128>
  /** 1/√d, above 1, at most 2. */
  readonly inverse: Arithmetic<128>
}

/** Of 1/√d on [1/4, 1]: at most 0.09 off, relatively. */
const line = { constant: 2.1328, slope: -1.2187 } as const
const rootSteps = 4

/**
 * Both roots of d from 1/4 to below 1 (garbage, but bounded, for d = 0): Goldschmidt (1964) in the form of Ercegovac
 * et al. (2000), quadratic convergence, some units of the last place off. 20 rounds.
 */
export function* rootsOf(backend: Backend, d: Arithmetic<128>): Routine<Root> {
  const n = d.length
  const sloped = yield* backend.truncate(backend.scale(d, fixed(line.slope)), fraction)
  const start = backend.shift(sloped, fixed(line.constant))
  let [g, h] = yield* backend.join(
    (branch) => branch.multiplyTruncate(d, start, fraction),
    (branch) => branch.truncate(start, 1),
  )
  for (let step = 0; step < rootSteps; step++) {
    const product = yield* backend.multiplyTruncate(g, h, fraction)
    const rest = backend.shift(backend.negate(product), fixed(0.5))
    const gains = yield* backend.multiplyTruncate(backend.concat(g, h), backend.concat(rest, rest), fraction)
    g = backend.add(g, backend.slice(gains, 0, n))
    h = backend.add(h, backend.slice(gains, n, 2 * n))
  }
  return { root: g, inverse: backend.scale(h, wordsOfIntegers(128, [2])) }
}

/** Public numbers by place. */
export const constantVector = (length: number, value: (index: number) => number, bits = fraction) =>
  wordsOfNumbers(
    128,
    Array.from({ length }, (_, k) => value(k)),
    bits,
  )

/** The identity of p × p, times a number. */
const diagonal = (p: number, value: number) => constantVector(p * p, (k) => (k % (p + 1) === 0 ? value : 0))

/** Steps after which the inverse of a matrix with eigenvalues from `least` to `largest` is exact to the last bits. */
export const inverseSteps = (largest: number, least: number): number => Math.ceil(Math.log2(largest / least)) + 5

/**
 * The inverse of a symmetric positive definite p × p matrix with eigenvalues up to `largest`: Newton-Schulz (Schulz
 * 1933; Ben-Israel and Cohen 1966), X ← X (2 I - A X) from I / largest; after {@link inverseSteps} steps it is exact
 * but for rounding. Of a matrix with smaller eigenvalues a wrong, bounded one: below 2^steps / largest. 4 rounds a step.
 */
export function* inverseOf(
  backend: Backend,
  a: Arithmetic<128>,
  p: number,
  largest: number,
  steps: number,
): Routine<Arithmetic<128>> {
  // The first step is linear in A.
  const scaled = yield* backend.truncate(backend.scale(a, fixed(-1 / largest ** 2)), fraction)
  const start = backend.shift(scaled, diagonal(p, 2 / largest))
  return yield* refineInverse(backend, a, start, p, steps - 1)
}

/**
 * Steps of the same from another start: X with all eigenvalues of A X from above 0 to 1. 4 rounds a step.
 */
export function* refineInverse(
  backend: Backend,
  a: Arithmetic<128>,
  start: Arithmetic<128>,
  p: number,
  steps: number,
): Routine<Arithmetic<128>> {
  const shape = { rows: p, inner: p, columns: p }
  const twice = diagonal(p, 2)
  let x = start
  for (let step = 0; step < steps; step++) {
    const product = yield* backend.matrixProductTruncate(a, x, shape, fraction)
    const rest = backend.shift(backend.negate(product), twice)
    x = yield* backend.matrixProductTruncate(x, rest, shape, fraction)
  }
  return x
}
