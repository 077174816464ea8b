import { fixedBytes, flatRows } from '@tallystick/core'
import { message } from '@tallystick/protocol'

/** 1024 transfers at once. */
export const maxTransfers = 1024
export const pointBytes = 32

/** Of ML-KEM-768: a vector of R_q^3, a ciphertext, seeds. */
export const vectorBytes = 1152
export const ciphertextBytes = 1088
export const seedBytes = 32
/** rho, r_0, r_1. */
export const kemMaskBytes = seedBytes + 2 * vectorBytes

/** `sender` and `receiver` are the roles of the ends, or 'each'. */
export const baseMessages = <const S extends string, const R extends string>(sender: S, receiver: R) => ({
  /** The sender's public keys on the curve and on its twist. */
  otBaseKeys: message(sender, receiver, fixedBytes(2 * pointBytes)),
  /** Two masked keys for each transfer. */
  otBaseMasks: message(receiver, sender, flatRows(2 * pointBytes, maxTransfers)),
  /** The same from ML-KEM: the seed and the two masked vectors of each transfer. */
  otKemMasks: message(receiver, sender, flatRows(kemMaskBytes, maxTransfers)),
  otKemCiphertexts: message(sender, receiver, flatRows(2 * ciphertextBytes, maxTransfers)),
})

export type BaseMessages<S extends string, R extends string> = ReturnType<typeof baseMessages<S, R>>
