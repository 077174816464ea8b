/** Public arithmetic modulo 2^61 - 1: what is small goes by bigint, vectors by halves of 32 bits. */
import { prime61 } from '@tallystick/kernels'
import { TallyError } from '@tallystick/core'
import { pairLength } from '../words.ts'

export { prime61 }

const modulo = (value: bigint): bigint => ((value % prime61) + prime61) % prime61

const elementsOf = (values: readonly bigint[]): Uint32Array => {
  const out = new Uint32Array(2 * values.length)
  values.forEach((value, i) => {
    out[2 * i] = Number(value & 0xffffffffn)
    out[2 * i + 1] = Number(value >> 32n)
  })
  return out
}

/**
 * Whole numbers as elements, negative ones as their complement: they come back from `integersOfField`.
 * @throws TallyError api/misuse for numbers of 2^60 or more in magnitude, and for doubles of 2^53 or more
 */
export const fieldOfIntegers = (values: ArrayLike<number | bigint>): Uint32Array =>
  elementsOf(
    Array.from(values, (value) => {
      if (typeof value === 'number' && !Number.isSafeInteger(value)) {
        throw new TallyError('api/misuse', 'self', 'expected whole numbers below 2^53')
      }
      const whole = BigInt(value)
      if (whole > prime61 / 2n || whole < -(prime61 / 2n)) {
        throw new TallyError(
          'api/misuse',
          'self',
          'expected whole numbers below 2^60, found one that would wrap around',
        )
      }
      return modulo(whole)
    }),
  )

/** Elements as the whole numbers next to 0: from -(p - 1)/2 to (p - 1)/2. */
export const integersOfField = (words: Uint32Array): bigint[] =>
  Array.from({ length: words.length / 2 }, (_, i) => {
    const value = BigInt(words[2 * i]!) | (BigInt(words[2 * i + 1]!) << 32n)
    return value > prime61 / 2n ? value - prime61 : value
  })

const top = 0x1fffffff

/** Of numbers below 2p in halves, written at `to`. No branch depends on them. */
const place = (out: Uint32Array, to: number, low: number, high: number): void => {
  // Bit 61 is 1, and p itself 0.
  const fold = high >>> 29
  let rest = (high & top) >>> 0
  let sum = low + fold
  rest += sum > 0xffffffff ? 1 : 0
  sum >>>= 0
  const whole = +(rest === top) & +(sum === 0xffffffff)
  out[to] = sum & (whole - 1)
  out[to + 1] = rest & (whole - 1)
}

/** x + y; one side may have a single element. */
export const addField = (x: Uint32Array, y: Uint32Array): Uint32Array => {
  const length = 2 * pairLength(x.length / 2, y.length / 2)
  const out = new Uint32Array(length)
  const [stepX, stepY] = [x.length === length ? 2 : 0, y.length === length ? 2 : 0]
  for (let i = 0, a = 0, b = 0; i < length; i += 2, a += stepX, b += stepY) {
    const low = x[a]! + y[b]!
    place(out, i, low >>> 0, x[a + 1]! + y[b + 1]! + (low > 0xffffffff ? 1 : 0))
  }
  return out
}

/** p - x, of x = 0 again 0: the complement of 61 bits. */
export const negateField = (x: Uint32Array): Uint32Array => {
  const out = new Uint32Array(x.length)
  for (let i = 0; i < x.length; i += 2) place(out, i, ~x[i]! >>> 0, (~x[i + 1]! & top) >>> 0)
  return out
}

export const subtractField = (x: Uint32Array, y: Uint32Array): Uint32Array => addField(x, negateField(y))

/** Elements of a key stream: 61 bits each. 0 comes twice as often as every other, 2^-61 from uniform. */
export const elementsOfStream = (words: Uint32Array): Uint32Array => {
  const out = new Uint32Array(words.length)
  for (let i = 0; i < words.length; i += 2) place(out, i, words[i]!, words[i + 1]! & top)
  return out
}

const inverse = (value: bigint): bigint => {
  let [result, base, exponent] = [1n, modulo(value), prime61 - 2n]
  for (; exponent > 0n; exponent >>= 1n, base = (base * base) % prime61) {
    if ((exponent & 1n) === 1n) result = (result * base) % prime61
  }
  return result
}

/** Factors of the values at `points` whose sum is the polynomial's value at `at`: Lagrange. */
export const lagrange = (points: readonly number[], at: number): Uint32Array =>
  elementsOf(
    points.map((point) => {
      let [above, below] = [1n, 1n]
      for (const other of points) {
        if (other === point) continue
        above = modulo(above * BigInt(at - other))
        below = modulo(below * BigInt(point - other))
      }
      return modulo(above * inverse(below))
    }),
  )
