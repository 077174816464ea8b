/**
 * Expansion of keys, and bits of secret-shared integers in slices: plane b holds bit b of all elements, in 32-bit words,
 * padded to whole vectors of 128 bits. Keys and shares are secrets: nothing here branches on or addresses by them,
 * except `bits/permutation` (see there) and the reference of AES (tables; the engine under Node runs OpenSSL).
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkAnd, checkExpand, checkPermutation, checkSlice, checkUnslice } from './shapes.ts'

/** A place in the key stream of AES-128 in counter mode, the counter a big-endian number of 128 bits from 0 on. */
export interface ExpandInput {
  /** 16 bytes. */
  readonly key: Uint8Array
  /** First block of 16 bytes, below 2^53. */
  readonly at: number
  /** Words of 32 bits. */
  readonly words: number
}

/** The key stream as little-endian words. */
export const expand: Kernel<ExpandInput, Uint32Array> = {
  name: 'bits/expand',
  run: (input) => reference.expand(checkExpand(input)),
}

export interface AndInput {
  /** This party's two components of x and of y: words of one count. */
  readonly x0: Uint32Array
  readonly x1: Uint32Array
  readonly y0: Uint32Array
  readonly y1: Uint32Array
  /** Keys shared with the previous and with the next party, and the block where both streams start. */
  readonly ownKey: Uint8Array
  readonly nextKey: Uint8Array
  readonly at: number
}

/** x0 y0 + x0 y1 + x1 y0 + own stream + next stream, over bits (Araki et al. 2016, section 2.2). */
export const and: Kernel<AndInput, Uint32Array> = {
  name: 'bits/and',
  run: (input) => reference.and(checkAnd(input)),
}

export interface SliceInput {
  /** Elements of `ring` bits, little-endian words. */
  readonly words: Uint32Array
  readonly ring: 64 | 128
}

/** Elements to `ring` planes of 4 ceil(length / 128) words; bits after the last element are zeros. */
export const slice: Kernel<SliceInput, Uint32Array> = {
  name: 'bits/slice',
  run: (input) => reference.slice(checkSlice(input)),
}

export interface UnsliceInput {
  /** `ring` planes of 4 ceil(length / 128) words. */
  readonly planes: Uint32Array
  readonly ring: 64 | 128
  readonly length: number
}

/** The inverse of `bits/slice`. */
export const unslice: Kernel<UnsliceInput, Uint32Array> = {
  name: 'bits/unslice',
  run: (input) => reference.unslice(checkUnslice(input)),
}

export interface PermutationInput {
  /** 16 bytes. */
  readonly key: Uint8Array
  /** First block of the key stream, below 2^53. */
  readonly at: number
  /** Elements, below 2^31. */
  readonly length: number
}

/**
 * A uniform permutation of 0 … length - 1: Fisher-Yates downwards, each choice below i + 1 from the next word of the
 * stream by Lemire's multiplication with rejection ("Fast Random Integer Generation in an Interval", 2019), so exactly
 * uniform given uniform words. Memory is accessed in the order of the secret permutation.
 */
export const permutation: Kernel<PermutationInput, Uint32Array> = {
  name: 'bits/permutation',
  run: (input) => reference.permutation(checkPermutation(input)),
}
