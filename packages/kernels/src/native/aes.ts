/**
 * AES by OpenSSL: bulk calls over 64 KiB and more, key objects instead of raw keys (which make a cipher nine times
 * slower), and cipher objects that live on where the key is public: ECB without padding has no state.
 */
import { createCipheriv, createSecretKey, type Cipheriv } from 'node:crypto'
import type { Engine } from '@tallystick/protocol'
import type { ExpandInput, HashInput, TweakedHashInput } from '../aes/kernels.ts'
import { hashKey } from '../aes/keys.ts'
import { checkBlocks, checkExpand, checkTweaked } from '../aes/shapes.ts'

const pieceBytes = 65_536
const zeros = new Uint8Array(pieceBytes)

/** AES-128 under a public key; one object for many calls. */
export const permutation = (key: Uint8Array): Cipheriv =>
  createCipheriv('aes-128-ecb', createSecretKey(key), null).setAutoPadding(false)

/** The next bytes of the key stream of AES-128-CTR, counter 0 first. */
export const keyStream = (key: Uint8Array): ((length: number) => Uint8Array) => {
  const cipher = createCipheriv('aes-128-ctr', createSecretKey(key), zeros.subarray(0, 16))
  return (length) => cipher.update(length <= pieceBytes ? zeros.subarray(0, length) : new Uint8Array(length))
}

const words = (bytes: Uint8Array): Uint32Array =>
  bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    : new Uint32Array(bytes.slice().buffer)

/** out = a ^ b, from word `at` of out on. */
const sumInto = (out: Uint32Array, at: number, a: Uint32Array, b: Uint32Array): void => {
  for (let i = 0; i < a.length; i++) out[at + i] = a[i]! ^ b[i]!
}

const hashPermutation = permutation(hashKey)

function hash(input: HashInput): Uint8Array {
  const { blocks } = checkBlocks('aes/hash', input)
  const out = new Uint32Array(blocks.length / 4)
  for (let from = 0; from < blocks.length; from += pieceBytes) {
    const piece = blocks.subarray(from, from + pieceBytes)
    sumInto(out, from / 4, words(hashPermutation.update(piece)), words(piece))
  }
  return new Uint8Array(out.buffer)
}

function tweakedHash(input: TweakedHashInput): Uint8Array {
  const { blocks, tweak } = checkTweaked(input)
  const out = new Uint32Array(blocks.length / 4)
  const tweaked = new Uint32Array(pieceBytes / 4)
  for (let from = 0; from < blocks.length; from += pieceBytes) {
    const once = words(hashPermutation.update(blocks.subarray(from, from + pieceBytes)))
    tweaked.set(once)
    for (let i = 0, row = tweak + from / 16; i < once.length; i += 4, row++) {
      tweaked[i]! ^= row
      tweaked[i + 1]! ^= row / 2 ** 32
    }
    const bytes = new Uint8Array(tweaked.buffer, 0, 4 * once.length)
    sumInto(out, from / 4, words(hashPermutation.update(bytes)), once)
  }
  tweaked.fill(0)
  return new Uint8Array(out.buffer)
}

function expand(input: ExpandInput): Uint8Array {
  const { keys, width } = checkExpand(input)
  const out = new Uint8Array((keys.length / 16) * width)
  for (let row = 0; row < keys.length / 16; row++) {
    const next = keyStream(keys.subarray(16 * row, 16 * row + 16))
    for (let from = 0; from < width; from += pieceBytes) {
      out.set(next(Math.min(pieceBytes, width - from)), row * width + from)
    }
  }
  return out
}

export const aes: Engine = { 'aes/hash': hash, 'aes/tweaked-hash': tweakedHash, 'aes/expand': expand }
