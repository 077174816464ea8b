/**
 * Every digest that parties sign or derive keys from, defined once: the session makes them, `verify` and `replay` make
 * them again from the record.
 */
import {
  concatBytes,
  deriveKey,
  fromHex,
  taggedDigest,
  taggedMac,
  toHex,
  u32,
  utf8ToBytes,
  type Digest,
  type Hex,
} from '@tallystick/core'

/** One attempt at the computation that the terms describe. */
export interface Run {
  readonly specHash: Hex
  readonly attempt: number
  readonly sessionId: Hex
}

/** Who a party is: its attestation key together with its TLS key. */
export const partyId = (signer: Hex, tls: Hex): Hex =>
  toHex(taggedDigest('tallystick/party/v1', fromHex(signer, 20), fromHex(tls, 32)))

export const runOf = (specHash: Hex, attempt: number): Run => ({
  specHash,
  attempt,
  sessionId: toHex(taggedDigest('tallystick/session/v1', fromHex(specHash, 32), u32(attempt))),
})

const parts = ({ specHash, sessionId, attempt }: Run): [Uint8Array, Uint8Array, Uint8Array] => [
  fromHex(specHash, 32),
  fromHex(sessionId, 32),
  u32(attempt),
]

/** What the chains of a run start from: a frame of another run changes every head after it. */
export const chainBinding = (run: Run): Digest => taggedDigest('tallystick/binding/v1', ...parts(run))

export type CommitmentKind = 'input' | 'seed' | 'coin' | 'result'

/** Hiding through the 32-byte nonce, binding through the hash. */
export const commitment = (kind: CommitmentKind, run: Run, role: string, value: Uint8Array, nonce: Uint8Array): Hex =>
  toHex(taggedDigest(`tallystick/commitment/${kind}/v1`, ...parts(run), role, value, nonce))

/** @param shares of all parties, in the order of the terms */
export const jointCoin = (run: Run, shares: readonly Uint8Array[]): Digest =>
  taggedDigest('tallystick/coin/v1', fromHex(run.specHash, 32), fromHex(run.sessionId, 32), ...shares)

/** The root of a party's private coins: nobody chooses it alone, not even the party. */
export const sessionSeed = (ownSeed: Uint8Array, coin: Uint8Array, run: Run, role: string): Uint8Array =>
  deriveKey(ownSeed, coin, 'tallystick/session-seed/v1', concatBytes(...parts(run), utf8ToBytes(role)))

export const resultNonce = (seed: Uint8Array): Digest => taggedMac(seed, 'tallystick/result-nonce/v1')

/** Where the chains of one directed link stand: {@link import('@tallystick/protocol').Transcript.link}. */
export interface LinkHead {
  readonly from: string
  readonly to: string
  readonly digest: Hex
}

const byLink = (a: LinkHead, b: LinkHead): number =>
  a.from === b.from ? (a.to < b.to ? -1 : a.to > b.to ? 1 : 0) : a.from < b.from ? -1 : 1

export const sortHeads = (heads: readonly LinkHead[]): readonly LinkHead[] => heads.toSorted(byLink)

/** Digest of links' heads, whatever order they come in: those that one party sees, or all. */
export const headsDigest = (heads: readonly LinkHead[]): Hex =>
  toHex(
    taggedDigest(
      'tallystick/heads/v1',
      ...sortHeads(heads).flatMap(({ from, to, digest }) => [from, to, fromHex(digest, 32)]),
    ),
  )

export interface CommitmentValues {
  readonly role: string
  readonly input: Hex
  readonly seed: Hex
  readonly coin: Hex
}

/** @param commitments of all parties, in the order of the terms */
export const commitmentsDigest = (commitments: readonly CommitmentValues[]): Hex =>
  toHex(
    taggedDigest(
      'tallystick/commitments/v1',
      ...commitments.flatMap(({ role, input, seed, coin }) => [
        role,
        ...[input, seed, coin].map((c) => fromHex(c, 32)),
      ]),
    ),
  )

/** @param results commitments of all parties, in the order of the terms */
export const resultsDigest = (results: readonly { readonly role: string; readonly result: Hex }[]): Hex =>
  toHex(taggedDigest('tallystick/results/v1', ...results.flatMap(({ role, result }) => [role, fromHex(result, 32)])))

/** How signed events name the auditor: the last 20 bytes of a digest of the age recipient in the terms. */
export const auditorAddress = (recipient: string): Hex =>
  toHex(taggedDigest('tallystick/auditor/v1', recipient).subarray(12))
