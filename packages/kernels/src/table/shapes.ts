import { TallyError } from '@tallystick/core'
import type { IntersectInput, SortInput } from './kernels.ts'

const misuse = (found: string): TallyError => new TallyError('api/misuse', 'self', `table: ${found}`)

const checkWidth = (width: number): void => {
  if (!Number.isInteger(width) || width < 1 || width > 1024) {
    throw misuse(`expected a width of 1 to 1024 bytes, found ${width}`)
  }
}

/** @throws TallyError api/misuse unless width is in [1, 1024] and both tables are whole rows, fewer than 2^30. */
export function checkIntersect(input: IntersectInput): IntersectInput {
  const { left, right, width } = input
  checkWidth(width)
  if (left.length % width !== 0 || right.length % width !== 0) {
    throw misuse(`expected rows of ${width} bytes, found ${left.length} and ${right.length} bytes`)
  }
  if (right.length / width >= 2 ** 30) throw misuse('expected fewer than 2^30 right rows')
  return input
}

/** @throws TallyError api/misuse unless width is in [1, 1024] and the table is whole rows. */
export function checkSort(input: SortInput): SortInput {
  const { rows, width } = input
  checkWidth(width)
  if (rows.length % width !== 0) throw misuse(`expected rows of ${width} bytes, found ${rows.length} bytes`)
  return input
}
