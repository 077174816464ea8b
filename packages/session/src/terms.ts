/**
 * The terms of a computation: what the parties approve, sign and run. Canonical JSON (RFC 8785); their hash, specHash,
 * names the computation everywhere else, and the shared 256-bit nonce makes it hiding.
 */
import { canonicalBytes, canonicalJson, taggedDigest, TallyError, toHex, type Hex, type Json } from '@tallystick/core'
import type { AnyProtocol } from '@tallystick/protocol'
import { z } from 'zod'
import { partyId } from './digests.ts'
import { complaint, date, hex, instant, integer, json, line, role } from './shapes.ts'

export const termsFormat = 'tallystick/terms/1'
/** The version of this software, which the terms name as `protocol.package`. */
export const packageVersion = '0.1.0'

export interface PartyTerms {
  readonly role: string
  readonly name: string
  /** {@link partyId} of the two keys below. */
  readonly party: Hex
  /** Address of the attestation key, 20 bytes. */
  readonly signer: Hex
  /** SHA-256 of the TLS public key (SPKI). */
  readonly tls: Hex
}

export interface DataTerms {
  readonly source: string
  readonly column: string
  readonly normalisation: string
  readonly duplicates: 'refuse' | 'keep-first' | 'count'
  /** Distinct rows after normalisation: the size of the committed set. */
  readonly rows: number
}

export interface Terms {
  readonly format: typeof termsFormat
  /** Salt of the deployment: the domain of all signatures. */
  readonly domain: Hex
  /** Random and shared by the parties only. */
  readonly nonce: Hex
  readonly purpose: string
  readonly protocol: {
    readonly id: string
    readonly version: number
    readonly package: string
    /** Digest of the published code, wasm included. */
    readonly code: Hex
  }
  readonly parameters: Json
  /** The place in this list is a party's index in signed events. */
  readonly parties: readonly PartyTerms[]
  /** Who learns an output. */
  readonly receivers: readonly string[]
  /** By role; a role without an entry brings no data. */
  readonly data: Readonly<Record<string, DataTerms>>
  /** By role: what it learns beyond its output. */
  readonly leakage: Readonly<Record<string, string>>
  readonly auditor: {
    readonly name: string
    /** Where the auditor is one of the parties: its id, so that its own role counts among those it holds. */
    readonly party?: Hex | undefined
    /** `age1…`: the public key that evidence is encrypted to. */
    readonly recipient: string
    /** How many parties' evidence may reach the auditor. */
    readonly limit: number
    /** By role: what its evidence reveals. */
    readonly reveals: Readonly<Record<string, string>>
    /** Whose evidence all parties consent to at the close, at most `limit` roles; none where absent. */
    readonly audited?: readonly string[] | undefined
  }
  /** Digests of what a role brings besides input and seed (ranges of correlations), by role and name. */
  readonly resources?: Readonly<Record<string, Readonly<Record<string, Hex>>>> | undefined
  /** Minimum sizes for a release, in rows: of every set that enters, and of a result that its receiver may see. */
  readonly minimum?: { readonly sets: number; readonly result: number } | undefined
  readonly attempts: number
  /** UTC; no attempt starts after it. */
  readonly expires: string
  /** Seconds. */
  readonly deadlines: { readonly handshake: number; readonly message: number; readonly close: number }
  /** The day after which journals and evidence are to be erased. */
  readonly retention: string
}

const byRole = <T>(value: z.ZodType<T>) => z.record(role, value)

