/**
 * AES-128 encryption (FIPS 197). Bit i of byte k of a block or key is wire 8k + i: rows of bytes as they stand. The key
 * schedule is in the circuit: 200 S-boxes, 6,400 AND gates for size (60 deep), 6,800 for depth (40 deep).
 */
import { constant, xor, type Aim } from './arithmetic.ts'
import { zero, type Builder, type Word } from '../builder.ts'
import { substitute } from './sbox.ts'

const rounds = 10

const bytesOf = (word: Word): Word[] => Array.from({ length: word.length / 8 }, (_, k) => word.slice(8 * k, 8 * k + 8))

/** Times x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
const double = (b: Builder, byte: Word): Word =>
  [zero, ...byte.slice(0, 7)].map((bit, i) => ([0, 1, 3, 4].includes(i) ? b.xor(bit, byte[7]!) : bit))

/** Section 5.2: eleven round keys of sixteen bytes. */
const expandKey = (b: Builder, key: readonly Word[], aim: Aim): Word[][] => {
  const keys = [[...key]]
  for (let round = 1, constantByte = 1n; round <= rounds; round++) {
    const last = keys[round - 1]!
    const next: Word[] = []
    for (let k = 0; k < 16; k++) {
      const above = k < 4 ? substitute(b, last[12 + ((k + 1) % 4)]!, aim) : next[k - 4]!
      next.push(xor(b, last[k]!, k === 0 ? xor(b, above, constant(constantByte, 8)) : above))
    }
    keys.push(next)
    constantByte = (constantByte << 1n) ^ (constantByte >= 128n ? 0x11bn : 0n)
  }
  return keys
}

const shiftRows = (state: readonly Word[]): Word[] => state.map((_, k) => state[(k + 4 * (k % 4)) % 16]!)

const mixColumns = (b: Builder, state: readonly Word[]): Word[] =>
  state.map((own, k) => {
    const [next, second, third] = [1, 2, 3].map((step) => state[(k & 12) + ((k + step) % 4)]!) as [Word, Word, Word]
    return xor(b, xor(b, double(b, xor(b, own, next)), next), xor(b, second, third))
  })

/** Section 5.1. `key` and `block` are words of 128 bits. */
export const aes128 = (b: Builder, key: Word, block: Word, aim: Aim): Word => {
  const keys = expandKey(b, bytesOf(key), aim)
  const addKey = (state: readonly Word[], round: number): Word[] =>
    state.map((byte, k) => xor(b, byte, keys[round]![k]!))
  let state = addKey(bytesOf(block), 0)
  for (let round = 1; round <= rounds; round++) {
    const moved = shiftRows(state.map((byte) => substitute(b, byte, aim)))
    state = addKey(round < rounds ? mixColumns(b, moved) : moved, round)
  }
  return state.flat()
}
