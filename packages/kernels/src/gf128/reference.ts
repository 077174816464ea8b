/** References on BigInt: not constant-time. */
import type { EvaluateInput, PairsInput, ScaleInput } from './kernels.ts'

const decode = (bytes: Uint8Array, at: number): bigint => {
  let value = 0n
  for (let k = 15; k >= 0; k--) value = (value << 8n) | BigInt(bytes[at + k]!)
  return value
}

const encode = (value: bigint, out: Uint8Array, at: number): void => {
  for (let k = 0; k < 16; k++) out[at + k] = Number((value >> BigInt(8 * k)) & 255n)
}

/** Bit by bit, with the modulus taken off at each step. */
export function product(a: bigint, b: bigint): bigint {
  let sum = 0n
  for (let shifted = a, rest = b; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum ^= shifted
    shifted <<= 1n
    if (shifted >> 128n) shifted ^= (1n << 128n) | 0x87n
  }
  return sum
}

const mapped = (length: number, value: (at: number) => bigint): Uint8Array => {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += 16) encode(value(at), out, at)
  return out
}

export function scale({ factor, elements }: ScaleInput): Uint8Array {
  const by = decode(factor, 0)
  return mapped(elements.length, (at) => product(decode(elements, at), by))
}

export const multiply = ({ left, right }: PairsInput): Uint8Array =>
  mapped(left.length, (at) => product(decode(left, at), decode(right, at)))

export function inner({ left, right }: PairsInput): Uint8Array {
  let sum = 0n
  for (let at = 0; at < left.length; at += 16) sum ^= product(decode(left, at), decode(right, at))
  return mapped(16, () => sum)
}

export function evaluate({ point, elements, polynomials }: EvaluateInput): Uint8Array {
  const by = decode(point, 0)
  const length = elements.length / polynomials
  return mapped(16 * polynomials, (row) => {
    const from = (row / 16) * length
    let sum = 0n
    for (let at = from + length - 16; at >= from; at -= 16) sum = product(sum, by) ^ decode(elements, at)
    return sum
  })
}
