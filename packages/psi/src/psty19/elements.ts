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

/** Bits `at` to `at + width` of each element, width below 64. */
export const bitsOf = (values: Uint32Array, at: number, width: number): Uint32Array =>
  fromBig(bigsOf(values).map((value) => (value >> BigInt(at)) & ((1n << BigInt(width)) - 1n)))

/** x y over the integers, in so many limbs of `width` bits. BigInt: not constant-time. */
export const productLimbs = (x: Uint32Array, y: Uint32Array, width: number, limbs: number): Uint32Array[] => {
  if (limbs === 1) return [multiplyRing(x, y)]
  const factors = bigsOf(y)
  const whole = bigsOf(x).map((value, i) => value * factors[i]!)
  const mask = (1n << BigInt(width)) - 1n
  return Array.from({ length: limbs }, (_, limb) =>
    fromBig(whole.map((value) => (value >> BigInt(width * limb)) & mask)),
  )
}

const bigsOf = (values: Uint32Array): bigint[] =>
  Array.from({ length: values.length / 2 }, (_, i) => (BigInt(values[2 * i + 1]!) << 32n) | BigInt(values[2 * i]!))

const fromBig = (values: readonly bigint[]): Uint32Array => {
  const out = new Uint32Array(2 * values.length)
  for (const [i, value] of values.entries()) {
    out[2 * i] = Number(value & 0xffff_ffffn)
    out[2 * i + 1] = Number(value >> 32n)
  }
  return out
}

/** Numbers modulo 2^(32 words), each as so many words. */
export const wordsOf = (values: readonly bigint[], words: number): Uint32Array =>
  Uint32Array.from(
    values.flatMap((value) =>
      Array.from({ length: words }, (_, i) => Number((value >> BigInt(32 * i)) & 0xffff_ffffn)),
    ),
  )

/** Words to a number. */
export const bigOf = (words: Uint32Array): bigint => words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n)

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
