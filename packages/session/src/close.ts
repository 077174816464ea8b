/**
 * Before openings and before outputs: both ends of every link compare their chains, and all sign.
 *
 *     checkpoint   heads so far and the digest of all commitments; no signature, no opening
 *     view         a party's own final heads and the commitment to its result
 *     close        the same digest of all heads and all results, signed by all
 *
 * A party that is silent before its view leaves everybody without output. One that is silent after its view and before
 * its signature of the close holds nothing up: past the deadline the output is released, "completed, k of n signed".
 */
import { encodeValue, TallyError, utf8ToBytes, type Hex, type Value } from '@tallystick/core'
import type { Transcript } from '@tallystick/protocol'
import type { Attempt } from './attempt.ts'
import { timestamp } from './clock.ts'
import { decodeControl, type ControlBody } from './control.ts'
import { commitment, headsDigest, resultNonce, resultsDigest } from './digests.ts'
import { signedBy, type Checkpoint, type Close } from './events.ts'
import { exchange, keepProof, ownStatement, proofOf, rolesOf, viewEvent, type Connected } from './exchange.ts'
import { allLinks, findMismatch, headsSeen, mismatchError, requireOwnLinks, stepHeads, type Seen } from './matching.ts'
import { requireSigned, signEventWith } from './signing.ts'
import { partyIndex, partyOf, type Terms } from './terms.ts'

/** For the own evidence only, so its form is nobody else's business; there may be many thousands. */
const chainsBytes = (transcript: Transcript): Uint8Array => utf8ToBytes(JSON.stringify(stepHeads(transcript)))

const requireMatch = async (party: Connected, views: readonly Seen[], transcript: Transcript): Promise<void> => {
  const mismatch = findMismatch(views)
  if (mismatch === undefined) return
  const { role, wires, terms } = party
  throw await mismatchError(mismatch, role, transcript, wires, terms.deadlines.handshake * 1000)
}

const checkpointEvent = (terms: Terms, attempt: Attempt, role: string, commitments: Hex, heads: Hex): Checkpoint => ({
  kind: 'Checkpoint',
  specHash: attempt.run.specHash,
  attempt: attempt.run.attempt,
  party: partyIndex(terms, role),
  commitments,
  heads,
})

/** Resolves when all have signed heads that fit together, and that is on disk: openings may leave. */
export const passCheckpoint = async (party: Connected, transcript: Transcript, commitments: Hex): Promise<void> => {
  const { terms, role, signer, clock, attempt } = party
  const roles = rolesOf(terms)
  const event = (of: string, heads: Seen['heads']): Checkpoint =>
    checkpointEvent(terms, attempt, of, commitments, headsDigest(heads))
  const seen = headsSeen(transcript, roles, role)
  // After a resume, what this run did must be what was signed before the crash.
  attempt.ensure('chains/checkpoint', chainsBytes(transcript))
  const bodies = await exchange(
    party,
    'checkpoint',
    terms.deadlines.message * 1000,
    async () => {
      return {
        heads: [...seen],
        signature: await signEventWith(signer, terms, event(role, seen)),
        at: timestamp(clock),
      }
    },
    (peer, body) => {
      requireOwnLinks({ role: peer, heads: body.heads }, roles)
      requireSigned(terms, peer, event(peer, body.heads), body.signature)
    },
  )
  await requireMatch(party, bodies, transcript)
}

export type ViewBody = ControlBody<'view'> & { readonly role: string }

/** Exchanges views; throws unless they fit together. The output is written down with the own view, before it leaves. */
export const exchangeViews = async (
  party: Connected,
  transcript: Transcript,
  output: unknown,
  seed: Uint8Array,
): Promise<readonly ViewBody[]> => {
  const { terms, role, signer, clock, attempt } = party
  const roles = rolesOf(terms)
  const seen = headsSeen(transcript, roles, role)
  const encoded = encodeValue(output as Value)
  attempt.ensure('chains/view', chainsBytes(transcript))
  attempt.ensure('output', encoded)
  const bodies = await exchange(
    party,
    'view',
    terms.deadlines.message * 1000,
    async () => {
      const result = commitment('result', attempt.run, role, encoded, resultNonce(seed))
      const event = viewEvent(terms, attempt, role, headsDigest(seen), result)
      return { heads: [...seen], result, signature: await signEventWith(signer, terms, event), at: timestamp(clock) }
    },
    (peer, body) => {
      requireOwnLinks({ role: peer, heads: body.heads }, roles)
      requireSigned(terms, peer, viewEvent(terms, attempt, peer, headsDigest(body.heads), body.result), body.signature)
    },
  )
  await requireMatch(party, bodies, transcript)
  return bodies
}

