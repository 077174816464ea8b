/**
 * The field of p = 2^61 - 1: elements below p as two little-endian limbs of 32 bits. No branch and no address depends on a
 * value, the reference's bigints apart.
 */
import { TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'

export const prime61 = 2n ** 61n - 1n

export interface CombineInput {
  /** Vectors of one length, one after the other. */
  readonly vectors: Uint32Array
  /** An element for each; public. */
  readonly factors: Uint32Array
}
export interface MultiplyInput {
  readonly x: Uint32Array
  readonly y: Uint32Array
}
export interface DotsInput {
  /** Rows of `inner` elements each. */
  readonly x: Uint32Array
  readonly y: Uint32Array
  readonly inner: number
}

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

export function checkMultiply(input: MultiplyInput): MultiplyInput {
  const { x, y } = input
  if (x.length === y.length && x.length % 2 === 0) return input
  throw misuse(`expected elements of one count, found ${x.length} and ${y.length} words`)
}
export function checkCombine(input: CombineInput): CombineInput {
  const { vectors, factors } = input
  const whole = factors.length % 2 === 0 && factors.length > 0 && vectors.length % factors.length === 0
  if (whole) return input
  throw misuse(`expected a factor for each vector, found ${factors.length} and ${vectors.length} words`)
}
export function checkDots(input: DotsInput): DotsInput {
  const { x, y, inner } = input
  const whole = Number.isInteger(inner) && inner > 0 && x.length % (2 * inner) === 0 && y.length % (2 * inner) === 0
  if (whole) return input
  throw misuse(`expected rows of ${inner} elements, found ${x.length} and ${y.length} words`)
}

const elements = (words: Uint32Array): bigint[] =>
  Array.from({ length: words.length / 2 }, (_, i) => BigInt(words[2 * i]!) | (BigInt(words[2 * i + 1]!) << 32n))
const wordsOf = (values: readonly bigint[]): Uint32Array => {
  const out = new Uint32Array(2 * values.length)
  values.forEach((value, i) => {
    const rest = value % prime61
    out[2 * i] = Number(rest & 0xffffffffn)
    out[2 * i + 1] = Number(rest >> 32n)
  })
  return out
}

/** x y, element by element. */
export const multiply: Kernel<MultiplyInput, Uint32Array> = {
  name: 'field61/multiply',
  run(input) {
    const { x, y } = checkMultiply(input)
    const right = elements(y)
    return wordsOf(elements(x).map((value, i) => value * right[i]!))
  },
}

/** The sum of factor k times vector k. */
export const combine: Kernel<CombineInput, Uint32Array> = {
  name: 'field61/combine',
  run(input) {
    const { vectors, factors } = checkCombine(input)
    const [all, weights] = [elements(vectors), elements(factors)]
    const length = all.length / weights.length
    return wordsOf(
      Array.from({ length }, (_, i) => weights.reduce((sum, weight, k) => sum + weight * all[k * length + i]!, 0n)),
    )
  },
}

/** Element (r, c) is the sum of the products of row r of x and row c of y. */
export const dots: Kernel<DotsInput, Uint32Array> = {
  name: 'field61/dots',
  run(input) {
    const { x, y, inner } = checkDots(input)
    const [left, right] = [elements(x), elements(y)]
    const out: bigint[] = []
    for (let r = 0; r < left.length; r += inner) {
      for (let c = 0; c < right.length; c += inner) {
        let sum = 0n
        for (let k = 0; k < inner; k++) sum += left[r + k]! * right[c + k]!
        out.push(sum)
      }
    }
    return wordsOf(out)
  },
}
