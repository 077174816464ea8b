import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { eventDigest } from '@tallystick/session/events'
import { Contract, Wallet } from 'ethers'
import * as fc from 'fast-check'
import { PartyRegistry, Anchor } from '../src/ledger/contracts.generated.ts'
import { batchOf, computationId, deploy, evmLedger, inBatch, startLocalChain } from '../src/ledger/index.ts'
import type { Deployment, Ledger, LocalChain, Placed } from '../src/ledger/index.ts'
import {
  abort,
  addresses,
  anvil,
  anvilPath,
  close,
  commit,
  domain,
  jobOf,
  propose,
  provider,
  rpc,
  start,
  wholeJob,
  word,
} from './ledger-fixture.ts'

let chain: LocalChain
let deployment: Deployment
let ledger: Ledger
let serial = 0
/** Terms that no other test uses. */
const fresh = (): Hex => `0x${(++serial).toString(16).padStart(64, '0')}`
const codeOf = (error: unknown): unknown => (error instanceof TallyError ? error.code : error)

beforeAll(async () => {
  chain = await startLocalChain()
  const { rpcUrl, accounts } = chain
  deployment = await deploy({ rpcUrl, privateKey: accounts[0]!.privateKey, domain })
  ledger = evmLedger({ rpcUrl, deployment, privateKey: accounts[1]!.privateKey })
}, 60_000)
afterAll(async () => {
  ledger?.close()
  await chain?.close()
})

describe('a computation on the ledger', () => {
  test('goes the whole way, is found with all its parts, and nothing is recorded twice', async () => {
    const job = jobOf(fresh())
    const id = computationId(domain, job)
    expect(await ledger.find(id)).toBeUndefined()
    const entries = wholeJob(job)
    const reached: (string | undefined)[] = []
    for (const entry of entries) {
      expect(await ledger.locate(entry)).toBeUndefined()
      const { at, gas } = await ledger.submit(entry)
      expect(gas).toBeGreaterThan(21_000)
      expect(await ledger.submit(entry)).toEqual({ at })
      reached.push((await ledger.find(id))?.state)
    }
    expect(reached).toEqual(['Agreed', 'Agreed', 'Agreed', 'InputsCommitted', 'Running', 'Completed'])

    const found = (await ledger.find(id))!
    expect(found.proposed).toMatchObject({ ...job, kind: 'Proposed', id })
    expect(found.agreed).toEqual([0, 1, 2])
    expect(found.signed).toEqual([0, 1, 2])
    expect(found.commitments.map(({ party, input }) => [party, input])).toEqual(
      [0, 1, 2].map((p) => [p, word(0x10 + p)]),
    )
    expect(found.started?.heads).toEqual([0, 1, 2].map((party) => word(0x50 + party)))
    expect(found.completed).toMatchObject({ heads: word(0x60), result: word(0x61) })
    const { specHash, attempt } = job
    const digest = eventDigest(domain, { kind: 'Close', specHash, attempt, heads: word(0x60), result: word(0x61) })
    expect(found.closeDigest).toBe(digest)
    expect(found.contested).toBe(false)
    const blocks = found.logs.map(({ at }) => at.block)
    expect(blocks).toEqual([...blocks].sort((a, b) => a - b))
    expect(Math.abs(found.completed!.at.time - Date.now() / 1000)).toBeLessThan(3600)
  })

  test('k of n: signatures that come later are added', async () => {
    const job = jobOf(fresh())
    for (const entry of wholeJob(job).slice(0, -1)) await ledger.submit(entry)
    await ledger.submit(close(job, [2]))
    expect(await ledger.find(computationId(domain, job))).toMatchObject({ state: 'Completed', signed: [2] })
    await ledger.submit(close(job, [0, 2]))
    expect((await ledger.find(computationId(domain, job)))?.signed).toEqual([0, 2])
    expect(await ledger.locate(close(job, [0]))).toBeDefined()
    expect(await ledger.locate(close(job, [1]))).toBeUndefined()
  })

  test('a contested close is told, and counts as recorded for both sides', async () => {
    const job = jobOf(fresh())
    for (const entry of wholeJob(job).slice(0, -1)) await ledger.submit(entry)
    const lie = close(job, [0], word(0x99))
    await ledger.submit(lie)
    await ledger.submit(close(job, [1, 2]))
    const weaker = close(job, [1], word(0x98))
    expect((await ledger.submit(weaker)).gas).toBeGreaterThan(0)
    const found = await ledger.find(computationId(domain, job))
    expect(found).toMatchObject({ state: 'Completed', contested: true, signed: [1, 2] })
    expect(found?.completed?.result).toBe(word(0x61))
    for (const entry of [lie, weaker]) expect((await ledger.submit(entry)).gas).toBeUndefined()
  })

  test('abort, order of states and contradictions are typed errors', async () => {
    const job = jobOf(fresh())
    expect(await ledger.submit(commit(job, 0)).catch(codeOf)).toBe('ledger/rejected')
    await ledger.submit(propose(job))
    expect(await ledger.submit(start(job)).catch(codeOf)).toBe('ledger/rejected')
    await ledger.submit(commit(job, 0))
    expect(await ledger.submit(commit(job, 0, word(0xee))).catch(codeOf)).toBe('ledger/conflict')
    await ledger.submit(abort(job, 1))
    expect(await ledger.submit(abort(job, 1, word(0x71))).catch(codeOf)).toBe('ledger/conflict')
    const found = await ledger.find(computationId(domain, job))
    expect(found).toMatchObject({ state: 'Aborted', aborted: { party: 1, reason: word(0x70) } })
    const unsigned = propose(jobOf(fresh()))
    const forged = { ...unsigned, job: jobOf(fresh()) }
    const error = await ledger.submit(forged as typeof unsigned).catch((thrown: unknown) => thrown)
    expect(codeOf(error)).toBe('ledger/rejected')
    expect((error as Error).message).toContain('InvalidSignature(0)')
  })

  test('a deadline that passed reads as Failed', async () => {
    const job = jobOf(fresh(), { deadline: 1 })
    expect(await ledger.submit(propose(job, [0])).catch(codeOf)).toBe('ledger/rejected')
    await ledger.submit(propose(job))
    expect((await ledger.find(computationId(domain, job)))?.state).toBe('Failed')
  })

  test('the id is the one that the contract computes', async () => {
    const abi = ['function idOf((bytes32,uint32,bool,uint32,uint64,bytes32[])) view returns (bytes32)']
    const contract = new Contract(deployment.computationRegistry, abi, provider(chain.rpcUrl))
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((b): Hex => `0x${Buffer.from(b).toString('hex')}`)
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    await fc.assert(
      fc.asyncProperty(bytes(32), u32, u32, fc.array(bytes(32), { maxLength: 5 }), fc.boolean(), async (...values) => {
        const [specHash, attempt, deadline, ids, registered] = values
        const parties = registered ? ids : ids.map((id) => id.slice(0, 42) as Hex)
        const words = registered ? ids : parties.map((address) => `0x${'00'.repeat(12)}${address.slice(2)}`)
        const onChain: unknown = await contract
          .getFunction('idOf')
          .staticCall([specHash, attempt, registered, 5, deadline, words])
        expect(computationId(domain, { specHash, attempt, registered, parties, receivers: [0, 2], deadline })).toBe(
          onChain,
        )
      }),
      { numRuns: 25 },
    )
  })
})

