/** ChaCha20-Poly1305 (RFC 8439, section 2.8) over rows of one length, each under a key of its own. */
import { concatBytes, TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'

export interface SealInput {
  /** n rows of 32 bytes. */
  readonly keys: Uint8Array
  /** n rows of 12 bytes. No pair of key and nonce may ever come twice. */
  readonly nonces: Uint8Array
  /** n rows of `width` bytes. */
  readonly plain: Uint8Array
  readonly width: number
  /** n rows of `associatedWidth` bytes that are authenticated and not encrypted. */
  readonly associated: Uint8Array
  readonly associatedWidth: number
}

const rowsOf = ({ keys }: SealInput): number => keys.length / 32

/** @throws TallyError api/misuse unless all parts have the same number of rows. */
export const checkSeal = (input: SealInput): SealInput => {
  const { keys, nonces, plain, width, associated, associatedWidth } = input
  const rows = rowsOf(input)
  const fits =
    Number.isInteger(rows) &&
    Number.isInteger(width) &&
    Number.isInteger(associatedWidth) &&
    nonces.length === 12 * rows &&
    plain.length === width * rows &&
    associated.length === associatedWidth * rows
  if (fits) return input
  throw new TallyError(
    'api/misuse',
    'self',
    `chacha/seal: expected as many rows in each part, found ${keys.length} bytes of keys, ${nonces.length} of nonces, ` +
      `${plain.length} of plain text and ${associated.length} associated`,
  )
}

/** n rows of `width` + 16 bytes: cipher text and authenticator. */
export const seal: Kernel<SealInput, Uint8Array> = {
  name: 'chacha/seal',
  run: (input) => reference.seal(checkSeal(input)),
  batch: {
    rows: rowsOf,
    slice: ({ keys, nonces, plain, width, associated, associatedWidth }, from, to) => ({
      keys: keys.subarray(32 * from, 32 * to),
      nonces: nonces.subarray(12 * from, 12 * to),
      plain: plain.subarray(width * from, width * to),
      width,
      associated: associated.subarray(associatedWidth * from, associatedWidth * to),
      associatedWidth,
    }),
    join: (parts) => concatBytes(...parts),
  },
}
