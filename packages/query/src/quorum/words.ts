/** Words: what is compared in the place of group elements, and their bits in planes. */
import { fromHex, taggedDigest } from '@tallystick/core'
import { bitsSlice, blake3Ids } from '@tallystick/kernels'
import { vectorWords } from '@tallystick/ot'
import type { Routine } from '@tallystick/protocol'
import type { Computing } from '../rfc9497/suite.ts'
import { elementBytes, type MembersTable, wordBytes } from './messages.ts'

/** 8 bytes of a digest of each element, under the salt of the table. */
export function* wordsOf(ctx: Computing, { salt }: MembersTable, elements: Uint8Array): Routine<Uint8Array> {
  const rows = elements.length / elementBytes
  const offsets = Uint32Array.from({ length: rows + 1 }, (_, i) => elementBytes * i)
  const key = taggedDigest('tallystick/query/quorum/words/v1', fromHex(salt))
  const { first } = yield* ctx.compute(blake3Ids, { key, bytes: elements, offsets })
  const out = new Uint8Array(wordBytes * rows)
  for (let i = 0; i < rows; i++) out.set(first.subarray(16 * i, 16 * i + wordBytes), wordBytes * i)
  return out
}

/** Words as planes: plane b has bit b of all. */
export function* planesOf(ctx: Computing, words: Uint8Array, bits: number): Routine<Uint32Array> {
  const planes = yield* ctx.compute(bitsSlice, { words: new Uint32Array(words.slice().buffer), ring: 64 })
  return planes.subarray(0, bits * vectorWords(words.length / wordBytes))
}
