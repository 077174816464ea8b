import { TallyError } from '@tallystick/core'
import type { EvaluateInput, PairsInput, ScaleInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

const checkElements = (kernel: string, elements: Uint8Array): void => {
  if (elements.length % 16 !== 0) {
    throw misuse(`${kernel}: expected elements of 16 bytes, found ${elements.length} bytes`)
  }
}

const checkOne = (kernel: string, element: Uint8Array): void => {
  if (element.length !== 16) throw misuse(`${kernel}: expected one element of 16 bytes, found ${element.length}`)
}

/** @throws TallyError api/misuse unless factor and elements are whole. */
export function checkScale(input: ScaleInput): ScaleInput {
  checkOne('gf128/scale', input.factor)
  checkElements('gf128/scale', input.elements)
  return input
}

/** @throws TallyError api/misuse unless both sides are whole and equally long. */
export function checkPairs(kernel: string, input: PairsInput): PairsInput {
  checkElements(kernel, input.left)
  if (input.left.length !== input.right.length) {
    throw misuse(
      `${kernel}: expected equally many elements, found ${input.left.length} and ${input.right.length} bytes`,
    )
  }
  return input
}

/** @throws TallyError api/misuse unless the point is whole and the polynomials are, all of one length. */
export function checkEvaluate(input: EvaluateInput): EvaluateInput {
  const { point, elements, polynomials } = input
  checkOne('gf128/evaluate', point)
  if (Number.isInteger(polynomials) && polynomials > 0 && elements.length % (16 * polynomials) === 0) return input
  throw misuse(`gf128/evaluate: expected ${polynomials} equal polynomials, found ${elements.length} bytes`)
}
