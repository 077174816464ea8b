/** Blocks of 16 bytes and vectors of bits, flat. Bit i of a vector is bit i mod 8 of byte i div 8. */
import { invariant } from '@tallystick/core'

export const blockBytes = 16

/** The 32-bit words of bytes that start anywhere: a view where that can be, else a copy. */
export const wordsOf = (bytes: Uint8Array): Uint32Array =>
  bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
    : new Uint32Array(bytes.slice().buffer)

/** target ^= source; whole words, target on a word boundary. */
export const addInto = (target: Uint8Array, source: Uint8Array): void => {
  invariant(target.length === source.length && target.byteOffset % 4 === 0, 'sums are of equal, aligned vectors')
  const a = wordsOf(target)
  const b = wordsOf(source)
  for (let i = 0; i < a.length; i++) a[i]! ^= b[i]!
}

/** a ^ b, of whole words. */
export const sumOf = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = a.slice()
  addInto(out, b)
  return out
}

export const bitAt = (bits: Uint8Array, i: number): number => (bits[i >> 3]! >> (i & 7)) & 1

/** Every row plus the same block. */
export const shifted = (rows: Uint8Array, block: Uint8Array): Uint8Array => {
  const out = rows.slice()
  const words = wordsOf(out)
  const [w0, w1, w2, w3] = wordsOf(block.slice())
  for (let i = 0; i < words.length; i += 4) {
    words[i]! ^= w0!
    words[i + 1]! ^= w1!
    words[i + 2]! ^= w2!
    words[i + 3]! ^= w3!
  }
  return out
}

/** Row i of `zero` or of `one`, by bit i of the choices; no branch on them. */
export const chosen = (zero: Uint8Array, one: Uint8Array, choices: Uint8Array): Uint8Array => {
  const out = zero.slice()
  const words = wordsOf(out)
  const other = wordsOf(one)
  for (let i = 0; i < words.length; i++) words[i]! ^= -bitAt(choices, i >> 2) & (words[i]! ^ other[i]!)
  return out
}
