/** Record and evidence of an attempt, out of its journal alone: also after a crash that followed the close. */
import { bytesToUtf8, parseCanonical, TallyError, toHex } from '@tallystick/core'
import type { Attempt } from './attempt.ts'
import { closeEvent, viewsOf } from './close.ts'
import { decodeControl, type ControlBody, type ControlKind } from './control.ts'
import { auditorAddress } from './digests.ts'
import { signedBy, type Disclosure } from './events.ts'
import { rolesOf } from './exchange.ts'
import type { PastAborts } from './handshake.ts'
import {
  sessionRecordFormat,
  type EvidenceMaterial,
  type SessionRecord,
  type SignedAbort,
  type SignedChains,
  type StepHead,
} from './record.ts'
import { partyIndex, partyOf, type Terms } from './terms.ts'

/** The statement of a role, own or received. */
const statement = <K extends ControlKind>(attempt: Attempt, kind: K, role: string): ControlBody<K> | undefined => {
  if (role !== attempt.role) return attempt.got(kind, role)
  const bytes = attempt.sent(kind)
  return bytes === undefined ? undefined : decodeControl(kind, bytes, role)
}

const statements = <K extends ControlKind>(
  terms: Terms,
  attempt: Attempt,
  kind: K,
): readonly (ControlBody<K> & { readonly role: string })[] =>
  rolesOf(terms).flatMap((role) => {
    const body = statement(attempt, kind, role)
    return body === undefined ? [] : [{ ...body, role }]
  })

/** How this side ended the attempt, where it did. */
export const endingOf = (attempt: Attempt): { readonly code: string; readonly signature: string } | undefined => {
  const bytes = attempt.journal.get('state', `abort/${attempt.role}`)
  return bytes === undefined ? undefined : (parseCanonical(bytes) as { code: string; signature: string })
}

const abortsOf = (terms: Terms, attempt: Attempt): readonly SignedAbort[] =>
  rolesOf(terms).flatMap((role) => {
    const past = attempt.journal.get('state', `past/${role}`)
    const now = attempt.journal.get('state', `abort/${role}`)
    const earlier = past === undefined ? [] : (parseCanonical(past) as PastAborts)
    const own = now === undefined ? [] : [parseCanonical(now) as PastAborts[number]]
    return [...earlier, ...own].map((abort) => ({ role, ...abort }))
  })

export const isCompleted = (attempt: Attempt): boolean => attempt.has('completed')

/** Consents that a close brought: to what the terms ask for, once each, signed. Whatever else a peer sends is nothing. */
const consentsOf = (
  terms: Terms,
  { run }: Attempt,
  { role, at, disclosures }: { readonly role: string; readonly at: string } & Pick<ControlBody<'close'>, 'disclosures'>,
) => {
  const auditor = auditorAddress(terms.auditor.recipient)
  return (terms.auditor.audited ?? []).flatMap((of) => {
    const { specHash, attempt } = run
    const event: Disclosure = { kind: 'Disclosure', specHash, attempt, party: partyIndex(terms, of), auditor }
    const { signer } = partyOf(terms, role)
    const consent = disclosures.find(
      (given) => given.of === of && signedBy(signer, terms.domain, event, given.signature),
    )
    return consent === undefined ? [] : [{ role, of, signature: consent.signature, at }]
  })
}

export const recordOf = (terms: Terms, attempt: Attempt): SessionRecord => {
  const { run, role } = attempt
  const views = viewsOf(terms, attempt)
  const completed = isCompleted(attempt)
  const closes = statements(terms, attempt, 'close')
  const event = views === undefined ? undefined : closeEvent(attempt, views)
  return {
    format: sessionRecordFormat,
    terms,
    specHash: run.specHash,
    attempt: run.attempt,
    sessionId: run.sessionId,
    role,
    outcome: completed ? 'completed' : endingOf(attempt) === undefined ? 'open' : 'aborted',
    agreements: statements(terms, attempt, 'agreement'),
    aborts: abortsOf(terms, attempt),
    commitments: statements(terms, attempt, 'commitment'),
    coins: statements(terms, attempt, 'coin').map(({ role: of, share, nonce }) => ({ role: of, share, nonce })),
    checkpoint: statements(terms, attempt, 'checkpoint'),
    views: statements(terms, attempt, 'view'),
    close:
      event === undefined || closes.length === 0
        ? null
        : {
            heads: event.heads,
            result: event.result,
            signatures: closes.map(({ role: of, signature, at }) => ({ role: of, signature, at })),
          },
    disclosures: closes.flatMap((close) => consentsOf(terms, attempt, close)),
  }
}

const chainsAt = (attempt: Attempt, at: keyof SignedChains): readonly StepHead[] => {
  const bytes = attempt.journal.get('state', `chains/${at}`)
  return bytes === undefined ? [] : (JSON.parse(bytesToUtf8(bytes)) as StepHead[])
}

/** @throws TallyError journal/corrupt where the attempt never came to its commitments */
export const evidenceOf = (attempt: Attempt): EvidenceMaterial => {
  const secrets = attempt.secrets()
  if (secrets === undefined) {
    throw new TallyError('journal/corrupt', 'self', `the journal of attempt ${attempt.run.attempt} holds no seed`)
  }
  const { run, role } = attempt
  return {
    role,
    specHash: run.specHash,
    attempt: run.attempt,
    sessionId: run.sessionId,
    inputRoot: toHex(secrets.inputRoot),
    inputNonce: toHex(secrets.inputNonce),
    seed: toHex(secrets.seed),
    seedNonce: toHex(secrets.seedNonce),
    coin: toHex(secrets.coin),
    coinNonce: toHex(secrets.coinNonce),
    reserved: attempt.reserved(),
    get chains() {
      return { checkpoint: chainsAt(attempt, 'checkpoint'), view: chainsAt(attempt, 'view') }
    },
    inbox: { [Symbol.iterator]: () => attempt.inbox()[Symbol.iterator]() },
  }
}
