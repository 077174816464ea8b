/**
 * The cumulative table of the discrete Gaussian with σ = 16, computed in 320-bit fixed point when it is first asked for:
 * exp(-1/512) by its series, its powers x² by multiplication. The first error bits are far below the 126 that are kept.
 */

/** 2σ² of Pr[x] ∝ exp(-x² / 2σ²). */
const twoVariance = 512n
const precision = 320n
const one = 1n << precision
/** Bits of an entry: two words of 63. */
const entryBits = 126n

const times = (a: bigint, b: bigint): bigint => (a * b) >> precision

/** exp(-1 / 2σ²) by its alternating series. */
const base = (): bigint => {
  let sum = one
  let term = one
  for (let i = 1n; term !== 0n; i++) {
    term = -term / (i * twoVariance)
    sum += term
  }
  return sum
}

/** exp(-x² / 2σ²) for x = 0, 1, … until it vanishes at this precision. */
const densities = (): bigint[] => {
  const q = base()
  const square = times(q, q)
  const out: bigint[] = []
  // q^((x+1)²) = q^(x²) · q^(2x+1)
  for (let value = one, step = q; value > 0n; value = times(value, step), step = times(step, square)) out.push(value)
  return out
}

/** floor(2^126 · Pr[|x| ≤ k]) for k = 0, 1, … while below 2^126 - 1. */
export const cumulative = (): readonly bigint[] => {
  const all = densities()
  const total = all.reduce((sum, value, k) => sum + (k === 0 ? value : 2n * value), 0n)
  const out: bigint[] = []
  let sum = 0n
  for (const [k, value] of all.entries()) {
    sum += k === 0 ? value : 2n * value
    const entry = (sum << entryBits) / total
    if (entry >= (1n << entryBits) - 1n) break
    out.push(entry)
  }
  return out
}

let table: readonly bigint[] | undefined

export const gaussTable = (): readonly bigint[] => (table ??= cumulative())
