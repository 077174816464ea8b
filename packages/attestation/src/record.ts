/**
 * The record of a computation: one file that may be shown to anyone entitled. It holds what was agreed, committed and
 * signed, who signed, the times that the signers claimed, and where a chain holds the same; no row, no seed, no result,
 * and no count beyond the sizes in the signed terms. Canonical JSON (RFC 8785) and one line feed.
 *
 * What the events do not sign (claimed times, anchors, the outcome) is bound by the seal: the party whose record it is
 * signs the digest of every section, so that a later change is found and the section named. The seal makes these the
 * claims of that party, not of the others.
 */
import {
  canonicalBytes,
  canonicalJson,
  parseCanonical,
  taggedDigest,
  TallyError,
  toHex,
  utf8ToBytes,
  type Hex,
  type Json,
} from '@tallystick/core'
import { sessionRecordFormat, signedBy, signedDigest, type SessionRecord, type Signer } from '@tallystick/session'
import { z } from 'zod'
import { disclosureEvent } from './disclosure.ts'
import type { CountersignedDisclosure } from './evidence.ts'
import type { Deployment } from './ledger/deploy.ts'
import type { Place } from './ledger/log.ts'
import { attemptNumber, count, hex, instant, parseShape, role } from './shape.ts'
import { printable } from './text.ts'

export const recordFormat = 'tallystick/record/1'

/** One entry on a chain; `party` is an index where the entry is one party's, else null. */
export interface AnchoredEntry {
  readonly kind: 'propose' | 'commit' | 'start' | 'close' | 'abort' | 'anchor'
  readonly party: number | null
  readonly at: Place
}

/** Where a chain holds the computation. */
export interface Anchoring {
  readonly deployment: Deployment
  /** Id of the computation on the chain. */
  readonly computation: Hex
  /** Whether parties are named by their ids in the registry, or by plain addresses. */
  readonly registered: boolean
  /** Unix seconds, 0 for none. */
  readonly deadline: number
  readonly entries: readonly AnchoredEntry[]
}

export interface AttestedRecord {
  readonly format: typeof recordFormat
  readonly session: SessionRecord
  /** null where nothing is on a chain, or not yet. */
  readonly anchors: Anchoring | null
  readonly seal: {
    /** By the party whose record it is. */
    readonly role: string
    /** Digest by section of the record. */
    readonly sections: Readonly<Record<string, Hex>>
    readonly signature: Hex
  }
}

/** Of a whole control frame; the session lets in far less. */
const mostCode = 1 << 20

const head = z.strictObject({ from: role, to: role, digest: hex(32) })
const signed = { role, signature: hex(65), at: instant }
const termsShape = z.record(z.string(), z.json()) as unknown as z.ZodType<SessionRecord['terms']>
const place = z.strictObject({ block: count, blockHash: hex(32), transaction: hex(32), time: count })

const recordShape = z.strictObject({
  format: z.literal(recordFormat),
  session: z.strictObject({
    format: z.literal(sessionRecordFormat),
    // Of the form that `parseTerms` wants; a check of its own says so.
    terms: termsShape,
    specHash: hex(32),
    attempt: attemptNumber,
    sessionId: hex(32),
    role,
    outcome: z.enum(['completed', 'aborted', 'open']),
    agreements: z.array(z.strictObject(signed)),
    // As long as a control frame could bring it: a peer's signed code must not make the record of this side unreadable.
    aborts: z
      .array(z.strictObject({ role, attempt: attemptNumber, code: z.string().max(mostCode), signature: hex(65) }))
      .max(255 * 1000),
    commitments: z.array(z.strictObject({ ...signed, input: hex(32), seed: hex(32), coin: hex(32) })),
    coins: z.array(z.strictObject({ role, share: hex(32), nonce: hex(32) })),
    checkpoint: z.array(z.strictObject({ ...signed, heads: z.array(head) })),
    views: z.array(z.strictObject({ ...signed, heads: z.array(head), result: hex(32) })),
    close: z.strictObject({ heads: hex(32), result: hex(32), signatures: z.array(z.strictObject(signed)) }).nullable(),
    disclosures: z.array(z.strictObject({ ...signed, of: role })).max(255 * 255),
  }),
  anchors: z
    .strictObject({
      deployment: z.strictObject({
        domain: hex(32),
        chainId: count,
        partyRegistry: hex(20),
        computationRegistry: hex(20),
        anchor: hex(20),
        block: count,
        ticksPerSecond: count,
      }),
      computation: hex(32),
      registered: z.boolean(),
      deadline: count,
      entries: z.array(
        z.strictObject({
          kind: z.enum(['propose', 'commit', 'start', 'close', 'abort', 'anchor']),
          party: count.nullable(),
          at: place,
        }),
      ),
    })
    .nullable(),
  seal: z.strictObject({ role, sections: z.record(z.string().max(100), hex(32)), signature: hex(65) }),
}) satisfies z.ZodType<AttestedRecord>

