/** SHA-256 (FIPS 180-4). Bit i of byte k of states, blocks and messages is wire 8k + i: rows of bytes as they stand. */
import { constant, sumOf, xor, type Aim } from './arithmetic.ts'
import { misuse } from '../circuit.ts'
import type { Builder, Word } from '../builder.ts'

const primes = (count: number): number[] => {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n)
  return found
}

/** ⌊√(n·2^64)⌋ or ⌊∛(n·2^96)⌋ mod 2^32: the first 32 bits of the fraction of a root of a prime (sections 4.2.2, 5.3.3). */
const rootFraction = (n: number, degree: bigint): bigint => {
  const target = BigInt(n) << (32n * degree)
  let root = 0n
  for (let bit = 40n; bit >= 0n; bit--) {
    const trial = root | (1n << bit)
    if (trial ** degree <= target) root = trial
  }
  return root & 0xffffffffn
}

const roundConstants = primes(64).map((p) => rootFraction(p, 3n))
const initialState = primes(8).map((p) => rootFraction(p, 2n))

/** Big-endian words of 32 bits, each least significant bit first, from bytes; the same back. */
const wordsOf = (bits: Word): Word[] =>
  Array.from({ length: bits.length / 32 }, (_, j) =>
    [3, 2, 1, 0].flatMap((byte) => bits.slice(32 * j + 8 * byte, 32 * j + 8 * byte + 8)),
  )
const bytesOf = (words: readonly Word[]): Word =>
  words.flatMap((word) => [3, 2, 1, 0].flatMap((byte) => word.slice(8 * byte, 8 * byte + 8)))

const rotate = (word: Word, by: number): Word => [...word.slice(by), ...word.slice(0, by)]
const shiftRight = (word: Word, by: number): Word => [...word.slice(by), ...constant(0n, by)]

const xor3 = (b: Builder, x: Word, y: Word, z: Word): Word => xor(b, xor(b, x, y), z)
/** (x ∧ y) ⊕ (¬x ∧ z), one AND gate a bit. */
const choose = (b: Builder, x: Word, y: Word, z: Word): Word => x.map((bit, i) => b.mux(bit, y[i]!, z[i]!))
/** (x ∧ y) ⊕ (x ∧ z) ⊕ (y ∧ z), one AND gate a bit. */
const majority = (b: Builder, x: Word, y: Word, z: Word): Word =>
  x.map((bit, i) => b.xor(b.and(b.xor(bit, y[i]!), b.xor(bit, z[i]!)), bit))

/** Section 6.2.2: a state of 256 bits and a block of 512 to the next state. */
export const compress = (b: Builder, state: Word, block: Word, aim: Aim): Word => {
  const schedule = wordsOf(block)
  for (let t = 16; t < 64; t++) {
    const [w2, w15] = [schedule[t - 2]!, schedule[t - 15]!]
    const sigma0 = xor3(b, rotate(w15, 7), rotate(w15, 18), shiftRight(w15, 3))
    const sigma1 = xor3(b, rotate(w2, 17), rotate(w2, 19), shiftRight(w2, 10))
    schedule.push(sumOf(b, [sigma1, schedule[t - 7]!, sigma0, schedule[t - 16]!], aim))
  }
  const start = wordsOf(state)
  let [A, B, C, D, E, F, G, H] = start as [Word, Word, Word, Word, Word, Word, Word, Word]
  for (let t = 0; t < 64; t++) {
    const upper1 = xor3(b, rotate(E, 6), rotate(E, 11), rotate(E, 25))
    const upper0 = xor3(b, rotate(A, 2), rotate(A, 13), rotate(A, 22))
    const first = [H, upper1, choose(b, E, F, G), constant(roundConstants[t]!, 32), schedule[t]!]
    // For depth both sums start from the same five words; for size the second one starts from the first one's result.
    const t1 = aim === 'size' ? [sumOf(b, first, aim)] : first
    const next = sumOf(b, [D, ...t1], aim)
    const top = sumOf(b, [...t1, upper0, majority(b, A, B, C)], aim)
    ;[A, B, C, D, E, F, G, H] = [top, A, B, C, next, E, F, G]
  }
  return bytesOf([A, B, C, D, E, F, G, H].map((word, i) => sumOf(b, [start[i]!, word], aim)))
}

/** The hash of a whole message of as many bytes as the word has (sections 5.1.1, 6.2). */
export const sha256 = (b: Builder, message: Word, aim: Aim): Word => {
  if (message.length % 8 !== 0) throw misuse(`expected a message of whole bytes, found ${message.length} bits`)
  const bytes = message.length / 8
  const zeros = (119 - (bytes % 64)) % 64
  const length = constant(BigInt(message.length), 64)
  const big = [7, 6, 5, 4, 3, 2, 1, 0].flatMap((byte) => length.slice(8 * byte, 8 * byte + 8))
  const padded = [...message, ...constant(0x80n, 8), ...constant(0n, 8 * zeros), ...big]
  let state = bytesOf(initialState.map((word) => constant(word, 32)))
  for (let at = 0; at < padded.length; at += 512) state = compress(b, state, padded.slice(at, at + 512), aim)
  return state
}
