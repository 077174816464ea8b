/**
 * GF(2^128) = F_2[x] / (x^128 + x^7 + x^2 + x + 1). An element is 16 bytes, bit k of byte j the coefficient of x^(8j+k):
 * plain little-endian polynomial order, not the reflected one of GHASH. Vectors are flat.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkEvaluate, checkPairs, checkScale } from './shapes.ts'

export interface ScaleInput {
  /** One element. */
  readonly factor: Uint8Array
  /** n elements. */
  readonly elements: Uint8Array
}

export interface PairsInput {
  /** n elements. */
  readonly left: Uint8Array
  /** n elements. */
  readonly right: Uint8Array
}

export interface EvaluateInput {
  /** One element. */
  readonly point: Uint8Array
  /** Coefficients of one polynomial after the other, that of the constant first. */
  readonly elements: Uint8Array
  /** Number of polynomials, all of one length. */
  readonly polynomials: number
}

/** factor · element, for each. */
export const scale: Kernel<ScaleInput, Uint8Array> = {
  name: 'gf128/scale',
  run: (input) => reference.scale(checkScale(input)),
}

/** left · right, element by element. */
export const multiply: Kernel<PairsInput, Uint8Array> = {
  name: 'gf128/multiply',
  run: (input) => reference.multiply(checkPairs('gf128/multiply', input)),
}

/** The sum of left · right: one element. */
export const inner: Kernel<PairsInput, Uint8Array> = {
  name: 'gf128/inner',
  run: (input) => reference.inner(checkPairs('gf128/inner', input)),
}

/** Each polynomial's value at a point: the sum of elements[i] · point^i. */
export const evaluate: Kernel<EvaluateInput, Uint8Array> = {
  name: 'gf128/evaluate',
  run: (input) => reference.evaluate(checkEvaluate(input)),
}
