/** Shapes of the kernels over rings. @throws TallyError api/misuse in every check */
import { TallyError } from '@tallystick/core'
import { checkComponents, checkStream } from '../bits/shapes.ts'
import type { CrossTermsInput, MatrixProductInput } from './kernels.ts'

export function checkCrossTerms(input: CrossTermsInput, ring: number): CrossTermsInput {
  checkStream(input.ownKey, input.at)
  checkStream(input.nextKey, input.at)
  checkComponents([input.x0, input.x1, input.y0, input.y1], ring / 32)
  return input
}

export function checkMatrixProduct(input: MatrixProductInput, ring: number): MatrixProductInput {
  const { rows, inner, columns } = input
  const [left, right] = [(rows * inner * ring) / 32, (inner * columns * ring) / 32]
  const whole = [rows, inner, columns].every((count) => Number.isInteger(count) && count >= 0)
  if (whole && input.x0.length === left && input.y0.length === right) {
    checkComponents([input.x0, input.x1], 1)
    checkComponents([input.y0, input.y1], 1)
    return input
  }
  const found = `${input.x0.length} and ${input.y0.length} words`
  const expected = `${rows} × ${inner} times ${inner} × ${columns} elements of ${ring} bits`
  throw new TallyError('api/misuse', 'self', `matrix product: expected ${expected}, found ${found}`)
}
