/**
 * The home of a party, a folder that only its owner may enter:
 *
 *   identity.json, secret.json      its keys (made by `tally party init`)
 *   declaration.json                the last list that was declared
 *   chain.json                      the chain that its jobs are recorded on, if there
 *   approvals/<specHash>.json       terms that it approved, with its signature
 *   jobs/<specHash>/                journals of the attempts, and what came out: result.csv, record.json, evidence.age
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TallyError, type Hex } from '@tallystick/core'
import {
  signedBy,
  signEventWith,
  specHash,
  type PartyTerms,
  type SessionEvent,
  type Signer,
  type Terms,
} from '@tallystick/session'
import { loadIdentity, signerOf, type Identity } from '@tallystick/session/node'
import { readAuditor, type PublicIdentity } from './declaration.ts'
import { readJson, writeJson } from './files.ts'

export interface Home {
  readonly folder: string
  readonly identity: PublicIdentity
  readonly keys: Identity
  readonly signer: Signer
  /** This party in the terms. @throws TallyError terms/mismatch if it is none of them */
  partyIn(terms: Terms): PartyTerms
  /** Signs the terms and keeps the signature. */
  approve(terms: Terms): Promise<PartyTerms>
  /** @throws TallyError terms/not-approved unless this home holds its own signature of these very bytes */
  requireApproved(terms: Terms): Promise<void>
  jobFolder(terms: Terms): string
}

const approvalFormat = 'tallystick/approval/1'

/** For unattended runs; there is no prompt. An empty one is none: a variable that a script failed to fill protects nothing. */
export const passphrase = (): string | undefined => process.env['TALLY_PASSPHRASE'] || undefined

const agreementOf = (terms: Terms): SessionEvent => ({ kind: 'Agreement', specHash: specHash(terms) })

const openKeys = (folder: string): Identity => {
  const given = passphrase()
  try {
    return loadIdentity(folder, given)
  } catch (error) {
    if (!(error instanceof TallyError) || error.code !== 'identity/wrong-key') throw error
    const remedy =
      given === undefined
        ? 'set TALLY_PASSPHRASE in the environment to the passphrase that it was made with'
        : 'TALLY_PASSPHRASE is set to another one than it was made with: correct it'
    throw new TallyError(error.code, 'self', error.message, { remedy, cause: error })
  }
}

/** The auditor's key lies in this very home: then the terms must count this party's role among what it holds. */
const requireOwnAuditor = async (folder: string, { auditor }: Terms, own: PartyTerms): Promise<void> => {
  const file = join(folder, 'auditor.json')
  if (!existsSync(file) || auditor.party === own.party) return
  if ((await readAuditor(file)).recipient !== auditor.recipient) return
  const message = `the auditor of the terms is this party (${file}), and terms.auditor.party does not say so`
  throw new TallyError('terms/mismatch', 'self', message, {
    remedy: `let the terms name ${own.party} as terms.auditor.party ("tally auditor init" in this home does), or another auditor`,
  })
}

/** @throws TallyError identity/not-found, identity/malformed, identity/wrong-key */
export const openHome = async (folder: string): Promise<Home> => {
  const keys = openKeys(folder)
  const { name, party, signer: address, tls } = keys
  const signer = signerOf(keys)
  const approvalFile = (hash: Hex): string => join(folder, 'approvals', `${hash.slice(2)}.json`)

  const partyIn = (terms: Terms): PartyTerms => {
    const own = terms.parties.find((each) => each.party === party)
    if (own !== undefined) return own
    const names = terms.parties.map((each) => `${each.name} (${each.party.slice(0, 10)}…)`).join(' and ')
    const message = `the terms are between ${names}; the party of ${folder} is ${name} (${party.slice(0, 10)}…)`
    throw new TallyError('terms/mismatch', 'self', message, {
      remedy: 'name the --home whose keys stand in the terms, or have the terms written with the keys of this one',
    })
  }

  return {
    folder,
    identity: { name, party, signer: address, tls },
    keys,
    signer,
    partyIn,
    async approve(terms) {
      const own = partyIn(terms)
      await requireOwnAuditor(folder, terms, own)
      const signature = await signEventWith(signer, terms, agreementOf(terms))
      await writeJson(approvalFile(specHash(terms)), {
        format: approvalFormat,
        specHash: specHash(terms),
        role: own.role,
        signature,
      })
      return own
    },
    async requireApproved(terms) {
      const own = partyIn(terms)
      const file = approvalFile(specHash(terms))
      const missing = new TallyError('terms/not-approved', 'self', `${own.name} has not approved these terms`, {
        remedy: 'read them (tally terms show), then approve them (tally terms approve)',
      })
      if (!existsSync(file)) throw missing
      const approval = await readJson(file, 'an approval', 'terms/not-approved').catch(() => undefined)
      const signature = (approval as { signature?: Hex } | null | undefined)?.signature
      if (typeof signature !== 'string' || !signedBy(own.signer, terms.domain, agreementOf(terms), signature))
        throw missing
    },
    jobFolder: (terms) => join(folder, 'jobs', specHash(terms).slice(2)),
  }
}
