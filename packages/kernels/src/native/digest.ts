/** SHA-256 by OpenSSL. */
import { hash } from 'node:crypto'
import type { Engine } from '@tallystick/protocol'
import { littleEndian, type DigestInput } from '../digest/kernels.ts'

/** Words lie in memory as they are hashed, but on machines that store the most significant byte first. */
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1
const bytesOf = (words: Uint32Array): Uint8Array =>
  isLittleEndian ? new Uint8Array(words.buffer, words.byteOffset, words.byteLength) : littleEndian(words)

export const digest: Engine = {
  'digest/words': ({ words }: DigestInput) => new Uint8Array(hash('sha256', bytesOf(words), 'buffer')),
}
