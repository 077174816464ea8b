/** Checks of what the parties signed, from the record alone, in the order of a job. */
import { fromHex, type Hex, type Json } from '@tallystick/core'
import {
  auditorAddress,
  auditorRoles,
  commitment,
  commitmentsDigest,
  headsDigest,
  reasonOf,
  resultsDigest,
  runOf,
  signedBy,
  specHash,
  type LinkHead,
  type Run,
  type SessionEvent,
  type SessionRecord,
  type Signed,
  type Terms,
} from '@tallystick/session'
import type { Messages } from '@tallystick/protocol'
import { check, failed, holds, notChecked, passed, type Check, type Finding, type Level } from './checks.ts'
import type { Programs } from './program.ts'

/** A record whose terms are of their form. */
export interface Subjects {
  readonly session: SessionRecord
  readonly terms: Terms
  readonly run: Run
  readonly roles: readonly string[]
  readonly nameOf: (role: string) => string
  /** Whether the protocol of the terms opens anything; undefined where its text is not at hand. */
  readonly opens: boolean | undefined
}

const opensAnything = ({ protocol: { id, version } }: Terms, programs: Programs): boolean | undefined => {
  const known = Object.hasOwn(programs, id) ? programs[id]!.protocol : undefined
  if (known?.version !== version) return undefined
  return Object.values(known.messages as Messages).some((message) => message.opening)
}

export const subjectsOf = (session: SessionRecord, terms: Terms, programs: Programs): Subjects => ({
  session,
  terms,
  opens: opensAnything(terms, programs),
  run: runOf(specHash(terms), session.attempt),
  roles: terms.parties.map((party) => party.role),
  nameOf: (role) => terms.parties.find((party) => party.role === role)?.name ?? role,
})

type Unsigned<T> = T extends SessionEvent ? Omit<T, 'specHash' | 'attempt' | 'party'> : never

const eventOf = ({ run, roles }: Subjects, role: string, event: Unsigned<SessionEvent>, attempt = run.attempt) =>
  ({ specHash: run.specHash, attempt, party: roles.indexOf(role), ...event }) as SessionEvent

const signature = (subjects: Subjects, role: string, event: SessionEvent, found: Hex, what: string): Finding => {
  const { terms, roles, nameOf } = subjects
  const { signer } = terms.parties[roles.indexOf(role)]!
  return holds(
    signedBy(signer, terms.domain, event, found),
    `${nameOf(role)} signed ${what}`,
    `the signature is not by ${nameOf(role)} (${signer}) over ${what} as the record has it`,
  )
}

interface OfEach {
  readonly id: string
  readonly level: Level
  readonly what: string
  /** For all roles, or by role. */
  readonly optional?: boolean | ((role: string) => boolean)
  /** What to say of a role that the record has none of; by default a failure where the run completed. */
  readonly absent?: Finding | undefined
}

/** One finding for each role; what the record lacks is a failure where the run completed. */
const each = <T extends { readonly role: string }>(
  subjects: Subjects,
  { optional: ofRole, absent, ...of }: OfEach,
  list: readonly T[],
  find: (item: T) => Finding,
): Check[] =>
  subjects.roles.map((role) => {
    const optional = typeof ofRole === 'function' ? ofRole(role) : ofRole === true
    return check({ ...of, role, ...(optional ? { optional } : {}) }, () => {
      const item = list.find((one) => one.role === role)
      if (item !== undefined) return find(item)
      const message = `the record has none of ${subjects.nameOf(role)}`
      return absent ?? (subjects.session.outcome === 'completed' && !optional ? failed(message) : notChecked(message))
    })
  })

const member = (value: Json, key: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, Json>>)[key]
    : undefined

const inOrder = ({ roles }: Subjects, list: readonly { readonly role: string }[]): boolean => {
  const found = list.map((item) => item.role)
  return roles.filter((role) => found.includes(role)).join() === found.join()
}

