/**
 * Functions on doubles, and Chebyshev interpolation of them, by the four operations and the square root alone: those
 * IEEE 754 rounds in one way, so all parties, in every engine, come to the same coefficients. (`Math.exp` and the like
 * may differ in the last place from one engine to another.)
 */

export const ln2 = 0.6931471805599453
export const log2e = 1.4426950408889634
const halfPi = 1.5707963267948966

/** e^x for |x| <= 64: the Taylor series of e^(x/128), seven times squared. */
export const exponential = (x: number): number => {
  let [sum, term] = [1, 1]
  for (let k = 1; k <= 12; k++) sum += term *= x / 128 / k
  for (let k = 0; k < 7; k++) sum *= sum
  return sum
}

/** ln x for x > 0: 2 artanh((m - 1)/(m + 1)) of m = x / 2^k in [0.7, 1.5). */
export const logarithm = (x: number): number => {
  let [mantissa, exponent] = [x, 0]
  for (; mantissa >= 1.5; exponent++) mantissa /= 2
  for (; mantissa < 0.75; exponent--) mantissa *= 2
  const ratio = (mantissa - 1) / (mantissa + 1)
  let [sum, power] = [0, ratio]
  for (let k = 1; k <= 25; k += 2) {
    sum += power / k
    power *= ratio * ratio
  }
  return 2 * sum + exponent * ln2
}

export const logistic = (x: number): number => (x < 0 ? 1 - logistic(-x) : 1 / (1 + exponential(-(x > 64 ? 64 : x))))

/** cos x for 0 <= x <= pi by the Taylor series of cos on [0, pi/2]. */
const cosine = (x: number): number => {
  if (x > halfPi) return -cosine(2 * halfPi - x)
  let [sum, term] = [1, 1]
  for (let k = 2; k <= 22; k += 2) sum += term *= (-x * x) / (k * (k - 1))
  return sum
}

/**
 * Coefficients, lowest first, of the polynomial in t = (x - (a + b)/2) / ((b - a)/2) in [-1, 1] that meets f in the
 * Chebyshev nodes of [a, b]. Its error is at most max |f^(n+1)| ((b - a)/2)^(n+1) / (2^n (n+1)!).
 */
export const chebyshev = (f: (x: number) => number, a: number, b: number, degree: number): number[] => {
  const n = degree + 1
  const node = (i: number): number => cosine((halfPi * (2 * i + 1)) / n)
  const values = Array.from({ length: n }, (_, i) => f((a + b) / 2 + ((b - a) / 2) * node(i)))
  // T_k by its recursion, in powers of t and at the nodes.
  let [before, now]: number[][] = [[], [1]]
  let [atBefore, atNow]: number[][] = [Array.from({ length: n }, () => 0), Array.from({ length: n }, () => 1)]
  const out = Array.from({ length: n }, () => 0)
  for (let k = 0; k < n; k++) {
    const weight = (values.reduce((sum, value, i) => sum + value * atNow![i]!, 0) * (k === 0 ? 1 : 2)) / n
    now!.forEach((c, power) => (out[power]! += weight * c))
    const factor = k === 0 ? 1 : 2
    const next = [0, ...now!.map((c) => factor * c)]
    before!.forEach((c, power) => (next[power]! -= c))
    const atNext = atNow!.map((value, i) => factor * node(i) * value - atBefore![i]!)
    ;[before, now, atBefore, atNow] = [now, next, atNow, atNext]
  }
  return out
}

/** The same polynomial in powers of s = (t - from) / scale: coefficients of t substituted. */
export const substitute = (coefficients: readonly number[], offset: number, scale: number): number[] => {
  let out: number[] = []
  for (const c of coefficients.toReversed()) {
    // out · (offset + scale s) + c
    const next = [c, ...out.map(() => 0)]
    out.forEach((value, power) => {
      next[power]! += value * offset
      next[power + 1]! += value * scale
    })
    out = next
  }
  return out.slice(0, coefficients.length)
}
