/**
 * What is not there proves nothing. Every list, element and nullable member of a record, and of evidence, is taken away in
 * turn, sealed again by the party itself, and the table says what then fails and how far the verdict still goes: never
 * further than with it. What only accuses its party (an abort, a disclosure) can be left out of a record unseen.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Json } from '@tallystick/core'
import { reasonOf, signEvent } from '@tallystick/session'
import { levels, type Verdict } from '../src/checks.ts'
import type { Evidence } from '../src/evidence.ts'
import { codeDigest } from '../src/node/code.ts'
import { programs } from '../src/programs/index.ts'
import { sealRecord, type AttestedRecord } from '../src/record.ts'
import { replay } from '../src/replay.ts'
import type { AuditReport } from '../src/report.ts'
import { verify, type VerifyOptions } from '../src/verify.ts'
import { anchorsOf, keyOf, pool, roles, runJob, trustOf, type Job } from './job.ts'

vi.mock('@tallystick/session', async (original) =>
  (await import('./remember-signatures.ts')).rememberingSignatures(original),
)

const trust = trustOf()
let job: Job
let record: AttestedRecord
beforeAll(async () => {
  job = await runJob()
  const { session } = job.record
  const event = { specHash: session.specHash, attempt: 0, party: 1, reason: reasonOf(session.terms, 'peer/timeout') }
  const signature = signEvent(keyOf('sender'), session.terms.domain, { kind: 'Abort', ...event })
  const aborts = [{ role: 'sender', attempt: 0, code: 'peer/timeout', signature }]
  record = await sealRecord({ ...session, aborts }, anchorsOf(job.terms), job.signer)
})

type Tree = Record<string, unknown>
interface Removal {
  /** With role or link in place of an index, and `n` for any other. */
  readonly pattern: string
  readonly path: readonly string[]
  readonly value: Json
}

const without = (root: unknown, [key, ...rest]: readonly string[], put: (at: unknown) => unknown): unknown => {
  if (key === undefined) return put(root)
  if (Array.isArray(root)) {
    const index = Number(key)
    return root.flatMap((item, i) => {
      if (i !== index) return [item]
      const changed = without(item, rest, put)
      return changed === undefined ? [] : [changed]
    })
  }
  const { [key]: old, ...others } = root as Tree
  const changed = without(old, rest, put)
  return changed === undefined ? others : { ...others, [key]: changed }
}

/** Each list emptied, each element of one dropped, each of `nullable` set to null. */
const removalsOf = (root: unknown, nullable: readonly string[] = []): Removal[] => {
  const found: Removal[] = []
  const add = (pattern: string, path: readonly string[], put: (at: unknown) => unknown): void =>
    void found.push({ pattern, path, value: without(root, path, put) as Json })
  const walk = (value: unknown, path: readonly string[], pattern: string): void => {
    if (nullable.includes(pattern)) add(`${pattern}: null`, path, () => null)
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
    if (Array.isArray(value) && value.length > 0) add(`${pattern}: []`, path, () => [])
    for (const [key, item] of Object.entries(value)) {
      const { role, from, to } = (item ?? {}) as Readonly<Record<string, string | undefined>>
      const label = role ?? (from === undefined ? 'n' : to === undefined ? from : `${from}>${to}`)
      const name = Array.isArray(value) ? `${pattern}[${label}]` : pattern === '' ? key : `${pattern}.${key}`
      if (Array.isArray(value)) add(name, [...path, key], () => undefined)
      walk(item, [...path, key], name)
    }
  }
  walk(root, [], '')
  return found
}

const failing = (report: AuditReport): string =>
  [...new Set(report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id))].join(' ')
const rank = (verdict: Verdict): number => levels.findIndex((level) => level === verdict)

type Row = readonly [verdict: Verdict, fails: string]

