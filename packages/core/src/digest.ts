/**
 * Tagged SHA-256: H(len(tag) ‖ tag ‖ len(part) ‖ part ‖ …), lengths in 32 bits. The tag separates the uses and the
 * lengths make the encoding of the parts injective, so no two different statements share a digest.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { u32, utf8ToBytes } from './bytes.ts'

declare const brand: unique symbol
/** 32 bytes that came out of a hash. */
export type Digest = Uint8Array & { readonly [brand]: 'Digest' }

export const digestBytes = 32

const bytesOf = (part: Uint8Array | string): Uint8Array => (typeof part === 'string' ? utf8ToBytes(part) : part)

/** Tagged digest of the parts; `tag` reads `tallystick/<what>/v1`. */
export const taggedDigest = (tag: string, ...parts: readonly (Uint8Array | string)[]): Digest => {
  const hash = sha256.create()
  for (const part of [tag, ...parts].map(bytesOf)) hash.update(u32(part.length)).update(part)
  return hash.digest() as Digest
}

/** HMAC-SHA256 over the same injective encoding: a pseudorandom function of the parts under `key`. */
export const taggedMac = (key: Uint8Array, tag: string, ...parts: readonly (Uint8Array | string)[]): Digest => {
  const mac = hmac.create(sha256, key)
  for (const part of [tag, ...parts].map(bytesOf)) mac.update(u32(part.length)).update(part)
  return mac.digest() as Digest
}

/** HKDF-SHA256 (RFC 5869): `length` bytes from key material, salt and a tagged context. */
export const deriveKey = (
  material: Uint8Array,
  salt: Uint8Array,
  tag: string,
  context: Uint8Array,
  length = 32,
): Uint8Array => hkdf(sha256, material, salt, taggedDigest(tag, context), length)
