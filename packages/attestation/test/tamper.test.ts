/**
 * Evidence altered and sealed again with valid keys, and parties that truly cheat and sign: replay finds each, and names
 * the part, the step and the party. Without the checks of the replay nothing would be found: that is asserted as well.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { taggedDigest, toHex, type Hex, type Json } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import type { AnyProtocol, Effect } from '@tallystick/protocol'
import { ecdh } from '@tallystick/psi'
import type { Check } from '../src/checks.ts'
import { rowCount, type Rows } from '../src/dataset.ts'
import { encodeEvidence, type Evidence } from '../src/evidence.ts'
import { codeDigest } from '../src/node/code.ts'
import { engineRunner, replay, type ReplayOptions } from '../src/replay.ts'
import type { AuditReport } from '../src/report.ts'
import { encryptEvidence, openEvidence } from '../src/seal.ts'
import { verify } from '../src/verify.ts'
import { changedLeaves, changedShapes } from './alter.ts'
import { auditor, cheating, lists, otherOf, pool, roles, rowsOf, runJob, trustOf, type Job, type Role } from './job.ts'

vi.mock('@tallystick/session', async (original) =>
  (await import('./remember-signatures.ts')).rememberingSignatures(original),
)

const trust = trustOf()
const options: ReplayOptions = { trust, code: codeDigest(), pool, sample: { seed: new Uint8Array(32), rate: 0.01 } }

const failed = (report: AuditReport): readonly Check[] => report.checks.filter(({ status }) => status === 'failed')
const idsOf = (report: AuditReport): readonly string[] => [...new Set(failed(report).map(({ id }) => id))]
/** What would be left if the replay did not take place. */
const withoutReplay = (report: AuditReport): readonly Check[] =>
  failed(report).filter(({ level }) => level !== 'replayed')

/** As an auditor gets it: sealed with a valid key and opened. */
const resealed = async (evidence: Evidence): Promise<Evidence> =>
  openEvidence(await encryptEvidence(evidence, auditor.recipient), auditor.identity)

/** Evidence as JSON, so that every leaf can be walked; bytes become hex, rows a list of them. */
const toJson = (evidence: Evidence): Json => {
  const { rows } = evidence.input
  const list = Array.from({ length: rowCount(rows) }, (_, i) =>
    toHex(rows.bytes.subarray(rows.offsets[i], rows.offsets[i + 1])),
  )
  const plain = { ...evidence, input: { ...evidence.input, rows: list } }
  const replacer = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? toHex(value) : value)
  return JSON.parse(JSON.stringify(plain, replacer)) as Json
}
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
const fromJson = (json: Json): Evidence => {
  const plain = json as any
  const parts: Uint8Array[] = plain.input.rows.map(bytesOf)
  const offsets = [0]
  let end = 0
  for (const part of parts) offsets.push((end += part.length))
  const rows = { bytes: Uint8Array.from(Buffer.concat(parts)), offsets: Uint32Array.from(offsets) }
  const withBody = (item: any) => ({ ...item, body: bytesOf(item.body) })
  return {
    ...plain,
    input: { ...plain.input, rows },
    inbox: plain.inbox.map(withBody),
    resources: plain.resources.map(withBody),
  }
}

/** Members that have no place in the form of the file are not written, so nobody gets to see them. */
const isWritten = (evidence: Evidence, of: Evidence): boolean => {
  const [altered, original] = [evidence, of].map((one) => Buffer.concat([...encodeEvidence(one)]))
  return !altered!.equals(original!)
}

/** The check that points at a part of the evidence. */
const checkOf: Readonly<Record<string, string>> = {
  specHash: 'evidence-job',
  attempt: 'evidence-job',
  role: 'evidence-job',
  package: 'evidence-job',
  code: 'evidence-job',
  input: 'evidence-input',
  seed: 'evidence-seed',
  coin: 'evidence-coin',
  inbox: 'evidence-inbox',
  resources: 'evidence-resources',
  chains: 'evidence-chains',
  disclosure: 'evidence-disclosure',
}

/** What came of it: the ids of failing checks, or the code of the error that refuses the file. */
const outcomeOf = async (job: Job, evidence: () => Evidence): Promise<readonly string[]> => {
  try {
    const report = await replay(job.record, await resealed(evidence()), options)
    return report.verdict === 'replayed' ? [] : idsOf(report)
  } catch (error) {
    return [(error as { code?: string }).code ?? String(error)]
  }
}

