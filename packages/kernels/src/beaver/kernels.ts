/**
 * Work on additive shares with Beaver triples a b = c (Beaver, CRYPTO 1991) whose shares come from key streams: party i
 * expands its own, and whoever deals expands all and corrects one share of c. Over Z_2^64 and Z_2^128 in little-endian
 * limbs, and over bits (exclusive or for plus, in words). No branch and no address depends on a value, the reference's
 * bigints apart.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkBeaver, checkDeal, checkMasked, checkPairTerms } from './shapes.ts'

/** 1 stands for bits. */
export type Domain = 1 | 64 | 128

export interface MaskedInput {
  readonly x: Uint32Array
  /** AES-128 key and the block of 16 bytes where its stream starts. */
  readonly key: Uint8Array
  readonly at: number
}

const nameOf = (domain: Domain, operation: string): string =>
  domain === 1 ? `bits/${operation}` : `ring${domain}/${operation}`

/** x less the stream. */
const masked = (domain: Domain): Kernel<MaskedInput, Uint32Array> => ({
  name: nameOf(domain, 'masked'),
  run: (input) => reference.masked(checkMasked(input, domain), domain),
})

export interface BeaverInput {
  /** The opened x - a and y - b. */
  readonly d: Uint32Array
  readonly e: Uint32Array
  readonly key: Uint8Array
  /** Blocks where the shares of a and b start in the stream of the key. */
  readonly a: number
  readonly b: number
  /** The share of c: a block of the stream, or itself. */
  readonly c: number | Uint32Array
  /** Whether this party adds the public d e: one of them does. */
  readonly first: boolean
}

/** c + d b + e a, and d e at the first: a share of x y. */
const beaver = (domain: Domain): Kernel<BeaverInput, Uint32Array> => ({
  name: nameOf(domain, 'beaver'),
  run: (input) => reference.beaver(checkBeaver(input, domain), domain),
})

export interface DealInput {
  /** Of all parties. */
  readonly keys: readonly Uint8Array[]
  /** Blocks of every party's stream where its shares start. */
  readonly a: number
  readonly b: number
  readonly c: number
  readonly words: number
  /** The party whose share of c is made, not expanded. */
  readonly to: number
}

/** The sum of all a times the sum of all b, less c of all parties but one: the share of c of that one. */
const deal = (domain: Domain): Kernel<DealInput, Uint32Array> => ({
  name: nameOf(domain, 'deal'),
  run: (input) => reference.deal(checkDeal(input, domain), domain),
})

export interface PairTermsInput {
  /** Two components of x and of y. */
  readonly x0: Uint32Array
  readonly x1: Uint32Array
  readonly y0: Uint32Array
  readonly y1: Uint32Array
  readonly key: Uint8Array
  readonly at: number
  /** Whether x0 y0 is among the terms. */
  readonly square: boolean
}

/** x0 y1 + x1 y0, and x0 y0, plus the stream: what two parties of four know of a product, masked. */
const pairTerms = (domain: Domain): Kernel<PairTermsInput, Uint32Array> => ({
  name: nameOf(domain, 'pair-terms'),
  run: (input) => reference.pairTerms(checkPairTerms(input, domain), domain),
})

export const pairTerms1 = pairTerms(1)
export const pairTerms64 = pairTerms(64)
export const pairTerms128 = pairTerms(128)
export const masked1 = masked(1)
export const masked64 = masked(64)
export const masked128 = masked(128)
export const beaver1 = beaver(1)
export const beaver64 = beaver(64)
export const beaver128 = beaver(128)
export const deal1 = deal(1)
export const deal64 = deal(64)
export const deal128 = deal(128)