const wellFormed = (subjects: Subjects): Check[] => {
  const { session, terms, run } = subjects
  const of = (id: string, what: string) => ({ id, what, level: 'well-formed' as const })
  const lists = { agreements: 0, commitments: 0, coins: 0, checkpoint: 0, views: 0 }
  return [
    check(of('spec-hash', 'the hash of the terms'), () =>
      holds(
        session.specHash === run.specHash,
        run.specHash,
        `the terms hash to ${run.specHash}, not ${session.specHash}`,
      ),
    ),
    check(of('session-id', 'the id of the attempt'), () =>
      holds(
        session.sessionId === run.sessionId,
        `attempt ${run.attempt}`,
        `attempt ${run.attempt} is ${run.sessionId}`,
      ),
    ),
    check(of('roster', 'each party at most once in each list, in the order of the terms'), () => {
      const wrong = Object.keys(lists).filter((name) => !inOrder(subjects, session[name as keyof typeof lists]))
      const close = inOrder(subjects, session.close?.signatures ?? [])
      const bad = close ? wrong : [...wrong, 'close.signatures']
      return holds(bad.length === 0, subjects.roles.join(', '), `not so: ${bad.join(', ')}`)
    }),
    check(of('sizes', 'rows in the terms as in the parameters'), () => {
      const sizes = member(terms.parameters, 'sizes')
      if (sizes === undefined) return passed('the parameters of this protocol name no sizes')
      const wrong = subjects.roles.filter((role) => (member(sizes, role) ?? null) !== (terms.data[role]?.rows ?? null))
      const stated = subjects.roles.map((role) => `${role} ${terms.data[role]?.rows ?? 'none'}`).join(', ')
      return holds(wrong.length === 0, stated, `they differ for ${wrong.join(', ')}`)
    }),
    check(of('receivers', 'who learns an output, in the terms as in the parameters'), () => {
      const to = member(terms.parameters, 'to')
      if (typeof to !== 'string') return passed(terms.receivers.join(', '))
      const expected = to === 'both' || to === 'all' ? subjects.roles : [to]
      const same = expected.toSorted().join() === terms.receivers.toSorted().join()
      return holds(
        same,
        terms.receivers.join(', '),
        `the parameters say ${to}, the terms ${terms.receivers.join(', ')}`,
      )
    }),
    check(of('outcome', 'the outcome follows from what is there'), () => {
      const complete = session.views.length === subjects.roles.length && session.close !== null
      const aborted = session.aborts.some((abort) => abort.attempt === session.attempt)
      const fits = session.outcome === 'completed' ? complete : !complete && (session.outcome === 'open' || aborted)
      return holds(fits, session.outcome, `the record says ${session.outcome}, its views, close and aborts do not`)
    }),
  ]
}

const recorded = (subjects: Subjects): Check[] => {
  const { session, terms, roles } = subjects
  const level = 'recorded' as const
  const agreed = { kind: 'Agreement' } as const
  return [
    ...each(subjects, { id: 'agreement', level, what: 'agreement to the terms' }, session.agreements, (item) =>
      signature(subjects, item.role, eventOf(subjects, item.role, agreed), item.signature, 'the terms'),
    ),
    check({ id: 'attempts', level, what: 'attempts: aborts signed, counted, within the limit' }, () => {
      const told = `attempt ${session.attempt + 1} of at most ${terms.attempts}, ${session.attempt} given up before`
      if (session.attempt >= terms.attempts) return failed(told)
      const wrong = session.aborts.find(({ role, attempt, code, signature: found }) => {
        const event = eventOf(subjects, role, { kind: 'Abort', reason: reasonOf(terms, code) }, attempt)
        return !roles.includes(role) || signature(subjects, role, event, found, 'an abort').status !== 'passed'
      })
      if (wrong !== undefined) return failed(`the abort of attempt ${wrong.attempt} is not signed by ${wrong.role}`)
      const missing = Array.from({ length: session.attempt }, (_, i) => i).filter(
        (attempt) => !session.aborts.some((abort) => abort.attempt === attempt),
      )
      const late = session.aborts.find((abort) => abort.attempt > session.attempt)
      if (late !== undefined) return failed(`an abort of attempt ${late.attempt}, after this one`)
      return passed(missing.length === 0 ? told : `${told}; nobody signed an abort of ${missing.join(', ')}`)
    }),
    ...each(
      subjects,
      { id: 'commitment', level, what: 'commitments to input, seed and coin' },
      session.commitments,
      (c) => {
        const { input, seed, coin } = c
        const event = eventOf(subjects, c.role, { kind: 'Commitment', input, seed, coin })
        return signature(subjects, c.role, event, c.signature, 'its commitments')
      },
    ),
    ...roles.map((role) =>
      check({ id: 'times', level, what: 'claimed times', role, optional: true }, () => claimedTimes(subjects, role)),
    ),
  ]
}

/** A clock may be set back by this much between two signatures. */
const clockSlack = 120_000

/**
 * No event signs a time, so a time proves nothing, and a peer that claims an absurd one must not spoil the record of an
 * honest party: what cannot be so is told, and fails nothing.
 */
