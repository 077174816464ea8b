/**
 * The canonical embedding of CKKS (ia.cr/2016/421, section 3.2): n/2 reals as the values of a real polynomial at the
 * powers ζ^(3^j) of a primitive 2n-th root of unity, and back. Roots are rounded from exact fixed-point series, and the
 * rest is IEEE 754 addition and multiplication, so that every JavaScript engine gives the same bits.
 */

interface Tables {
  /** cos and sin of π·k/n for k < 2n. */
  readonly cosine: Float64Array
  readonly sine: Float64Array
  /** Where slot j stands in bit-reversed order. */
  readonly places: Int32Array
}

const fraction = 100n
const one = 1n << fraction
/** π to 100 bits after the point, by Machin's formula. */
const pi = ((): bigint => {
  const inverseTangent = (x: bigint): bigint => {
    let sum = 0n
    let term = (one << 20n) / x
    for (let k = 1n; term !== 0n; k += 2n) {
      sum += (k & 2n) === 0n ? term / k : -(term / k)
      term /= x * x
    }
    return sum
  }
  return (4n * (4n * inverseTangent(5n) - inverseTangent(239n))) >> 20n
})()

/** Nearest double of a fixed-point number of at most 1. */
const toDouble = (value: bigint): number => Number(value >> 47n) / 2 ** 53

/** cos and sin of an angle from 0 to π/4, by their series. */
const series = (angle: bigint): readonly [cosine: number, sine: number] => {
  const square = (angle * angle) >> fraction
  let [cosine, sine, even, odd] = [0n, 0n, one, angle]
  for (let k = 1n; even !== 0n || odd !== 0n; k += 2n) {
    cosine += even
    sine += odd
    even = -((even * square) >> fraction) / (k * (k + 1n))
    odd = -((odd * square) >> fraction) / ((k + 1n) * (k + 2n))
  }
  return [toDouble(cosine), toDouble(sine)]
}

export const reversed = (value: number, bits: number): number => {
  let out = 0
  for (let i = 0; i < bits; i++) out |= ((value >> i) & 1) << (bits - 1 - i)
  return out
}

/** The order of slots, as SEAL has it: slot j at ψ^(3^j), and slot j of the second row at its inverse. */
export const slotPlaces = (n: number): Int32Array => {
  const bits = Math.log2(n)
  const out = new Int32Array(n)
  let exponent = 1
  for (let j = 0; j < n / 2; j++) {
    out[j] = reversed((exponent - 1) >> 1, bits)
    out[n / 2 + j] = reversed((2 * n - exponent - 1) >> 1, bits)
    exponent = (exponent * 3) % (2 * n)
  }
  return out
}

const kept = new Map<number, Tables>()

const tablesOf = (n: number): Tables => {
  const known = kept.get(n)
  if (known !== undefined) return known
  const [cosine, sine] = [new Float64Array(2 * n), new Float64Array(2 * n)]
  const eighth = n / 4
  for (let k = 0; k <= eighth; k++) {
    const [c, s] = series((pi * BigInt(k)) / BigInt(n))
    // The other seven octants by symmetry.
    const angles = [
      [k, c, s],
      [n / 2 - k, s, c],
      [n / 2 + k, -s, c],
      [n - k, -c, s],
    ] as const
    for (const [at, x, y] of angles) {
      ;[cosine[at], sine[at]] = [x, y]
      ;[cosine[(at + n) % (2 * n)], sine[(at + n) % (2 * n)]] = [-x, -y]
    }
  }
  const made = { cosine, sine, places: slotPlaces(n) }
  kept.set(n, made)
  return made
}

/** Values at ψ^(2·rev(i)+1) for all i, in place, from n real coefficients; butterflies as in the transform over a prime. */
const evaluate = (re: Float64Array, im: Float64Array, n: number): void => {
  const { cosine, sine } = tablesOf(n)
  const bits = Math.log2(n)
  for (let m = 1, half = n >> 1; m < n; m <<= 1, half >>= 1) {
    for (let i = 0; i < m; i++) {
      const k = reversed(m + i, bits)
      const [c, s] = [cosine[k]!, sine[k]!]
      for (let j = 2 * i * half; j < (2 * i + 1) * half; j++) {
        const [a, b] = [re[j + half]!, im[j + half]!]
        const [x, y] = [a * c - b * s, a * s + b * c]
        const [u, v] = [re[j]!, im[j]!]
        ;[re[j], im[j]] = [u + x, v + y]
        ;[re[j + half], im[j + half]] = [u - x, v - y]
      }
    }
  }
}

const interpolate = (re: Float64Array, im: Float64Array, n: number): void => {
  const { cosine, sine } = tablesOf(n)
  const bits = Math.log2(n)
  for (let m = n >> 1, half = 1; m >= 1; m >>= 1, half <<= 1) {
    for (let i = 0; i < m; i++) {
      const k = reversed(m + i, bits)
      const [c, s] = [cosine[k]!, -sine[k]!]
      for (let j = 2 * i * half; j < (2 * i + 1) * half; j++) {
        const [a, b] = [re[j]! - re[j + half]!, im[j]! - im[j + half]!]
        ;[re[j], im[j]] = [re[j]! + re[j + half]!, im[j]! + im[j + half]!]
        ;[re[j + half], im[j + half]] = [a * c - b * s, a * s + b * c]
      }
    }
  }
}

/** n real coefficients whose values at the slots are `values` (n/2 reals). */
export const coefficientsOf = (values: Float64Array, n: number): Float64Array => {
  const { places } = tablesOf(n)
  const [re, im] = [new Float64Array(n), new Float64Array(n)]
  for (let j = 0; j < n / 2; j++) {
    re[places[j]!] = values[j]!
    re[places[n / 2 + j]!] = values[j]!
  }
  interpolate(re, im, n)
  return re.map((x) => x / n)
}

/** The values at the slots of n real coefficients. */
export const valuesOf = (coefficients: Float64Array, n: number): Float64Array => {
  const { places } = tablesOf(n)
  const re = coefficients.slice()
  evaluate(re, new Float64Array(n), n)
  return Float64Array.from({ length: n / 2 }, (_, j) => re[places[j]!]!)
}