const schema = z.strictObject({
  format: z.literal(termsFormat, { error: `expected "${termsFormat}"` }),
  domain: hex(32),
  nonce: hex(32),
  purpose: line(400),
  protocol: z.strictObject({
    id: z.string().regex(/^[a-z][a-z0-9-]*(\/[a-z0-9-]+)+$/, { error: 'expected family/paper' }),
    version: integer(1, 65535),
    package: z.string().regex(/^\d+\.\d+\.\d+$/, { error: 'expected a version such as 0.1.0' }),
    code: hex(32),
  }),
  parameters: json,
  parties: z
    .array(z.strictObject({ role, name: line(100), party: hex(32), signer: hex(20), tls: hex(32) }))
    .min(2, { error: 'expected at least two parties' })
    .max(255, { error: 'expected at most 255 parties' }),
  receivers: z.array(role).min(1, { error: 'expected at least one receiver' }),
  data: byRole(
    z.strictObject({
      source: line(200),
      column: line(200),
      normalisation: line(200),
      duplicates: z.enum(['refuse', 'keep-first', 'count'], { error: 'expected "refuse", "keep-first" or "count"' }),
      rows: integer(0, 2 ** 31 - 1),
    }),
  ),
  leakage: byRole(line(2000)),
  auditor: z.strictObject({
    name: line(100),
    party: hex(32).optional(),
    recipient: z.string().regex(/^age1[02-9ac-hj-np-z]{10,4000}$/, { error: 'expected an age recipient (age1…)' }),
    limit: integer(1, 255),
    reveals: byRole(line(1000)),
    audited: z.array(role).optional(),
  }),
  resources: byRole(z.record(line(100), hex(32))).optional(),
  minimum: z.strictObject({ sets: integer(0, 2 ** 31 - 1), result: integer(0, 2 ** 31 - 1) }).optional(),
  attempts: integer(1, 1000),
  expires: instant,
  deadlines: z.strictObject({
    handshake: integer(1, 86_400),
    message: integer(1, 604_800),
    close: integer(1, 604_800),
  }),
  retention: date,
}) satisfies z.ZodType<Terms>

const malformed = (message: string): TallyError =>
  new TallyError('terms/malformed', 'self', message, {
    remedy: 'correct the terms, and let all parties approve the corrected text',
  })

const quoted = (roles: readonly string[]): string => roles.map((r) => `"${r}"`).join(', ')

/** The role of the auditor itself, where it is a party: by its keys, and not by what anybody is called. */
export const auditorRoles = ({
  parties,
  auditor,
}: {
  readonly parties: readonly { readonly role: string; readonly party: Hex }[]
  readonly auditor: { readonly party?: Hex | undefined }
}): string[] => parties.filter(({ party }) => party === auditor.party).map(({ role }) => role)

const consistentAuditor = ({ parties, auditor }: Terms): void => {
  if (auditor.party !== undefined && !parties.some(({ party }) => party === auditor.party)) {
    throw malformed(`terms.auditor.party: expected the id of one of terms.parties, found ${auditor.party}`)
  }
  const namesake = parties.find(({ name, party }) => name === auditor.name && party !== auditor.party)
  if (namesake === undefined) return
  throw malformed(
    `terms.auditor.party: expected ${namesake.party}, for the auditor has the name of ${namesake.role}; if it is ` +
      'another, it needs another name',
  )
}

/** What a shape cannot say: roles that fit together, ids that fit the keys, nobody twice. */
const consistent = (terms: Terms): void => {
  const roles = terms.parties.map((party) => party.role)
  const distinct = (values: readonly string[], path: string): void => {
    const twice = values.find((value, i) => values.indexOf(value) !== i)
    if (twice !== undefined) throw malformed(`${path}: expected each once, found "${twice}" twice`)
  }
  distinct(roles, 'terms.parties[].role')
  distinct(
    terms.parties.map((party) => party.signer),
    'terms.parties[].signer',
  )
  distinct(
    terms.parties.map((party) => party.tls),
    'terms.parties[].tls',
  )
  distinct(terms.receivers, 'terms.receivers')
  terms.parties.forEach((party, i) => {
    const expected = partyId(party.signer, party.tls)
    if (party.party !== expected) {
      throw malformed(`terms.parties[${i}].party: expected ${expected} (of its signer and tls), found ${party.party}`)
    }
  })
  const known = (found: readonly string[], path: string): void => {
    const stranger = found.find((r) => !roles.includes(r))
    if (stranger !== undefined) throw malformed(`${path}: expected roles among ${quoted(roles)}, found "${stranger}"`)
  }
  known(terms.receivers, 'terms.receivers')
  known(Object.keys(terms.data), 'terms.data')
  known(Object.keys(terms.leakage), 'terms.leakage')
  known(Object.keys(terms.auditor.reveals), 'terms.auditor.reveals')
  known(Object.keys(terms.resources ?? {}), 'terms.resources')
  const { audited = [], limit } = terms.auditor
  known(audited, 'terms.auditor.audited')
  distinct(audited, 'terms.auditor.audited')
  if (audited.length > limit) {
    throw malformed(
      `terms.auditor.audited: expected at most ${limit} roles (terms.auditor.limit), found ${audited.length}`,
    )
  }
  consistentAuditor(terms)
  const reached = new Set([...audited, ...auditorRoles(terms)])
  if (audited.length > 0 && reached.size > limit) {
    throw malformed(
      `terms.auditor.audited: expected at most ${limit} roles with the auditor's own (terms.auditor.limit), found ${reached.size}`,
    )
  }
  const silent = roles.find((r) => !Object.hasOwn(terms.leakage, r))
  if (silent !== undefined)
    throw malformed(`terms.leakage: expected an entry for each role, found none for "${silent}"`)
}

