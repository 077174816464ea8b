/**
 * The algebra of SoftSpokenOT (Roy, CRYPTO 2022, ia.cr/2022/192): vector oblivious linear evaluation over
 * F_16 from trees of 16 leaves of which one is unknown to the sender, for each of the 32 chunks of 4 bits of Delta; four
 * columns of bits a chunk. No branch and no address depends on a secret.
 */
import { blockBytes, wordsOf } from '../bytes.ts'

/** Bits of Delta a chunk. */
export const chunkBits = 4
export const chunkLeaves = 2 ** chunkBits
export const chunks = 128 / chunkBits

export const chunkOf = (delta: Uint8Array, chunk: number): number => (delta[chunk >> 1]! >> (4 * (chunk & 1))) & 15

/**
 * From the leaves' vectors (32 · 16 rows of `width` bytes): the 128 columns v of the receiver, and the sum u_j of each
 * chunk's vectors.
 */
export const receiverColumns = (vectors: Uint8Array, width: number) => {
  const sums = new Uint8Array(chunks * width)
  const columns = new Uint8Array(8 * blockBytes * width)
  const [from, sum, to] = [vectors, sums, columns].map(wordsOf) as [Uint32Array, Uint32Array, Uint32Array]
  const words = width / 4
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (let leaf = 0; leaf < chunkLeaves; leaf++) {
      const at = (chunk * chunkLeaves + leaf) * words
      for (let i = 0; i < words; i++) sum[chunk * words + i]! ^= from[at + i]!
      for (let bit = 0; bit < chunkBits; bit++) {
        if (((leaf >> bit) & 1) === 0) continue
        const column = (chunkBits * chunk + bit) * words
        for (let i = 0; i < words; i++) to[column + i]! ^= from[at + i]!
      }
    }
  }
  return { sums, columns }
}

/** The 128 columns q of the sender: those of the receiver plus, in the columns where Delta has a bit, u_j. */
export const senderColumns = (vectors: Uint8Array, width: number, delta: Uint8Array): Uint8Array => {
  const columns = new Uint8Array(8 * blockBytes * width)
  const from = wordsOf(vectors)
  const to = wordsOf(columns)
  const words = width / 4
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (let leaf = 0; leaf < chunkLeaves; leaf++) {
      const at = (chunk * chunkLeaves + leaf) * words
      const difference = leaf ^ chunkOf(delta, chunk)
      for (let bit = 0; bit < chunkBits; bit++) {
        const mask = -((difference >> bit) & 1)
        const column = (chunkBits * chunk + bit) * words
        for (let i = 0; i < words; i++) to[column + i]! ^= mask & from[at + i]!
      }
    }
  }
  return columns
}

/** Adds Delta's bits times the corrections of the chunks: columns become v plus Delta times the receiver's choices. */
export const correct = (columns: Uint8Array, corrections: Uint8Array, width: number, delta: Uint8Array): void => {
  const to = wordsOf(columns)
  const from = wordsOf(corrections)
  const words = width / 4
  for (let column = 0; column < 128; column++) {
    const mask = -((chunkOf(delta, column >> 2) >> (column & 3)) & 1)
    const at = (column >> 2) * words
    for (let i = 0; i < words; i++) to[column * words + i]! ^= mask & from[at + i]!
  }
}
