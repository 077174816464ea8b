/**
 * Exact samples of the discrete Laplace and the discrete Gaussian distribution, by whole numbers alone: algorithms 1, 2
 * and 3 of Canonne, Kamath and Steinke (NeurIPS 2020, arXiv 2004.00010). No floating-point number is near them, so the
 * attack of Mironov (CCS 2012) on low bits has no hold.
 *
 * Not constant time: how long a sample takes depends on it, at the party that draws it.
 */
import type { Rng } from '@tallystick/core'

/** a / b, b > 0. */
export interface Rational {
  readonly a: bigint
  readonly b: bigint
}

/** From 0 to below `limit`, each equally likely. */
const uniform = (rng: Rng, limit: bigint): bigint => {
  const bits = (limit - 1n).toString(2).length
  const bytes = Math.ceil(bits / 8)
  for (;;) {
    let value = 0n
    for (const byte of rng.bytes(bytes)) value = (value << 8n) | BigInt(byte)
    value &= (1n << BigInt(bits)) - 1n
    if (value < limit) return value
  }
}

const bernoulli = (rng: Rng, a: bigint, b: bigint): boolean => uniform(rng, b) < a

/** With the probability e^-(a/b); algorithm 1. */
const bernoulliExp = (rng: Rng, { a, b }: Rational): boolean => {
  for (let whole = a / b; whole > 0n; whole--) if (!expBelowOne(rng, 1n, 1n)) return false
  return expBelowOne(rng, a % b, b)
}

const expBelowOne = (rng: Rng, a: bigint, b: bigint): boolean => {
  let k = 1n
  while (bernoulli(rng, a, b * k)) k++
  return k % 2n === 1n
}

/** P(x) proportional to e^-(|x| s / t); algorithm 2. */
export const discreteLaplace = (rng: Rng, { a: t, b: s }: Rational): bigint => {
  for (;;) {
    const u = uniform(rng, t)
    if (!bernoulliExp(rng, { a: u, b: t })) continue
    let v = 0n
    while (bernoulliExp(rng, { a: 1n, b: 1n })) v++
    const y = (u + t * v) / s
    const negative = bernoulli(rng, 1n, 2n)
    if (negative && y === 0n) continue
    return negative ? -y : y
  }
}

/** The largest whole number whose square is not above x. */
const rootBelow = (x: bigint): bigint => {
  if (x < 2n) return x
  let r = 1n << BigInt(Math.ceil(x.toString(2).length / 2))
  for (;;) {
    const next = (r + x / r) / 2n
    if (next >= r) return r
    r = next
  }
}

/** P(x) proportional to e^-(x² / (2 a/b)); algorithm 3. */
export const discreteGaussian = (rng: Rng, { a, b }: Rational): bigint => {
  const t = rootBelow(a / b) + 1n
  for (;;) {
    const y = discreteLaplace(rng, { a: t, b: 1n })
    const size = y < 0n ? -y : y
    // (|y| - σ²/t)² / (2 σ²), over b t and 2 a b t².
    const gap = size * b * t - a
    if (bernoulliExp(rng, { a: gap * gap, b: 2n * a * b * t * t })) return y
  }
}
