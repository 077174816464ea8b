import { TallyError } from '@tallystick/core'
import type { EncodeInput } from './kernels.ts'

const misuse = (message: string): TallyError =>
  new TallyError('api/misuse', 'self', `expand-convolute/encode: ${message}`)

/** @throws TallyError api/misuse for sizes that the code does not have and places out of order. */
export function checkEncode(input: EncodeInput): EncodeInput {
  const { dense, places, values, fills, outputs } = input
  const k = dense.length / 32
  if (!Number.isInteger(k) || k < 64 || k > 2 ** 26 || k % 4 !== 0) {
    throw misuse(`expected 2k elements of 16 bytes, k = 4m from 64 to 2^26, found ${dense.length} bytes`)
  }
  if (!Number.isInteger(outputs) || outputs < 0 || outputs > k) throw misuse(`expected 0 to ${k} outputs`)
  if (values.length !== 16 * places.length)
    throw misuse(`expected ${places.length} values, found ${values.length} bytes`)
  if (fills.length !== 0 && fills.length !== values.length) {
    throw misuse(`expected ${places.length} fills or none, found ${fills.length} bytes`)
  }
  for (let i = 0; i < places.length; i++) {
    if (places[i]! >= 2 * k || (i > 0 && places[i]! <= places[i - 1]!)) {
      throw misuse(`expected ascending places below ${2 * k}`)
    }
  }
  return input
}