describe('opened evidence, altered and sealed again', () => {
  let job: Job
  beforeAll(async () => {
    job = await runJob()
  })

  test('unaltered, replays', async () => {
    const report = await replay(job.record, await resealed(job.evidence), options)
    expect(failed(report)).toEqual([])
    expect(report.verdict).toBe('replayed')
    expect(fromJson(toJson(job.evidence))).toEqual(job.evidence)
  })

  test('with any one leaf changed fails, at the check of that part', async () => {
    const alterations = changedLeaves(toJson(job.evidence))
    expect(alterations.length).toBeGreaterThan(70)
    const missed: string[] = []
    for (const { path, value } of alterations) {
      const found = await outcomeOf(job, () => fromJson(value))
      if (!found.includes(checkOf[String(path[0])]!)) missed.push(`${path.join('.')}: ${found.join()}`)
    }
    expect(missed).toEqual([])
  }, 60_000)

  test('with any one element dropped, repeated or moved fails, or is refused as malformed', async () => {
    const missed: string[] = []
    for (const { path, how, value } of changedShapes(toJson(job.evidence))) {
      const found = await outcomeOf(job, () => fromJson(value))
      // Frames are numbered, so their order in the file says nothing and may change.
      const harmless = how === 'first two swapped' && path.join() === 'inbox'
      if (found.length === 0 && !harmless && isWritten(fromJson(value), job.evidence))
        missed.push(`${how} ${path.join('.')}`)
    }
    expect(missed).toEqual([])
  }, 60_000)

  test('one bit of the seed is named as the seed, and the party with it', async () => {
    const seed = bytesOf(job.evidence.seed.value)
    seed[31]! ^= 1
    const altered = { ...job.evidence, seed: { ...job.evidence.seed, value: toHex(seed) } }
    const [found, ...more] = failed(await replay(job.record, await resealed(altered), options))
    expect(found).toMatchObject({ id: 'evidence-seed', role: 'receiver' })
    expect(more).toEqual([])
  })

  test('one byte of one received frame is named with its step', async () => {
    const [first, ...rest] = job.evidence.inbox
    const body = Uint8Array.from(first!.body)
    body[5]! ^= 1
    const altered = { ...job.evidence, inbox: [{ ...first!, body }, ...rest] }
    const [found, ...more] = failed(await replay(job.record, await resealed(altered), options))
    expect(found).toMatchObject({ id: 'evidence-inbox', role: 'receiver', step: first!.step })
    expect(more).toEqual([])
  })

  test('evidence of one party shown as that of the other opens none of its commitments', async () => {
    const { disclosure } = job.evidence
    const report = await replay(job.record, await resealed({ ...job.evidence, role: 'sender' }), options)
    expect(idsOf(report)).toContain('evidence-disclosure')
    const both = { ...job.evidence, role: 'sender', disclosure: { ...disclosure, role: 'sender' } }
    expect(idsOf(await replay(job.record, await resealed(both), options))).toEqual(
      expect.arrayContaining(['evidence-disclosure', 'evidence-input', 'evidence-seed', 'evidence-coin']),
    )
  })

  test('evidence of another run of the same parties is told apart', async () => {
    const other = await runJob({ audited: 'sender' })
    expect(await outcomeOf(job, () => other.evidence)).toEqual(['evidence-job'])
  })

  test('another version of the code is refused, with the one to install', async () => {
    const other: Hex = toHex(new Uint8Array(32))
    await expect(replay(job.record, job.evidence, { ...options, code: other })).rejects.toMatchObject({
      code: 'evidence/wrong-version',
      remedy: expect.stringContaining('install Tallystick 0.1.0'),
    })
  })

  test('a fast engine that lies about one row is found by the sample', async () => {
    const engine = await wasmEngine()
    const lying = {
      ...engine,
      'curve25519/scale': (input: never) => {
        const output = engine['curve25519/scale']!(input) as { points: Uint8Array; bad: number }
        const points = Uint8Array.from(output.points)
        points[0]! ^= 1
        return { ...output, points }
      },
    }
    const report = await replay(job.record, job.evidence, { ...options, pool: engineRunner(lying), sample: 'all' })
    expect(idsOf(report)).toContain('kernels')
    expect(failed(report).find(({ id }) => id === 'kernels')?.step).toContain('curve25519/scale')
  })
})

