/**
 * Noise of figures, drawn inside: each computing party (three, or two that a helper deals to) draws a whole sample of the
 * mechanism's noise from its committed coins and shares it like data; the sum of all is added before anything is opened.
 * The helper draws none: it is to know no summand of what is opened. Noise by shares of the parties is that of Dwork, Kenthapadi, McSherry, Mironov and Naor (EUROCRYPT 2006); one sample each is the simple form of it.
 *
 * Who could subtract what. A receiver that computes knows its own sample, and can take it off: two whole ones stay (with a
 * helper one), each of them enough. An owner or a receiver that does not compute knows none. Two computing parties together know all that
 * is shared, noise and data alike, and so do one of two and the helper. The price: three (two) times the variance of noise
 * by a trusted party.
 * A party that draws no noise, or other noise, is found by replay of its evidence: the coins were committed.
 */
import { createRng } from '@tallystick/core'
import type { Privacy } from '../plan.ts'
import { discreteGaussian, discreteLaplace, type Rational } from './noise.ts'

/** How much one record changes an opened vector of whole numbers, at most. */
export interface Sensitivity {
  /** Numbers in the vector. */
  readonly length: number
  /** In the 1-norm. */
  readonly sum: number
  /** The square of that in the 2-norm. */
  readonly squares: number
}

/** Bytes of coins that a computing party draws for all its noise. */
export const coinBytes = 32

/** A parameter of noise in units of 2^-40, rounded down: the noise is never less than what was asked for. */
const parts = 2 ** 40
/** A square above 2^53 may have been rounded down. */
const up = (value: number): bigint => BigInt(Math.ceil(value < 2 ** 53 ? value : value * (1 + 2 ** -50)))
const down = (value: number): bigint => BigInt(Math.floor(value * parts))

/** t/s of the discrete Laplace, or σ² of the discrete Gaussian distribution. */
const parameterOf = (privacy: Privacy, { sum, squares }: Sensitivity): Rational =>
  privacy.mechanism === 'laplace'
    ? { a: up(sum) * BigInt(parts), b: down(privacy.epsilon) }
    : { a: up(squares) * BigInt(parts), b: 2n * down(privacy.rho) }

/** The standard deviation of the noise of one party, in units of what is opened. */
export const deviationOf = (privacy: Privacy, sensitivity: Sensitivity): number => {
  const { a, b } = parameterOf(privacy, sensitivity)
  const value = Number(a) / Number(b)
  return privacy.mechanism === 'laplace' ? Math.SQRT2 * value : Math.sqrt(value)
}

/** What each of several vectors of one figure may spend, so that all together spend what the figure does. */
export const partOf = (privacy: Privacy, parts: number): Privacy =>
  privacy.mechanism === 'laplace'
    ? { mechanism: 'laplace', epsilon: privacy.epsilon / parts }
    : { mechanism: 'gaussian', rho: privacy.rho / parts }

/** One party's samples for an output, vector by vector. */
export const drawNoise = (
  coins: Uint8Array,
  output: number,
  privacy: Privacy,
  sensitivities: readonly Sensitivity[],
): readonly bigint[] => {
  const each = partOf(privacy, sensitivities.length)
  const draw = privacy.mechanism === 'laplace' ? discreteLaplace : discreteGaussian
  return sensitivities.flatMap((sensitivity, part) => {
    const rng = createRng(coins).fork(`noise/${output}/${part}`)
    const parameter = parameterOf(each, sensitivity)
    return Array.from({ length: sensitivity.length }, () => draw(rng, parameter))
  })
}

export const lengthOf = (sensitivities: readonly Sensitivity[]): number =>
  sensitivities.reduce((sum, { length }) => sum + length, 0)
