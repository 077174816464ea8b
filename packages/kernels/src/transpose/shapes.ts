import { TallyError } from '@tallystick/core'
import type { BitsInput } from './kernels.ts'

/** @throws TallyError api/misuse unless height is a multiple of 128 and rows have a multiple of 16 bytes. */
export function checkBits(input: BitsInput): BitsInput {
  const { rows, height } = input
  if (Number.isInteger(height) && height > 0 && height % 128 === 0 && rows.length % (16 * height) === 0) return input
  const found = `found ${rows.length} bytes in ${height} rows`
  throw new TallyError('api/misuse', 'self', `transpose/bits: expected 128k rows of 16m bytes, ${found}`)
}
