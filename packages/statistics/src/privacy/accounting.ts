/**
 * What noisy figures spend, in zero-concentrated differential privacy (zCDP; Bun and Steinke, TCC 2016, arXiv
 * 1605.02065), and what that is as (epsilon, delta), by the bound of Canonne, Kamath and Steinke (arXiv 2004.00010,
 * corollary 13). Neighbours are tables of which one record is replaced: row counts are public.
 *
 *   discrete Laplace of epsilon      epsilon-DP, hence epsilon²/2-zCDP (Bun and Steinke, proposition 1.4)
 *   discrete Gaussian of σ²          Δ²/(2 σ²)-zCDP (arXiv 2004.00010, theorem 4; of k numbers with Δ in the 2-norm)
 *   several                          rho adds up
 */
import type { Privacy } from '../plan.ts'

export const rhoOf = (privacy: Privacy): number =>
  privacy.mechanism === 'laplace' ? privacy.epsilon ** 2 / 2 : privacy.rho

/** The least delta for which rho-zCDP gives (epsilon, delta). Any order above 1 gives an upper bound. */
export const deltaOf = (rho: number, epsilon: number): number => {
  if (rho === 0) return 0
  let [low, high] = [1.01, (epsilon + 1) / (2 * rho) + 2]
  for (let step = 0; step < 200; step++) {
    const order = (low + high) / 2
    if ((2 * order - 1) * rho - epsilon + Math.log1p(-1 / order) < 0) low = order
    else high = order
  }
  const order = (low + high) / 2
  const exponent = (order - 1) * (order * rho - epsilon) + order * Math.log1p(-1 / order)
  return Math.min(1, Math.exp(exponent) / (order - 1))
}

/** The least epsilon for which rho-zCDP gives (epsilon, delta). */
export const epsilonOf = (rho: number, delta: number): number => {
  if (rho === 0 || delta >= 1) return 0
  let [low, high] = [0, rho + 2 * Math.sqrt(rho * Math.log(1 / delta))]
  for (let step = 0; step < 200; step++) {
    const epsilon = (low + high) / 2
    if (deltaOf(rho, epsilon) <= delta) high = epsilon
    else low = epsilon
  }
  return high
}

/** What figures together cost at a delta: where all are discrete Laplace, their epsilons add up if that is less. */
export const spentBy = (
  noises: readonly Privacy[],
  delta: number,
): { readonly rho: number; readonly epsilon: number } => {
  const rho = noises.reduce((sum, noise) => sum + rhoOf(noise), 0)
  const pure = noises.reduce((sum, noise) => sum + (noise.mechanism === 'laplace' ? noise.epsilon : Infinity), 0)
  return { rho, epsilon: Math.min(pure, epsilonOf(rho, delta)) }
}
