/** Ciphertexts between two parties. */
import { flatRows } from '@tallystick/core'
import { message } from '@tallystick/protocol'

/** 4 MiB a frame. */
export const mostBytes = 2 ** 22
const bytes = flatRows(1, mostBytes)

export const ciphertextMessages = {
  /** A public key, residues as packed bits, with the 32 bytes that its other half and those of all ciphertexts come from. */
  publicKey: message('each', 'each', bytes),
  /** First components of ciphertexts. */
  ciphertexts: message('each', 'each', bytes),
  /** Both components of what was computed, masked. */
  answers: message('each', 'each', bytes),
} as const

export type CiphertextMessages = typeof ciphertextMessages
