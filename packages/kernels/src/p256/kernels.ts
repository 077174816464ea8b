/**
 * Batches on P-256 (SEC 2, secp256r1) for interoperation with `@openmined/psi.js`: its hash to the curve, which is *not*
 * one of RFC 9380, and multiplication by one scalar.
 *
 * Points are 33 bytes, SEC 1 compressed. Scalars are 32 bytes, big endian, in [1, n). The WebAssembly engine needs a fused
 * multiply-add; where a machine has none the reference runs (about 300 rows/s).
 *
 * Hash: x_0 = RO(m), x_(i+1) = RO(bytes of x_i, big endian without leading zeros), RO(m) = (SHA-256(1 ‖ m) · 2^256 +
 * SHA-256(2 ‖ m)) mod p; the first x_i that is on the curve, with its even y. The number of tries depends on the row, and
 * so does the time.
 */
import { concatBytes } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkHashScale, checkScale } from './shapes.ts'

export interface HashScaleInput {
  /** 32 bytes, big endian, in [1, n). */
  readonly scalar: Uint8Array
  /** The messages, one after the other. */
  readonly bytes: Uint8Array
  /** m + 1 non-decreasing positions in `bytes`: message i is bytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array
}

export interface ScaleInput {
  readonly scalar: Uint8Array
  /** m rows of 33 bytes. */
  readonly points: Uint8Array
}

export interface ScaleOutput {
  /** m rows of 33 bytes; a bad row is 33 zero bytes. */
  readonly points: Uint8Array
  /** Index of the first row that is no compressed point of the curve; -1 if none. */
  readonly bad: number
}

export const pointBytes = 33

/** scalar · H(message) for each message: m rows of 33 bytes. */
export const hashScale: Kernel<HashScaleInput, Uint8Array> = {
  name: 'p256/hash-scale',
  run: (input) => reference.hashScale(checkHashScale(input)),
  batch: {
    rows: ({ offsets }) => offsets.length - 1,
    slice: ({ scalar, bytes, offsets }, from, to) => ({
      scalar,
      bytes: bytes.subarray(offsets[from], offsets[to]),
      offsets: Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - offsets[from]!),
    }),
    join: (parts) => concatBytes(...parts),
  },
}

/** scalar · P for each row P. */
export const scale: Kernel<ScaleInput, ScaleOutput> = {
  name: 'p256/scale',
  run: (input) => reference.scale(checkScale(input)),
  batch: {
    rows: ({ points }) => points.length / pointBytes,
    slice: ({ scalar, points }, from, to) => ({
      scalar,
      points: points.subarray(pointBytes * from, pointBytes * to),
    }),
    join(parts, sizes) {
      let bad = -1
      let row = 0
      for (const [i, part] of parts.entries()) {
        if (bad < 0 && part.bad >= 0) bad = row + part.bad
        row += sizes[i]!
      }
      return { points: concatBytes(...parts.map(({ points }) => points)), bad }
    },
  },
}