/** All views, where the journal holds them. */
export const viewsOf = (terms: Terms, attempt: Attempt): readonly ViewBody[] | undefined => {
  const views: ViewBody[] = []
  for (const role of rolesOf(terms)) {
    const own = role === attempt.role ? attempt.sent('view') : undefined
    const body = own === undefined ? attempt.got('view', role) : decodeControl('view', own, role)
    if (body === undefined) return undefined
    views.push({ ...body, role })
  }
  return views
}

export const closeEvent = (attempt: Attempt, views: readonly ViewBody[]): Close => ({
  kind: 'Close',
  specHash: attempt.run.specHash,
  attempt: attempt.run.attempt,
  heads: headsDigest(allLinks(views)),
  result: resultsDigest(views),
})

const ownClose = (party: Connected, views: readonly ViewBody[]) => {
  const { terms, role, signer, clock, attempt, disclose } = party
  return ownStatement(party, 'close', async () => ({
    signature: await signEventWith(signer, terms, closeEvent(attempt, views)),
    at: timestamp(clock),
    views: views
      .filter((view) => view.role !== role)
      .map(({ role: of, heads, result, signature }) => ({ role: of, heads, result, signature })),
    disclosures: await Promise.all(
      disclose === undefined
        ? []
        : (terms.auditor.audited ?? []).map(async (of) => ({ of, signature: await disclose(of, attempt.run.attempt) })),
    ),
  }))
}

const twoViews = (role: string): TallyError =>
  new TallyError(
    'session/transcript-mismatch',
    { peer: role },
    `${role} signed two different views, one for each of two parties`,
    {
      remedy: 'no output was released; keep the journal: both signatures together prove it',
    },
  )

/** What this side once found out stands: no restart releases the output that it held back. */
export const requireNoTwoViews = (attempt: Attempt): void => {
  const key = [...attempt.journal.keys('state')].find((one) => one.startsWith(proofOf('view', '')))
  if (key !== undefined) throw twoViews(key.slice(proofOf('view', '').length))
}

/** A view that two parties were told differently, both with a valid signature. */
const requireSameViews = (party: Connected, views: readonly ViewBody[], told: ControlBody<'close'>['views']): void => {
  const { terms, attempt, role } = party
  for (const other of told) {
    const { role: of, heads, result, signature } = other
    const own = views.find((view) => view.role === of)
    if (own === undefined || of === role) continue
    const same = own.result === result && headsDigest(own.heads) === headsDigest(heads)
    if (same) continue
    const event = viewEvent(terms, attempt, of, headsDigest(heads), result)
    if (!signedBy(partyOf(terms, of).signer, terms.domain, event, signature)) continue
    keepProof(attempt, 'view', of, other)
    throw twoViews(of)
  }
}

/**
 * Sends the own signature of the close and takes in the others as they come; resolves when all are there. A signature
 * that does not fit counts as none.
 * @throws TallyError session/transcript-mismatch where a party is shown to have signed two views
 */
export const exchangeCloses = async (party: Connected, views: readonly ViewBody[]): Promise<void> => {
  const { terms, attempt, wires } = party
  const own = await ownClose(party, views)
  for (const wire of wires) wire.sendBytes('close', own.bytes)
  const event = closeEvent(attempt, views)
  await Promise.all(
    wires.map(async (wire) => {
      const before = attempt.gotBytes('close', wire.role)
      if (before !== undefined) return wire.known('close', before)
      const bytes = await wire.nextBytes('close', terms.deadlines.close * 1000)
      const body = decodeControl('close', bytes, wire.role)
      requireSameViews(party, views, body.views)
      requireSigned(terms, wire.role, event, body.signature)
      attempt.put(`got/close/${wire.role}`, bytes)
    }),
  )
  attempt.sync()
}
