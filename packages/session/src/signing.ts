/** Signatures of the session: EIP-712 events and the hello, all with a party's attestation key. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { concatBytes, fromHex, TallyError, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { addressOf, eventDigest, signedBy, type SessionEvent } from './events.ts'
import { partyOf, type Terms } from './terms.ts'

/** A party's attestation key, wherever it lives (a file, a token). */
export interface Signer {
  /** Address, 20 bytes. */
  readonly address: Hex
  /** r ‖ s ‖ v, low s, over 32 bytes. */
  sign(digest: Uint8Array): Promise<Uint8Array>
}

/** A signer over a key in memory; deterministic (RFC 6979), so signing again after a crash gives the same bytes. */
export const createSigner = (privateKey: Uint8Array): Signer => ({
  address: addressOf(privateKey),
  sign(digest) {
    const signature = secp256k1.sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' })
    return Promise.resolve(concatBytes(signature.subarray(1), Uint8Array.of(27 + signature[0]!)))
  },
})

export const signEventWith = async (signer: Signer, terms: Terms, event: SessionEvent): Promise<Hex> =>
  toHex(await signer.sign(fromHex(eventDigest(terms.domain, event))))

/** What an abort signs in place of its code; the nonce of the terms hides which of the few codes it is. */
export const reasonOf = ({ nonce }: Terms, code: string): Hex =>
  toHex(keccak_256(concatBytes(fromHex(nonce, 32), utf8ToBytes(code))))

const badSignature = (role: string, what: string): TallyError =>
  new TallyError(
    'peer/bad-signature',
    { peer: role },
    `expected ${what} signed by the key of ${role}, found another signature`,
    {
      remedy: `ask ${role} whether its attestation key is the one in the terms`,
    },
  )

/** @throws TallyError peer/bad-signature unless the role's key of the terms signed the event */
export const requireSigned = (terms: Terms, role: string, event: SessionEvent, signature: Hex): void => {
  if (!signedBy(partyOf(terms, role).signer, terms.domain, event, signature))
    throw badSignature(role, `a ${event.kind}`)
}

/** Whether the key of the address signed these 32 bytes. */
export const signedDigest = (address: Hex, digest: Uint8Array, signature: Hex): boolean => {
  try {
    const bytes = fromHex(signature, 65)
    const recovered = new Uint8Array(65)
    recovered[0] = bytes[64]! - 27
    recovered.set(bytes.subarray(0, 64), 1)
    const key = secp256k1.recoverPublicKey(recovered, digest, { prehash: false })
    const point = secp256k1.Point.fromBytes(key).toBytes(false)
    return toHex(keccak_256(point.subarray(1)).subarray(12)) === address
  } catch {
    return false
  }
}

export const requireSignedDigest = (
  terms: Terms,
  role: string,
  digest: Uint8Array,
  signature: Hex,
  what: string,
): void => {
  if (!signedDigest(partyOf(terms, role).signer, digest, signature)) throw badSignature(role, what)
}
