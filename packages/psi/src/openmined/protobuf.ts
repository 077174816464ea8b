/** As much of the protobuf encoding (proto3) as three messages need; what arrives is checked before it is used. */
import { concatBytes, TallyError } from '@tallystick/core'

/** A varint as a number from 0 to 2^64 - 1, or the bytes of a length-delimited field. */
export type Value = bigint | Uint8Array

export const varint = (value: bigint): Uint8Array => {
  const out: number[] = []
  for (; value > 127n; value >>= 7n) out.push(Number(value & 127n) | 128)
  out.push(Number(value))
  return Uint8Array.from(out)
}

/** One field; a number that is 0 is left out, as proto3 does. Bytes are written even where empty: see the callers. */
export const field = (tag: number, value: Value): Uint8Array => {
  if (typeof value !== 'bigint') {
    return concatBytes(varint(BigInt(tag * 8 + 2)), varint(BigInt(value.length)), value)
  }
  return value === 0n ? new Uint8Array() : concatBytes(varint(BigInt(tag * 8)), varint(value))
}

/** The same for a field of bytes that is not repeated: an empty one is the default, and left out. */
export const scalarBytes = (tag: number, value: Uint8Array): Uint8Array =>
  value.length === 0 ? value : field(tag, value)

/** What a message has of which kind, by tag. */
export type Shape = Readonly<Record<number, 'varint' | 'bytes'>>

/**
 * The fields of a message in their order.
 * @throws TallyError decode/truncated, decode/malformed; `what` names the message
 */
export function* fields(bytes: Uint8Array, shape: Shape, what: string): Generator<readonly [tag: number, Value]> {
  let at = 0
  const malformed = (found: string): TallyError =>
    new TallyError('decode/malformed', 'none', `${what}: ${found} at byte ${at}`)
  const number = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new TallyError('decode/truncated', 'none', `${what} ends within a number`)
      value |= BigInt(byte & 127) << shift
      if (value >= 2n ** 64n || shift > 63n) throw malformed('expected a number of 64 bits, found more')
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = number()
    const tag = Number(key >> 3n)
    const kind = key & 7n
    const expected = shape[tag]
    if (expected === undefined) throw malformed(`expected fields ${Object.keys(shape).join(', ')}, found field ${tag}`)
    if (kind !== (expected === 'varint' ? 0n : 2n)) throw malformed(`expected field ${tag} as ${expected}`)
    if (expected === 'varint') {
      yield [tag, number()]
      continue
    }
    const length = number()
    if (length > BigInt(bytes.length - at)) {
      throw new TallyError('decode/truncated', 'none', `${what}: expected ${length} bytes, found ${bytes.length - at}`)
    }
    yield [tag, bytes.subarray(at, at + Number(length))]
    at += Number(length)
  }
}
