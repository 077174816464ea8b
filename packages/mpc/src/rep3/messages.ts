/** What the parties of a program under `rep3` send. Vectors are chunks of at most {@link chunkWords} words. */
import { fixedBytes, flatWords32, type Codec } from '@tallystick/core'
import { message, opening } from '@tallystick/protocol'

/** 512 KiB: large enough for the framing and hashing to cost little, small enough to stay in the cache. */
export const chunkWords = 2 ** 17

const copied = flatWords32(chunkWords)

/** Words where they arrived, which is theirs alone, unless they lie across the words of the buffer: then a copy. */
const vector: Codec<Uint32Array> = {
  ...copied,
  decode(bytes) {
    const { buffer, byteOffset, length } = bytes
    if (byteOffset % 4 !== 0 || length % 4 !== 0 || length > copied.maxBytes) return copied.decode(bytes)
    return new Uint32Array(buffer, byteOffset, length / 4)
  },
}

export const messages = {
  /** A contribution to the key of a pair. */
  key: message('each', 'each', fixedBytes(32)),
  /** Seeds of the components of an owner's inputs. */
  seed: message('each', 'each', fixedBytes(32)),
  /** A component of an owner's inputs. */
  share: message('each', 'each', vector),
  /** One component of products, to the previous party. */
  product: message('each', 'each', vector),
  /** A component of what its sender knows, dealt in mid-run. */
  deal: message('each', 'each', vector),
  /** Additive shares of masked values, between two parties. */
  masked: message('each', 'each', vector),
  /** Additive shares on their way to become replicated again. */
  reshare: message('each', 'each', vector),
  /** Permuted and masked columns. */
  permuted: message('each', 'each', vector),
  /** A component of values that all computing parties may see. In mid-run: no signed heads precede it. */
  reveal: message('each', 'each', vector),
  /** A component of an output. */
  result: opening('each', 'each', vector),
} as const

export type Messages = typeof messages
