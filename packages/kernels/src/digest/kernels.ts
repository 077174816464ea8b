/** SHA-256 of vectors: what one party vouches for of what another one sends. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Engine, Kernel } from '@tallystick/protocol'

export interface DigestInput {
  readonly words: Uint32Array
}

/** The bytes of the words, least first. */
export const littleEndian = (words: Uint32Array): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * words.length))
  for (let i = 0; i < words.length; i++) view.setUint32(4 * i, words[i]!, true)
  return new Uint8Array(view.buffer)
}

/** SHA-256 (FIPS 180-4) of the words as little-endian bytes: 32 bytes. */
export const words: Kernel<DigestInput, Uint8Array> = {
  name: 'digest/words',
  run: (input) => sha256(littleEndian(input.words)),
}

/** The portable engine has no faster one. */
export const digestEngine: Engine = { 'digest/words': words.run }
