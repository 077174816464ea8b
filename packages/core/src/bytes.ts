/** Bytes: the few operations that noble does not have. Big-endian integers, lower-case hex. */
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { TallyError } from './errors.ts'

export { concatBytes, utf8ToBytes }

// A pure function of its input on every platform, though no part of the language's own library.
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string }

/** @throws TallyError decode/malformed unless the bytes are well-formed UTF-8; a BOM is kept as a character. */
export const bytesToUtf8 = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new TallyError('decode/malformed', 'none', 'expected UTF-8', { cause })
  }
}

export type Hex = `0x${string}`

export const toHex = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`

/** @throws TallyError decode/malformed unless `hex` is 0x and lower-case digits (of `length` bytes, where given). */
export const fromHex = (hex: string, length?: number): Uint8Array => {
  const canonical = /^0x(?:[0-9a-f]{2})*$/.test(hex)
  if (!canonical || (length !== undefined && hex.length !== 2 + 2 * length)) {
    const expected = length === undefined ? 'whole bytes' : `${length} bytes`
    throw new TallyError('decode/malformed', 'none', `expected 0x and ${expected} in lower-case hex digits`)
  }
  return hexToBytes(hex.slice(2))
}

const requireWhole = (value: number, below: number): void => {
  if (Number.isInteger(value) && value >= 0 && value < below) return
  throw new TallyError('api/misuse', 'self', `expected a whole number below ${below}, found ${value}`)
}

export const u32 = (value: number): Uint8Array => {
  requireWhole(value, 2 ** 32)
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

export const u64 = (value: number): Uint8Array => {
  requireWhole(value, 2 ** 53)
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value))
  return out
}

export const readU32 = (bytes: Uint8Array, at = 0): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at)

/** Lexicographic order; negative, zero or positive. Not constant time: for public values. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** Equality in time that depends on the lengths only. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}