describe('of a record', () => {
  const agreement: Row = ['well-formed', 'agreement']
  const commitment: Row = ['well-formed', 'commitment checkpoint']
  const coin: Row = ['recorded', 'coin']
  const checkpoint: Row = ['recorded', 'checkpoint']
  const checkpointHeads: Row = ['recorded', 'checkpoint checkpoint-heads']
  const views: Row = ['not well-formed', 'outcome view close']
  const ownHeads: Row = ['recorded', 'view view-heads close']
  const peersHeads: Row = ['recorded', 'view view-heads']
  const ownClose: Row = ['recorded', 'close-signature']
  const nothing: Row = ['consistent', '']

  const table: Readonly<Record<string, Row>> = {
    'agreements: []': agreement,
    'agreements[receiver]': agreement,
    'agreements[sender]': agreement,
    // Accusations of the party that shows the record: the number of the attempt stays, and with it how many there were.
    'aborts: []': nothing,
    'aborts[sender]': nothing,
    'commitments: []': commitment,
    'commitments[receiver]': commitment,
    'commitments[sender]': commitment,
    'coins: []': coin,
    'coins[receiver]': coin,
    'coins[sender]': coin,
    'checkpoint: []': checkpoint,
    'checkpoint[receiver]': checkpoint,
    'checkpoint[receiver].heads: []': checkpointHeads,
    'checkpoint[receiver].heads[receiver>sender]': checkpointHeads,
    'checkpoint[receiver].heads[sender>receiver]': checkpointHeads,
    'checkpoint[sender]': checkpoint,
    'checkpoint[sender].heads: []': checkpointHeads,
    'checkpoint[sender].heads[receiver>sender]': checkpointHeads,
    'checkpoint[sender].heads[sender>receiver]': checkpointHeads,
    'views: []': views,
    'views[receiver]': views,
    'views[receiver].heads: []': ownHeads,
    'views[receiver].heads[receiver>sender]': ownHeads,
    'views[receiver].heads[sender>receiver]': peersHeads,
    'views[sender]': views,
    'views[sender].heads: []': ownHeads,
    'views[sender].heads[receiver>sender]': peersHeads,
    'views[sender].heads[sender>receiver]': ownHeads,
    'close: null': ['not well-formed', 'outcome close-signature'],
    'close.signatures: []': ownClose,
    'close.signatures[receiver]': ownClose,
    // Withheld by a peer: "completed, k of n signed", never void; the report says who has not accepted the end.
    'close.signatures[sender]': nothing,
    // Accusations again: evidence carries the disclosure that lets it be opened.
    'disclosures: []': nothing,
    'disclosures[receiver]': nothing,
    'disclosures[sender]': nothing,
    // Offline nothing depends on them; with a chain the computation is looked up all the same (verify-chain.test.ts).
    'anchors: null': nothing,
    'anchors.entries: []': nothing,
    'anchors.entries[n]': nothing,
    'anchors.entries[n].party: null': nothing,
  }

  const nullable = ['close', 'anchors', 'anchors.entries[n].party']
  const removals = (): { readonly pattern: string; readonly altered: Omit<AttestedRecord, 'seal'> }[] => {
    const { session, anchors, format } = record
    const { terms, ...rest } = session
    return removalsOf({ ...rest, anchors }, nullable).map(({ pattern, value }) => {
      const { anchors: kept, ...changed } = value as unknown as typeof rest & Pick<AttestedRecord, 'anchors'>
      return { pattern, altered: { format, session: { ...changed, terms }, anchors: kept } }
    })
  }
  const verifySealed = async (altered: Omit<AttestedRecord, 'seal'>, options: VerifyOptions = {}) =>
    verify(await sealRecord(altered.session, altered.anchors, job.signer), { trust, ...options })

  test('nothing is taken away: consistent', async () => {
    const report = await verify(record, { trust })
    expect([report.verdict, failing(report)]).toEqual(nothing)
  })

  test('each absence does what the table says, and the table has them all', async () => {
    const found = new Map<string, Row>()
    for (const { pattern, altered } of removals()) {
      const report = await verifySealed(altered)
      expect([pattern, report.verdict, failing(report)]).toEqual([pattern, ...(table[pattern] ?? [])])
      found.set(pattern, [report.verdict, failing(report)])
    }
    expect([...found.keys()].sort()).toEqual(Object.keys(table).sort())
  })

  test('and nothing is gained by saying that the run did not complete', async () => {
    for (const outcome of ['open', 'aborted'] as const) {
      for (const { pattern, altered } of removals()) {
        const { verdict } = await verifySealed({ ...altered, session: { ...altered.session, outcome } })
        expect([pattern, rank(verdict) <= rank('recorded')]).toEqual([pattern, true])
      }
    }
  })

  test('a checkpoint is wanted unless the protocol is known to open nothing', async () => {
    const { session, anchors, format } = record
    const stripped = { format, session: { ...session, checkpoint: [] }, anchors }
    const unknown = await verifySealed(stripped, { programs: {} })
    expect([unknown.verdict, failing(unknown)]).toEqual(['recorded', ''])
    expect((await verifySealed(record, { programs: {} })).verdict).toBe('consistent')
    const { protocol, input } = programs['psi/ecdh']!
    const closed = Object.entries(protocol.messages).map(([name, one]) => [
      name,
      { ...(one as object), opening: false },
    ])
    const opensNothing = { 'psi/ecdh': { protocol: { ...protocol, messages: Object.fromEntries(closed) }, input } }
    expect((await verifySealed(stripped, { programs: opensNothing })).verdict).toBe('consistent')
    const other = { 'psi/ecdh': { protocol: { ...opensNothing['psi/ecdh'].protocol, version: 2 }, input } }
    expect((await verifySealed(stripped, { programs: other })).verdict).toBe('recorded')
  })

  test('who has not signed the end is named', async () => {
    const { session, anchors, format } = record
    const close = { ...session.close!, signatures: session.close!.signatures.slice(0, 1) }
    const report = await verifySealed({ format, session: { ...session, close }, anchors })
    expect(report.notProven).toContain('that Valley Bank accepted the end: the signature is missing')
  })

  test('optional members of the terms are under their hash', async () => {
    const { session, anchors, format } = record
    for (const put of [
      { auditor: { ...session.terms.auditor, audited: undefined } },
      { auditor: { ...session.terms.auditor, reveals: {} } },
      { data: {} },
      { resources: {} },
    ]) {
      const terms = JSON.parse(JSON.stringify({ ...session.terms, ...put })) as typeof session.terms
      const report = await verifySealed({ format, session: { ...session, terms }, anchors })
      expect(report.verdict).toBe('not well-formed')
      expect(failing(report)).toContain('spec-hash')
    }
  })
})

