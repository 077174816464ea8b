/** A record against a real local chain: what the chain holds, what was altered, and a chain that is down. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { fromHex, toHex, type Json } from '@tallystick/core'
import { eventDigest, reasonOf } from '@tallystick/session'
import { anchoringOf, entriesOf, jobOf } from '../src/anchoring.ts'
import {
  deploy,
  evmLedger,
  startLocalChain,
  type Computation,
  type Deployment,
  type Ledger,
  type LocalChain,
} from '../src/ledger/index.ts'
import { sealRecord, type Anchoring, type AttestedRecord } from '../src/record.ts'
import type { AuditReport } from '../src/report.ts'
import type { ChainReader } from '../src/verify-chain.ts'
import { verify } from '../src/verify.ts'
import { changedLeaves } from './alter.ts'
import { runJob, trustOf, type Job } from './job.ts'

vi.mock('@tallystick/session', async (original) =>
  (await import('./remember-signatures.ts')).rememberingSignatures(original),
)

let chain: LocalChain
let deployment: Deployment
let ledger: Ledger
let reader: ChainReader
let job: Job
let record: AttestedRecord
const trust = trustOf()

beforeAll(async () => {
  job = await runJob()
  chain = await startLocalChain()
  const { rpcUrl, accounts } = chain
  deployment = await deploy({ rpcUrl, privateKey: accounts[0]!.privateKey, domain: job.terms.domain })
  ledger = evmLedger({ rpcUrl, deployment, privateKey: accounts[1]!.privateKey })
  const placed = []
  for (const entry of entriesOf(job.record.session)) placed.push({ entry, ...(await ledger.submit(entry)) })
  record = await sealRecord(job.record.session, anchoringOf(job.record.session, deployment, placed), job.signer)
  reader = { find: ledger.find, findParty: ledger.findParty, deployment }
}, 60_000)
afterAll(async () => {
  ledger?.close()
  await chain?.close()
})

const failed = (report: AuditReport): readonly string[] =>
  report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id)

describe('a record on a chain', () => {
  test('fits what the chain holds', async () => {
    const report = await verify(record, { trust, chain: reader })
    expect(failed(report)).toEqual([])
    expect(report.verdict).toBe('consistent')
    const chained = report.checks.filter(({ id }) => id.startsWith('chain-'))
    expect(chained.length).toBe(11)
    expect(chained.filter(({ status }) => status !== 'passed')).toEqual([])
    expect(report.checks.find(({ id }) => id === 'chain-order')?.detail).toContain('order: by signatures only')
    expect(report.notProven.join()).toContain('the order of events by anything but the signatures')
  })

  test('with any leaf of its anchors changed and sealed again, fails', async () => {
    const missed: string[] = []
    for (const { path, value } of changedLeaves(JSON.parse(JSON.stringify(record.anchors)) as Json)) {
      const altered = await sealRecord(record.session, value as unknown as Anchoring, job.signer)
      if (failed(await verify(altered, { trust, chain: reader })).length === 0) missed.push(path.join('.'))
    }
    // Where to start reading logs, and the unit of a chain's clock, say nothing about the computation.
    expect(missed).toEqual(['deployment.block', 'deployment.ticksPerSecond'])
  }, 30_000)

  test('of another run under the same terms fails: the chain holds other commitments', async () => {
    const other = await runJob()
    const sealed = await sealRecord(other.record.session, record.anchors, other.signer)
    const report = await verify(sealed, { trust, chain: reader })
    // The record's own party signed both; of its peer the report says that it did so as well.
    expect(failed(report)).toEqual(['chain-commitment', 'chain-checkpoint', 'chain-close'])
    expect(report.notProven.join('\n')).toContain('against Valley Bank: signed another commitment on the chain')
    expect(report.verdict).toBe('recorded')
  })

  test('naming contracts that the auditor does not trust, fails', async () => {
    const elsewhere = { ...deployment, computationRegistry: deployment.anchor }
    const report = await verify(record, { trust, chain: { ...reader, deployment: elsewhere } })
    expect(failed(report)).toEqual(['chain-job'])
  })

  test('is as good as offline while the chain is down', async () => {
    const down = (): Promise<never> => Promise.reject(new Error('connection refused'))
    const report = await verify(record, { trust, chain: { deployment, find: down, findParty: down } })
    expect(failed(report)).toEqual([])
    expect(report.verdict).toBe('consistent')
    expect(report.checks.find(({ id }) => id === 'chain-job')).toMatchObject({ status: 'not checked' })
  })

  test('that the chain does not know, fails', async () => {
    const report = await verify(record, { trust, chain: { ...reader, find: () => Promise.resolve(undefined) } })
    expect(failed(report)).toEqual(['chain-job'])
  })
})

describe('a record without its anchors', () => {
  const stripped = (session = job.record.session) => sealRecord(session, null, job.signer)

  test('is looked up all the same, and fits', async () => {
    const report = await verify(await stripped(), { trust, chain: reader })
    expect(failed(report)).toEqual([])
    expect(report.verdict).toBe('consistent')
    expect(report.checks.find(({ id }) => id === 'chain-job')?.detail).toContain('although the record names no chain')
    for (const id of ['chain-state', 'chain-commitment', 'chain-checkpoint', 'chain-close']) {
      expect(report.checks.filter((one) => one.id === id).map(({ status }) => status)).not.toContain('not checked')
    }
  })

  test('of another run is found out by what the chain holds', async () => {
    const other = await runJob()
    const report = await verify(await stripped(other.record.session), { trust, chain: reader })
    expect(failed(report)).toEqual(['chain-commitment', 'chain-checkpoint', 'chain-close'])
    expect(report.verdict).toBe('recorded')
  })

  test('of a job that the chain does not know is as good as offline, and says so', async () => {
    const unknown = await verify(await stripped(), {
      trust,
      chain: { ...reader, find: () => Promise.resolve(undefined) },
    })
    expect([unknown.verdict, failed(unknown)]).toEqual(['consistent', []])
    expect(unknown.checks.find(({ id }) => id === 'chain-job')?.status).toBe('not checked')
  })

  test('of another domain than the contracts that are trusted fails', async () => {
    const domain = `0x${'ee'.repeat(32)}` as const
    const elsewhere = { ...reader, deployment: { ...deployment, domain } }
    expect(failed(await verify(await stripped(), { trust, chain: elsewhere }))).toEqual(['chain-job'])
  })
})

/** The record's own party may have signed nothing of what a peer adds to the chain alone. */
describe('what a peer signs alone on the chain', () => {
  const own = (): Promise<Computation> => reader.find(record.anchors!.computation) as Promise<Computation>
  const place = async () => (await own()).completed!.at
  const against = async (change: (found: Computation) => Partial<Computation>, of = record): Promise<AuditReport> => {
    const found = await own()
    const altered = { ...found, ...change(found) }
    return verify(of, { trust, chain: { ...reader, find: () => Promise.resolve(altered) } })
  }
  const lie = `0x${'33'.repeat(32)}` as const
  const contested = (signers: readonly number[], at: Computation['completed']) => (found: Computation) => ({
    contested: true,
    logs: [...found.logs, { kind: 'Contested' as const, id: found.id, closeDigest: lie, signers, at: at!.at }],
  })
  const withheld = async (): Promise<AttestedRecord> => {
    const { session } = record
    const close = { ...session.close!, signatures: session.close!.signatures.slice(0, 1) }
    return sealRecord({ ...session, close }, record.anchors, job.signer)
  }

  test('a second close: not the fault of the record where the peer signed the one in it', async () => {
    const { completed } = await own()
    const report = await against(contested([1], completed))
    expect([report.verdict, failed(report)]).toEqual(['consistent', []])
    expect(report.notProven.join('\n')).toContain('against Valley Bank: signed another close on the chain')
    // Signed by the party of the record itself, or by a peer that never signed the one in the record: somebody lies.
    expect(failed(await against(contested([0, 1], completed)))).toEqual(['chain-state'])
    expect(failed(await against(contested([1], completed), await withheld()))).toEqual(['chain-state'])
  })

  test('a second commitment of the peer: against the peer; of the own party: a failure', async () => {
    const swap = (party: number) => (found: Computation) => ({
      commitments: found.commitments.map((item) => (item.party === party ? { ...item, input: lie } : item)),
    })
    const peers = await against(swap(1))
    expect([peers.verdict, failed(peers)]).toEqual(['consistent', []])
    expect(peers.notProven.join('\n')).toContain('against Valley Bank: signed another commitment')
    expect(failed(await against(swap(0)))).toEqual(['chain-commitment'])
  })

  test('an abort before the close got there: against the peer; by the own party: a failure', async () => {
    const at = await place()
    const abort = (party: number) => (found: Computation) => ({
      state: 'Aborted' as const,
      completed: undefined,
      closeDigest: undefined,
      signed: [],
      aborted: { kind: 'Aborted' as const, id: found.id, party, reason: lie, at },
      logs: found.logs.filter(({ kind }) => kind !== 'Completed'),
    })
    const unnamed = await sealRecord(record.session, null, job.signer)
    const peers = await against(abort(1), unnamed)
    expect([peers.verdict, failed(peers)]).toEqual(['consistent', []])
    expect(peers.notProven.join('\n')).toContain('against Valley Bank: it signed the end and aborted on the chain')
    expect(failed(await against(abort(0), unnamed))).toEqual(['chain-state'])
  })

  test('a chain that lacks the end as yet fails nothing', async () => {
    const late = (found: Computation) => ({
      state: 'Running' as const,
      completed: undefined,
      closeDigest: undefined,
      signed: [],
      logs: found.logs.filter(({ kind }) => kind !== 'Completed'),
    })
    const report = await against(late, await sealRecord(record.session, null, job.signer))
    expect([report.verdict, failed(report)]).toEqual(['consistent', []])
    expect(report.checks.find(({ id }) => id === 'chain-state')?.status).toBe('not checked')
  })

  test('a checkpoint that the record lacks is a failure: the own party signed it', async () => {
    const session = { ...record.session, checkpoint: [] }
    const report = await verify(await sealRecord(session, record.anchors, job.signer), { trust, chain: reader })
    expect(failed(report)).toContain('chain-checkpoint')
  })

  test('times that it claims against the blocks fail nothing, and the block counts', async () => {
    const at = '2098-01-01T00:00:00Z'
    const { session } = record
    const commitments = session.commitments.map((item) => (item.role === 'sender' ? { ...item, at } : item))
    const sealed = await sealRecord({ ...session, commitments }, record.anchors, job.signer)
    const report = await verify(sealed, { trust, chain: reader })
    expect([report.verdict, failed(report)]).toEqual(['consistent', []])
    expect(report.checks.find(({ id }) => id === 'chain-times')?.detail).toContain('not as Valley Bank claims')
  })
})

