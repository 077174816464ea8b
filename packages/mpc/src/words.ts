/**
 * Public vectors over Z_2^64 and Z_2^128 in limbs of 32 bits, least first. Sums and products are by limbs: arithmetic
 * on `BigUint64Array` is twenty times slower. No branch or address depends on a value.
 */
import { TallyError } from '@tallystick/core'
import type { Ring, Words } from './backend.ts'

/** The least whole n with |x| < 2^n. By halving: logarithms may differ in the last place from engine to engine. */
export const bitLength = (x: number): number => {
  let [rest, n] = [Math.abs(x), 0]
  for (; rest >= 1; n++) rest /= 2
  for (; rest > 0 && rest < 0.5; n--) rest *= 2
  return n
}

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

export const limbsOf = (ring: Ring): number => ring / 32

/** Elements of the result of a pair of vectors, one of which may have a single element. */
export const pairLength = (x: number, y: number): number => {
  if (x !== y && x !== 1 && y !== 1) throw misuse(`expected vectors of one length, found ${x} and ${y}`)
  return x === 1 ? y : x
}

/** The ring of both factors: words of two rings would be multiplied without an error, to a wrong product. */
export const oneRing = <R extends Ring>(x: R, y: R): R => {
  if (x !== y) throw misuse(`expected factors of one ring, found ${x} and ${y} bits`)
  return x
}

/** x + y, or x - y as x + ~y + 1: `sign` is 1 or -1. Broadcasts a single element. */
const combine = (limbs: number, x: Words, y: Words, sign: 1 | -1): Words => {
  const length = limbs * pairLength(x.length / limbs, y.length / limbs)
  const out = new Uint32Array(length)
  const stepX = x.length === length ? limbs : 0
  const stepY = y.length === length ? limbs : 0
  const flip = sign === 1 ? 0 : -1
  if (limbs === 2) {
    for (let i = 0, a = 0, b = 0; i < length; i += 2, a += stepX, b += stepY) {
      const left = x[a]!
      const right = y[b]!
      const low = (left + (right ^ flip) - flip) >>> 0
      out[i] = low
      const carry = sign === 1 ? +(low < left) : +(left >= right)
      out[i + 1] = (x[a + 1]! + (y[b + 1]! ^ flip) + carry) | 0
    }
    return out
  }
  for (let i = 0, a = 0, b = 0; i < length; i += limbs, a += stepX, b += stepY) {
    let carry = -flip
    for (let k = 0; k < limbs; k++) {
      const sum = x[a + k]! + ((y[b + k]! ^ flip) >>> 0) + carry
      out[i + k] = sum
      carry = +(sum > 0xffffffff)
    }
  }
  return out
}

export const addWords = (ring: Ring, x: Words, y: Words): Words => combine(limbsOf(ring), x, y, 1)
export const subtractWords = (ring: Ring, x: Words, y: Words): Words => combine(limbsOf(ring), x, y, -1)
export const negateWords = (ring: Ring, x: Words): Words =>
  combine(limbsOf(ring), new Uint32Array(limbsOf(ring)), x, -1).subarray(0, x.length)

/** x · y mod 2^ring by digits of 16 bits. Broadcasts a single element. */
export const multiplyWords = (ring: Ring, x: Words, y: Words): Words => {
  const limbs = limbsOf(ring)
  const length = limbs * pairLength(x.length / limbs, y.length / limbs)
  const out = new Uint32Array(length)
  const stepX = x.length === length ? limbs : 0
  const stepY = y.length === length ? limbs : 0
  if (limbs === 2) {
    for (let i = 0, a = 0, b = 0; i < length; i += 2, a += stepX, b += stepY) {
      const [p, q] = [x[a]!, y[b]!]
      const [p0, p1, q0, q1] = [p & 0xffff, p >>> 16, q & 0xffff, q >>> 16]
      const low = Math.imul(p0, q0)
      const middle = Math.imul(p1, q0) + (low >>> 16)
      const cross = Math.imul(p0, q1) + (middle & 0xffff)
      out[i] = (cross << 16) | (low & 0xffff)
      out[i + 1] =
        Math.imul(p1, q1) + (middle >>> 16) + (cross >>> 16) + Math.imul(p, y[b + 1]!) + Math.imul(x[a + 1]!, q)
    }
    return out
  }
  const digits = 2 * limbs
  const digit = (v: Words, at: number, k: number): number => (v[at + (k >> 1)]! >>> (16 * (k & 1))) & 0xffff
  for (let i = 0, a = 0, b = 0; i < length; i += limbs, a += stepX, b += stepY) {
    let carry = 0
    for (let k = 0; k < digits; k++) {
      let sum = carry
      for (let j = 0; j <= k; j++) sum += digit(x, a, j) * digit(y, b, k - j)
      out[i + (k >> 1)]! |= (sum & 0xffff) << (16 * (k & 1))
      carry = Math.floor(sum / 0x10000)
    }
  }
  return out
}

