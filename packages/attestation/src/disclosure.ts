/**
 * Who may see a party's replay evidence: the one auditor whom the terms name, after every party has countersigned the
 * disclosure of that role. The evidence of two roles can together reveal what the protocol hides (in two-party private
 * set intersection: both lists, even where only the size was to be learned), so the terms set a limit of roles a job,
 * the auditor's own role counts, and every party refuses to countersign one role more, in any attempt.
 *
 * This binds honest software. It does not bind parties that collude, nor an auditor that shares its key.
 */
import { fromHex, TallyError, toHex, type Hex } from '@tallystick/core'
import { auditorAddress, auditorRoles, eventDigest, signedBy, type Disclosure } from '@tallystick/session'
import type { CountersignedDisclosure } from './evidence.ts'

/** What of the signed terms decides about disclosures. */
export interface DisclosureTerms {
  readonly domain: Hex
  readonly parties: readonly { readonly role: string; readonly party: Hex; readonly signer: Hex }[]
  readonly auditor: {
    readonly name: string
    /** Where the auditor is a party: its id. */
    readonly party?: Hex | undefined
    readonly recipient: string
    readonly limit: number
  }
}

/** One role of a job in one attempt. */
export interface DisclosedRole {
  readonly specHash: Hex
  readonly attempt: number
  readonly role: string
}

export interface EventSigner {
  readonly address: Hex
  /** @param digest 32 bytes; resolves to r ‖ s ‖ v, 65 bytes */
  sign(digest: Uint8Array): Promise<Uint8Array>
}

const indexOf = (terms: DisclosureTerms, role: string): number => {
  const index = terms.parties.findIndex((party) => party.role === role)
  if (index >= 0) return index
  const roles = terms.parties.map((party) => party.role).join(', ')
  throw new TallyError('api/misuse', 'self', `expected one of the roles ${roles}, found ${role}`)
}

export const disclosureEvent = (terms: DisclosureTerms, of: DisclosedRole): Disclosure => ({
  kind: 'Disclosure',
  specHash: of.specHash,
  attempt: of.attempt,
  party: indexOf(terms, of.role),
  auditor: auditorAddress(terms.auditor.recipient),
})

/**
 * @param disclosed what this party signed or knows of, of any job
 * @throws TallyError evidence/over-limit if the auditor would hold more roles of the job than the terms allow
 */
export const requireWithinLimit = (
  terms: DisclosureTerms,
  next: DisclosedRole,
  disclosed: readonly DisclosedRole[],
): void => {
  const before = disclosed.filter((other) => other.specHash === next.specHash).map((other) => other.role)
  const roles = new Set([...auditorRoles(terms), ...before, next.role])
  if (roles.size <= terms.auditor.limit) return
  const held = [...roles].filter((role) => role !== next.role).join(', ') || 'nothing'
  throw new TallyError(
    'evidence/over-limit',
    'self',
    `expected at most ${terms.auditor.limit} of the roles of this job with one auditor: ${terms.auditor.name} has or ` +
      `plays ${held}, and would get ${next.role} as well`,
    { remedy: 'keep this evidence, or agree on a new job whose terms name another auditor' },
  )
}

/**
 * One party's countersignature. The caller writes `next` into its durable list of disclosures before it gives the
 * signature away.
 * @throws TallyError evidence/over-limit
 */
export const signDisclosure = async (
  terms: DisclosureTerms,
  next: DisclosedRole,
  signer: EventSigner,
  disclosed: readonly DisclosedRole[],
): Promise<Hex> => {
  requireWithinLimit(terms, next, disclosed)
  return toHex(await signer.sign(fromHex(eventDigest(terms.domain, disclosureEvent(terms, next)))))
}

/** The roles whose countersignature is missing or wrong. */
export const unsignedBy = (terms: DisclosureTerms, specHash: Hex, disclosure: CountersignedDisclosure): string[] => {
  const event = disclosureEvent(terms, { ...disclosure, specHash })
  const named = disclosure.auditor === event.auditor
  return terms.parties
    .filter(({ role, signer }) => {
      const signature = Object.hasOwn(disclosure.signatures, role) ? disclosure.signatures[role] : undefined
      return !named || signature === undefined || !signedBy(signer, terms.domain, event, signature)
    })
    .map(({ role }) => role)
}