const claimedTimes = ({ session, terms, nameOf }: Subjects, role: string): Finding => {
  const own = (list: readonly Signed[]): Signed[] => list.filter((item) => item.role === role)
  const { agreements, commitments, checkpoint, views, close, disclosures } = session
  const signed = [agreements, commitments, checkpoint, views, close?.signatures ?? []].flatMap(own)
  const times = signed.map((item) => Date.parse(item.at))
  const by = `claimed by ${nameOf(role)}, as ${nameOf(session.role)} recorded it`
  const [first] = times
  const last = signed.at(-1)
  if (first === undefined || last === undefined) return notChecked(`${nameOf(role)} signed nothing`)
  const early = own(disclosures).some((item) => Date.parse(item.at) < Date.parse(last.at) - clockSlack)
  const odd = [
    times.some((time, i) => i > 0 && time < times[i - 1]! - clockSlack) ? 'they run backwards' : '',
    first > Date.parse(terms.expires) ? `agreed after the terms expired at ${terms.expires}` : '',
    early ? 'disclosed before the end of the run' : '',
  ].filter((what) => what !== '')
  const told = `${signed[0]!.at} to ${last.at}, ${by}`
  return odd.length === 0 ? passed(told) : notChecked(`cannot be so: ${odd.join(', ')}; ${told}`)
}

const linksOf = (roles: readonly string[], role: string): string[] =>
  roles.filter((peer) => peer !== role).flatMap((peer) => [`${role}>${peer}`, `${peer}>${role}`])

const linkName = ({ from, to }: LinkHead): string => `${from}>${to}`

const ownLinks = ({ roles }: Subjects, role: string, heads: readonly LinkHead[]): boolean =>
  heads.map(linkName).toSorted().join() === linksOf(roles, role).toSorted().join()

interface Seen {
  readonly role: string
  readonly heads: readonly LinkHead[]
}

/** The two ends of every link, as their parties signed them. */
const pairwise = (subjects: Subjects, seen: readonly Seen[]): Finding => {
  if (seen.length < subjects.roles.length) return notChecked('not all parties signed their heads')
  const headAt = (role: string, from: string, to: string): Hex | undefined =>
    seen.find((one) => one.role === role)?.heads.find((head) => head.from === from && head.to === to)?.digest
  const links = subjects.roles.flatMap((from) =>
    subjects.roles.filter((to) => to !== from).map((to) => [from, to] as const),
  )
  const apart = links.find(([from, to]) => headAt(from, from, to) !== headAt(to, from, to))
  if (apart === undefined) return passed(`both ends of ${links.length} links agree`)
  const [from, to] = apart
  return failed(`what ${from} signed to have sent to ${to} is not what ${to} signed to have received`)
}

const coins = (subjects: Subjects): Check[] => {
  const { session, run, nameOf } = subjects
  return each(subjects, { id: 'coin', level: 'consistent', what: 'share of the joint coin' }, session.coins, (item) => {
    const { role, share, nonce } = item
    const promised = session.commitments.find((one) => one.role === role)?.coin
    if (promised === undefined) return notChecked(`${nameOf(role)} committed to none`)
    const found = commitment('coin', run, role, fromHex(share, 32), fromHex(nonce, 32))
    return holds(found === promised, 'opens the commitment', `what ${nameOf(role)} opened is not what it committed to`)
  })
}