/**
 * Terms from parsed JSON: exactly the fields of {@link Terms}, each of its form.
 * @throws TallyError terms/malformed with the field, what was expected and what was found
 */
export const parseTerms = (value: unknown): Terms => {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw malformed(complaint('terms', parsed.error, value))
  try {
    canonicalJson(value)
  } catch (cause) {
    throw new TallyError('terms/malformed', 'self', `terms: ${(cause as Error).message}`, { cause })
  }
  consistent(parsed.data)
  return parsed.data
}

/** The exact bytes that are approved, hashed and run. */
export const termsBytes = (terms: Terms): Uint8Array => canonicalBytes(terms)

export const specHash = (terms: Terms): Hex => toHex(taggedDigest('tallystick/terms/v1', termsBytes(terms)))

export const partyOf = (terms: Terms, role: string): PartyTerms => {
  const party = terms.parties.find((p) => p.role === role)
  if (party === undefined) {
    const roles = quoted(terms.parties.map((p) => p.role))
    throw new TallyError('terms/mismatch', 'self', `expected one of the roles ${roles} of the terms, found "${role}"`)
  }
  return party
}

export const partyIndex = (terms: Terms, role: string): number => terms.parties.indexOf(partyOf(terms, role))

/** Whether the clock has passed the day or the time of the terms. */
const checkExpiry = (terms: Terms, now: number): void => {
  if (now <= Date.parse(terms.expires)) return
  throw new TallyError('terms/expired', 'none', `the terms ended at ${terms.expires}`, {
    remedy: 'agree on new terms with a later expiry',
  })
}

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

/**
 * By convention the parameters of a protocol over data say `sizes` (rows by role) and `to` ("both", "all" or the one
 * role that learns); where they do, the terms must say the same in words that people approve.
 */
const checkParameters = (terms: Terms, { id, receivers }: AnyProtocol): void => {
  const { sizes, to } = object(terms.parameters)
  const unsized =
    sizes === undefined ? undefined : Object.keys(terms.data).find((r) => !Object.hasOwn(object(sizes), r))
  if (unsized !== undefined) {
    throw malformed(
      `terms.parameters.sizes: expected the rows of each role with data, found none of "${unsized}" ` +
        `(terms.data.${unsized}.rows: ${terms.data[unsized]!.rows})`,
    )
  }
  for (const [role, rows] of Object.entries(object(sizes))) {
    const found = Object.hasOwn(terms.data, role) ? terms.data[role]!.rows : undefined
    if (found !== rows) {
      throw malformed(
        `terms.data.${role}.rows: expected ${String(rows)} as in terms.parameters.sizes, found ${found ?? 'nothing'}`,
      )
    }
  }
  const stated = typeof to === 'string' || Array.isArray(to)
  if (!stated && receivers === undefined) return
  const named = stated ? [to].flat().map(String) : [...receivers!]
  const expected = to === 'both' || to === 'all' ? terms.parties.map((p) => p.role) : named
  const same = expected.length === terms.receivers.length && expected.every((r) => terms.receivers.includes(r))
  if (same) return
  const where = stated ? 'as in terms.parameters.to' : `who learn by ${id}`
  throw malformed(`terms.receivers: expected ${quoted(expected)} ${where}, found ${quoted(terms.receivers)}`)
}

/**
 * No set below the minimum: `sizes` by role, but where the parameters name a prepared `list` its length in place of the
 * sender's one row, its key.
 * Every party checks it before it sends anything; of a result nobody knows the size before the opening.
 */
