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

interface Pair {
  readonly x: Words
  readonly y: Words
  /** Words from one element to the next: 0 of one that counts for all. */
  readonly stepX: number
  readonly stepY: number
  readonly out: Uint32Array
}

const paired = (limbs: number, x: Words, y: Words): Pair => {
  const length = limbs * pairLength(x.length / limbs, y.length / limbs)
  const stepX = x.length === length ? limbs : 0
  const stepY = y.length === length ? limbs : 0
  return { x, y, stepX, stepY, out: new Uint32Array(length) }
}

const add64 = ({ x, y, stepX, stepY, out }: Pair): void => {
  for (let i = 0, a = 0, b = 0; i < out.length; i += 2, a += stepX, b += stepY) {
    const left = x[a]!
    const low = (left + y[b]!) >>> 0
    out[i] = low
    out[i + 1] = (x[a + 1]! + y[b + 1]! + (low < left ? 1 : 0)) | 0
  }
}

const subtract64 = ({ x, y, stepX, stepY, out }: Pair): void => {
  for (let i = 0, a = 0, b = 0; i < out.length; i += 2, a += stepX, b += stepY) {
    const left = x[a]!
    const low = (left - y[b]!) >>> 0
    out[i] = low
    out[i + 1] = (x[a + 1]! - y[b + 1]! - (low > left ? 1 : 0)) | 0
  }
}

const add128 = ({ x, y, stepX, stepY, out }: Pair): void => {
  for (let i = 0, a = 0, b = 0; i < out.length; i += 4, a += stepX, b += stepY) {
    const s0 = x[a]! + y[b]!
    const s1 = x[a + 1]! + y[b + 1]! + (s0 > 0xffffffff ? 1 : 0)
    const s2 = x[a + 2]! + y[b + 2]! + (s1 > 0xffffffff ? 1 : 0)
    const s3 = x[a + 3]! + y[b + 3]! + (s2 > 0xffffffff ? 1 : 0)
    out[i] = s0
    out[i + 1] = s1
    out[i + 2] = s2
    out[i + 3] = s3
  }
}

const subtract128 = ({ x, y, stepX, stepY, out }: Pair): void => {
  for (let i = 0, a = 0, b = 0; i < out.length; i += 4, a += stepX, b += stepY) {
    const d0 = x[a]! - y[b]!
    const d1 = x[a + 1]! - y[b + 1]! - (d0 < 0 ? 1 : 0)
    const d2 = x[a + 2]! - y[b + 2]! - (d1 < 0 ? 1 : 0)
    const d3 = x[a + 3]! - y[b + 3]! - (d2 < 0 ? 1 : 0)
    out[i] = d0
    out[i + 1] = d1
    out[i + 2] = d2
    out[i + 3] = d3
  }
}

/** x + y. Broadcasts a single element. */
export const addWords = (ring: Ring, x: Words, y: Words): Words => {
  const pair = paired(limbsOf(ring), x, y)
  if (ring === 64) add64(pair)
  else add128(pair)
  return pair.out
}

/** x - y. Broadcasts a single element. */
export const subtractWords = (ring: Ring, x: Words, y: Words): Words => {
  const pair = paired(limbsOf(ring), x, y)
  if (ring === 64) subtract64(pair)
  else subtract128(pair)
  return pair.out
}

/** target -= y, of one length. */
export const subtractFrom = (ring: Ring, target: Words, y: Words): void => {
  const step = limbsOf(ring)
  const pair: Pair = { x: target, y, stepX: step, stepY: step, out: target }
  if (ring === 64) subtract64(pair)
  else subtract128(pair)
}

export const negateWords = (ring: Ring, x: Words): Words =>
  subtractWords(ring, new Uint32Array(limbsOf(ring)), x).subarray(0, x.length)

/** By columns of 16 bits, limbs times digits of 16 bits: sums of at most 4 products and a carry are exact in doubles. */
const multiply64 = ({ x, y, stepX, stepY, out }: Pair): void => {
  const down = 2 ** -16
  for (let i = 0, a = 0, b = 0; i < out.length; i += 2, a += stepX, b += stepY) {
    const x0 = x[a]!
    const x1 = x[a + 1]!
    const q0 = y[b]! & 0xffff
    const q1 = y[b]! >>> 16
    const q2 = y[b + 1]! & 0xffff
    const q3 = y[b + 1]! >>> 16
    const s0 = x0 * q0
    const s1 = x0 * q1 + Math.floor(s0 * down)
    const s2 = x0 * q2 + x1 * q0 + Math.floor(s1 * down)
    const s3 = x0 * q3 + x1 * q1 + Math.floor(s2 * down)
    out[i] = (s0 & 0xffff) | (s1 << 16)
    out[i + 1] = (s2 & 0xffff) | (s3 << 16)
  }
}

/** The same. */
const multiply128 = ({ x, y, stepX, stepY, out }: Pair): void => {
  const down = 2 ** -16
  for (let i = 0, a = 0, b = 0; i < out.length; i += 4, a += stepX, b += stepY) {
    const x0 = x[a]!
    const x1 = x[a + 1]!
    const x2 = x[a + 2]!
    const x3 = x[a + 3]!
    const q0 = y[b]! & 0xffff
    const q1 = y[b]! >>> 16
    const q2 = y[b + 1]! & 0xffff
    const q3 = y[b + 1]! >>> 16
    const q4 = y[b + 2]! & 0xffff
    const q5 = y[b + 2]! >>> 16
    const q6 = y[b + 3]! & 0xffff
    const q7 = y[b + 3]! >>> 16
    const s0 = x0 * q0
    const s1 = x0 * q1 + Math.floor(s0 * down)
    const s2 = x0 * q2 + x1 * q0 + Math.floor(s1 * down)
    const s3 = x0 * q3 + x1 * q1 + Math.floor(s2 * down)
    const s4 = x0 * q4 + x1 * q2 + x2 * q0 + Math.floor(s3 * down)
    const s5 = x0 * q5 + x1 * q3 + x2 * q1 + Math.floor(s4 * down)
    const s6 = x0 * q6 + x1 * q4 + x2 * q2 + x3 * q0 + Math.floor(s5 * down)
    const s7 = x0 * q7 + x1 * q5 + x2 * q3 + x3 * q1 + Math.floor(s6 * down)
    out[i] = (s0 & 0xffff) | (s1 << 16)
    out[i + 1] = (s2 & 0xffff) | (s3 << 16)
    out[i + 2] = (s4 & 0xffff) | (s5 << 16)
    out[i + 3] = (s6 & 0xffff) | (s7 << 16)
  }
}

/** x · y mod 2^ring. Broadcasts a single element. */
export const multiplyWords = (ring: Ring, x: Words, y: Words): Words => {
  const pair = paired(limbsOf(ring), x, y)
  if (ring === 64) multiply64(pair)
  else multiply128(pair)
  return pair.out
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
