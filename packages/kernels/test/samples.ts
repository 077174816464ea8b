/** Inputs that the tests share, in Node and in browsers. */
import type { HashInput } from '../src/index.ts'

/** Messages laid out flat. */
export function messages(rows: readonly Uint8Array[]): Omit<HashInput, 'dst'> {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  const bytes = new Uint8Array(offsets[rows.length]!)
  rows.forEach((row, i) => bytes.set(row, offsets[i]))
  return { bytes, offsets }
}

/** RFC 7748's clamping, which the kernels leave to their caller. */
export function clamp(scalar: Uint8Array): Uint8Array {
  const out = Uint8Array.from(scalar)
  out[0]! &= 248
  out[31] = (out[31]! & 127) | 64
  return out
}

export const P = 2n ** 255n - 19n

/** 32 bytes, little endian. */
export function encode(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

/** Deterministic bytes, so that a failure can be repeated. */
export function bytes(seed: number, length: number): Uint8Array {
  const out = new Uint8Array(length)
  let state = seed >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out[i] = (state >>> 0) & 255
  }
  return out
}

/** n canonical u-coordinates, about half of them on the twist. */
export function points(seed: number, n: number): Uint8Array {
  const out = bytes(seed, 32 * n)
  for (let i = 31; i < out.length; i += 32) out[i]! &= 0x7f
  return out
}

/** u-coordinates of small order, on the curve and on its twist. */
export const smallOrder = [
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]

/** Encodings that are not canonical: p and above, or the top bit set. */
export const malformed = [P, P + 1n, P + 18n, 2n ** 255n, 2n ** 255n + 9n, 2n ** 256n - 1n]

/** Canonical values whose limbs are extreme in radix 2^51 and 2^25.5. */
export function extremes(): bigint[] {
  const values = new Set<bigint>([2n, 9n, P - 2n, P - 3n, 2n ** 254n, 2n ** 254n - 1n])
  for (const limb of [2n ** 51n - 1n, 2n ** 50n, 2n ** 50n - 1n, 2n ** 25n, 2n ** 26n - 1n]) {
    for (let set = 1; set < 32; set++) {
      let value = 0n
      for (let k = 0; k < 5; k++) if ((set >> k) & 1) value |= limb << BigInt(51 * k)
      if (value < P) values.add(value)
    }
  }
  return [...values]
}

export function concat(rows: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(rows.flatMap((row) => [...row]))
}
