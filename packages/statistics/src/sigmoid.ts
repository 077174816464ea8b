/**
 * The logistic function in few rounds: an odd Chebyshev series on [-limit, limit], its terms by T_(a+b) = 2 T_a T_b -
 * T_(a-b) in log2(degree) levels, and 0 or 1 beyond, decided while the series is computed. 12 or 14 rounds, where
 * `logisticFixed` of mpc takes about 20 and is as exact on each piece; the difference is a third of an iteration.
 */
import { isNegative, wordsOfIntegers, wordsOfNumbers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'

export interface Series {
  readonly limit: number
  /** Of T_1, T_3, T_5 …: literals, so that every engine has the same ones. */
  readonly coefficients: readonly number[]
  /** Absolute, beyond the limit too. */
  readonly error: number
}

// numpy.polynomial.chebyshev.chebinterpolate(lambda v: 1 / (1 + exp(-limit * v)) - 1 / 2, 400), cut off and rounded.
export const short: Series = {
  limit: 10,
  // prettier-ignore
  coefficients: [0.6256987858, -0.1827874704, 0.086240674, -0.0446691988, 0.0237615204, -0.0127476723, 0.006858327, -0.0036933799, 0.0019896348, -0.0010719443, 0.0005775481, -0.0003111788, 0.0001676617, -9.03355e-05, 4.86725e-05, -2.62246e-05],
  error: 8e-5,
}
export const long: Series = {
  limit: 14,
  // prettier-ignore
  coefficients: [0.6311731167, -0.1966700312, 0.1037360743, -0.0618296274, 0.0384630049, -0.0243372045, 0.0155093139, -0.0099139275, 0.0063456946, -0.0040641267, 0.0026035593, -0.0016680812, 0.0010687811, -0.0006848099, 0.0004387888, -0.0002811531, 0.0001801487, -0.0001154303, 7.3962e-05, -4.73912e-05, 3.03659e-05, -1.9457e-05, 1.24671e-05, -7.9883e-06, 5.1185e-06, -3.2797e-06, 2.1015e-06, -1.3465e-06, 8.628e-07, -5.528e-07, 3.542e-07, -2.27e-07],
  error: 2e-6,
}

/** Bits after the point inside of the series: |T_k| <= 1. */
const inner = 28

const minusOne = (backend: Backend, x: Arithmetic<64>): Arithmetic<64> =>
  backend.shift(x, wordsOfNumbers(64, [-1], inner))

/** T_1, T_3, … T_(2 count - 1), count a power of two. 2 log2(2 count) rounds. */
function* chebyshevs(backend: Backend, v: Arithmetic<64>, count: number): Routine<readonly Arithmetic<64>[]> {
  const known = new Map<number, Arithmetic<64>>([[1, v]])
  const n = v.length
  for (let power = 1; power < count; power *= 2) {
    // From T_power and odd ones below it: T_(power + j), and T_(2 power).
    const odd = Array.from({ length: Math.ceil(power / 2) }, (_, i) => 2 * i + 1).filter((j) => j < power)
    yield* level(backend, known, n, power, [...odd, power])
  }
  const last = Array.from({ length: count / 2 }, (_, i) => 2 * i + 1)
  yield* level(backend, known, n, count, last)
  return Array.from({ length: count }, (_, i) => known.get(2 * i + 1)!)
}

/** T_(base + j) for each j <= base. One level, 2 rounds. */
function* level(
  backend: Backend,
  known: Map<number, Arithmetic<64>>,
  n: number,
  base: number,
  steps: readonly number[],
): Routine<void> {
  const left = backend.concat(...steps.map(() => known.get(base)!))
  const right = backend.concat(...steps.map((j) => known.get(j)!))
  const products = yield* backend.multiplyTruncate(left, right, inner - 1)
  steps.forEach((j, i) => {
    const twice = backend.slice(products, i * n, (i + 1) * n)
    const made = j === base ? minusOne(backend, twice) : backend.subtract(twice, known.get(base - j)!)
    known.set(base + j, made)
  })
}

/**
 * The logistic function of limit · v, for |v| < 2^(62 - fraction), with `out` bits after the point.
 * @param fraction bits of v after the point, at most 28
 */
export function* sigmoid(
  backend: Backend,
  v: Arithmetic<64>,
  fraction: number,
  out: number,
  { coefficients }: Series,
): Routine<Arithmetic<64>> {
  const count = coefficients.length
  const one = wordsOfNumbers(64, [1], fraction)
  const [series, outside] = yield* backend.join(
    function* (branch) {
      const raised = branch.scale(v, wordsOfIntegers(64, [2 ** (inner - fraction)]))
      const terms = yield* chebyshevs(branch, raised, count)
      const weighted = terms.map((term, i) => branch.scale(term, wordsOfNumbers(64, [coefficients[i]!], inner)))
      return branch.shift(
        weighted.reduce((sum, term) => branch.add(sum, term)),
        wordsOfNumbers(64, [0.5], 2 * inner),
      )
    },
    function* (branch) {
      const gaps = branch.concat(branch.shift(branch.negate(v), one), branch.shift(v, one))
      return yield* branch.inject(yield* isNegative(branch, gaps), 64)
    },
  )
  const n = v.length
  const above = backend.slice(outside, 0, n)
  const within = backend.shift(
    backend.negate(backend.add(above, backend.slice(outside, n, 2 * n))),
    wordsOfIntegers(64, [1]),
  )
  // Beyond the limit the series is any number of the ring, and is multiplied by 0.
  const inside = yield* backend.multiplyTruncate(within, series, 2 * inner - out)
  return backend.add(inside, backend.scale(above, wordsOfIntegers(64, [2 ** out])))
}
