/**
 * The inner loops of an OT extension that is stretched over a whole run, and what bits and products over Z_2^64 are made
 * of its rows. The algebra is SoftSpokenOT's (Roy, CRYPTO 2022, ia.cr/2022/192) with 32 chunks of 4 bits: for each chunk a
 * tree of 16 leaves, of which the sender lacks the one that its 4 bits of Delta name. The hash H is MMO of AES-128 under
 * the public key of `aes/hash`: correlation robust, for semi-honest parties.
 *
 * No branch and no address depends on a secret, the AES of the references apart.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkBits, checkOwnProducts, checkPeerProducts, checkReceive, checkSend } from './shapes.ts'

export interface ReceiveInput {
  /** 512 states of 16 bytes, chunk by chunk. */
  readonly seeds: Uint8Array
  /** A bit a transfer, the lowest of a byte first: a multiple of 16 bytes. */
  readonly choices: Uint8Array
}

export interface ReceiveOutput {
  /** For each chunk the choices plus the sum of its leaves' vectors. */
  readonly corrections: Uint8Array
  /** 16 bytes a transfer. */
  readonly rows: Uint8Array
  /** The states for the next call: the first block of each leaf's key stream, of which the vector is the rest. */
  readonly seeds: Uint8Array
}

/** The end that chooses: rows v. */
export const receive: Kernel<ReceiveInput, ReceiveOutput> = {
  name: 'softspoken/receive',
  run: (input) => reference.receive(checkReceive(input)),
}

export interface SendInput {
  /** As above; the states of the leaves that Delta names have no influence on the rows. */
  readonly seeds: Uint8Array
  /** 16 bytes. */
  readonly delta: Uint8Array
  readonly corrections: Uint8Array
}

export interface SendOutput {
  readonly rows: Uint8Array
  readonly seeds: Uint8Array
}

/** The end that knows Delta: rows q, with v = q + choice · Delta. */
export const send: Kernel<SendInput, SendOutput> = {
  name: 'softspoken/send',
  run: (input) => reference.send(checkSend(input)),
}

export interface BitsInput {
  /** Rows of 16 bytes, a multiple of 128 of them. */
  readonly rows: Uint8Array
  /** 16 bytes that are added to each row first. */
  readonly delta: Uint8Array
}

/** The lowest bit of H(row + delta) for each row; bit i is bit i mod 32 of word i div 32. */
export const bits: Kernel<BitsInput, Uint32Array> = {
  name: 'softspoken/bits',
  run: (input) => reference.bits(checkBits(input)),
}

export interface OwnProductsInput {
  /** The sender's rows, `bits` of them for each value. */
  readonly rows: Uint8Array
  readonly delta: Uint8Array
  /** Elements of Z_2^64, little-endian limbs of 32 bits. */
  readonly values: Uint32Array
  /** Bits of a multiplier, 1 to 64. */
  readonly bits: number
}

export interface OwnProductsOutput {
  /**
   * For bit k of each product the number h_0 - h_1 + value modulo 2^64, of which ceil((64 - k) / 8) low bytes: h_c is the
   * low half of H(row + c · Delta).
   */
  readonly corrections: Uint8Array
  /** Minus the sum of 2^k h_0 over the bits of each product. */
  readonly shares: Uint32Array
}

/** Gilboa's products (CRYPTO 1999), the end that has the values. */
export const ownProducts: Kernel<OwnProductsInput, OwnProductsOutput> = {
  name: 'softspoken/own-products',
  run: (input) => reference.ownProducts(checkOwnProducts(input)),
}

export interface PeerProductsInput {
  /** The receiver's rows. */
  readonly rows: Uint8Array
  /** The multipliers, bits after bits: the choices of the rows. */
  readonly choices: Uint8Array
  readonly corrections: Uint8Array
  readonly bits: number
}

/** The end that has the multipliers: the sum of 2^k (h + choice · correction) over the bits of each product. */
export const peerProducts: Kernel<PeerProductsInput, Uint32Array> = {
  name: 'softspoken/peer-products',
  run: (input) => reference.peerProducts(checkPeerProducts(input)),
}