const heads = (subjects: Subjects): Check[] => {
  const { session, roles, nameOf, opens } = subjects
  const { checkpoint, views } = session
  const level = 'consistent' as const
  // Who strips all checkpoints must gain nothing: only a protocol known to open nothing goes without.
  const none = checkpoint.length === 0
  const optional = none && opens === false
  const absent =
    none && opens === undefined
      ? notChecked('the record has none, and whether this protocol opens anything is not known here')
      : undefined
  const wrongLinks = (role: string): Finding => failed(`the heads of ${nameOf(role)} are not of exactly its own links`)
  const commitments = commitmentsDigest(session.commitments)
  const before = {
    id: 'checkpoint',
    level,
    what: 'heads and commitments signed before the first opening',
    optional,
    absent,
  }
  const after = { id: 'view', level, what: 'final heads and own result signed' }
  return [
    ...each(subjects, before, checkpoint, (item) => {
      if (!ownLinks(subjects, item.role, item.heads)) return wrongLinks(item.role)
      const event = eventOf(subjects, item.role, { kind: 'Checkpoint', commitments, heads: headsDigest(item.heads) })
      return signature(subjects, item.role, event, item.signature, 'its heads and all commitments')
    }),
    check({ id: 'checkpoint-heads', level, what: 'both ends of every link before the first opening', optional }, () =>
      pairwise(subjects, checkpoint),
    ),
    ...each(subjects, after, views, (item) => {
      if (!ownLinks(subjects, item.role, item.heads)) return wrongLinks(item.role)
      const { result } = item
      const event = eventOf(subjects, item.role, { kind: 'View', heads: headsDigest(item.heads), result })
      return signature(subjects, item.role, event, item.signature, 'its final heads and its result')
    }),
    check({ id: 'view-heads', level, what: 'both ends of every link at the end' }, () => pairwise(subjects, views)),
    check({ id: 'heads-extend', level, what: 'final heads of the links of the checkpoint', optional }, () => {
      if (checkpoint.length === 0) return notChecked('this run had no checkpoint')
      const lost = roles.find((role) => {
        const [first, last] = [checkpoint, views].map((list) => list.find((one) => one.role === role))
        return first === undefined || last === undefined || !ownLinks(subjects, role, last.heads)
      })
      if (lost !== undefined) return notChecked(`${nameOf(lost)} lacks one of the two`)
      return passed('the same links; that the chains grew is checked by replay')
    }),
  ]
}

const close = (subjects: Subjects): Check[] => {
  const { session, terms, roles, nameOf } = subjects
  const level = 'consistent' as const
  const all = session.views.flatMap(({ role, heads: seen }) => seen.filter(({ from }) => from === role))
  const signed = session.close?.signatures ?? []
  return [
    check({ id: 'close', level, what: 'the digest that all sign at the end' }, () => {
      if (session.close === null) return notChecked('the run did not get that far')
      const [links, results] = [headsDigest(all), resultsDigest(session.views)]
      if (session.close.heads !== links)
        return failed(`all links' heads have the digest ${links}, not ${session.close.heads}`)
      if (session.close.result !== results)
        return failed(`the results have the digest ${results}, not ${session.close.result}`)
      return passed('that of all heads and all results')
    }),
    ...each(
      subjects,
      {
        id: 'close-signature',
        level,
        what: `signature at the end (${signed.length} of ${roles.length})`,
        // The others may have withheld theirs, which voids nothing; whose record it is has signed before it says so.
        optional: (role) => role !== session.role || session.outcome !== 'completed',
      },
      signed,
      (item) => {
        const { heads: links, result } = session.close!
        const event: SessionEvent = {
          kind: 'Close',
          specHash: session.specHash,
          attempt: session.attempt,
          heads: links,
          result,
        }
        return signature(subjects, item.role, event, item.signature, 'the end')
      },
    ),
    check({ id: 'disclosures', level, what: 'whose evidence may reach the auditor', optional: true }, () => {
      const auditor = auditorAddress(terms.auditor.recipient)
      const wrong = session.disclosures.find(({ role, of, signature: found }) => {
        const event = eventOf(subjects, of, { kind: 'Disclosure', auditor })
        const known = roles.includes(of) && roles.includes(role)
        return !known || signature(subjects, role, event, found, 'a disclosure').status !== 'passed'
      })
      if (wrong !== undefined) return failed(`the disclosure of ${wrong.of} is not signed by ${wrong.role}`)
      const own = auditorRoles(terms)
      // One party alone opens nothing: honest software seals evidence only with the countersignature of all.
      const by = (of: string): string[] => session.disclosures.filter((item) => item.of === of).map(({ role }) => role)
      const whole = (of: string): boolean => roles.every((role) => by(of).includes(role))
      const disclosed = roles.filter((of) => own.includes(of) || whole(of))
      const alone = roles
        .filter((of) => !whole(of) && by(of).length > 0)
        .map(
          (of) => `; that of ${nameOf(of)} only by ${[...new Set(by(of))].map(nameOf).join(', ')}, which opens nothing`,
        )
      const told = `${disclosed.map(nameOf).join(', ') || 'nobody'} to ${terms.auditor.name}, at most ${terms.auditor.limit}${alone.join('')}`
      return holds(disclosed.length <= terms.auditor.limit, told, `${told}: over the limit of the terms`)
    }),
  ]
}

export const verifySession = (subjects: Subjects): Check[] => [
  ...wellFormed(subjects),
  ...recorded(subjects),
  ...coins(subjects),
  ...heads(subjects),
  ...close(subjects),
]
