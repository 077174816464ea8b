/**
 * Trust anchors: whose keys are whose, as the auditor learned it out of band (a letter, a supervisory register, a call).
 * Keys inside a record are self-asserted: anybody can invent two banks and sign everything in their names.
 */
import { TallyError, type Hex, type Json } from '@tallystick/core'
import { partyId, type PartyTerms } from '@tallystick/session'
import { z } from 'zod'
import { failed, notChecked, passed, type Finding } from './checks.ts'
import { hex, parseShape } from './shape.ts'
import { printable } from './text.ts'

export interface TrustAnchor {
  readonly name: string
  readonly party: Hex
  /** Address of the attestation key. */
  readonly signer: Hex
  /** SHA-256 of the TLS public key (SPKI). */
  readonly tls: Hex
}

const shape = z.array(
  z.strictObject({ name: z.string().min(1).max(100), party: hex(32), signer: hex(20), tls: hex(32) }),
)

/**
 * A trust file: a JSON list of { name, party, signer, tls }, in any layout.
 * @throws TallyError identity/malformed
 */
export const parseTrust = (text: string): readonly TrustAnchor[] => {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch (cause) {
    throw new TallyError('identity/malformed', 'self', 'expected a trust file: a JSON list of parties', { cause })
  }
  const anchors = parseShape('identity/malformed', 'trust', shape, value)
  for (const { name, party, signer, tls } of anchors) {
    if (partyId(signer, tls) === party) continue
    const message = printable(`trust: the party id of ${name} is not that of its signer and tls keys`)
    throw new TallyError('identity/malformed', 'self', message, { remedy: 'ask for the identity of the party again' })
  }
  return anchors
}

export const findTrust = (party: PartyTerms, trust: readonly TrustAnchor[] | undefined): Finding => {
  if (trust === undefined) {
    return notChecked(
      'no trust anchors were given: the keys in a record are self-asserted, anyone can invent two banks',
    )
  }
  const anchor = trust.find((one) => one.party === party.party)
  if (anchor === undefined) {
    const namesake = trust.find((one) => one.name === party.name)
    return failed(
      namesake === undefined
        ? `no trusted party has the key ${party.signer} of "${party.name}"`
        : `the trusted key of "${party.name}" is ${namesake.signer}, the record has ${party.signer}`,
    )
  }
  const same = anchor.signer === party.signer && anchor.tls === party.tls
  if (!same) return failed(`the trusted keys of "${anchor.name}" are others than those in the record`)
  if (anchor.name !== party.name) return failed(`the trust file calls this key "${anchor.name}", not "${party.name}"`)
  return passed(`"${party.name}" holds ${party.signer}, as the trust file says`)
}
