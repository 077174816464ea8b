/** References over bigint: the oracle, not for speed. */
import { expand } from '../bits/reference.ts'
import type { CrossTermsInput, MatrixProductInput } from './kernels.ts'

const elements = (words: Uint32Array, ring: number): bigint[] => {
  const limbs = ring / 32
  return Array.from({ length: words.length / limbs }, (_, i) => {
    let value = 0n
    for (let k = limbs - 1; k >= 0; k--) value = (value << 32n) | BigInt(words[limbs * i + k]!)
    return value
  })
}

const wordsOf = (values: readonly bigint[], ring: number): Uint32Array => {
  const limbs = ring / 32
  const out = new Uint32Array(limbs * values.length)
  values.forEach((value, i) => {
    for (let k = 0; k < limbs; k++) out[limbs * i + k] = Number(BigInt.asUintN(32, value >> BigInt(32 * k)))
  })
  return out
}

export function crossTerms(input: CrossTermsInput, ring: number): Uint32Array {
  const words = input.x0.length
  const streams = [input.ownKey, input.nextKey].map((key) => expand({ key, at: input.at, words }))
  const parts = [input.x0, input.x1, input.y0, input.y1, ...streams].map((part) => elements(part, ring))
  const [x0, x1, y0, y1, own, next] = parts as [bigint[], bigint[], bigint[], bigint[], bigint[], bigint[]]
  const terms = x0.map((x, i) => x * (y0[i]! + y1[i]!) + x1[i]! * y0[i]! + own[i]! - next[i]!)
  return wordsOf(terms, ring)
}

export function matrixProduct(input: MatrixProductInput, ring: number): Uint32Array {
  const { rows, inner, columns, transposed } = input
  const parts = [input.x0, input.x1, input.y0, input.y1].map((part) => elements(part, ring))
  const [x0, x1, y0, y1] = parts as [bigint[], bigint[], bigint[], bigint[]]
  const out: bigint[] = []
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0n
      for (let k = 0; k < inner; k++) {
        const [left, right] = [row * inner + k, transposed ? column * inner + k : k * columns + column]
        sum += x0[left]! * (y0[right]! + y1[right]!) + x1[left]! * y0[right]!
      }
      out.push(sum)
    }
  }
  return wordsOf(out, ring)
}
