/**
 * `verify`: what a record proves by itself, with trust anchors, and with a chain. It shares with the parties' path only
 * the codecs, the digests and the events; nothing of the session runs here.
 */
import { parseTerms } from '@tallystick/session'
import { check, failed, holds, notChecked, passed, verdictOf, type Check, type Finding } from './checks.ts'
import type { Programs } from './program.ts'
import { programsLike } from './programs/load.ts'
import { brokenSections, checkRecord, parseRecord, type AttestedRecord } from './record.ts'
import { reportOf, type AuditReport } from './report.ts'
import { findTrust, type TrustAnchor } from './trust.ts'
import type { ChainReader } from './verify-chain.ts'
import { subjectsOf, verifySession, type Subjects } from './verify-session.ts'

export interface VerifyOptions {
  /** Whose keys are whose, learned out of band. */
  readonly trust?: readonly TrustAnchor[]
  /** A chain and its contracts, chosen by the auditor; its registry is a trust anchor too. */
  readonly chain?: ChainReader
  /** Protocols whose text is at hand, by id: it says whether a checkpoint must be there; those of this package if absent. */
  readonly programs?: Programs
  /** Milliseconds since the epoch, by the auditor's clock, for keys that have ended; the system's if absent. */
  readonly now?: number
}

interface Read {
  readonly checks: readonly Check[]
  readonly record?: AttestedRecord
  readonly subjects?: Subjects
}

const ofForm = { id: 'form', level: 'well-formed' as const, what: 'canonical form of the file' }
const ofTerms = { id: 'terms', level: 'well-formed' as const, what: 'the terms, and party ids of their keys' }
const ofSeal = { id: 'seal', level: 'well-formed' as const, what: 'unchanged since its party sealed it' }

/** The record, as far as it can be read. */
const read = async (source: AttestedRecord | Uint8Array, programs: Programs | undefined): Promise<Read> => {
  let record: AttestedRecord
  try {
    record = source instanceof Uint8Array ? parseRecord(source) : checkRecord(source)
  } catch (error) {
    return { checks: [check(ofForm, () => failed(messageOf(error)))] }
  }
  const form = check(ofForm, () => passed(record.format))
  const seal = check(ofSeal, () => {
    const broken = brokenSections(record)
    return holds(broken.length === 0, `by ${record.seal.role}`, `changed: ${broken.join(', ')}`)
  })
  let subjects: Subjects
  try {
    const terms = parseTerms(record.session.terms)
    subjects = subjectsOf(record.session, terms, programs ?? (await programsLike(terms.protocol.id)))
  } catch (error) {
    return { checks: [form, seal, check(ofTerms, () => failed(messageOf(error)))], record }
  }
  const fits = check(ofTerms, () => passed(subjects.terms.purpose))
  return { checks: [form, seal, fits], record, subjects }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The worse of two findings, where something was looked at at all; what the registry could not say is told beside. */
const both = (registry: Finding | undefined, trust: Finding): Finding => {
  if (registry === undefined) return trust
  if (registry.status !== 'not checked') return trust.status === 'failed' ? trust : registry
  return { ...trust, detail: `${trust.detail}; ${registry.detail}` }
}

/** By the trust file, by the registry, or by both: what is given must agree. */
const signerChecks = (
  { terms, roles }: Subjects,
  { trust }: VerifyOptions,
  registry: ReadonlyMap<string, Finding> | undefined,
): Check[] =>
  roles.map((role, i) =>
    check({ id: 'signers', level: 'recorded', what: 'whose key it is', role }, () =>
      both(registry?.get(role), findTrust(terms.parties[i]!, trust)),
    ),
  )

const ofRegistry = { id: 'registry', level: 'recorded' as const, what: 'the registry of parties', optional: true }
const ofAnchors = {
  id: 'anchors',
  level: 'well-formed' as const,
  what: 'the id of the computation on a chain',
  optional: true,
}

/**
 * Verifies a record, in memory or as the bytes of its file. Offline unless a chain is given.
 * @returns every check in a stable order, and the verdict with what it does not prove
 */
export const verify = async (
  source: AttestedRecord | Uint8Array,
  options: VerifyOptions = {},
): Promise<AuditReport> => {
  const { checks, record, subjects } = await read(source, options.programs)
  if (record === undefined || subjects === undefined) return reportOf({ checks, verdict: verdictOf(checks) })
  const { anchors } = record
  const { chain } = options
  // The EVM library is loaded only where there is something to do for it.
  const onChain = anchors === null && chain === undefined ? undefined : await import('./verify-chain.ts')
  let registry: ReadonlyMap<string, Finding> | undefined
  const chained: Check[] = []
  if (chain !== undefined && onChain !== undefined) {
    const located = await onChain.locate(subjects, anchors, chain)
    try {
      registry = await onChain.registered(subjects, located, chain, options.now ?? Date.now())
    } catch (error) {
      chained.push(check(ofRegistry, () => notChecked(`the chain does not answer: ${(error as Error).message}`)))
    }
    chained.push(...onChain.chainChecks(subjects, anchors, located))
  }
  const anchored = check(ofAnchors, () =>
    anchors === null || onChain === undefined
      ? notChecked('the record names no chain')
      : onChain.anchorFinding(subjects, anchors),
  )
  const all = [
    ...checks,
    anchored,
    ...signerChecks(subjects, options, registry),
    ...verifySession(subjects),
    ...chained,
  ]
  return reportOf({ checks: all, verdict: verdictOf(all), subjects })
}
