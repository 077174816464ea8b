import { TallyError } from '@tallystick/core'
import type { IdsInput, MasksInput } from './kernels.ts'

const misuse = (text: string): TallyError => new TallyError('api/misuse', 'self', `blake3: expected ${text}`)

const checkKey = (key: Uint8Array): void => {
  if (key.length !== 32) throw misuse(`a key of 32 bytes, found ${key.length}`)
}

/** @throws TallyError api/misuse unless the key has 32 bytes and the offsets describe the bytes. */
export function checkIds(input: IdsInput): IdsInput {
  const { key, bytes, offsets } = input
  checkKey(key)
  if (offsets.length === 0) throw misuse('n + 1 offsets, found none')
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!) throw misuse(`offsets that do not decrease, found offset ${i} below the last`)
  }
  if (offsets[offsets.length - 1]! > bytes.length) throw misuse(`offsets within the ${bytes.length} bytes given`)
  return input
}

/** @throws TallyError api/misuse unless there are as many values as digests, and the width is 1 to 32. */
export function checkMasks(input: MasksInput): MasksInput {
  const { key, values, first, second, tweak, width } = input
  checkKey(key)
  if (values.length % 16 !== 0) throw misuse(`values of 16 bytes, found ${values.length} bytes`)
  if (first.length !== values.length || second.length !== values.length) {
    throw misuse(`two halves of a digest for each value, found ${first.length} and ${second.length} bytes`)
  }
  if (tweak.length !== 16) throw misuse(`a tweak of 16 bytes, found ${tweak.length}`)
  if (!Number.isInteger(width) || width < 1 || width > 32) throw misuse(`a width of 1 to 32 bytes, found ${width}`)
  return input
}
