/**
 * Sizes of the silent VOLE, and why they are believed to be safe.
 *
 * Assumption: dual LPN over GF(2^128) with regular noise for the expand-convolute code of ia.cr/2023/882 (expander weight
 * 7, state 24, rate 1/2, systematic, convoluted twice, as libOTe's ExConv7x24): the noise vector has N = t·L elements, one
 * uniform element at a random place of each of t blocks of L. Silver's codes are broken and are not used.
 *
 * Noise weight t = 552. Against linear tests (the framework of ia.cr/2020/1417 and ia.cr/2023/882) a test that meets a
 * share d of the N places is biased by (1 - d)^t over a large field, so t >= 128 / -log2(1 - d), with d a lower bound of
 * the relative minimum distance. d = 0.15 is the estimate that libOTe calls aggressive for this code: 546, up to a
 * multiple of 8. libOTe itself asks for 64 bits here (280) or uses the formula of the binary field (256). Information set
 * decoding at rate 1/2 needs about 2^t trials, and the known algebraic attacks on regular noise (Briaud and Oygarden,
 * ia.cr/2023/176) fall below 128 bits only for weights near 100: both leave a wide margin. The minimum distance is an
 * estimate, not a proof: a proof at 2^-128 is not known for codes this fast.
 */
import { TallyError } from '@tallystick/core'
import type { VoleOptions } from '../interface.ts'

export const noiseWeight = 552
/** Smallest block: keeps the number of places of the noise above any enumeration also for small n. */
const leastDepth = 3
export const maxElements = 2 ** 26

/** What this folder works with. `weight` stands for the noise weight in tests, which would take minutes otherwise: a
 * smaller one is insecure, and the package does not export the type. */
export interface ShapedOptions extends VoleOptions {
  readonly weight?: number
}

export interface VoleShape {
  /** t: blocks of the noise, trees; at least the noise weight, and less than twice that and 8. */
  readonly weight: number
  /** 2^depth: leaves of a tree, elements of a block of the noise. */
  readonly leaves: number
  /** Levels of a tree. */
  readonly depth: number
  /** t · leaves. */
  readonly noise: number
}

/** @throws TallyError api/misuse for a number of elements out of range. */
export const shapeOf = ({ n, weight = noiseWeight }: ShapedOptions): VoleShape => {
  if (!Number.isInteger(n) || n < 0 || n > maxElements) {
    throw new TallyError('api/misuse', 'self', `expected 0 to ${maxElements} elements of VOLE, found ${n}`)
  }
  // Full trees only: where a node had no sibling, a receiver that names a place past the last leaf would be given the sum of
  // the side that is there, know every leaf of that tree, and with it Delta. As many trees more as the rounding takes.
  const depth = Math.max(leastDepth, Math.floor(Math.log2((2 * n) / weight)))
  const leaves = 2 ** depth
  const trees = Math.max(weight, 8 * Math.ceil((2 * n) / leaves / 8))
  return { weight: trees, leaves, depth, noise: trees * leaves }
}
