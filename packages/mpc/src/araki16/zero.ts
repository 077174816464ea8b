/** Preprocessing without a message: shares of zero from pairwise keys (Araki et al. 2016, section 2.2). */
import { createRng } from '@tallystick/core'

/** Units are words of 4 bytes, little endian. */
export const zeroCorrelation = 'zero32'

const blockWords = 1024

/** Words from … from + count of the key's stream: position-exact, so a range is the same whenever it is made. */
const streamWords = (key: Uint8Array, from: number, count: number): Uint32Array => {
  const out = new Uint32Array(count)
  const root = createRng(key)
  for (let at = from; at < from + count;) {
    const start = at % blockWords
    const take = Math.min(blockWords - start, from + count - at)
    const block = new Uint32Array(root.fork(`zero32/${(at - start) / blockWords}`).bytes(4 * blockWords).buffer)
    out.set(block.subarray(start, start + take), at - from)
    at += take
  }
  return out
}

/**
 * Party i's words a_i = F(k_i) - F(k_(i+1)), so that a_0 + a_1 + a_2 = 0. Key k_i is shared by the parties i - 1 and i:
 * each party knows two of the three, and to each the words of the other two look random given its own.
 */
export const zeroShares = (ownKey: Uint8Array, nextKey: Uint8Array, at: number, count: number): Uint32Array => {
  const next = streamWords(nextKey, at, count)
  return streamWords(ownKey, at, count).map((word, i) => word - next[i]!)
}
