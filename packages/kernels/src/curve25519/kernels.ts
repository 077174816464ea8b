/**
 * Batches on curve25519 by u-coordinate alone: what Diffie-Hellman set operations need of a group.
 *
 * Points are 32 bytes, the u-coordinate in little endian (RFC 7748), canonical: below p = 2^255 - 19, top bit clear.
 * A u-coordinate stands for the pair of points ±P, which is harmless where only equality of k·P is asked.
 *
 * Scalars are 32 bytes, little endian, and *not* clamped: all 256 bits count. Protocols shall use 8·k with k uniform in
 * [1, ℓ), ℓ = 2^252 + 27742317777372353535851937790883648493:
 * - 8·k clears the small-order part of any point, on the curve (cofactor 8) and on its twist (cofactor 4), so a peer
 *   who sends points with such a part learns nothing of k modulo 8, and a point of small order ends as `bad`;
 * - for P of order ℓ, 8·k·P is uniform over the elements of the prime-order subgroup other than the neutral one, and
 *   composition stays within scalars of this form: 8·a·(8·b·P) = 8·b·(8·a·P). Clamping (RFC 7748) would fix bit 254 and
 *   so draw from about half of the subgroup only;
 * - 8·k < 2^256, so it fits.
 *
 * What is constant-time is said in `engine.ts`; the references are not: BigInt arithmetic depends on its operands.
 */
import { concatBytes } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkHash, checkScalar, checkScale, checkScaleEach } from './shapes.ts'

export interface HashInput {
  /** Domain separation tag, 1 or more bytes (over 255 bytes it is hashed first, RFC 9380 section 5.3.3). */
  readonly dst: Uint8Array
  /** The messages, one after the other. */
  readonly bytes: Uint8Array
  /** n + 1 non-decreasing positions in `bytes`: message i is bytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array
}

export interface ScaleInput {
  /** 32 bytes, little endian. */
  readonly scalar: Uint8Array
  /** n rows of 32 bytes. */
  readonly points: Uint8Array
}

export interface ScaleEachInput {
  /** n scalars of 32 bytes, little endian. */
  readonly scalars: Uint8Array
  /** n rows of 32 bytes. */
  readonly points: Uint8Array
}

export interface HashScaleInput extends HashInput {
  readonly scalar: Uint8Array
}

export interface ScaleOutput {
  /** n rows of 32 bytes; a bad row is 32 zero bytes. */
  readonly points: Uint8Array
  /** Index of the first row that is no canonical encoding or whose product is the neutral element; -1 if none. */
  readonly bad: number
}

/** Message rows [from, to) of a hash input, over the same bytes. */
function sliceMessages<T extends HashInput>(input: T, from: number, to: number): T {
  const start = input.offsets[from]!
  const offsets = Uint32Array.from(input.offsets.subarray(from, to + 1), (offset) => offset - start)
  return { ...input, bytes: input.bytes.subarray(start, input.offsets[to]), offsets }
}

function joinScaled(parts: readonly ScaleOutput[]): ScaleOutput {
  let bad = -1
  let row = 0
  for (const part of parts) {
    if (bad < 0 && part.bad >= 0) bad = row + part.bad
    row += part.points.length / 32
  }
  return { points: concatBytes(...parts.map((part) => part.points)), bad }
}

const messageRows = (input: HashInput): number => input.offsets.length - 1

/**
 * Hash to curve: `curve25519_XMD:SHA-512_ELL2_RO_` of RFC 9380 (section 8.5), u-coordinates only, n rows of 32 bytes.
 * Both maps, the addition and the cofactor (8) are included, so a row is uniform over the prime-order subgroup and says
 * nothing about membership of curve or twist. The neutral element (probability about 2^-252) would be 32 zero bytes.
 */
export const hash: Kernel<HashInput, Uint8Array> = {
  name: 'curve25519/hash',
  run: (input) => reference.hash(checkHash(input)),
  batch: { rows: messageRows, slice: sliceMessages, join: (parts) => concatBytes(...parts) },
}

/**
 * u(scalar · P) for each row P: the x-only Montgomery ladder of RFC 7748 with 256 steps and no clamping.
 * Bad rows are a value, not an exception, since results cross threads; they give 32 zero bytes and leave the other rows
 * alone. The point u = 0 is always bad (the ladder gives z = 0 for it whatever the scalar).
 */
export const scale: Kernel<ScaleInput, ScaleOutput> = {
  name: 'curve25519/scale',
  run: (input) => reference.scale(checkScale(input)),
  batch: {
    rows: (input) => input.points.length / 32,
    slice: (input, from, to) => ({ scalar: input.scalar, points: input.points.subarray(32 * from, 32 * to) }),
    join: joinScaled,
  },
}

/** `scale` of `hash`, in one pass over the messages. */
export const hashScale: Kernel<HashScaleInput, ScaleOutput> = {
  name: 'curve25519/hash-scale',
  run: (input) => reference.hashScale(checkScalar(checkHash(input))),
  batch: { rows: messageRows, slice: sliceMessages, join: joinScaled },
}

/** `scale` with a scalar for each row. Twice as dear as one scalar for all: nothing is shared between rows. */
export const scaleEach: Kernel<ScaleEachInput, ScaleOutput> = {
  name: 'curve25519/scale-each',
  run: (input) => reference.scaleEach(checkScaleEach(input)),
  batch: {
    rows: (input) => input.points.length / 32,
    slice: ({ scalars, points }, from, to) => ({
      scalars: scalars.subarray(32 * from, 32 * to),
      points: points.subarray(32 * from, 32 * to),
    }),
    join: joinScaled,
  },
}
