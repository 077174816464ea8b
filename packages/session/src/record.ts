/**
 * What a run leaves behind. The record: what was agreed, committed and signed; it may be shown to anyone entitled. The
 * evidence material: with it an auditor can replay this party; it never leaves the party but sealed to that auditor.
 * All of the record is JSON, and of the evidence all but the frames; lists of parties are in the order of the terms.
 */
import type { Hex } from '@tallystick/core'
import type { CommitmentValues, LinkHead } from './digests.ts'
import type { Terms } from './terms.ts'

/** Who signed, and the time that the signer's own clock claimed. */
export interface Signed {
  readonly role: string
  readonly signature: Hex
  readonly at: string
}

/** Agreement event: the party agrees to the terms. */
export type SignedAgreement = Signed
/** Commitment event. */
export interface SignedCommitment extends Signed, CommitmentValues {}
/** A share of the joint coin, opened after all commitments were exchanged. */
export interface OpenedCoin {
  readonly role: string
  readonly share: Hex
  readonly nonce: Hex
}
/** Checkpoint event: the heads of the links that this party sees, before any opening. */
export interface SignedCheckpoint extends Signed {
  readonly heads: readonly LinkHead[]
}
/** View event: the final heads of the links that this party sees, and the commitment to its own result. */
export interface SignedView extends Signed {
  readonly heads: readonly LinkHead[]
  readonly result: Hex
}

/** Abort event of one party for one attempt; `code` is the error code whose keccak was signed. */
export interface SignedAbort {
  readonly role: string
  readonly attempt: number
  readonly code: string
  readonly signature: Hex
}

/** Disclosure event: the signer consents that the evidence of `role` is sealed to the auditor. */
export interface SignedDisclosure extends Signed {
  /** Whose evidence. */
  readonly of: string
}

export interface SignedClose {
  /** Digest of all links' heads. */
  readonly heads: Hex
  /** Digest of all result commitments. */
  readonly result: Hex
  /** Of those who signed: fewer than the parties make the record "completed, k of n signed", never void. */
  readonly signatures: readonly Signed[]
}

export const sessionRecordFormat = 'tallystick/session/1'

export interface SessionRecord {
  readonly format: typeof sessionRecordFormat
  readonly terms: Terms
  readonly specHash: Hex
  readonly attempt: number
  readonly sessionId: Hex
  /** The role of the party whose record this is. */
  readonly role: string
  /** `completed` once all views fit together; `open` may still be resumed. */
  readonly outcome: 'completed' | 'aborted' | 'open'
  readonly agreements: readonly SignedAgreement[]
  /** Aborts of earlier attempts, and of this one. */
  readonly aborts: readonly SignedAbort[]
  readonly commitments: readonly SignedCommitment[]
  readonly coins: readonly OpenedCoin[]
  /** Empty for a protocol without openings. */
  readonly checkpoint: readonly SignedCheckpoint[]
  readonly views: readonly SignedView[]
  readonly close: SignedClose | null
  readonly disclosures: readonly SignedDisclosure[]
}

export interface InboxFrame {
  readonly from: string
  readonly step: string
  readonly ordinal: number
  readonly body: Uint8Array
}

/** One chain: {@link import('@tallystick/protocol').Head} with its head in hex. */
export interface StepHead {
  readonly from: string
  readonly to: string
  readonly step: string
  readonly frames: number
  readonly head: Hex
}

/** The chains that a party's signed heads are made of, so that a replay can name the step that differs. */
export interface SignedChains {
  /** Empty for a protocol without openings. */
  readonly checkpoint: readonly StepHead[]
  readonly view: readonly StepHead[]
}

export interface ReservedRange {
  readonly step: string
  readonly ordinal: number
  readonly correlation: string
  readonly count: number
  /** The flat bytes that the store handed out. */
  readonly body: Uint8Array
}

export interface EvidenceMaterial {
  readonly role: string
  readonly specHash: Hex
  readonly attempt: number
  readonly sessionId: Hex
  /** What the input commitment opens to. */
  readonly inputRoot: Hex
  readonly inputNonce: Hex
  readonly seed: Hex
  readonly seedNonce: Hex
  readonly coin: Hex
  readonly coinNonce: Hex
  readonly reserved: readonly ReservedRange[]
  readonly chains: SignedChains
  /** By link, step and ordinal. Read from the journal as it is iterated, so the journal must still be open. */
  readonly inbox: Iterable<InboxFrame>
}
