import { TallyError } from '@tallystick/core'
import type { IntersectInput, ItemsInput, SortInput } from './kernels.ts'

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

/** @throws TallyError api/misuse unless the offsets describe the bytes, and are of fewer than 2^30 rows. */
export function checkItems(input: ItemsInput): ItemsInput {
  const { bytes, offsets } = input
  if (offsets.length === 0 || offsets.length > 2 ** 30) throw misuse(`expected n + 1 offsets, found ${offsets.length}`)
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!)
      throw misuse(`expected offsets that do not decrease, found ${offsets[i]} at ${i}`)
  }
  if (offsets[offsets.length - 1]! > bytes.length) throw misuse(`expected offsets within the ${bytes.length} bytes`)
  return input
}
