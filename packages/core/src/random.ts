/**
 * Deterministic random bytes: ChaCha20 (RFC 8439) as a DRBG keyed by a 32-byte seed. The stream is chunk 0, 1, 2 … of
 * 4 KiB, chunk i being the key stream under nonce i; a draw takes the next bytes, whatever its length. `fork` gives an
 * independent stream for a label, so what one step draws never depends on what another drew or when it ran.
 */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { invariant } from './errors.ts'
import { taggedMac } from './digest.ts'

/** Private coins of one party. */
export interface Rng {
  /** The next `length` bytes of this stream. */
  bytes(length: number): Uint8Array
  /** The stream of a label: the same label gives the same stream from its start. */
  fork(label: string): Rng
  /** Bytes drawn from this stream and all its forks. */
  readonly drawn: number
}

export const seedBytes = 32
const chunkBytes = 4096

export const createRng = (seed: Uint8Array, onDraw: (length: number) => void = () => {}): Rng => {
  invariant(seed.length === seedBytes, `an Rng seed has ${seedBytes} bytes`)
  const key = Uint8Array.from(seed)
  let chunk = new Uint8Array(0)
  let used = 0
  let index = 0
  let drawn = 0
  const account = (length: number): void => {
    drawn += length
    onDraw(length)
  }
  const refill = (): void => {
    const nonce = new Uint8Array(12)
    new DataView(nonce.buffer).setBigUint64(4, BigInt(index++))
    chunk = chacha20(key, nonce, new Uint8Array(chunkBytes))
    used = 0
  }
  return {
    bytes(length) {
      account(length)
      const out = new Uint8Array(length)
      for (let at = 0; at < length;) {
        if (used === chunk.length) refill()
        const take = Math.min(length - at, chunk.length - used)
        out.set(chunk.subarray(used, used + take), at)
        chunk.fill(0, used, used + take)
        used += take
        at += take
      }
      return out
    },
    fork: (label) => createRng(taggedMac(key, 'tallystick/rng-fork/v1', label), account),
    get drawn() {
      return drawn
    },
  }
}
