/** Tail probabilities of the test statistics, in clear: they are computed from what was opened. */
import jStat from 'jstat'

/** P(|T| >= |t|) of Student's t distribution. `freedom` > 0, not necessarily whole (Welch). */
export const studentTail = (t: number, freedom: number): number => {
  const square = t * t
  return clamp(jStat.ibeta(freedom / (freedom + square), freedom / 2, 0.5))
}

/** P(F >= f) of the F distribution. */
export const fisherTail = (f: number, numerator: number, denominator: number): number =>
  f <= 0 ? 1 : clamp(jStat.ibeta(denominator / (denominator + numerator * f), denominator / 2, numerator / 2))

/**
 * Q(a, x), for x > a + 1, by the continued fraction of DLMF 8.9.2 (its even part, by Lentz's method): 1 - P(a, x) has no
 * digit left where Q is below 1e-16.
 */
const upperGamma = (a: number, x: number): number => {
  let b = x + 1 - a
  let c = Infinity
  let d = 1 / b
  let h = d
  for (let i = 1; i < 10_000; i++) {
    const term = i * (a - i)
    b += 2
    d = 1 / (b + term * d)
    c = b + term / c
    h *= c * d
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return Math.exp(a * Math.log(x) - x - jStat.gammaln(a)) * h
}

/** P(X >= x) of the chi-square distribution. */
export const chiSquareTail = (x: number, freedom: number): number => {
  if (x <= 0) return 1
  const [a, half] = [freedom / 2, x / 2]
  return clamp(half > a + 1 ? upperGamma(a, half) : 1 - jStat.lowRegGamma(a, half))
}

/** P(|Z| >= |z|) of the standard normal distribution. */
export const normalTail = (z: number): number => chiSquareTail(z * z, 1)

const clamp = (p: number): number => Math.min(1, Math.max(0, p))
