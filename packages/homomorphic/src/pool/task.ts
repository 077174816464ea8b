/** What goes to a worker of the pool and comes back. */
import type { TallyError } from '@tallystick/core'
import type { RlweEvaluateInput, RingCiphertext } from '@tallystick/kernels'
import type { Roomy } from '../seal/registers.ts'

export type Task = RlweEvaluateInput & Roomy

/** Errors cross threads as plain fields: structured cloning would drop code and blame. */
export type Reply = (
  | { readonly output: readonly RingCiphertext[] }
  | { readonly error: ReturnType<TallyError['toJSON']> }
) &
  Roomy

/** The buffers behind ciphertexts and plaintexts, to be given away with them; shared memory is not. */
export const buffersOf = (values: readonly { readonly residues: BigUint64Array }[]): ArrayBuffer[] => [
  ...new Set(values.flatMap(({ residues: { buffer } }) => (buffer instanceof ArrayBuffer ? [buffer] : []))),
]