const checkMinimum = ({ parameters, minimum }: Terms): void => {
  if (minimum === undefined) return
  const { sizes, list } = object(parameters)
  const listed = object(list)['rows']
  const sets = Object.entries({ ...object(sizes), ...(listed === undefined ? {} : { sender: listed }) })
  const small = sets.find(([, rows]) => typeof rows === 'number' && rows < minimum.sets)
  if (small === undefined) return
  throw malformed(`terms.parameters: the set "${small[0]}" has fewer rows than terms.minimum.sets, ${minimum.sets}`)
}

/** A minimum of the result that the protocol itself keeps is the one that people approve, and the other way round. */
const checkKeptMinimum = ({ minimum }: Terms, parameters: unknown): void => {
  const kept = object(parameters)['minimum']
  const approved = minimum?.result ?? 0
  if (typeof kept !== 'number' || kept === approved) return
  throw malformed(
    `terms.minimum.result: expected ${kept}, which the protocol keeps by terms.parameters.minimum, found ${approved}`,
  )
}

/**
 * An auditor with the evidence of several parties is as good as a coalition of them: among three or more it may hold no
 * more roles than may be corrupt together, or it could reconstruct what the others shared. Of two, each has consented.
 */
const checkCoalition = (terms: Terms, { id, roles, security }: AnyProtocol): void => {
  const { limit } = terms.auditor
  if (roles.length <= 2 || limit <= security.corruptions) return
  throw malformed(
    `terms.auditor.limit: expected at most ${security.corruptions} of the roles of ${id} with one auditor, found ` +
      `${limit}: together their evidence opens what all parties shared`,
  )
}

/** Where a protocol opens values before the checkpoint, every further attempt is a trial more for who aborts. */
const checkAttempts = (terms: Terms, { id, attempts }: AnyProtocol): void => {
  if (attempts === undefined || terms.attempts <= attempts) return
  throw malformed(
    `terms.attempts: expected at most ${attempts} for ${id}, which would tell more with each, found ${terms.attempts}`,
  )
}

/**
 * Whether these terms can be run: not expired, for this protocol and version, its roles, its leakage statement, and
 * parameters that it accepts and that agree with receivers and sizes.
 * @param now milliseconds since the epoch
 * @throws TallyError terms/expired, terms/unsupported, terms/malformed
 */
export const checkTerms = (terms: Terms, protocol: AnyProtocol, now: number): void => {
  checkExpiry(terms, now)
  const unsupported = (what: string, expected: string, found: string): TallyError =>
    new TallyError('terms/unsupported', 'self', `the terms want ${what} ${expected}, this side has ${found}`, {
      remedy: `install Tallystick ${terms.protocol.package}, or agree on terms for what is installed`,
    })
  const { id, version, package: software } = terms.protocol
  if (software !== packageVersion) throw unsupported('package version', software, packageVersion)
  if (id !== protocol.id) throw unsupported('the protocol', id, protocol.id)
  if (version !== protocol.version) throw unsupported(`version`, `${version} of ${id}`, `${protocol.version}`)
  const roles = terms.parties.map((p) => p.role)
  const wanted = protocol.roles as readonly string[]
  if (roles.length !== wanted.length || wanted.some((r) => !roles.includes(r))) {
    throw malformed(`terms.parties: expected the roles ${quoted(wanted)} of ${id}, found ${quoted(roles)}`)
  }
  for (const r of wanted) {
    const stated = (protocol.leakage as Readonly<Record<string, string>>)[r]!
    if (terms.leakage[r] !== stated) {
      throw malformed(`terms.leakage.${r}: expected the statement of ${id}, "${stated}", found "${terms.leakage[r]}"`)
    }
  }
  checkCoalition(terms, protocol)
  checkAttempts(terms, protocol)
  const parameters: unknown = protocol.parameters(terms.parameters)
  checkParameters(terms, protocol)
  checkMinimum(terms)
  checkKeptMinimum(terms, parameters)
}

/** @throws TallyError terms/unsupported where the code that would run is not the code of the terms */
export const checkCode = (terms: Terms, code: Hex): void => {
  if (code === terms.protocol.code) return
  throw new TallyError('terms/unsupported', 'self', `the terms name the code ${terms.protocol.code}, this is ${code}`, {
    remedy: `install the published package ${terms.protocol.package}, unchanged`,
  })
}
