import { TallyError } from '@tallystick/core'
import type { HashScaleInput, ScaleInput } from './kernels.ts'

const misuse = (text: string): TallyError => new TallyError('api/misuse', 'self', `p256: expected ${text}`)

/** Order of the group (SEC 2, section 2.4.2). */
export const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export const integerOf = (bytes: Uint8Array): bigint => {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

const checkScalar = (scalar: Uint8Array): void => {
  if (scalar.length !== 32) throw misuse(`a scalar of 32 bytes, found ${scalar.length}`)
  const value = integerOf(scalar)
  if (value === 0n || value >= order) throw misuse('a scalar from 1 to n - 1, found another')
}

/** @throws TallyError api/misuse unless the scalar is in range and the offsets describe the bytes. */
export function checkHashScale(input: HashScaleInput): HashScaleInput {
  const { scalar, bytes, offsets } = input
  checkScalar(scalar)
  if (offsets.length === 0) throw misuse('m + 1 offsets, found none')
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!) throw misuse(`offsets that do not decrease, found offset ${i} below the last`)
  }
  if (offsets[offsets.length - 1]! > bytes.length) throw misuse(`offsets within the ${bytes.length} bytes given`)
  return input
}

/** @throws TallyError api/misuse unless the scalar is in range and the points are rows of 33 bytes. */
export function checkScale(input: ScaleInput): ScaleInput {
  checkScalar(input.scalar)
  if (input.points.length % 33 !== 0) throw misuse(`rows of 33 bytes, found ${input.points.length} bytes`)
  return input
}
