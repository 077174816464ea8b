/**
 * One party's side of a computation, from the dialled links to the signed close.
 *
 *     hello, attempt, past, held -> agreement -> commitment -> coin -> run (checkpoint) -> view -> close -> done
 *
 * A lost connection is dialled again and the attempt goes on from its journal, in this process or in a later one; an
 * error that a retry cannot mend ends the attempt with a signed abort. Nothing is answered twice.
 */
import { decodeValue, TallyError, type Hex } from '@tallystick/core'
import type { AnyProtocol, Hash } from '@tallystick/protocol'
import { randomBytes } from '@noble/hashes/utils.js'
import { systemClock, type Clock } from './clock.ts'
import type { KernelPool } from './drive.ts'
import type { Journal } from './journal.ts'
import type { Link } from './link.ts'
import { createLifecycle } from './lifecycle.ts'
import { evidenceOf, recordOf } from './outcome.ts'
import type { Progress } from './progress.ts'
import type { EvidenceMaterial, SessionRecord } from './record.ts'
import type { Signer } from './signing.ts'
import { checkCode, checkTerms, partyOf, type Terms } from './terms.ts'

/** The journals of one computation, one for each attempt. */
export interface JournalStore {
  /** Attempts that have a journal, ascending. */
  attempts(): readonly number[]
  /** Opens or begins one. @throws TallyError journal/rewound where the attempt must not go on */
  open(attempt: number): Journal
  /** Told how an attempt ended, after the journal says so durably: for listings, which open no journal. */
  finish?(attempt: number, state: 'closed' | 'aborted'): void
}

/** One-time ranges of preprocessed correlations, burned durably before they are handed out. */
export interface CorrelationStore {
  /** Digest of a correlation and of the record of its making, as the terms name it. */
  digest(correlation: string): Hex
  /** The same units for the same key (session, step, ordinal), also after a crash; never the same for two keys. */
  reserve(correlation: string, count: number, key: string): Promise<Uint8Array>
}

export interface SessionOptions {
  readonly terms: Terms
  readonly role: string
  readonly protocol: AnyProtocol
  readonly signer: Signer
  /** Connects to every other party; called again after a connection is lost. Ends when the signal aborts. */
  readonly links: (signal: AbortSignal) => Promise<Readonly<Record<string, Link>>>
  readonly input: unknown
  /** The commitment to the input, the same whenever it is called for one attempt. */
  readonly commitInput: (
    sessionId: Hex,
    attempt: number,
  ) => { readonly root: Uint8Array } | Promise<{ readonly root: Uint8Array }>
  readonly pool: KernelPool
  readonly journals: JournalStore
  readonly correlations?: CorrelationStore | undefined
  /** Digest of the code that runs here; must be the one in the terms. */
  readonly code?: Hex | undefined
  /** SHA-256 for the chains; the portable one where absent. */
  readonly hash?: Hash | undefined
  readonly clock?: Clock | undefined
  /** 32 fresh random bytes; the platform's generator where absent. */
  readonly entropy?: (() => Uint8Array) | undefined
  readonly signal?: AbortSignal | undefined
  /** How much of a peer's frames may wait unawaited. */
  readonly inboxBytes?: number | undefined
  /** Countersigns, at the close, that the evidence of a role of `terms.auditor.audited` goes to the auditor. */
  readonly disclose?: ((of: string, attempt: number) => Promise<Hex>) | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface SessionResult {
  readonly output: unknown
  readonly attempt: number
  readonly record: SessionRecord
  /** Reads the journal: use it before {@link SessionResult.close}. */
  readonly evidence: EvidenceMaterial
  /**
   * Resolves when every peer has all signatures too, or the close deadline has passed: until then this side still
   * answers a peer that comes back from a crash. Never rejects.
   */
  readonly settled: Promise<void>
  /** Waits until settled (or, with `false`, leaves at once), then closes links and journal. */
  close(wait?: boolean): Promise<void>
}

const defaultInboxBytes = 32 * 1024 * 1024

/**
 * Runs one party to its output. Run again with the same journals it resumes; run again after its end it returns the
 * same output and record without any network.
 * @throws TallyError of any area but `record`, `evidence`, `ledger`; the blame says whose side must act
 */
export const runSession = async (options: SessionOptions): Promise<SessionResult> => {
  const { terms, role, protocol, signer, clock = systemClock } = options
  const own = partyOf(terms, role)
  if (own.signer !== signer.address) {
    const message = `expected the key ${own.signer} of the terms to sign for ${role}, found ${signer.address}`
    throw new TallyError('identity/wrong-key', 'self', message, { remedy: 'use the identity that the terms name' })
  }
  if (options.code !== undefined) checkCode(terms, options.code)
  // What has begun may be finished after the expiry; only what is new may not start.
  const begun = options.journals.attempts().length > 0
  checkTerms(terms, protocol, begun ? Math.min(clock.now(), Date.parse(terms.expires)) : clock.now())
  const lifecycle = createLifecycle({
    ...options,
    clock,
    entropy: options.entropy ?? (() => randomBytes(32)),
    inboxBytes: options.inboxBytes ?? defaultInboxBytes,
    signal: options.signal ?? new AbortController().signal,
  })
  const ended = await lifecycle.run()
  const { attempt, settled } = ended
  return {
    output: decodeValue(attempt.journal.get('state', 'output')!),
    attempt: attempt.run.attempt,
    record: recordOf(terms, attempt),
    evidence: evidenceOf(attempt),
    settled,
    close: (wait) => ended.close(wait),
  }
}
