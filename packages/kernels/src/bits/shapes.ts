/** Shapes of the kernels over bits. @throws TallyError api/misuse in every check */
import { TallyError } from '@tallystick/core'
import type { AndInput, ExpandInput, PermutationInput, SliceInput, UnsliceInput } from './kernels.ts'

const require = (fits: boolean, message: () => string): void => {
  if (!fits) throw new TallyError('api/misuse', 'self', message())
}

/** Words of 32 bits of a plane of `length` bits. */
export const planeWords = (length: number): number => 4 * Math.ceil(length / 128)

export const checkStream = (key: Uint8Array, at: number): void => {
  require(key.length === 16, () => `expected a key of 16 bytes, found ${key.length}`)
  require(Number.isSafeInteger(at) && at >= 0, () => `expected a block below 2^53, found ${at}`)
}

export const checkComponents = (parts: readonly Uint32Array[], multiple: number): void => {
  const [first] = parts
  require(parts.every((part) => part.length === first!.length) && first!.length % multiple === 0, () =>
    `expected components of one whole length, found ${parts.map((part) => part.length).join(', ')} words`)
}

export function checkExpand(input: ExpandInput): ExpandInput {
  checkStream(input.key, input.at)
  require(Number.isInteger(input.words) && input.words >= 0, () => `expected a count of words, found ${input.words}`)
  return input
}

export function checkAnd(input: AndInput): AndInput {
  checkStream(input.ownKey, input.at)
  checkStream(input.nextKey, input.at)
  checkComponents([input.x0, input.x1, input.y0, input.y1], 1)
  return input
}

const checkRing = (ring: number): void => require(ring === 64 || ring === 128, () => `expected ring 64 or 128`)

export function checkSlice(input: SliceInput): SliceInput {
  checkRing(input.ring)
  checkComponents([input.words], input.ring / 32)
  return input
}

export function checkUnslice(input: UnsliceInput): UnsliceInput {
  checkRing(input.ring)
  const expected = input.ring * planeWords(input.length)
  require(input.planes.length === expected, () => `expected ${expected} words, found ${input.planes.length}`)
  return input
}

export function checkPermutation(input: PermutationInput): PermutationInput {
  checkStream(input.key, input.at)
  const { length } = input
  require(Number.isInteger(length) && length >= 0 && length < 2 ** 31, () => `expected a length below 2^31`)
  return input
}