/** The parts of a record that a seal tells apart: elements of lists, and members of everything else two levels deep. */
const sectionsOf = (record: Omit<AttestedRecord, 'seal'>): ReadonlyMap<string, unknown> => {
  const sections = new Map<string, unknown>()
  const enter = (path: string, value: unknown, depth: number): void => {
    if (depth === 0 || typeof value !== 'object' || value === null) return void sections.set(path, value)
    for (const [key, part] of Object.entries(value)) enter(`${path}.${key}`, part, depth - 1)
    if (Array.isArray(value)) sections.set(`${path}.length`, value.length)
  }
  enter('session', record.session, 2)
  enter('anchors', record.anchors, 2)
  return sections
}

const sectionDigests = (record: Omit<AttestedRecord, 'seal'>): Record<string, Hex> =>
  Object.fromEntries(
    [...sectionsOf(record)].map(([path, value]) => [
      path,
      toHex(taggedDigest('tallystick/record-section/v1', path, canonicalJson(value))),
    ]),
  )

const sealDigest = (by: string, sections: Readonly<Record<string, Hex>>): Uint8Array =>
  taggedDigest('tallystick/record-seal/v1', canonicalJson({ format: recordFormat, role: by, sections }))

/** Seals what a session left, or a record again once a chain holds it. */
export const sealRecord = async (
  session: SessionRecord,
  anchors: Anchoring | null,
  signer: Signer,
): Promise<AttestedRecord> => {
  const sections = sectionDigests({ format: recordFormat, session, anchors })
  const signature = toHex(await signer.sign(sealDigest(session.role, sections)))
  return { format: recordFormat, session, anchors, seal: { role: session.role, sections, signature } }
}

/** The sealing party's key, of terms that nobody has checked yet. */
const holderOf = ({ session, seal }: AttestedRecord): Hex | undefined => {
  const parties: unknown = session.terms.parties
  if (!Array.isArray(parties) || seal.role !== session.role) return undefined
  const holder = (parties as readonly { readonly role?: unknown; readonly signer?: unknown }[]).find(
    (party) => party?.role === seal.role,
  )
  return typeof holder?.signer === 'string' ? (holder.signer as Hex) : undefined
}

/** What does not fit the seal: paths of sections, and `seal` where the seal itself is not its party's. */
export const brokenSections = (record: AttestedRecord): readonly string[] => {
  const { seal } = record
  const actual = sectionDigests(record)
  const paths = [...new Set([...Object.keys(actual), ...Object.keys(seal.sections)])].sort()
  const of = (sections: Readonly<Record<string, Hex>>, path: string): Hex | undefined =>
    Object.hasOwn(sections, path) ? sections[path] : undefined
  const broken = paths.filter((path) => of(actual, path) !== of(seal.sections, path))
  const holder = holderOf(record)
  const whole = holder !== undefined && signedDigest(holder, sealDigest(seal.role, seal.sections), seal.signature)
  return whole ? broken : [...broken, 'seal']
}

/** The disclosure of a role as the parties countersigned it at the end of the run; what is not a signature is left out. */
export const disclosureOf = (session: SessionRecord, of: string): CountersignedDisclosure => {
  const { terms, specHash, attempt } = session
  const event = disclosureEvent(terms, { specHash, attempt, role: of })
  const signed = session.disclosures.filter(({ role: by, of: whose, signature }) => {
    const party = terms.parties.find((one) => one.role === by)
    return whose === of && party !== undefined && signedBy(party.signer, terms.domain, event, signature)
  })
  const signatures = Object.fromEntries(signed.map((item) => [item.role, item.signature]))
  return { role: of, attempt, auditor: event.auditor, signatures }
}

const lineFeed = utf8ToBytes('\n')

/** The file. */
export const recordBytes = (record: AttestedRecord): Uint8Array => {
  const canonical = canonicalBytes(record)
  const out = new Uint8Array(canonical.length + lineFeed.length)
  out.set(canonical)
  out.set(lineFeed, canonical.length)
  return out
}

/** @throws TallyError record/malformed for anything but the image of {@link recordBytes} */
export const parseRecord = (bytes: Uint8Array): AttestedRecord => {
  const end = bytes.at(-1) === lineFeed[0] ? bytes.length - 1 : bytes.length
  let value: Json
  try {
    value = parseCanonical(bytes.subarray(0, end))
  } catch (cause) {
    const message = cause instanceof TallyError ? cause.message : String(cause)
    throw new TallyError('record/malformed', 'none', printable(`record: ${message}`), {
      cause,
      remedy: 'ask for the record file again; an editor or a transfer may have changed it',
    })
  }
  return parseShape('record/malformed', 'record', recordShape, value)
}

/** The same strictness for a record in memory. */
export const checkRecord = (record: AttestedRecord): AttestedRecord => parseRecord(recordBytes(record))
