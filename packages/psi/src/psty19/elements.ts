/** Vectors over Z_2^64: two little-endian words an element. No branch depends on a value. */
import { addRing, multiplyRing } from '@tallystick/ot'

export { addRing, multiplyRing }

/** From whole numbers below 2^53. */
export const ringOf = (values: ArrayLike<number>): Uint32Array => {
  const out = new Uint32Array(2 * values.length)
  for (let i = 0; i < values.length; i++) {
    out[2 * i] = values[i]! % 2 ** 32
    out[2 * i + 1] = values[i]! / 2 ** 32
  }
  return out
}

/** a - b. */
export const subtract = (a: Uint32Array, b: Uint32Array): Uint32Array => {
  const out = new Uint32Array(a.length)
  for (let i = 0; i < out.length; i += 2) {
    const low = a[i]! - b[i]!
    out[i] = low
    out[i + 1] = a[i + 1]! - b[i + 1]! - Number(low < 0)
  }
  return out
}

/** Each element where its bit is set, else zero. */
export const select = (values: Uint32Array, bits: Uint32Array): Uint32Array => {
  const out = new Uint32Array(values.length)
  for (let i = 0; i < out.length; i++) out[i] = values[i]! & -((bits[i >> 6]! >>> ((i >> 1) & 31)) & 1)
  return out
}

/** Each element, or its negative where its bit is set: (v ^ m) - m for the mask m. */
export const flip = (values: Uint32Array, bits: Uint32Array): Uint32Array => {
  const out = new Uint32Array(values.length)
  for (let i = 0; i < out.length; i += 2) {
    const bit = (bits[i >> 6]! >>> ((i >> 1) & 31)) & 1
    const low = ((values[i]! ^ -bit) >>> 0) + bit
    out[i] = low
    out[i + 1] = (values[i + 1]! ^ -bit) + Number(low >= 2 ** 32)
  }
  return out
}

/** The sum of all elements. */
export const total = (values: Uint32Array): Uint32Array => {
  let [low, high] = [0, 0]
  for (let i = 0; i < values.length; i += 2) {
    low += values[i]!
    high = (high + values[i + 1]! + Math.floor(low / 2 ** 32)) % 2 ** 32
    low %= 2 ** 32
  }
  return Uint32Array.of(low, high)
}

export const bigOf = (element: Uint32Array): bigint => (BigInt(element[1]!) << 32n) | BigInt(element[0]!)

/** The low `bits` bits of each element, one after the other. */
export const packed = (values: Uint32Array, bits: number): Uint8Array => {
  const n = values.length / 2
  const out = new Uint8Array(Math.ceil((n * bits) / 8))
  let place = 0
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < bits; k++, place++) {
      out[place >> 3]! |= ((values[2 * i + (k >> 5)]! >>> (k & 31)) & 1) << (place & 7)
    }
  }
  return out
}
