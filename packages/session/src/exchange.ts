/**
 * Signed statements, all to all: own one written down before it leaves, each peer's checked and written down before it
 * counts. On a resumed attempt the same bytes are sent again; a peer that changes its statement is found out.
 */
import { canonicalBytes, TallyError, type Hex } from '@tallystick/core'
import type { Attempt } from './attempt.ts'
import type { Clock } from './clock.ts'
import { decodeControl, encodeControl, type ControlBody, type ControlKind } from './control.ts'
import type { CommitmentValues } from './digests.ts'
import type { Commitment, View } from './events.ts'
import { requireSigned, type Signer } from './signing.ts'
import { partyIndex, type Terms } from './terms.ts'
import type { Wire } from './wire.ts'

/** One party in one attempt, connected to all others. */
export interface Connected {
  readonly terms: Terms
  readonly role: string
  readonly signer: Signer
  readonly clock: Clock
  readonly attempt: Attempt
  /** Countersigns that the evidence of a role goes to the auditor; without it nothing is disclosed. */
  readonly disclose?: ((of: string, attempt: number) => Promise<Hex>) | undefined
  /** In the order of the terms. */
  readonly wires: readonly Wire[]
}

export const rolesOf = (terms: Terms): readonly string[] => terms.parties.map((party) => party.role)

/** Own statement: as it left before, or made now and on disk before it leaves. */
export const ownStatement = async <K extends ControlKind>(
  { attempt, role }: Connected,
  kind: K,
  make: () => Promise<ControlBody<K>>,
): Promise<{ readonly body: ControlBody<K>; readonly bytes: Uint8Array }> => {
  const before = attempt.sent(kind)
  const bytes = before ?? encodeControl(kind, await make())
  if (before === undefined) {
    attempt.put(`sent/${kind}`, bytes)
    attempt.sync()
  }
  return { body: decodeControl(kind, bytes, role), bytes }
}

/**
 * @param check throws for a statement that must not count
 * @returns the statements in the order of the terms, own included
 */
export const exchange = async <K extends ControlKind>(
  party: Connected,
  kind: K,
  milliseconds: number,
  make: () => Promise<ControlBody<K>>,
  check: (role: string, body: ControlBody<K>) => void,
): Promise<readonly (ControlBody<K> & { readonly role: string })[]> => {
  const { attempt, wires, terms, role } = party
  const own = await ownStatement(party, kind, make)
  attempt.beforeSend()
  for (const wire of wires) wire.sendBytes(kind, own.bytes)
  const bodies = new Map<string, ControlBody<K>>([[role, own.body]])
  await Promise.all(
    wires.map(async (wire) => {
      const before = attempt.gotBytes(kind, wire.role)
      const bytes = before ?? (await wire.nextBytes(kind, milliseconds))
      const body = decodeControl(kind, bytes, wire.role)
      if (before === undefined) {
        check(wire.role, body)
        attempt.put(`got/${kind}/${wire.role}`, bytes)
      } else wire.known(kind, before)
      bodies.set(wire.role, body)
    }),
  )
  attempt.sync()
  return rolesOf(terms).map((r) => ({ ...bodies.get(r)!, role: r }))
}

const eventBase = (terms: Terms, attempt: Attempt, role: string) => ({
  specHash: attempt.run.specHash,
  attempt: attempt.run.attempt,
  party: partyIndex(terms, role),
})

export const commitmentEvent = (
  terms: Terms,
  attempt: Attempt,
  { role, input, seed, coin }: CommitmentValues,
): Commitment => ({ kind: 'Commitment', ...eventBase(terms, attempt, role), input, seed, coin })

export const viewEvent = (terms: Terms, attempt: Attempt, role: string, heads: Hex, result: Hex): View => ({
  kind: 'View',
  ...eventBase(terms, attempt, role),
  heads,
  result,
})

export const proofOf = (kind: 'commitment' | 'view', role: string): string => `proof/${kind}/${role}`

/** The other statement of a party that signed two, as it was told: with the one that counted it proves so. On disk. */
export const keepProof = (attempt: Attempt, kind: 'commitment' | 'view', role: string, statement: object): void => {
  const key = proofOf(kind, role)
  if (!attempt.has(key)) attempt.put(key, canonicalBytes(statement))
  attempt.sync()
}

const equivocation = (role: string, what: string): TallyError =>
  new TallyError(
    'peer/misbehaved',
    { peer: role },
    `${role} signed two different ${what}, one for each of two parties`,
    {
      remedy: 'keep the journal: both signatures together prove it',
    },
  )

const sameValues = (a: CommitmentValues, b: CommitmentValues): boolean =>
  a.role === b.role && a.input === b.input && a.seed === b.seed && a.coin === b.coin

interface SignedCommitmentValues extends CommitmentValues {
  readonly signature: Hex
}

/** What `teller` says that all committed to must be what this side holds; else one of them is shown to cheat. */
export const compareCommitments = (
  party: Connected,
  own: readonly CommitmentValues[],
  teller: string,
  told: readonly SignedCommitmentValues[],
): void => {
  const { terms, attempt, role } = party
  if (told.length !== own.length) {
    throw new TallyError('decode/malformed', { peer: teller }, `expected ${own.length} commitments from ${teller}`)
  }
  own.forEach((values, i) => {
    const claim = told[i]!
    if (sameValues(values, claim)) return
    if (values.role !== claim.role) {
      throw new TallyError('decode/malformed', { peer: teller }, `expected the commitments in the order of the terms`)
    }
    try {
      requireSigned(terms, values.role, commitmentEvent(terms, attempt, claim), claim.signature)
    } catch {
      const message = `${teller} tells of a commitment of ${values.role} that ${values.role} never signed`
      throw new TallyError('peer/misbehaved', { peer: teller }, message)
    }
    if (values.role !== role) {
      keepProof(attempt, 'commitment', values.role, claim)
      throw equivocation(values.role, 'commitments')
    }
    throw new TallyError('journal/rewound', 'self', `${teller} holds another commitment of this side`, {
      remedy: 'the journal was restored from a copy; start a new attempt',
    })
  })
}
