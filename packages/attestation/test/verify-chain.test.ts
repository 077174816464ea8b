/** A record against a real local chain: what the chain holds, what was altered, and a chain that is down. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Json } from '@tallystick/core'
import { anchoringOf, entriesOf } from '../src/anchoring.ts'
import {
  deploy,
  evmLedger,
  startLocalChain,
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
    expect(chained.length).toBe(10)
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
    expect(failed(report)).toEqual(['chain-commitment', 'chain-commitment', 'chain-checkpoint', 'chain-close'])
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

describe('the registry as trust anchor', () => {
  const at = { party: '0x', controller: '0x' } as const
  const withKeys = (signerOf: (party: string) => string): ChainReader => ({
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
            validFrom: 0n,
            validUntil: 0n,
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
})
