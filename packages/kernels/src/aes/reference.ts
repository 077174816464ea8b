/** References by the AES of noble, which looks bytes up in tables: not constant-time. */
import { ctr, ecb } from '@noble/ciphers/aes.js'
import { hashKey } from './keys.ts'
import type { ExpandInput, HashInput, TweakedHashInput } from './kernels.ts'

/** AES-128 of each block. */
export const encrypt = (key: Uint8Array, blocks: Uint8Array): Uint8Array =>
  blocks.length === 0 ? new Uint8Array() : ecb(key, { disablePadding: true }).encrypt(blocks)

/** `length` bytes of the key stream of counter mode. */
export const stream = (key: Uint8Array, length: number): Uint8Array =>
  length === 0 ? new Uint8Array() : ctr(key, new Uint8Array(16)).encrypt(new Uint8Array(length))

const sum = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)

export const hash = ({ blocks }: HashInput): Uint8Array => sum(encrypt(hashKey, blocks), blocks)

export function tweakedHash({ blocks, tweak }: TweakedHashInput): Uint8Array {
  const once = encrypt(hashKey, blocks)
  const tweaked = once.slice()
  const view = new DataView(tweaked.buffer)
  for (let row = 0; row < blocks.length / 16; row++) {
    view.setBigUint64(16 * row, view.getBigUint64(16 * row, true) ^ BigInt(tweak + row), true)
  }
  return sum(encrypt(hashKey, tweaked), once)
}

export function expand({ keys, width }: ExpandInput): Uint8Array {
  const out = new Uint8Array((keys.length / 16) * width)
  for (let i = 0; i < keys.length / 16; i++) out.set(stream(keys.slice(16 * i, 16 * i + 16), width), i * width)
  return out
}
