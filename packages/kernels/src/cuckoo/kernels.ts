/**
 * Cuckoo hashing of digests with three functions, and simple hashing under the same functions: how two-party set
 * protocols bring equal rows into equal bins (Pinkas, Schneider, Zohner, "Scalable Private Set Intersection Based on OT
 * Extension", TOPS 2018, section 3). Function k of a row is its 32-bit word k (little endian), scaled to [0, bins).
 * Rows must therefore be digests that a peer cannot choose: hash them under a salt that is drawn after the rows are fixed.
 *
 * Not constant-time: memory access follows the digests. They must not be compared with anything secret but own rows.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkBins } from './shapes.ts'

export interface CuckooInput {
  /** n rows of 16 bytes, n below 2^30 - 1. */
  readonly digests: Uint8Array
  /** Number of bins, 1 to 2^31 - 1. The paper's experiments give 2^-40 at 1.27 n without stash. */
  readonly bins: number
}

export interface CuckooTable {
  /** For each bin 4 · row + k, where function k put the row there, or 2^32 - 1 (`emptyBin`). */
  readonly table: Uint32Array
  /** Rows that found no place: a stash, or the reason to give up. */
  readonly unplaced: Uint32Array
}

export interface SimpleTable {
  /** bins + 1 positions in `entries`: bin j has entries[offsets[j], offsets[j + 1]). */
  readonly offsets: Uint32Array
  /** 4 · row + k for each row and function, 3 n of them, by bin, then by row, then by k. */
  readonly entries: Uint32Array
}

export const emptyBin = 0xffff_ffff
/** Evictions for a row before it is left over. */
export const maxEvictions = 2000

/**
 * Each row in one of its three bins, at most one a bin. Rows take an empty bin in the order in which they come; the
 * others walk at random (xorshift, fixed start: the digests are random already).
 */
export const place: Kernel<CuckooInput, CuckooTable> = {
  name: 'cuckoo/place',
  run: (input) => reference.place(checkBins('cuckoo/place', input)),
}

/** Each row in all of its three bins (twice or more in one bin where its functions agree). */
export const simple: Kernel<CuckooInput, SimpleTable> = {
  name: 'cuckoo/simple',
  run: (input) => reference.simple(checkBins('cuckoo/simple', input)),
}
