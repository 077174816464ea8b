/**
 * Epochs: 8 random bytes for each version of a table, drawn when that version is made. They go into the nonce of every row
 * that the version seals, beside its number. A number may come twice, where a holder restores an old folder and
 * changes it again; the epoch does not, so that two contents of a row never share a key stream (but with probability
 * 2^-64 a pair). They are public and travel before the sealed rows that every asker has:
 *
 *     first version (4) ‖ versions n (4) ‖ n epochs (8 each) ‖ sealed rows
 */
import { concatBytes, readU32, TallyError, u32, type Rng } from '@tallystick/core'

export const epochBytes = 8

/** Of the versions from `first` on, one after the other. */
export interface Epochs {
  readonly first: number
  readonly bytes: Uint8Array
}

/** What a row is sealed under. */
export interface Seal {
  readonly version: number
  /** {@link epochBytes} bytes. */
  readonly epoch: Uint8Array
}

/** The epochs of a table whose first version is this. */
export const startEpochs = (version: number, rng: Rng): Epochs => ({ first: version, bytes: rng.bytes(epochBytes) })

/** With a fresh epoch for each version up to `version`; those that there are stay. */
export const extendEpochs = ({ first, bytes }: Epochs, version: number, rng: Rng): Epochs => ({
  first,
  bytes: concatBytes(bytes, rng.bytes(epochBytes * (version - first + 1) - bytes.length)),
})

/** What a version seals under; undefined for one that the table has never had. */
export const sealOf = ({ first, bytes }: Epochs, version: number): Seal | undefined => {
  const at = epochBytes * (version - first)
  return at < 0 || at >= bytes.length ? undefined : { version, epoch: bytes.subarray(at, at + epochBytes) }
}

const headBytes = 8

/** Epochs, then sealed rows. */
export const withEpochs = ({ first, bytes }: Epochs, rows: Uint8Array): Uint8Array =>
  concatBytes(u32(first), u32(bytes.length / epochBytes), bytes, rows)

/** @throws TallyError input/malformed unless these are epochs and whole rows of `slotBytes` */
export const splitEpochs = (
  sealed: Uint8Array,
  slotBytes: number,
): { readonly epochs: Epochs; readonly rows: Uint8Array } => {
  const end = sealed.length < headBytes ? Infinity : headBytes + epochBytes * readU32(sealed.subarray(4))
  if (end > sealed.length || (sealed.length - end) % slotBytes !== 0) {
    throw new TallyError(
      'input/malformed',
      'self',
      `${sealed.length} bytes are not sealed rows of ${slotBytes} bytes`,
      {
        remedy: 'fetch the version that the terms name again; a table of an earlier release is to be built again',
      },
    )
  }
  return { epochs: { first: readU32(sealed), bytes: sealed.subarray(headBytes, end) }, rows: sealed.subarray(end) }
}
