/** What a version of a table is, for whoever asks it: everything that terms fix by one digest. */
import { canonicalBytes, taggedDigest, toHex, type Hex } from '@tallystick/core'
import type { Shape } from './shape.ts'

export interface PirVersion {
  readonly shape: Shape
  readonly publicKey: Hex
  readonly salt: Hex
  /** Of the public matrix. */
  readonly seed: Hex
  /** Of the last change. */
  readonly version: number
  /** SHA-256 of the matrix, its lines one after the other. */
  readonly matrix: Hex
  /** SHA-256 of the hint, little-endian words. */
  readonly hint: Hex
  readonly stashRows: number
  /** {@link listDigest} of the stash. */
  readonly stash: Hex
}

export const versionDigest = ({
  shape: { columns, slots, valueBytes },
  publicKey,
  salt,
  seed,
  version,
  matrix,
  hint,
  stashRows,
  stash,
}: PirVersion): Hex =>
  toHex(
    taggedDigest(
      'tallystick/query/table/v1',
      canonicalBytes({
        shape: { columns, slots, valueBytes },
        publicKey,
        salt,
        seed,
        version,
        matrix,
        hint,
        stashRows,
        stash,
      }),
    ),
  )
