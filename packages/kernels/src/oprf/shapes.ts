/** Shape checks shared by references and engines. A wrong shape is a mistake of the calling code, so it throws. */
import { TallyError } from '@tallystick/core'
import type { FinalizeInput, HashInput, ScaleInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

const checkOffsets = (bytes: Uint8Array, offsets: Uint32Array): void => {
  if (offsets.length === 0) throw misuse('oprf: expected n + 1 offsets, found none')
  for (let i = 1; i < offsets.length; i++) {
    const length = offsets[i]! - offsets[i - 1]!
    if (length < 0 || length > 65_535) throw misuse(`oprf: message ${i - 1} is not 0 to 65535 bytes long`)
  }
  if (offsets[offsets.length - 1]! > bytes.length) throw misuse('oprf: the last offset exceeds the bytes given')
}

/** @throws TallyError api/misuse unless tag and offsets fit. */
export const checkMessages = <T extends HashInput>(input: T): T => {
  if (input.dst.length < 1 || input.dst.length > 255) {
    throw misuse(`oprf: expected a domain separation tag of 1 to 255 bytes, found ${input.dst.length}`)
  }
  checkOffsets(input.bytes, input.offsets)
  return input
}

/** ℓ, little endian. */
const order = Uint8Array.from({ length: 32 }, (_, i) =>
  Number(((2n ** 252n + 27742317777372353535851937790883648493n) >> BigInt(8 * i)) & 255n),
)

/** Whether a scalar is in [1, ℓ), by a subtraction without a branch on its bytes. */
const isScalar = (scalars: Uint8Array, at: number): boolean => {
  let borrow = 0
  let any = 0
  for (let i = 0; i < 32; i++) {
    const byte = scalars[at + i]!
    any |= byte
    borrow = ((byte - order[i]! - borrow) >> 31) & 1
  }
  // Non-zero, and below the order.
  return (borrow & ((-any >> 31) & 1)) === 1
}

/** @throws TallyError api/misuse unless there is one scalar, or one for each of `rows`, all in [1, ℓ). */
export const checkScalars = <T extends { readonly scalars: Uint8Array }>(input: T, rows: number): T => {
  const { scalars } = input
  if (scalars.length !== 32 && scalars.length !== 32 * rows) {
    throw misuse(`oprf: expected one scalar of 32 bytes, or ${rows}, found ${scalars.length} bytes`)
  }
  for (let at = 0; at < scalars.length; at += 32) {
    if (!isScalar(scalars, at)) throw misuse(`oprf: scalar ${at / 32} is not in [1, ℓ)`)
  }
  return input
}

/** @throws TallyError api/misuse unless points are whole rows and the scalars fit. */
export const checkScale = <T extends ScaleInput>(input: T): T => {
  if (input.points.length % 32 !== 0) {
    throw misuse(`oprf: expected rows of 32 bytes, found ${input.points.length} bytes`)
  }
  return checkScalars(input, input.points.length / 32)
}

/** @throws TallyError api/misuse unless there is a scalar for each point. */
export const checkCombine = (input: ScaleInput): ScaleInput => {
  if (input.points.length !== input.scalars.length) {
    throw misuse(`oprf/combine: expected a scalar for each point, found ${input.scalars.length} bytes of scalars`)
  }
  return checkScale(input)
}

/** @throws TallyError api/misuse unless there is a point for each message. */
export const checkFinalize = (input: FinalizeInput): FinalizeInput => {
  checkOffsets(input.bytes, input.offsets)
  if (input.points.length !== 32 * (input.offsets.length - 1)) {
    throw misuse(`oprf/finalize: expected ${input.offsets.length - 1} points, found ${input.points.length / 32}`)
  }
  return checkScale(input)
}