/** The sum of `count` vectors of one length, one after the other in x. */
export const foldWords = (ring: Ring, x: Words, count: number): Words => {
  const size = x.length / count
  let sum = x.subarray(0, size)
  for (let k = 1; k < count; k++) sum = addWords(ring, sum, x.subarray(size * k, size * (k + 1)))
  return sum
}

/** The sum of factor k times the k-th of as many vectors of one length, one after the other in x. */
export const weighWords = (ring: Ring, x: Words, factors: Words): Words => {
  const limbs = limbsOf(ring)
  const count = factors.length / limbs
  const size = x.length / count
  if (limbs !== 2) {
    return Array.from({ length: count }, (_, k) => {
      const factor = factors.subarray(limbs * k, limbs * (k + 1))
      return multiplyWords(ring, x.subarray(size * k, size * (k + 1)), factor)
    }).reduce((sum, part) => addWords(ring, sum, part))
  }
  const out = new Uint32Array(size)
  for (let k = 0; k < count; k++) {
    const [q, high] = [factors[2 * k]!, factors[2 * k + 1]!]
    const [q0, q1] = [q & 0xffff, q >>> 16]
    for (let i = 0, a = size * k; i < size; i += 2, a += 2) {
      const p = x[a]!
      const [p0, p1] = [p & 0xffff, p >>> 16]
      const low = Math.imul(p0, q0)
      const middle = Math.imul(p1, q0) + (low >>> 16)
      const cross = Math.imul(p0, q1) + (middle & 0xffff)
      const product = ((cross << 16) | (low & 0xffff)) >>> 0
      const sum = (out[i]! + product) >>> 0
      const top = Math.imul(p1, q1) + (middle >>> 16) + (cross >>> 16) + Math.imul(p, high) + Math.imul(x[a + 1]!, q)
      out[i] = sum
      out[i + 1] = (out[i + 1]! + top + (sum < product ? 1 : 0)) | 0
    }
  }
  return out
}

/** ⌊x / 2^by⌋ of unsigned elements, or of two's complement where `signed`; 0 <= by < ring. */
export const shiftRightWords = (ring: Ring, x: Words, by: number, signed = false): Words => {
  const limbs = limbsOf(ring)
  const [whole, part] = [by >>> 5, by & 31]
  const out = new Uint32Array(x.length)
  for (let i = 0; i < x.length; i += limbs) {
    const fill = signed ? (x[i + limbs - 1]! | 0) >> 31 : 0
    for (let k = 0; k < limbs; k++) {
      const low = k + whole < limbs ? x[i + k + whole]! : fill
      const high = k + whole + 1 < limbs ? x[i + k + whole + 1]! : fill
      out[i + k] = part === 0 ? low : (low >>> part) | (high << (32 - part))
    }
  }
  return out
}

/** x · 2^by. */
export const shiftLeftWords = (ring: Ring, x: Words, by: number): Words => {
  const limbs = limbsOf(ring)
  const [whole, part] = [by >>> 5, by & 31]
  const out = new Uint32Array(x.length)
  for (let i = 0; i < x.length; i += limbs) {
    for (let k = whole; k < limbs; k++) {
      const high = x[i + k - whole]!
      const low = k - whole - 1 >= 0 ? x[i + k - whole - 1]! : 0
      out[i + k] = part === 0 ? high : (high << part) | (low >>> (32 - part))
    }
  }
  return out
}

/** 2^exponent as one element. */
export const powerOfTwo = (ring: Ring, exponent: number): Words => {
  const out = new Uint32Array(limbsOf(ring))
  if (exponent < ring) out[exponent >>> 5] = 1 << (exponent & 31)
  return out
}

/** Element i is x[index[i]]. */
export const gatherWords = (ring: Ring, x: Words, index: Uint32Array): Words => {
  const limbs = limbsOf(ring)
  const out = new Uint32Array(limbs * index.length)
  for (let i = 0, to = 0; i < index.length; i++) {
    const from = limbs * index[i]!
    for (let k = 0; k < limbs; k++) out[to++] = x[from + k]!
  }
  return out
}

