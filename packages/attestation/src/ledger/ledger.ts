/**
 * A ledger holds what parties signed about computations, and when the world first saw it. It is never on the path of a
 * result: entries go through an outbox (`outbox.ts`), and a record verifies without it.
 */
import type { Hex } from '@tallystick/core'
import type { Entry } from './job.ts'
import type { Place, Placed } from './log.ts'

export interface Recorded {
  readonly at: Place
  /** Gas that this submission used; undefined if the entry was on the ledger before. */
  readonly gas?: number
}

export const states = [
  'None',
  'Proposed',
  'Agreed',
  'InputsCommitted',
  'Running',
  'Completed',
  'Failed',
  'Aborted',
] as const
export type State = (typeof states)[number]

type Kind<K extends Placed['kind']> = Extract<Placed, { kind: K }>

/** Everything that the ledger holds about one computation, as of one block. Parties are indices. */
export interface Computation {
  readonly id: Hex
  readonly state: State
  readonly proposed: Kind<'Proposed'>
  readonly agreed: readonly number[]
  readonly commitments: readonly Kind<'InputCommitted'>[]
  readonly started: Kind<'Started'> | undefined
  /** The Close that stands, with the block in which its last signature came; `signed` has k of n parties. */
  readonly completed: Kind<'Completed'> | undefined
  readonly closeDigest: Hex | undefined
  readonly signed: readonly number[]
  /** Two different Closes were signed: somebody signed a lie. */
  readonly contested: boolean
  readonly aborted: Kind<'Aborted'> | undefined
  /** All logs, in the order of the chain. */
  readonly logs: readonly Placed[]
  /** The block as of which this holds. */
  readonly head: number
}

/** A key of a party in the registry. Validity is [validFrom, validUntil) in Unix seconds. */
export interface RegisteredKey {
  /** An address for algorithms 1 (secp256k1) and 2 (EIP-1271 wallet), otherwise a fingerprint of the public key. */
  readonly key: Hex
  /** 1: signs events. */
  readonly purpose: number
  readonly algorithm: number
  readonly validFrom: bigint
  readonly validUntil: bigint
  readonly addedAt: bigint
}

export interface RegisteredParty {
  readonly party: Hex
  readonly controller: Hex
  /** All keys that the party ever had. */
  readonly keys: readonly RegisteredKey[]
}

export interface WatchOptions {
  readonly signal?: AbortSignal
  /** Blocks that must lie on top of a log before it is shown. */
  readonly confirmations?: number
  /** Milliseconds between two looks. */
  readonly interval?: number
}

export interface Ledger {
  /**
   * Records an entry, once: an entry that is already on the ledger is found, not sent again.
   * @throws TallyError ledger/unreachable (no answer, try later), ledger/rejected (by the contract), ledger/conflict
   *   (another entry stands in its place)
   */
  submit(entry: Entry, signal?: AbortSignal): Promise<Recorded>
  /** Where the entry is on the canonical chain, or undefined. */
  locate(entry: Entry): Promise<Place | undefined>
  find(id: Hex): Promise<Computation | undefined>
  findParty(party: Hex): Promise<RegisteredParty | undefined>
  /** When a root was anchored (Unix seconds), or undefined. */
  anchoredAt(root: Hex): Promise<number | undefined>
  /** Logs from a block on, for ever; waits through downtime of the node. Compare block hashes after a reorganisation. */
  watch(from: number, options?: WatchOptions): AsyncIterable<Placed>
  /** Number of the newest block. */
  head(): Promise<number>
  close(): void
}