/** A party that sends something else at a message. */
const sends = (role: Role, message: string, change: (body: Uint8Array, ordinal: number) => Uint8Array): AnyProtocol => {
  let ordinal = 0
  return cheating(role, (effect) => {
    if (effect.kind !== 'send' || !effect.step.endsWith(`/${message}`)) return effect
    return { ...effect, body: change(effect.body, ordinal++) }
  })
}

/** A party that masks with a scalar of its own choice, everywhere. */
const withScalar = (role: Role): AnyProtocol => {
  const scalar = Uint8Array.from(taggedDigest('tallystick/test-scalar/v1', role))
  scalar[0]! &= 0xf8
  return cheating(role, (effect: Effect) => {
    if (effect.kind !== 'compute' || !('scalar' in (effect.input as object))) return effect
    return { ...effect, input: { ...(effect.input as object), scalar } }
  })
}

/** A point that the peer cannot tell from an honest one: the next row again in the place of the first. */
const dropped = (body: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(body)
  out.set(body.subarray(32, 64), 0)
  return out
}

const otherSet = (role: Role): Rows => rowsOf(lists[role].map((item, i) => (i === 1 ? 'xyz' : item)))

const masked: Readonly<Record<Role, string>> = { receiver: 'receiverMasked', sender: 'senderMasked' }
const replied: Readonly<Record<Role, string>> = { receiver: 'senderDoubled', sender: 'receiverDoubled' }

describe.each(roles)('a %s that truly cheats and signs', (role) => {
  const cases: readonly (readonly [string, () => Promise<Job>, string])[] = [
    ['enters another set than it committed to', () => runJob({ audited: role, enters: otherSet(role) }), masked[role]],
    ['uses another scalar', () => runJob({ audited: role, cheats: withScalar(role) }), masked[role]],
    [
      'drops an element of its own set',
      () => runJob({ audited: role, cheats: sends(role, masked[role], (body, i) => (i === 1 ? dropped(body) : body)) }),
      masked[role],
    ],
    [
      'drops an element of its reply',
      () =>
        runJob({ audited: role, cheats: sends(role, replied[role], (body, i) => (i === 0 ? dropped(body) : body)) }),
      replied[role],
    ],
  ]

  test.each(cases)('and %s: consistent, until replay names party and step', async (_, run, message) => {
    const job = await run()
    expect(job.results[otherOf(role)].record.outcome).toBe('completed')
    const verified = await verify(job.record, { trust })
    expect(verified.verdict).toBe('consistent')
    expect(failed(verified)).toEqual([])

    const report = await replay(job.record, await resealed(job.evidence), options)
    expect(report.verdict).toBe('consistent')
    const sent = failed(report).find(({ id }) => id === 'sent')
    expect(sent).toMatchObject({ role, step: expect.stringMatching(new RegExp(`^psi/ecdh/.*/${message}$`)) })
    // Control: with the replay taken away nothing is left that fails.
    expect(withoutReplay(report)).toEqual([])
  })

  test('and shows the set that it entered: it is not the one that it committed to', async () => {
    const enters = otherSet(role)
    const job = await runJob({ audited: role, enters })
    const shown = { ...job.evidence, input: { ...job.evidence.input, rows: enters } }
    const report = await replay(job.record, await resealed(shown), options)
    expect(failed(report).map(({ id, role: by }) => [id, by])).toEqual([['evidence-input', role]])
    expect(withoutReplay(report)).toEqual([])
  })

  test('and signs another result than its program returned', async () => {
    const honest = ecdh.parties[role]
    const lies: AnyProtocol = {
      ...ecdh,
      parties: {
        ...ecdh.parties,
        *[role](ctx: never, parameters: never, input: never) {
          yield* honest(ctx, parameters, input)
          return { kind: 'intersection', rows: Uint32Array.of(0) }
        },
      },
    }
    const job = await runJob({ audited: role, cheats: lies })
    const report = await replay(job.record, job.evidence, options)
    expect(failed(report).map(({ id, role: by }) => [id, by])).toEqual([['result', role]])
    expect(withoutReplay(report)).toEqual([])
  })
})

test.each([
  ['cardinality', 'both'],
  ['cardinality', 'receiver'],
  ['intersection', 'receiver'],
] as const)('%s to %s replays for either role', async (output, to) => {
  for (const audited of roles) {
    const job = await runJob({ audited, output, to })
    const report = await replay(job.record, await resealed(job.evidence), options)
    expect(failed(report)).toEqual([])
    expect(report.verdict).toBe('replayed')
  }
})
