/**
 * The dual encoder of an expand-convolute code (Raghuraman, Rindal, Tanguy, "Expand-Convolute Codes for Pseudorandom
 * Correlation Generators from LPN", CRYPTO 2023, ia.cr/2023/882): compresses 2k elements to k, linearly. As in the
 * authors' library libOTe (ExConv7x24, systematic, regular expander, convoluted twice):
 *
 *     (u, x) = the 2k inputs, k each          y = convolute(convolute(x))          out_i = u_i + seven of the y
 *
 * - convolute: z_i = x_i + z_(i-25) + the sum over m < 24 of r_(i,m) z_(i-24+m), with random bits r, and once more around
 *   the end for the first 25;
 * - expand: four of the seven come from one quarter of y each, three from all of y, at random places.
 *
 * The randomness is public: AES-128-CTR under three public keys, words of 32 bits in little endian (24 bits of a word for
 * each z; place = floor(word · range / 2^32)). Elements are 16 bytes, added by exclusive or.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkEncode } from './shapes.ts'

export interface EncodeInput {
  /** 2k elements, k from 64 to 2^26, a multiple of 4. */
  readonly dense: Uint8Array
  /** Places of the non-zero elements of a second vector, ascending; none: there is no second vector. */
  readonly places: Uint32Array
  /** One element for each place. */
  readonly values: Uint8Array
  /** One element for each place, added to the dense vector there; or none at all. */
  readonly fills: Uint8Array
  /** Elements wanted, at most k. */
  readonly outputs: number
}

export interface EncodeOutput {
  /** The first `outputs` elements of the dense vector's code word. */
  readonly dense: Uint8Array
  /** The same of the second vector, where there is one. */
  readonly sparse: Uint8Array
}

export const encode: Kernel<EncodeInput, EncodeOutput> = {
  name: 'expand-convolute/encode',
  run: (input) => reference.encode(checkEncode(input)),
}
