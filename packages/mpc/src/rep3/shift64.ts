/**
 * The local steps of a truncation over Z_2^64 in one pass each: truncate.ts in terms of whole vectors goes over megabytes
 * a dozen times. Shifts by `by` alone are public; no branch or address depends on a value.
 */
import type { Words } from '../backend.ts'

const unit = 2 ** 32

/**
 * Of the dealer's r = toA + toB: floor((r mod 2^63) / 2^by) minus `ofS`, and the top bit minus `ofT`; 0 <= by < 63. Not in
 * their places: what a kernel gave may be in the journal.
 */
export const dealt64 = (toA: Words, toB: Words, ofS: Words, ofT: Words, by: number): readonly [s: Words, t: Words] => {
  const [s, t] = [new Uint32Array(ofS.length), new Uint32Array(ofT.length)]
  const [far, part] = [by >= 32, by & 31]
  for (let i = 0; i < s.length; i += 2) {
    const sum = toA[i]! + toB[i]!
    const low = sum >>> 0
    const high = (toA[i + 1]! + toB[i + 1]! + (sum >= unit ? 1 : 0)) >>> 0
    const below = high & 0x7fffffff
    // By 1 and 31 - part, since a shift by 32 would be none.
    const shiftedLow = (far ? below >>> part : (low >>> part) | ((below << 1) << (31 - part))) >>> 0
    const shiftedHigh = far ? 0 : below >>> part
    s[i] = shiftedLow - ofS[i]!
    s[i + 1] = shiftedHigh - ofS[i + 1]! - (shiftedLow < ofS[i]! ? 1 : 0)
    const top = high >>> 31
    t[i] = top - ofT[i]!
    t[i + 1] = -ofT[i + 1]! - (top < ofT[i]! ? 1 : 0)
  }
  return [s, t]
}

export interface Opening {
  /** The three (or two) parts of c - 2^62. */
  readonly masked: Words
  readonly theirs: Words
  readonly dealt: Words | undefined
  /** This party's shares of the dealer's top bits, and of its shifted r. */
  readonly t: Words
  readonly s: Words
  /** What this party keeps as a component. */
  readonly mask: Words
  readonly by: number
  /** Whether this party adds what both know. */
  readonly first: boolean
}

/** This party's additive share of the shifted number, minus `mask`. */
export const opened64 = ({ masked, theirs, dealt, t, s, mask, by, first }: Opening): Words => {
  const out = new Uint32Array(masked.length)
  const [far, part] = [by >= 32, by & 31]
  const up = 63 - by
  const [upFar, upPart] = [up >= 32, up & 31]
  const one = first ? 1 : 0
  const offset = 62 - by
  const [offsetLow, offsetHigh] = [offset < 32 ? one * 2 ** offset : 0, offset < 32 ? 0 : one * 2 ** (offset - 32)]
  for (let i = 0; i < out.length; i += 2) {
    const sum = masked[i]! + theirs[i]! + (dealt === undefined ? 0 : dealt[i]!)
    const low = sum >>> 0
    const carry = (sum - low) / unit
    const third = dealt === undefined ? 0 : dealt[i + 1]!
    const high = (masked[i + 1]! + theirs[i + 1]! + third + carry + 0x40000000) >>> 0
    const top = high >>> 31
    // The top bit of c xor t: t, or 1 - t; the 1 is public and the first party's.
    const signedSum = ((t[i]! ^ -top) >>> 0) + top
    const signedLow = signedSum >>> 0
    const signedHigh = ((t[i + 1]! ^ -top) >>> 0) + (signedSum >= unit ? 1 : 0)
    const bit = top & one
    const lowBits = (signedLow + bit) >>> 0
    const highBits = (signedHigh + (lowBits < bit ? 1 : 0)) >>> 0
    const raisedLow = upFar ? 0 : (lowBits << upPart) >>> 0
    const raisedHigh = (upFar ? lowBits << upPart : (highBits << upPart) | ((lowBits >>> 1) >>> (31 - upPart))) >>> 0
    const below = high & 0x7fffffff
    const shiftedLow = (far ? below >>> part : (low >>> part) | ((below << 1) << (31 - part))) >>> 0
    const shiftedHigh = far ? 0 : below >>> part
    const totalLow = raisedLow + one * shiftedLow - offsetLow - s[i]! - mask[i]!
    out[i] = totalLow
    out[i + 1] = raisedHigh + one * shiftedHigh - offsetHigh - s[i + 1]! - mask[i + 1]! + Math.floor(totalLow / unit)
  }
  return out
}
