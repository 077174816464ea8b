/**
 * Codecs of messages. A frame carries its own length, so codecs need no counts of their own. `decode` accepts exactly
 * the images of `encode`; whatever else arrives is a TallyError of the area `decode`, before any of it is used.
 */
import { canonicalBytes, parseCanonical, type Json } from './canonical.ts'
import { TallyError } from './errors.ts'

export interface Codec<T> {
  /** The largest encoding: a receiver buffers no more than this. */
  readonly maxBytes: number
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

const requireLength = (bytes: Uint8Array, length: number): void => {
  if (bytes.length < length)
    throw new TallyError('decode/truncated', 'none', `expected ${length} bytes, found ${bytes.length}`)
  if (bytes.length > length)
    throw new TallyError('decode/trailing', 'none', `expected ${length} bytes, found ${bytes.length}`)
}

/** Exactly `length` bytes. */
export const fixedBytes = (length: number): Codec<Uint8Array> => ({
  maxBytes: length,
  encode(value) {
    requireLength(value, length)
    return value
  },
  decode(bytes) {
    requireLength(bytes, length)
    return bytes
  },
})

/** Rows of `width` bytes, flat: between 0 and `maxRows` of them, as many as the frame holds. */
export const flatRows = (width: number, maxRows: number): Codec<Uint8Array> => {
  const check = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length % width !== 0)
      throw new TallyError('decode/truncated', 'none', `expected rows of ${width} bytes, found ${bytes.length} bytes`)
    if (bytes.length > width * maxRows)
      throw new TallyError('decode/oversize', 'none', `expected at most ${maxRows} rows, found ${bytes.length / width}`)
    return bytes
  }
  return { maxBytes: width * maxRows, encode: check, decode: check }
}

/** A vector over Z_2^32 in little-endian words, flat: exactly `length` words. */
export const words32 = (length: number): Codec<Uint32Array> => ({
  maxBytes: 4 * length,
  encode(value) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    requireLength(bytes, 4 * length)
    return bytes
  },
  decode(bytes) {
    requireLength(bytes, 4 * length)
    return new Uint32Array(bytes.slice().buffer)
  },
})

/** Canonical JSON of a shape that `parse` checks; `parse` throws a TallyError for any other. */
export const json = <T>(maxBytes: number, parse: (value: Json) => T): Codec<T> => ({
  maxBytes,
  encode: (value) => canonicalBytes(value),
  decode(bytes) {
    if (bytes.length > maxBytes)
      throw new TallyError('decode/oversize', 'none', `expected at most ${maxBytes} bytes, found ${bytes.length}`)
    return parse(parseCanonical(bytes))
  },
})
