/** What the roles of encrypted statistics hold, send and learn. */
import { TallyError, type Codec } from '@tallystick/core'
import { message, opening } from '@tallystick/protocol'
import { maxColumns, type Parameters } from './plan.ts'

export interface OwnerInput {
  /** rows × columns integers, row by row. */
  readonly values: Int32Array
}

export interface ReceiverOutput {
  readonly rows: number
  /** Of each column, exactly; null where the reply did not decrypt, which only this side knows. */
  readonly sums: BigInt64Array | null
  readonly squares: BigInt64Array | null
}

const bounded = (maxBytes: number): Codec<Uint8Array> => ({
  maxBytes,
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
})

/** One component modulo all primes of the widest ring. */
const component = 32_768 * 18 * 7

/** Owners stand for themselves: `each` sends `values`, and only owners have any. */
export const messages = {
  /** Public seed, then the first component of the public key. */
  key: message('receiver', 'each', bounded(32 + component)),
  /** First component of one digit of the relinearisation key. */
  relinearisation: message('receiver', 'compute', bounded(component)),
  /** An encryption under the public key: one tile of one column a frame, column by column. */
  values: message('each', 'compute', bounded(2 * component)),
  /** Of each column, the masked sum and the masked sum of squares. */
  sums: opening('compute', 'receiver', bounded(2 * component)),
} as const

/** @throws TallyError input/malformed, input/invalid-value */
export const checkValues = ({ values }: OwnerInput, rows: number, { columns, bits }: Parameters): void => {
  if (values.length !== rows * columns) {
    const found = `found ${values.length} values`
    throw new TallyError('input/malformed', 'self', `expected ${rows} rows of ${columns} columns, ${found}`)
  }
  const most = 2 ** bits
  const at = values.findIndex((value) => Math.abs(value) >= most)
  if (at === -1) return
  throw new TallyError('input/invalid-value', 'self', `expected values between ±${most - 1}; value ${at} is not`, {
    remedy: `declare a wider range in the terms, or correct the value (of at most ${maxColumns} columns)`,
  })
}
