import { TallyError } from '@tallystick/core'
import type { ExpandInput, HashInput, TweakedHashInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

/** @throws TallyError api/misuse unless the bytes are whole blocks. */
export function checkBlocks<T extends HashInput>(kernel: string, input: T): T {
  const { length } = input.blocks
  if (length % 16 !== 0) throw misuse(`${kernel}: expected blocks of 16 bytes, found ${length} bytes`)
  return input
}

/** @throws TallyError api/misuse unless the tweaks of all rows are whole numbers below 2^53. */
export function checkTweaked(input: TweakedHashInput): TweakedHashInput {
  const { blocks, tweak } = checkBlocks('aes/tweaked-hash', input)
  if (!Number.isSafeInteger(tweak) || tweak < 0 || tweak + blocks.length / 16 > Number.MAX_SAFE_INTEGER) {
    throw misuse(`aes/tweaked-hash: expected tweaks from 0 to 2^53 - 1, found ${tweak}`)
  }
  return input
}

/** @throws TallyError api/misuse unless keys are whole and a row has 0 to 2^30 bytes, a multiple of 16. */
export function checkExpand(input: ExpandInput): ExpandInput {
  const { keys, width } = input
  if (keys.length % 16 !== 0) throw misuse(`aes/expand: expected keys of 16 bytes, found ${keys.length} bytes`)
  if (!Number.isInteger(width) || width < 0 || width > 2 ** 30 || width % 16 !== 0) {
    throw misuse(`aes/expand: expected a row of 0 to 2^30 bytes, a multiple of 16, found ${width}`)
  }
  return input
}
