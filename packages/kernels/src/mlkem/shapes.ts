import { TallyError } from '@tallystick/core'
import type { DecapsulateInput, EncapsulateInput } from './kernels.ts'

export const publicKeyBytes = 1184
export const secretKeyBytes = 2400
export const ciphertextBytes = 1088
export const vectorBytes = 1152

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

/** @throws TallyError api/misuse unless the bytes are whole rows. */
export function checkRows(kernel: string, rows: Uint8Array, width: number): Uint8Array {
  if (rows.length % width !== 0) throw misuse(`${kernel}: expected rows of ${width} bytes, found ${rows.length} bytes`)
  return rows
}

const checkPaired = (kernel: string, left: Uint8Array, width: number, right: Uint8Array, other: number): void => {
  if (left.length % width === 0 && right.length === (left.length / width) * other) return
  throw misuse(
    `${kernel}: expected rows of ${width} and ${other} bytes, found ${left.length} and ${right.length} bytes`,
  )
}

/** @throws TallyError api/misuse unless there is a message of 32 bytes for each key. */
export function checkEncapsulate(input: EncapsulateInput): EncapsulateInput {
  checkPaired('mlkem/encapsulate', input.publicKeys, publicKeyBytes, input.messages, 32)
  return input
}

/** @throws TallyError api/misuse unless there is a ciphertext for each key. */
export function checkCiphertexts(input: DecapsulateInput): DecapsulateInput {
  checkPaired('mlkem/decapsulate', input.secretKeys, secretKeyBytes, input.ciphertexts, ciphertextBytes)
  return input
}