describe('of evidence', () => {
  const refused: Row = ['consistent', 'evidence-chains']
  const frame: Row = ['consistent', 'evidence-inbox']
  const table: Readonly<Record<string, Row>> = {
    'inbox: []': frame,
    'inbox[sender]': frame,
    'chains.checkpoint: []': refused,
    'chains.checkpoint[receiver>sender]': refused,
    'chains.checkpoint[sender>receiver]': refused,
    'chains.view: []': refused,
    'chains.view[receiver>sender]': refused,
    'chains.view[sender>receiver]': refused,
    'input.rows: []': ['consistent', 'evidence-input'],
    'disclosure.signatures[receiver]': ['consistent', 'evidence-disclosure'],
    'disclosure.signatures[sender]': ['consistent', 'evidence-disclosure'],
  }
  const options = () => ({ trust, code: codeDigest(), pool, sample: 'all' as const })

  test('each absence does what the table says, and the table has them all', async () => {
    const { evidence } = job
    const { inbox, chains, disclosure } = evidence
    // Correlations are in replay-protocols.test.ts: this protocol has none.
    expect(evidence.resources).toEqual([])
    const removals: (readonly [string, Evidence])[] = [
      ...removalsOf({ inbox, chains }).map(
        ({ pattern, value }) => [pattern, { ...evidence, ...(value as unknown as Partial<Evidence>) }] as const,
      ),
      [
        'input.rows: []',
        { ...evidence, input: { ...evidence.input, rows: { bytes: new Uint8Array(0), offsets: Uint32Array.of(0) } } },
      ],
      ...roles.map((role) => {
        const { [role]: _, ...signatures } = disclosure.signatures
        return [`disclosure.signatures[${role}]`, { ...evidence, disclosure: { ...disclosure, signatures } }] as const
      }),
    ]
    const found = new Set<string>()
    for (const [pattern, altered] of removals) {
      const report = await replay(record, altered, options())
      expect([pattern, report.verdict, failing(report)]).toEqual([pattern, ...(table[pattern] ?? [])])
      found.add(pattern)
    }
    expect([...found].sort()).toEqual(Object.keys(table).sort())
  })

  test('and of the record at the same place: still not replayed', async () => {
    const { session, anchors } = record
    const { evidence } = job
    const none = <T extends { readonly role: string }>(list: readonly T[]): T[] =>
      list.filter(({ role }) => role !== evidence.role)
    const views = [none(session.views), []]
    const pairs: readonly (readonly [Partial<AttestedRecord['session']>, Evidence])[] = [
      ...[none(session.checkpoint), []].map(
        (checkpoint) => [{ checkpoint }, { ...evidence, chains: { ...evidence.chains, checkpoint: [] } }] as const,
      ),
      ...views.map(
        (left) =>
          [
            { views: left, close: null, outcome: 'open' },
            { ...evidence, inbox: [], chains: { ...evidence.chains, view: [] } },
          ] as const,
      ),
      [{ commitments: none(session.commitments) }, evidence],
      [{ coins: none(session.coins) }, evidence],
    ]
    for (const [put, altered] of pairs) {
      const sealed = await sealRecord({ ...session, ...put }, anchors, job.signer)
      const { verdict } = await replay(sealed, altered, options())
      expect([Object.keys(put), rank(verdict) < rank('consistent')]).toEqual([Object.keys(put), true])
    }
  })
})
