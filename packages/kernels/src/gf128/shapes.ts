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

/** @throws TallyError api/misuse unless point and elements are whole. */
export function checkEvaluate(input: EvaluateInput): EvaluateInput {
  checkOne('gf128/evaluate', input.point)
  checkElements('gf128/evaluate', input.elements)
  return input
}
