/**
 * `verify`: what a record proves by itself, with trust anchors, and with a chain. It shares with the parties' path only
 * the codecs, the digests and the events; nothing of the session runs here.
 */
import { TallyError } from '@tallystick/core'
import { parseTerms, type Terms } from '@tallystick/session'
import { check, failed, holds, notChecked, passed, verdictOf, type Check, type Finding } from './checks.ts'
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
const read = (source: AttestedRecord | Uint8Array): Read => {
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
  let terms: Terms
  try {
    terms = parseTerms(record.session.terms)
  } catch (error) {
    return { checks: [form, seal, check(ofTerms, () => failed(messageOf(error)))], record }
  }
  const fits = check(ofTerms, () => passed(terms.purpose))
  return { checks: [form, seal, fits], record, subjects: subjectsOf(record.session, terms) }
}

const messageOf = (error: unknown): string => {
  if (error instanceof TallyError) return error.message
  throw error
}

/** The worse of two findings, where something was looked at at all. */
const both = (registry: Finding | undefined, trust: Finding): Finding => {
  if (registry === undefined || registry.status === 'not checked') return trust
  return trust.status === 'failed' ? trust : registry
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
  const { checks, record, subjects } = read(source)
  if (record === undefined || subjects === undefined) return reportOf({ checks, verdict: verdictOf(checks) })
  const { anchors } = record
  const { chain } = options
  // The EVM library is loaded only where there is something to do for it.
  const onChain = anchors === null && chain === undefined ? undefined : await import('./verify-chain.ts')
  let registry: ReadonlyMap<string, Finding> | undefined
  const chained: Check[] = []
  if (chain !== undefined && onChain !== undefined) {
    try {
      registry = await onChain.registered(subjects, chain)
    } catch (error) {
      chained.push(check(ofRegistry, () => notChecked(`the chain does not answer: ${(error as Error).message}`)))
    }
    chained.push(...(await onChain.chainChecks(subjects, anchors, chain)))
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
