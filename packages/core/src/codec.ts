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

/** A value that has no encoding is a mistake of the calling code, not of a peer. */
const requireEncodable = (fits: boolean, message: string): void => {
  if (!fits) throw new TallyError('api/misuse', 'self', `no encoding: ${message}`)
}

/** Exactly `length` bytes. */
export const fixedBytes = (length: number): Codec<Uint8Array> => ({
  maxBytes: length,
  encode(value) {
    requireEncodable(value.length === length, `expected ${length} bytes, found ${value.length}`)
    return value
  },
  decode(bytes) {
    requireLength(bytes, length)
    return bytes
  },
})

const requireRows = (bytes: Uint8Array, width: number, maxRows: number): void => {
  if (bytes.length > width * maxRows)
    throw new TallyError('decode/oversize', 'none', `expected at most ${maxRows} rows, found ${bytes.length} bytes`)
  if (bytes.length % width !== 0)
    throw new TallyError('decode/truncated', 'none', `expected rows of ${width} bytes, found ${bytes.length} bytes`)
}

/** Rows of `width` bytes, flat: between 0 and `maxRows` of them, as many as the frame holds. */
export const flatRows = (width: number, maxRows: number): Codec<Uint8Array> => ({
  maxBytes: width * maxRows,
  encode(value) {
    const fits = value.length % width === 0 && value.length <= width * maxRows
    requireEncodable(fits, `expected at most ${maxRows} rows of ${width} bytes, found ${value.length} bytes`)
    return value
  },
  decode(bytes) {
    requireRows(bytes, width, maxRows)
    return bytes
  },
})

/** The words of a frame; copied, since the bytes may lie anywhere in a larger buffer. */
const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(new Uint8Array(bytes).buffer)

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** A vector over Z_2^32, flat, in little-endian words (the order of every engine's memory): exactly `length` words. */
export const words32 = (length: number): Codec<Uint32Array> => ({
  maxBytes: 4 * length,
  encode(value) {
    requireEncodable(value.length === length, `expected ${length} words, found ${value.length}`)
    return bytesOf(value)
  },
  decode(bytes) {
    requireLength(bytes, 4 * length)
    return wordsOf(bytes)
  },
})

/** The same with as many words as the frame holds, at most `maxWords`. */
export const flatWords32 = (maxWords: number): Codec<Uint32Array> => ({
  maxBytes: 4 * maxWords,
  encode(value) {
    requireEncodable(value.length <= maxWords, `expected at most ${maxWords} words, found ${value.length}`)
    return bytesOf(value)
  },
  decode(bytes) {
    requireRows(bytes, 4, maxWords)
    return wordsOf(bytes)
  },
})

/** Canonical JSON of a shape that `parse` checks; `parse` throws a TallyError for any other. */
export const json = <T>(maxBytes: number, parse: (value: Json) => T): Codec<T> => ({
  maxBytes,
  encode(value) {
    const bytes = canonicalBytes(value)
    requireEncodable(bytes.length <= maxBytes, `expected at most ${maxBytes} bytes, found ${bytes.length}`)
    return bytes
  },
  decode(bytes) {
    if (bytes.length > maxBytes)
      throw new TallyError('decode/oversize', 'none', `expected at most ${maxBytes} bytes, found ${bytes.length}`)
    return parse(parseCanonical(bytes))
  },
})
