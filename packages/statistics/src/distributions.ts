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

/** P(X >= x) of the chi-square distribution. */
export const chiSquareTail = (x: number, freedom: number): number =>
  x <= 0 ? 1 : clamp(1 - jStat.lowRegGamma(freedom / 2, x / 2))

/** P(|Z| >= |z|) of the standard normal distribution. */
export const normalTail = (z: number): number => clamp(jStat.erfc(Math.abs(z) / Math.SQRT2))

const clamp = (p: number): number => Math.min(1, Math.max(0, p))
