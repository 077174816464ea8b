import { TallyError } from '@tallystick/core'
import type { CuckooInput } from './kernels.ts'

/** @throws TallyError api/misuse unless the digests are rows of 16 bytes and there are bins for their number. */
export function checkBins(kernel: string, input: CuckooInput): CuckooInput {
  const misuse = (text: string): TallyError => new TallyError('api/misuse', 'self', `${kernel}: expected ${text}`)
  const { digests, bins } = input
  if (digests.length % 16 !== 0) throw misuse(`rows of 16 bytes, found ${digests.length} bytes`)
  if (digests.length / 16 >= 2 ** 30 - 1) throw misuse(`fewer than 2^30 - 1 rows, found ${digests.length / 16}`)
  if (!Number.isInteger(bins) || bins < 1 || bins >= 2 ** 31) throw misuse(`1 to 2^31 - 1 bins, found ${bins}`)
  return input
}
