/**
 * The events that parties sign, as EIP-712 typed data over secp256k1, in pure TypeScript (it also runs in a browser).
 *
 *   domain   EIP712Domain(string name,string version,bytes32 salt), name "Tallystick", version "1", salt of the deployment
 *   digest   keccak256(0x1901 ‖ keccak256(domain) ‖ keccak256(typeHash ‖ fields))
 *   signer   the address of a party's attestation key; signatures are r ‖ s ‖ v, low s, RFC 6979 nonces
 *
 * The domain has no chain id and no contract: one may be 0 on a consortium chain, and a record verifies without a chain.
 * `contracts/src/Events.sol` computes the same digests; a differential test holds both and ethers together.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, fromHex, toHex, TallyError, utf8ToBytes } from '@tallystick/core'
import type { Hex } from '@tallystick/core'

/** What every event after the agreement names: the terms, and which run of them (from 0). */
interface Run {
  readonly specHash: Hex
  readonly attempt: number
}

/** `party` is the index of the party in the ordered party list of the terms. */
interface OfParty extends Run {
  readonly party: number
}

/** A party agrees to the terms. */
export interface Agreement {
  readonly kind: 'Agreement'
  readonly specHash: Hex
}

/** A party commits to its input, its seed and its share of the joint coin. */
export interface Commitment extends OfParty {
  readonly kind: 'Commitment'
  readonly input: Hex
  readonly seed: Hex
  readonly coin: Hex
}

/** Before the first opening: digest of all parties' commitments, and of the chain heads that this party sees. */
export interface Checkpoint extends OfParty {
  readonly kind: 'Checkpoint'
  readonly commitments: Hex
  readonly heads: Hex
}

/** End of a run: one party's own final heads and the commitment to its own result. */
export interface View extends OfParty {
  readonly kind: 'View'
  readonly heads: Hex
  readonly result: Hex
}

/** The same digest is signed by all: digest of all links' heads, and of all result commitments. */
export interface Close extends Run {
  readonly kind: 'Close'
  readonly heads: Hex
  readonly result: Hex
}

/** A party ends the run; `reason` is keccak256 of the nonce of the terms and the error code. */
export interface Abort extends OfParty {
  readonly kind: 'Abort'
  readonly reason: Hex
}

/** The evidence of `party` may be sealed to the auditor with this address. */
export interface Disclosure extends OfParty {
  readonly kind: 'Disclosure'
  readonly auditor: Hex
}

export type SessionEvent = Agreement | Commitment | Checkpoint | View | Close | Abort | Disclosure
export type EventKind = SessionEvent['kind']

const run = ['bytes32 specHash', 'uint32 attempt'] as const
const ofParty = [...run, 'uint8 party'] as const

/** The members of each struct, in the order of its EIP-712 type. */
export const eventTypes: { readonly [K in EventKind]: readonly string[] } = {
  Agreement: ['bytes32 specHash'],
  Commitment: [...ofParty, 'bytes32 input', 'bytes32 seed', 'bytes32 coin'],
  Checkpoint: [...ofParty, 'bytes32 commitments', 'bytes32 heads'],
  View: [...ofParty, 'bytes32 heads', 'bytes32 result'],
  Close: [...run, 'bytes32 heads', 'bytes32 result'],
  Abort: [...ofParty, 'bytes32 reason'],
  Disclosure: [...ofParty, 'address auditor'],
}

const keccakText = (text: string): Uint8Array => keccak_256(utf8ToBytes(text))

const malformed = (message: string): TallyError => new TallyError('decode/malformed', 'none', message)

/** A value as one 32-byte word of ABI encoding. */
const word = (type: string, name: string, value: unknown): Uint8Array => {
  const out = new Uint8Array(32)
  if (type === 'bytes32' || type === 'address') {
    const length = type === 'address' ? 20 : 32
    if (typeof value !== 'string') throw malformed(`expected ${length} bytes of hex as "${name}" of a signed event`)
    out.set(fromHex(value, length), 32 - length)
    return out
  }
  const limit = 2 ** Number(type.slice('uint'.length))
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= limit) {
    throw malformed(`expected an integer from 0 to ${limit - 1} as "${name}" of a signed event`)
  }
  new DataView(out.buffer).setUint32(28, value)
  return out
}

const domainSeparator = (domain: Hex): Uint8Array =>
  keccak_256(
    concatBytes(
      keccakText('EIP712Domain(string name,string version,bytes32 salt)'),
      keccakText('Tallystick'),
      keccakText('1'),
      fromHex(domain, 32),
    ),
  )

/**
 * The 32 bytes that a party signs.
 * @param domain salt of the deployment, 32 bytes
 * @throws TallyError decode/malformed if a field is missing or not of its type
 */
export const eventDigest = (domain: Hex, event: SessionEvent): Hex => {
  const members = Object.hasOwn(eventTypes, event.kind) ? eventTypes[event.kind] : undefined
  if (members === undefined) throw malformed(`expected one of ${Object.keys(eventTypes).join(', ')} as kind of event`)
  const fields = event as unknown as Readonly<Record<string, unknown>>
  const words = members.map((member) => {
    const [type = '', name = ''] = member.split(' ')
    return word(type, name, fields[name])
  })
  const structHash = keccak_256(concatBytes(keccakText(`${event.kind}(${members.join(',')})`), ...words))
  return toHex(keccak_256(concatBytes(new Uint8Array([0x19, 0x01]), domainSeparator(domain), structHash)))
}

const addressOfPoint = (uncompressed: Uint8Array): Hex => toHex(keccak_256(uncompressed.slice(1)).slice(12))

/** The address (20 bytes, lower-case hex) of a private key (32 bytes). */
export const addressOf = (privateKey: Uint8Array): Hex => addressOfPoint(secp256k1.getPublicKey(privateKey, false))

/** Signs an event: 65 bytes r ‖ s ‖ v with v 27 or 28. Deterministic, so signing twice gives the same bytes. */
export const signEvent = (privateKey: Uint8Array, domain: Hex, event: SessionEvent): Hex => {
  const digest = fromHex(eventDigest(domain, event))
  const signature = secp256k1.sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' })
  return toHex(concatBytes(signature.slice(1), new Uint8Array([27 + signature[0]!])))
}

/**
 * The address whose key signed the event. Any 65 bytes of the right form recover *some* address: compare it with the
 * one that you expect.
 * @throws TallyError decode/malformed unless the signature is 65 bytes r ‖ s ‖ v with low s, v 27 or 28, and recovers
 */
export const recoverSigner = (domain: Hex, event: SessionEvent, signature: Hex): Hex => {
  const digest = fromHex(eventDigest(domain, event))
  const bytes = fromHex(signature, 65)
  const recovery = bytes[64]! - 27
  if (recovery !== 0 && recovery !== 1) throw malformed('expected 27 or 28 as the last byte of a signature')
  try {
    const parsed = secp256k1.Signature.fromBytes(bytes.slice(0, 64), 'compact').addRecoveryBit(recovery)
    if (parsed.hasHighS()) throw malformed('expected a signature in its low-s form')
    return addressOfPoint(parsed.recoverPublicKey(digest).toBytes(false))
  } catch (cause) {
    if (cause instanceof TallyError) throw cause
    throw new TallyError('decode/malformed', 'none', 'expected a signature from which a key can be recovered', {
      cause,
    })
  }
}

/** Whether `signer` (an address) signed the event; false also for a malformed signature. */
export const signedBy = (signer: Hex, domain: Hex, event: SessionEvent, signature: Hex): boolean => {
  try {
    return recoverSigner(domain, event, signature) === signer
  } catch {
    return false
  }
}
