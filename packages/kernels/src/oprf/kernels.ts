/**
 * Batches on ristretto255 (RFC 9496): the group operations of the oblivious pseudorandom functions of RFC 9497, suite
 * ristretto255-SHA512. Elements are 32 bytes in their canonical encoding; scalars are 32 bytes, little endian, in [1, ℓ),
 * ℓ = 2^252 + 27742317777372353535851937790883648493. The neutral element is no valid element, as RFC 9497 wants.
 *
 * What is constant-time is said in `engine.ts`; the references are not.
 */
import { concatBytes } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkCombine, checkFinalize, checkMessages, checkScalars, checkScale } from './shapes.ts'

export interface HashInput {
  /** Domain separation tag, 1 to 255 bytes. */
  readonly dst: Uint8Array
  /** The messages, one after the other. */
  readonly bytes: Uint8Array
  /** n + 1 non-decreasing positions in `bytes`; no message is longer than 65,535 bytes. */
  readonly offsets: Uint32Array
}

export interface BlindInput extends HashInput {
  /** One scalar for all messages, or n. */
  readonly scalars: Uint8Array
}

export interface ScaleInput {
  /** One scalar for all points, or n. */
  readonly scalars: Uint8Array
  /** n rows of 32 bytes. */
  readonly points: Uint8Array
}

export interface FinalizeInput extends ScaleInput {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

export interface ScaleOutput {
  /** n rows of 32 bytes; a bad row is 32 zero bytes. */
  readonly points: Uint8Array
  /** Index of the first row that is no valid element; -1 if none. */
  readonly bad: number
}

export interface FinalizeOutput {
  /** n rows of 64 bytes; that of a bad row means nothing. */
  readonly outputs: Uint8Array
  readonly bad: number
}

export interface CombineOutput {
  /** 32 bytes; zeros for the neutral element. */
  readonly point: Uint8Array
  readonly bad: number
}

type Messages = Pick<HashInput, 'bytes' | 'offsets'>

const messageRows = ({ offsets }: Messages): number => offsets.length - 1

const sliceMessages = ({ bytes, offsets }: Messages, from: number, to: number): Messages => {
  const start = offsets[from]!
  const own = Uint32Array.from(offsets.subarray(from, to + 1), (offset) => offset - start)
  return { bytes: bytes.subarray(start, offsets[to]), offsets: own }
}

const sliceScalars = (scalars: Uint8Array, from: number, to: number, rows: number): Uint8Array =>
  scalars.length === 32 && rows !== 1 ? scalars : scalars.subarray(32 * from, 32 * to)

/** The first bad row over parts of the given sizes. */
const firstBad = (parts: readonly { readonly bad: number }[], sizes: readonly number[]): number => {
  let row = 0
  for (const [i, { bad }] of parts.entries()) {
    if (bad >= 0) return row + bad
    row += sizes[i]!
  }
  return -1
}

/** HashToGroup of RFC 9497, section 4.1 (hash_to_ristretto255 of RFC 9380, appendix B): n rows of 32 bytes. */
export const hash: Kernel<HashInput, Uint8Array> = {
  name: 'oprf/hash',
  run: (input) => reference.hash(checkMessages(input)),
  batch: {
    rows: messageRows,
    slice: (input, from, to) => ({ dst: input.dst, ...sliceMessages(input, from, to) }),
    join: (parts) => concatBytes(...parts),
  },
}

/** scalar · HashToGroup(message) for each row: Blind of RFC 9497, section 3.3.1. */
export const blind: Kernel<BlindInput, Uint8Array> = {
  name: 'oprf/blind',
  run: (input) => reference.blind(checkScalars(checkMessages(input), messageRows(input))),
  batch: {
    rows: messageRows,
    slice: (input, from, to) => ({
      dst: input.dst,
      ...sliceMessages(input, from, to),
      scalars: sliceScalars(input.scalars, from, to, messageRows(input)),
    }),
    join: (parts) => concatBytes(...parts),
  },
}

/** scalar · P for each row P: BlindEvaluate of RFC 9497, and whatever else multiplies elements. */
export const scale: Kernel<ScaleInput, ScaleOutput> = {
  name: 'oprf/scale',
  run: (input) => reference.scale(checkScale(input)),
  batch: {
    rows: ({ points }) => points.length / 32,
    slice: ({ scalars, points }, from, to) => ({
      scalars: sliceScalars(scalars, from, to, points.length / 32),
      points: points.subarray(32 * from, 32 * to),
    }),
    join: (parts, sizes) => ({
      points: concatBytes(...parts.map(({ points }) => points)),
      bad: firstBad(parts, sizes),
    }),
  },
}

/**
 * The outputs of RFC 9497 for evaluated elements: Hash(len(message) ‖ message ‖ len(P) ‖ scalar · P ‖ "Finalize"), the
 * scalars being the inverses of the blinds.
 */
export const finalize: Kernel<FinalizeInput, FinalizeOutput> = {
  name: 'oprf/finalize',
  run: (input) => reference.finalize(checkFinalize(input)),
  batch: {
    rows: messageRows,
    slice: (input, from, to) => ({
      ...sliceMessages(input, from, to),
      scalars: sliceScalars(input.scalars, from, to, messageRows(input)),
      points: input.points.subarray(32 * from, 32 * to),
    }),
    join: (parts, sizes) => ({
      outputs: concatBytes(...parts.map(({ outputs }) => outputs)),
      bad: firstBad(parts, sizes),
    }),
  },
}

/** Evaluate of RFC 9497: n outputs of 64 bytes, of the holder of the key, in one pass over the messages. */
export const evaluate: Kernel<BlindInput, Uint8Array> = {
  name: 'oprf/evaluate',
  run: (input) => reference.evaluate(checkScalars(checkMessages(input), messageRows(input))),
  batch: blind.batch!,
}

/** Σ scalar_i · P_i: the composites of a proof (RFC 9497, section 2.2.1). One scalar a row. */
export const combine: Kernel<ScaleInput, CombineOutput> = {
  name: 'oprf/combine',
  run: (input) => reference.combine(checkCombine(input)),
}
