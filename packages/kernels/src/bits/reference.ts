/** References of the kernels over bits: plain loops, AES by noble. */
import { ctr } from '@noble/ciphers/aes.js'
import type { AndInput, ExpandInput, PermutationInput, SliceInput, UnsliceInput } from './kernels.ts'
import { planeWords } from './shapes.ts'

/** The first counter block. */
export function counterBlock(at: number): Uint8Array {
  const block = new Uint8Array(16)
  new DataView(block.buffer).setBigUint64(8, BigInt(at))
  return block
}

export function expand({ key, at, words }: ExpandInput): Uint32Array {
  if (words === 0) return new Uint32Array(0)
  const bytes = ctr(key, counterBlock(at)).encrypt(new Uint8Array(4 * words))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Uint32Array.from({ length: words }, (_, i) => view.getUint32(4 * i, true))
}

export function and({ x0, x1, y0, y1, ownKey, nextKey, at }: AndInput): Uint32Array {
  const words = x0.length
  const [own, next] = [expand({ key: ownKey, at, words }), expand({ key: nextKey, at, words })]
  return x0.map((x, i) => (x & y0[i]!) ^ (x & y1[i]!) ^ (x1[i]! & y0[i]!) ^ own[i]! ^ next[i]!)
}

export function slice({ words, ring }: SliceInput): Uint32Array {
  const limbs = ring / 32
  const length = words.length / limbs
  const stride = planeWords(length)
  const out = new Uint32Array(ring * stride)
  for (let bit = 0; bit < ring; bit++) {
    for (let i = 0; i < length; i++) {
      const value = (words[limbs * i + (bit >> 5)]! >>> (bit & 31)) & 1
      out[bit * stride + (i >> 5)]! |= value << (i & 31)
    }
  }
  return out
}

export function unslice({ planes, ring, length }: UnsliceInput): Uint32Array {
  const limbs = ring / 32
  const stride = planeWords(length)
  const out = new Uint32Array(limbs * length)
  for (let bit = 0; bit < ring; bit++) {
    for (let i = 0; i < length; i++) {
      const value = (planes[bit * stride + (i >> 5)]! >>> (i & 31)) & 1
      out[limbs * i + (bit >> 5)]! |= value << (bit & 31)
    }
  }
  return out
}

export function permutation({ key, at, length }: PermutationInput): Uint32Array {
  const out = Uint32Array.from({ length }, (_, i) => i)
  const block = 1024
  let drawn = 0
  let words = new Uint32Array(0) as Uint32Array
  const next = (): bigint => {
    if (drawn % block === 0) words = expand({ key, at: at + drawn / 4, words: block })
    return BigInt(words[drawn++ % block]!)
  }
  for (let i = length - 1; i > 0; i--) {
    const range = BigInt(i + 1)
    let product = next() * range
    if ((product & 0xffffffffn) < range) {
      const least = 2n ** 32n % range
      while ((product & 0xffffffffn) < least) product = next() * range
    }
    const j = Number(product >> 32n)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
