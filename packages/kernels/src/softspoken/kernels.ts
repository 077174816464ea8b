/**
 * The inner loops of an OT extension that is stretched over a whole run, and the bits and products over Z_2^64 that are made
 * of its rows. The algebra is SoftSpokenOT's (Roy, CRYPTO 2022, ia.cr/2022/192) with 32 chunks of 4 bits: for each chunk a
 * tree of 16 leaves, of which the sender lacks the one that its 4 bits of Delta name. The end that chooses gets rows v, the
 * end that knows Delta rows q with v = q + choice Delta. No row leaves a kernel: each is hashed in the tile in which it was
 * made. The hash H is MMO of AES-128 under the public key of `aes/hash`: correlation robust, for semi-honest parties.
 *
 * No branch and no address depends on a secret, the AES of the references apart.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import {
  checkReceiveBits,
  checkReceiveProducts,
  checkSelectProducts,
  checkSendBits,
  checkSendProducts,
} from './shapes.ts'

export interface Chosen {
  /** 512 states of 16 bytes, chunk by chunk. */
  readonly seeds: Uint8Array
  /** A bit a transfer, the lowest of a byte first: a multiple of 16 bytes. */
  readonly choices: Uint8Array
}

export interface Corrected {
  /** For each chunk the choices plus the sum of its leaves' vectors. */
  readonly corrections: Uint8Array
  /** The states for the next call: the first block of each leaf's key stream, of which the vector is the rest. */
  readonly seeds: Uint8Array
}

export interface Known {
  /** As above; the states of the leaves that Delta names have no influence on the rows. */
  readonly seeds: Uint8Array
  /** 16 bytes. */
  readonly delta: Uint8Array
  /** Of the other end. */
  readonly corrections: Uint8Array
}

export type ReceiveBitsInput = Chosen
export interface ReceiveBitsOutput extends Corrected {
  /** The lowest bit of H(v) for each row; bit i is bit i mod 32 of word i div 32. */
  readonly hashes: Uint32Array
}

/** Random transfers of bits, the end that chooses. */
export const receiveBits: Kernel<ReceiveBitsInput, ReceiveBitsOutput> = {
  name: 'softspoken/receive-bits',
  run: (input) => reference.receiveBits(checkReceiveBits(input)),
}

export type SendBitsInput = Known
export interface SendBitsOutput {
  /** The lowest bits of H(q) and of H(q + Delta). */
  readonly zero: Uint32Array
  readonly one: Uint32Array
  readonly seeds: Uint8Array
}

/** Random transfers of bits, the end that knows Delta. */
export const sendBits: Kernel<SendBitsInput, SendBitsOutput> = {
  name: 'softspoken/send-bits',
  run: (input) => reference.sendBits(checkSendBits(input)),
}

export interface ReceiveProductsInput extends Chosen {
  /** Bits of a multiplier, 1 to 64. */
  readonly bits: number
  /** Products; the choices are the multipliers, bits after bits, and zeros up to whole blocks. */
  readonly n: number
}

export interface ReceiveProductsOutput extends Corrected {
  /** The sum of 2^k h over the bits of each product, h the low half of H(v): little-endian limbs of 32 bits. */
  readonly shares: Uint32Array
}

/** Gilboa's products (CRYPTO 1999), the end that has the multipliers; `selectProducts` brings what is still lacking. */
export const receiveProducts: Kernel<ReceiveProductsInput, ReceiveProductsOutput> = {
  name: 'softspoken/receive-products',
  run: (input) => reference.receiveProducts(checkReceiveProducts(input)),
}

export interface SendProductsInput extends Known {
  /** Elements of Z_2^64, little-endian limbs of 32 bits. */
  readonly values: Uint32Array
  readonly bits: number
}

export interface SendProductsOutput {
  /**
   * For bit k of each product the number h_0 - h_1 + value modulo 2^64, of which ceil((64 - k) / 8) low bytes: h_c is the
   * low half of H(q + c Delta).
   */
  readonly products: Uint8Array
  /** Minus the sum of 2^k h_0 over the bits of each product. */
  readonly shares: Uint32Array
  readonly seeds: Uint8Array
}

/** The end that has the values. */
export const sendProducts: Kernel<SendProductsInput, SendProductsOutput> = {
  name: 'softspoken/send-products',
  run: (input) => reference.sendProducts(checkSendProducts(input)),
}

export interface SelectProductsInput {
  /** The multipliers, bits after bits. */
  readonly choices: Uint8Array
  /** Of the other end. */
  readonly products: Uint8Array
  readonly bits: number
  readonly n: number
}

/** The sum of 2^k choice (h_0 - h_1 + value) over the bits of each product: with the sum of 2^k h a share of the product. */
export const selectProducts: Kernel<SelectProductsInput, Uint32Array> = {
  name: 'softspoken/select-products',
  run: (input) => reference.selectProducts(checkSelectProducts(input)),
}
