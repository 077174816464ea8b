/** Shape checks shared by references and engines. A wrong shape is a mistake of the calling code, so it throws. */
import { TallyError } from '@tallystick/core'
import type { HashInput, ScaleEachInput, ScaleInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

/** @throws TallyError api/misuse unless the tag is not empty and the offsets describe the bytes. */
export function checkHash<T extends HashInput>(input: T): T {
  const { dst, bytes, offsets } = input
  if (dst.length === 0) throw misuse('curve25519/hash: expected a domain separation tag of 1 or more bytes, found none')
  if (offsets.length === 0) throw misuse('curve25519/hash: expected n + 1 offsets, found none')
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!) throw misuse(`curve25519/hash: offset ${i} is below the one before it`)
  }
  if (offsets[offsets.length - 1]! > bytes.length) {
    throw misuse(`curve25519/hash: the last offset exceeds the ${bytes.length} bytes given`)
  }
  return input
}

/** @throws TallyError api/misuse unless the scalar has 32 bytes. */
export function checkScalar<T extends { readonly scalar: Uint8Array }>(input: T): T {
  if (input.scalar.length !== 32) {
    throw misuse(`curve25519/scale: expected a scalar of 32 bytes, found ${input.scalar.length}`)
  }
  return input
}

/** @throws TallyError api/misuse unless the scalar has 32 bytes and the points a multiple of 32. */
export function checkScale<T extends ScaleInput>(input: T): T {
  if (input.points.length % 32 !== 0) {
    throw misuse(`curve25519/scale: expected rows of 32 bytes, found ${input.points.length} bytes`)
  }
  return checkScalar(input)
}

/** @throws TallyError api/misuse unless there is a scalar of 32 bytes for each point. */
export function checkScaleEach(input: ScaleEachInput): ScaleEachInput {
  const { scalars, points } = input
  if (points.length % 32 !== 0 || scalars.length !== points.length) {
    const found = `found ${scalars.length} and ${points.length} bytes`
    throw misuse(`curve25519/scale-each: expected a scalar of 32 bytes for each row of 32 bytes, ${found}`)
  }
  return input
}