/** Sums of runs of `every` elements; with `running`, every partial sum of the one run instead. */
const accumulate = (ring: Ring, x: Words, every: number, running: boolean): Words => {
  const limbs = limbsOf(ring)
  const runs = x.length / limbs / every
  const out = new Uint32Array(running ? x.length : limbs * runs)
  const total = new Uint32Array(limbs)
  for (let run = 0, i = 0; run < runs; run++) {
    total.fill(0)
    for (let j = 0; j < every; j++, i += limbs) {
      let carry = 0
      for (let k = 0; k < limbs; k++) {
        const sum = total[k]! + x[i + k]! + carry
        total[k] = sum
        carry = +(sum > 0xffffffff)
      }
      if (running) out.set(total, i)
    }
    if (!running) out.set(total, limbs * run)
  }
  return out
}

export const sumWords = (ring: Ring, x: Words, every: number): Words => accumulate(ring, x, every, false)
export const prefixSumWords = (ring: Ring, x: Words): Words =>
  x.length === 0 ? x : accumulate(ring, x, x.length / limbsOf(ring), true)

export const concatWords = (parts: readonly Words[]): Words => {
  const out = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Whole numbers (safe integers, or bigint where they are larger) as two's complement. */
export const wordsOfIntegers = (ring: Ring, values: ArrayLike<number | bigint>): Words => {
  const limbs = limbsOf(ring)
  const out = new Uint32Array(limbs * values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (typeof value === 'bigint') {
      for (let k = 0; k < limbs; k++) out[limbs * i + k] = Number(BigInt.asUintN(32, value >> BigInt(32 * k)))
      continue
    }
    if (!Number.isSafeInteger(value)) throw misuse('expected whole numbers below 2^53')
    out[limbs * i] = value
    out[limbs * i + 1] = Math.floor(value / 2 ** 32)
    for (let k = 2; k < limbs; k++) out[limbs * i + k] = value < 0 ? -1 : 0
  }
  return out
}

/** Two's complement as bigint: exact, slow, for outputs and tests. */
export const integersOfWords = (ring: Ring, words: Words): bigint[] => {
  const limbs = limbsOf(ring)
  return Array.from({ length: words.length / limbs }, (_, i) => {
    let value = 0n
    for (let k = limbs - 1; k >= 0; k--) value = (value << 32n) | BigInt(words[limbs * i + k]!)
    return BigInt.asIntN(ring, value)
  })
}

/** round(value · 2^fraction), ties away from zero: |value · 2^fraction| < 2^53 is exact, above it as exact as a double. */
export const wordsOfNumbers = (ring: Ring, values: ArrayLike<number>, fraction: number): Words => {
  const out = new Uint32Array(limbsOf(ring) * values.length)
  const limbs = limbsOf(ring)
  for (let i = 0; i < values.length; i++) {
    const scaled = values[i]! * 2 ** fraction
    if (!Number.isFinite(scaled) || Math.abs(scaled) >= 2 ** (ring - 1)) {
      throw misuse(`expected finite numbers that fit ${ring} bits with ${fraction} after the point`)
    }
    const size = Math.abs(scaled)
    const floor = Math.floor(size)
    let rest = Math.sign(scaled) * (size - floor >= 0.5 ? floor + 1 : floor)
    for (let k = 0; k < limbs; k++) {
      const next = Math.floor(rest / 2 ** 32)
      out[limbs * i + k] = rest - next * 2 ** 32
      rest = next
    }
  }
  return out
}

/** Two's complement / 2^fraction as doubles. */
export const numbersOfWords = (ring: Ring, words: Words, fraction: number): Float64Array => {
  const limbs = limbsOf(ring)
  const out = new Float64Array(words.length / limbs)
  for (let i = 0; i < out.length; i++) {
    const negative = words[limbs * i + limbs - 1]! >>> 31 === 1
    // Of the magnitude, so that small negative numbers do not cancel.
    let [value, carry] = [0, 1]
    for (let k = 0; k < limbs; k++) {
      const limb = words[limbs * i + k]!
      const digit = negative ? (~limb >>> 0) + carry : limb
      carry = negative && digit > 0xffffffff ? 1 : 0
      value += (digit % 2 ** 32) * 2 ** (32 * k - fraction)
    }
    out[i] = negative ? -value : value
  }
  return out
}