describe('the registry as trust anchor', () => {
  const at = { party: '0x', controller: '0x' } as const
  const withKeys = (signerOf: (party: string) => string, until = 0n, from = 0n): ChainReader => ({
    ...reader,
    findParty: (party) =>
      Promise.resolve({
        ...at,
        party,
        keys: [
          {
            key: signerOf(party) as `0x${string}`,
            purpose: 1,
            algorithm: 1,
            validFrom: from,
            validUntil: until,
            addedAt: 0n,
          },
        ],
      }),
  })
  const real = (party: string): string => trust.find((anchor) => anchor.party === party)!.signer

  test('stands in for a trust file, and must not contradict one', async () => {
    expect((await verify(record, { chain: withKeys(real) })).verdict).toBe('consistent')
    expect((await verify(record, { chain: reader })).verdict).toBe('well-formed')
    const wrong = await verify(record, { trust, chain: withKeys(() => trust[0]!.tls.slice(0, 42)) })
    expect(failed(wrong)).toEqual(['signers', 'signers'])
  })

  test('of a key that has ended takes an agreement on the chain from before: a claimed time is no proof', async () => {
    const agreed = (await reader.find(record.anchors!.computation))!.logs.find(({ kind }) => kind === 'Agreed')!.at.time
    const now = (agreed + 86_400) * 1000
    const signers = async (until: bigint, change: Partial<ChainReader> = {}, of = record) => {
      const report = await verify(of, { chain: { ...withKeys(real, until), ...change }, now })
      return [
        report.verdict,
        ...new Set(report.checks.filter(({ id }) => id === 'signers').map(({ status }) => status)),
      ]
    }
    // The end is still to come, or a block from before it holds the agreement.
    expect(await signers(BigInt(agreed + 90_000))).toEqual(['consistent', 'passed'])
    expect(await signers(BigInt(agreed + 60))).toEqual(['consistent', 'passed'])
    // Only the claim is from before the end: whoever has an old key can claim that.
    expect(await signers(BigInt(agreed))).toEqual(['well-formed', 'not checked'])
    const agreements = record.session.agreements.map((item) => ({ ...item, at: '2001-01-01T00:00:00Z' }))
    const claimed = await sealRecord({ ...record.session, agreements }, record.anchors, job.signer)
    expect(await signers(BigInt(agreed), {}, claimed)).toEqual(['well-formed', 'not checked'])
    const unknown = { find: () => Promise.resolve(undefined) }
    expect(await signers(BigInt(agreed + 60), unknown)).toEqual(['well-formed', 'not checked'])
  })

  test('of a key that has not begun fails; what the registry cannot say stands beside the trust file', async () => {
    const soon = BigInt(Math.floor(Date.now() / 1000) + 86_400)
    expect(failed(await verify(record, { chain: withKeys(real, 0n, soon) }))).toEqual(['signers', 'signers'])
    const ended = await verify(record, { trust, chain: withKeys(real, 1n) })
    expect(ended.verdict).toBe('consistent')
    expect(ended.checks.find(({ id }) => id === 'signers')?.detail).toContain(
      'no block from before holds its agreement',
    )
  })
})