describe('reorganisation, concurrency, watching', () => {
  test('an entry that the chain lost is sent again, one that it has is not', async () => {
    const job = jobOf(fresh())
    const snapshot = await rpc(chain.rpcUrl, 'evm_snapshot')
    const before = await ledger.submit(propose(job))
    expect(await rpc(chain.rpcUrl, 'evm_revert', snapshot)).toBe(true)
    expect(await ledger.locate(propose(job))).toBeUndefined()
    expect((await ledger.submit(propose(job))).gas).toBe(before.gas)
  })

  test('two accounts that submit the same entries at the same time both succeed', async () => {
    const { rpcUrl, accounts } = chain
    const other = evmLedger({ rpcUrl, deployment, privateKey: accounts[2]!.privateKey })
    const job = jobOf(fresh())
    const all = async (one: Ledger) => {
      for (const entry of wholeJob(job)) await one.submit(entry)
    }
    await Promise.all([all(ledger), all(other)])
    expect((await ledger.find(computationId(domain, job)))?.state).toBe('Completed')
    expect((await ledger.find(computationId(domain, job)))?.logs.length).toBe(1 + 1 + 3 + 1 + 1)
    other.close()
  })

  test('concurrent submissions of one account take consecutive nonces', async () => {
    const jobs = Array.from({ length: 5 }, () => jobOf(fresh()))
    const done = await Promise.all(jobs.map((job) => ledger.submit(propose(job))))
    expect(new Set(done.map(({ at }) => at.transaction)).size).toBe(5)
  })

  test('watch shows every log once, in order, and ends when told', async () => {
    const from = (await ledger.head()) + 1
    const job = jobOf(fresh())
    const stop = new AbortController()
    const seen: Placed[] = []
    const watching = (async () => {
      for await (const log of ledger.watch(from, { signal: stop.signal, interval: 20 })) {
        seen.push(log)
        if (log.kind === 'Completed') stop.abort()
      }
    })()
    for (const entry of wholeJob(job)) await ledger.submit(entry)
    await watching
    const kinds = ['Proposed', 'Agreed', 'InputCommitted', 'InputCommitted', 'InputCommitted', 'Started', 'Completed']
    expect(seen.map(({ kind }) => kind)).toEqual(kinds)
  })

  test('a node that does not answer, or has not the contracts, is a typed error in bounded time', async () => {
    const dead = evmLedger({ rpcUrl: 'http://127.0.0.1:1', deployment, requestTimeout: 500 })
    const since = performance.now()
    expect(await dead.find(word(1)).catch(codeOf)).toBe('ledger/unreachable')
    expect(performance.now() - since).toBeLessThan(5000)
    expect(await dead.submit(propose(jobOf(fresh()))).catch(codeOf)).toBe('api/misuse')
    dead.close()
    const elsewhere = { ...deployment, computationRegistry: addresses[0]! }
    const lost = evmLedger({ rpcUrl: chain.rpcUrl, deployment: elsewhere })
    expect(await lost.find(word(1)).catch(codeOf)).toBe('ledger/not-found')
    lost.close()
  })
})

