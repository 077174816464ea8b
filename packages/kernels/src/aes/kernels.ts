/**
 * What oblivious transfer makes of AES-128: correlation-robust hashes from one public permutation pi = AES under a fixed
 * key (Guo, Katz, Wang, Yu, "Efficient and Secure Multiparty Computation from Fixed-Key Block Ciphers", IEEE S&P 2020,
 * ia.cr/2019/074), and a pseudorandom generator by counter mode. Security of the hashes is proven with pi an ideal
 * permutation. Rows are blocks of 16 bytes. No kernel here is cut over workers: moving a block costs more than its AES.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkBlocks, checkExpand, checkTweaked } from './shapes.ts'

export interface HashInput {
  /** n blocks of 16 bytes. */
  readonly blocks: Uint8Array
}

export interface TweakedHashInput extends HashInput {
  /** Tweak of the first row; row i has tweak + i. */
  readonly tweak: number
}

export interface ExpandInput {
  /** n keys of 16 bytes. */
  readonly keys: Uint8Array
  /** Bytes a row of the result, a multiple of 16. */
  readonly width: number
}

/**
 * MMO: pi(x) xor x, correlation robust. Not circular and not tweakable: for semi-honest uses that hash
 * x and x xor Delta for random x.
 */
export const hash: Kernel<HashInput, Uint8Array> = {
  name: 'aes/hash',
  run: (input) => reference.hash(checkBlocks('aes/hash', input)),
}

/**
 * TMMO: pi(pi(x) xor i) xor pi(x), tweakable circular correlation robust, also where an adversary chooses
 * x. The tweak i is a number below 2^53 in little endian.
 */
export const tweakedHash: Kernel<TweakedHashInput, Uint8Array> = {
  name: 'aes/tweaked-hash',
  run: (input) => reference.tweakedHash(checkTweaked(input)),
}

/** The key stream of AES-128-CTR from counter 0 for each key: n rows of `width` bytes. */
export const expand: Kernel<ExpandInput, Uint8Array> = {
  name: 'aes/expand',
  run: (input) => reference.expand(checkExpand(input)),
}
