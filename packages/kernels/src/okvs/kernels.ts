/**
 * Oblivious key-value store over GF(2^128): a vector P with row(x) · P = v for each of n pairs (x, v), where row(x) has
 * three ones among the slots of x's bin and a random half of the bin's dense columns. Raghuraman and Rindal (CCS 2022,
 * ia.cr/2022/320, sections 3 and 4), after PaXoS (ia.cr/2020/193) and Garimella et al. (ia.cr/2021/883); their clusters
 * are our bins. Sizes: parameters.ts.
 *
 * A row is 128 bits of a digest that nobody can choose, words w0 to w3 in little endian: the bin is w0 scaled to [0, bins),
 * and what w0 · bins has below 2^32, w1 and w2, scaled, are the three slots; w3 and 8 fractional bits of each of w1 and w2
 * are the dense columns. Different rows have independent positions as long as digests are random.
 *
 * Encoding peels: a row that is alone in one of its slots is set aside with that slot, until none is left; rows in the
 * way (with probability below 2^-12 a bin) give equations in the dense elements alone; the rest follows by substitution
 * from the end. Undetermined elements have the fill: zeros, or random elements where P itself must hide the keys.
 *
 * Not constant-time: memory access follows the rows' digests and, for `encode`, their structure. Values are never looked at.
 */
import type { Kernel } from '@tallystick/protocol'
import type { OkvsShape } from './parameters.ts'
import * as reference from './reference.ts'
import { checkDecode, checkEncode } from './shapes.ts'

export interface EncodeInput {
  readonly shape: OkvsShape
  /** n rows of 16 bytes, distinct. */
  readonly rows: Uint8Array
  /** n elements of 16 bytes. */
  readonly values: Uint8Array
  /** Elements for the whole vector, or empty for zeros. */
  readonly fill: Uint8Array
}

export interface EncodeOutput {
  /** okvsSize(shape) elements; nothing of use where it failed. */
  readonly vector: Uint8Array
  /** The bin of the first row that finds it full, else the first bin that contradicts itself (2^-σ), or -1. */
  readonly bad: number
}

export interface DecodeInput {
  readonly shape: OkvsShape
  /** n rows of 16 bytes, any number. */
  readonly rows: Uint8Array
  /** okvsSize(shape) elements. */
  readonly vector: Uint8Array
}

export const encode: Kernel<EncodeInput, EncodeOutput> = {
  name: 'okvs/encode',
  run: (input) => reference.encode(checkEncode(input)),
}

/** row(x) · P for each row: n elements of 16 bytes. Linear in the vector. */
export const decode: Kernel<DecodeInput, Uint8Array> = {
  name: 'okvs/decode',
  run: (input) => reference.decode(checkDecode(input)),
}