// Anvil is a second EVM, made by other people.
test.runIf(anvilPath !== undefined)(
  'anvil and Hardhat agree: ids, states, gas, and after a reorganisation',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tallystick-anvil-'))
    const second = await anvil(join(folder, 'state.json'))
    onTestFinished(async () => {
      await second.down()
      await rm(folder, { recursive: true, force: true })
    })
    await second.up()
    const { rpcUrl, privateKey } = second
    const other = evmLedger({ rpcUrl, privateKey, deployment: await deploy({ rpcUrl, privateKey, domain }) })
    const job = jobOf(fresh())
    const snapshot = await rpc(rpcUrl, 'evm_snapshot')
    for (const entry of wholeJob(job)) {
      expect((await other.submit(entry)).gas).toBe((await ledger.submit(entry)).gas)
    }
    const [here, there] = await Promise.all([ledger, other].map((one) => one.find(computationId(domain, job))))
    expect(there!.logs).toEqual(here!.logs.map((log, i) => Object.assign({}, log, { at: there!.logs[i]!.at })))
    expect(there!.state).toBe('Completed')
    await rpc(rpcUrl, 'evm_revert', snapshot)
    expect(await other.find(computationId(domain, job))).toBeUndefined()
    for (const entry of wholeJob(job)) expect((await other.submit(entry)).gas).toBeGreaterThan(0)
    expect((await other.find(computationId(domain, job)))?.state).toBe('Completed')
    other.close()
  },
  30_000,
)

describe('the party registry and the anchor', () => {
  test('registered parties sign with registered keys', async () => {
    const { rpcUrl, accounts } = chain
    const admin = new Contract(
      deployment.partyRegistry,
      PartyRegistry.abi,
      new Wallet(accounts[0]!.privateKey, provider(rpcUrl)),
    )
    const parties = [0, 1, 2].map((n) => word(0xa0 + n))
    expect(await ledger.findParty(parties[0]!)).toBeUndefined()
    for (const [n, party] of parties.entries()) {
      await (await admin.getFunction('register')(party, accounts[0]!.address)).wait()
      const key = `0x${'00'.repeat(12)}${addresses[n]!.slice(2)}`
      await (await admin.getFunction('addKey')(party, key, 1, 1, 0, 2n ** 64n - 1n)).wait()
    }
    const job = jobOf(fresh(), { registered: true, parties })
    await ledger.submit(propose(job, [0, 1, 2], addresses))
    expect(await ledger.find(computationId(domain, job))).toMatchObject({ state: 'Agreed', proposed: { parties } })
    expect(await ledger.findParty(parties[1]!)).toMatchObject({
      controller: accounts[0]!.address,
      keys: [{ key: addresses[1], purpose: 1, algorithm: 1, validUntil: 2n ** 64n - 1n }],
    })
  })

  test('a batch and its proofs, in TypeScript and Solidity', async () => {
    const contract = new Contract(deployment.anchor, Anchor.abi, provider(chain.rpcUrl))
    for (const size of [1, 2, 3, 5, 8, 13]) {
      const digests = Array.from({ length: size }, () => fresh())
      const { root, proofs } = batchOf(domain, digests)
      expect(await ledger.anchoredAt(root)).toBeUndefined()
      const { at } = await ledger.submit({ kind: 'anchor', root })
      expect(await ledger.anchoredAt(root)).toBe(at.time)
      for (const [i, digest] of digests.entries()) {
        expect(inBatch(domain, root, digest, proofs[i]!)).toBe(true)
        expect(inBatch(domain, root, fresh(), proofs[i]!)).toBe(false)
        expect(await contract.getFunction('includedAt').staticCall(root, digest, proofs[i])).toBe(BigInt(at.time))
        expect(await contract.getFunction('includedAt').staticCall(root, fresh(), proofs[i])).toBe(0n)
      }
    }
  })
})
