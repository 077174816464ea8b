import { fixedBytes, flatRows } from '@tallystick/core'
import { message } from '@tallystick/protocol'

/** 1024 transfers at once. */
export const maxTransfers = 1024
export const pointBytes = 32

/** `sender` and `receiver` are the roles of the ends, or 'each'. */
export const baseMessages = <const S extends string, const R extends string>(sender: S, receiver: R) => ({
  /** The sender's public keys on the curve and on its twist. */
  otBaseKeys: message(sender, receiver, fixedBytes(2 * pointBytes)),
  /** Two masked keys for each transfer. */
  otBaseMasks: message(receiver, sender, flatRows(2 * pointBytes, maxTransfers)),
})

export type BaseMessages<S extends string, R extends string> = ReturnType<typeof baseMessages<S, R>>
