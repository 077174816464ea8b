/** Public keys of fixed-key AES: the fractional digits of pi in hexadecimal, 128 bits after another. */
import { hexToBytes } from '@noble/hashes/utils.js'

const digits = [
  '243f6a8885a308d313198a2e03707344',
  'a4093822299f31d0082efa98ec4e6c89',
  '452821e638d01377be5466cf34e90c6c',
  'c0ac29b7c97c50dd3f84d5b5b5470917',
  '9216d5d98979fb1bd1310ba698dfb5ac',
  '2ffd72dbd01adfb7b8e1afed6a267e96',
] as const

const [hash, left, right, first, second, expander] = digits.map((hex) => hexToBytes(hex)) as unknown as readonly [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

/** The permutation of the correlation-robust hashes. */
export const hashKey = hash
/** Left and right children of GGM trees. */
export const treeKeys = [left, right] as const
/** The random bits of the expand-convolute code: two convolutions and the expander. */
export const codeKeys = { convolutions: [first, second], expander } as const