/** The signatures bind the terms and not the deadline of a job: whoever has them can make a second one. Last: it stays. */
describe('another job of the same attempt', () => {
  const choices = () => ({ deadline: Math.floor(Date.parse(job.terms.expires) / 1000) })
  const others = async (of = record): Promise<unknown> => {
    const report = await verify(of, { trust, chain: reader })
    return [failed(report), report.checks.find(({ id }) => id === 'chain-others')?.detail]
  }

  test('with a deadline that the terms do not say is none of theirs', async () => {
    const { session } = record
    const anchors = anchoringOf(session, deployment, [], { deadline: 7 })
    expect(failed(await verify(await sealRecord(session, anchors, job.signer), { trust, chain: reader }))).toEqual([
      'anchors',
      'chain-job',
    ])
  })

  test('does not hide what its party says there', async () => {
    const { session } = record
    const [propose] = entriesOf(session, choices())
    await ledger.submit(propose!)
    expect(await others()).toEqual([[], '1, which say nothing else'])
    const reason = reasonOf(job.terms, 'session/aborted')
    const abort = async (party: number, signer: typeof job.signer): Promise<void> => {
      const event = { kind: 'Abort', specHash: session.specHash, attempt: session.attempt, party, reason } as const
      const signature = toHex(await signer.sign(fromHex(eventDigest(job.terms.domain, event))))
      await ledger.submit({ kind: 'abort', job: jobOf(session, choices()), reason, by: { party, signature } })
    }
    await abort(0, job.signer)
    const told = 'the chain says Aborted, the record completed (in another job of this attempt)'
    expect(await others()).toEqual([['chain-others'], told])
    expect(await others(await sealRecord(session, null, job.signer))).toEqual([['chain-others'], told])
  })
})
