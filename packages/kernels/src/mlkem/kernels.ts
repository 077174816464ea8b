/**
 * ML-KEM-768 (FIPS 203) over many keys, deterministic in its seeds, by noble; and uniform elements of the module R_q^3 in
 * which its public vectors lie. For the post-quantum base transfers; no faster engine: hundreds of calls, not millions.
 * Noble's arithmetic is on numbers in plain JavaScript, without tables, but promises no constant time.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkCiphertexts, checkEncapsulate, checkRows } from './shapes.ts'

export interface KeysInput {
  /** n seeds d ‖ z of 64 bytes. */
  readonly seeds: Uint8Array
}
export interface Keys {
  /** n rows of 1184 bytes: the vector t in 12 bits a coefficient, and the seed of the matrix. */
  readonly publicKeys: Uint8Array
  /** n rows of 2400 bytes. */
  readonly secretKeys: Uint8Array
}

export interface EncapsulateInput {
  /** n rows of 1184 bytes. */
  readonly publicKeys: Uint8Array
  /** n rows of 32 bytes of randomness. */
  readonly messages: Uint8Array
}
export interface Encapsulated {
  /** n rows of 1088 bytes. */
  readonly ciphertexts: Uint8Array
  /** n rows of 32 bytes. */
  readonly secrets: Uint8Array
}

export interface DecapsulateInput {
  /** n rows of 2400 bytes. */
  readonly secretKeys: Uint8Array
  /** n rows of 1088 bytes. */
  readonly ciphertexts: Uint8Array
}

export interface UniformInput {
  /** n seeds of 32 bytes. */
  readonly seeds: Uint8Array
}

export const keys: Kernel<KeysInput, Keys> = {
  name: 'mlkem/keys',
  run: ({ seeds }) => reference.keys(checkRows('mlkem/keys', seeds, 64)),
}

/** Coefficients of the public keys must be below q: the caller checks what a peer sent. */
export const encapsulate: Kernel<EncapsulateInput, Encapsulated> = {
  name: 'mlkem/encapsulate',
  run: (input) => reference.encapsulate(checkEncapsulate(input)),
}

/** n secrets of 32 bytes; a ciphertext that was not made for the key gives a pseudorandom one (implicit rejection). */
export const decapsulate: Kernel<DecapsulateInput, Uint8Array> = {
  name: 'mlkem/decapsulate',
  run: (input) => reference.decapsulate(checkCiphertexts(input)),
}

/** n vectors of 768 coefficients, uniform below q = 3329, by rejection from SHAKE128(seed): rows of 1152 bytes. */
export const uniform: Kernel<UniformInput, Uint8Array> = {
  name: 'mlkem/uniform',
  run: ({ seeds }) => reference.uniform(checkRows('mlkem/uniform', seeds, 32)),
}
