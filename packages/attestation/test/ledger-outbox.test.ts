import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TallyError } from '@tallystick/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { computationId, deploy, evmLedger, openOutbox, startLocalChain } from '../src/ledger/index.ts'
import type { Deployment, Entry, Ledger, LocalChain, Outbox } from '../src/ledger/index.ts'
import {
  anvil,
  anvilPath,
  close,
  commit,
  domain,
  jobOf,
  propose,
  rpc,
  until,
  wholeJob,
  word,
} from './ledger-fixture.ts'

let folder: string
let serial = 0
const freshPath = (): string => join(folder, `outbox-${++serial}`)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-outbox-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const entries: Entry[] = [1, 2, 3].map((n) => ({ kind: 'anchor', root: word(n) }))
const rootsIn = (outbox: Outbox): (string | undefined)[] =>
  outbox.items().map(({ entry }) => (entry.kind === 'anchor' ? entry.root : undefined))
const codeOf = (error: unknown): unknown => (error instanceof TallyError ? error.code : error)

describe('the file', () => {
  test('keeps entries over a restart, once each, readable by the owner only', async () => {
    const path = freshPath()
    const outbox = await openOutbox(path)
    for (const entry of [...entries, ...entries]) await outbox.add(entry)
    // No close: what `add` returned from is on the disk.
    const again = await openOutbox(path)
    expect(rootsIn(again)).toEqual([word(1), word(2), word(3)])
    expect((await stat(path)).mode & 0o077).toBe(0)
    await Promise.all([outbox.close(), again.close()])
  })

  test('a write torn at any byte costs the torn entry only, and the next one is whole', async () => {
    const path = freshPath()
    const outbox = await openOutbox(path)
    for (const entry of entries) await outbox.add(entry)
    await outbox.close()
    const bytes = await readFile(path)
    const second = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1
    for (let length = second; length < bytes.length; length++) {
      for (const tail of [Buffer.alloc(0), Buffer.alloc(5), Buffer.from('\0\n')]) {
        if (tail.length > 0 && length % 16 !== 0) continue
        const torn = freshPath()
        await writeFile(torn, Buffer.concat([bytes.subarray(0, length), tail]))
        const reopened = await openOutbox(torn)
        expect(rootsIn(reopened)).toEqual([word(1), word(2)])
        await reopened.add(entries[2]!)
        await reopened.close()
        expect(await readFile(torn)).toEqual(bytes)
      }
    }
  })

  test('a changed byte anywhere else is damage, never silence', async () => {
    const path = freshPath()
    const outbox = await openOutbox(path)
    for (const entry of entries) await outbox.add(entry)
    await outbox.close()
    const bytes = await readFile(path)
    for (let at = 0; at < bytes.length - 1; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      const damaged = freshPath()
      await writeFile(damaged, changed)
      expect(await openOutbox(damaged).catch(codeOf), `byte ${at}`).toBe('ledger/corrupt')
    }
    await appendFile(path, 'rubbish\n')
    expect(await openOutbox(path).catch(codeOf)).toBe('ledger/corrupt')
  })
})

describe('on a chain', () => {
  let chain: LocalChain
  let deployment: Deployment
  let ledger: Ledger
  beforeAll(async () => {
    chain = await startLocalChain()
    const { rpcUrl, accounts } = chain
    const privateKey = accounts[0]!.privateKey
    deployment = await deploy({ rpcUrl, privateKey, domain })
    ledger = evmLedger({ rpcUrl, deployment, privateKey })
  }, 60_000)
  afterAll(async () => {
    ledger?.close()
    await chain?.close()
  })

  test('two parties drain the same job; a wrong entry is rejected and does not hold up the others', async () => {
    const { rpcUrl, accounts } = chain
    const job = jobOf(word(0x01))
    const forged = propose(jobOf(word(0x02)))
    const wrong = { ...forged, job: jobOf(word(0x03)) } as Entry
    const other = evmLedger({ rpcUrl, deployment, privateKey: accounts[1]!.privateKey })
    const boxes = await Promise.all([openOutbox(freshPath()), openOutbox(freshPath())])
    for (const box of boxes) for (const entry of [wrong, ...wholeJob(job)]) await box.add(entry)
    await Promise.all(boxes.map((box, i) => box.drain([ledger, other][i]!, { pause: 20 })))
    for (const box of boxes) {
      expect(box.items().map(({ status }) => status)).toEqual(['rejected', ...wholeJob(job).map(() => 'final')])
      expect(box.items()[0]!.why).toContain('InvalidSignature')
      await box.close()
    }
    const found = await ledger.find(computationId(domain, job))
    expect(found?.state).toBe('Completed')
    expect(found?.logs.length).toBe(7)
    other.close()
  })

  test("waits for the other party's entries, in whatever order they come", async () => {
    const job = jobOf(word(0x04))
    const [mine, theirs] = [await openOutbox(freshPath()), await openOutbox(freshPath())]
    for (const entry of [commit(job, 0), close(job, [0])]) await mine.add(entry)
    for (const entry of wholeJob(job)) await theirs.add(entry)
    let retries = 0
    const waiting = mine.drain(ledger, { pause: 20, maxPause: 50, onRetry: () => retries++ })
    await until(() => retries >= 2)
    await Promise.all([waiting, theirs.drain(ledger, { pause: 20 })])
    expect((await ledger.find(computationId(domain, job)))?.state).toBe('Completed')
    await Promise.all([mine.close(), theirs.close()])
  })

  test('an entry is final only when deep enough, and a reorganisation before that sends it again', async () => {
    const outbox = await openOutbox(freshPath())
    await outbox.add(propose(jobOf(word(0x05))))
    const snapshot = await rpc(chain.rpcUrl, 'evm_snapshot')
    const submissions: (number | undefined)[] = []
    const draining = outbox.drain(ledger, {
      confirmations: 2,
      pause: 20,
      onRecorded: (_, gas) => submissions.push(gas),
    })
    const sent = () => submissions.filter((gas) => gas !== undefined).length
    await until(() => submissions.length >= 3)
    expect(sent()).toBe(1)
    await rpc(chain.rpcUrl, 'evm_revert', snapshot)
    await until(() => sent() === 2)
    expect(outbox.items()[0]!.status).toBe('pending')
    await rpc(chain.rpcUrl, 'hardhat_mine', '0x2')
    await draining
    expect(outbox.items()[0]!.status).toBe('final')
    await outbox.close()
  })

  test('after the chain lost everything since, a recheck brings final entries back', async () => {
    const path = freshPath()
    const outbox = await openOutbox(path)
    const job = jobOf(word(0x06))
    for (const entry of wholeJob(job)) await outbox.add(entry)
    const snapshot = await rpc(chain.rpcUrl, 'evm_snapshot')
    await outbox.drain(ledger)
    await rpc(chain.rpcUrl, 'evm_revert', snapshot)
    await outbox.close()
    const reopened = await openOutbox(path)
    await reopened.drain(ledger)
    expect(await ledger.find(computationId(domain, job))).toBeUndefined()
    reopened.recheck()
    await reopened.drain(ledger)
    expect((await ledger.find(computationId(domain, job)))?.state).toBe('Completed')
    await reopened.close()
  })

  test('drain ends when aborted, and adding needs no chain', async () => {
    const dead = evmLedger({ rpcUrl: 'http://127.0.0.1:1', deployment, privateKey: chain.accounts[0]!.privateKey })
    const outbox = await openOutbox(freshPath())
    const since = performance.now()
    await outbox.add(entries[0]!)
    expect(performance.now() - since).toBeLessThan(1000)
    const stop = new AbortController()
    const draining = outbox.drain(dead, { signal: stop.signal, pause: 10, onRetry: () => stop.abort() })
    await expect(draining).rejects.toThrow('aborted')
    expect(outbox.items()[0]!.status).toBe('pending')
    await outbox.close()
    dead.close()
  })
})

// Anvil is a second EVM, and one that keeps its state over a kill.
describe.runIf(anvilPath !== undefined)('on anvil, killed and started again', () => {
  test('a chain that is down before, during and after a job costs nothing but time', async () => {
    const chain = await anvil(join(folder, 'anvil.json'))
    onTestFinished(() => chain.down())
    await chain.up()
    const { rpcUrl, privateKey } = chain
    const deployment = await deploy({ rpcUrl, privateKey, domain })
    // The state file is written once a second and at an orderly end.
    await chain.down('SIGINT')

    const ledger = evmLedger({ rpcUrl, deployment, privateKey, requestTimeout: 1000, timeout: 3000 })
    const outbox = await openOutbox(freshPath())
    const job = jobOf(word(0x07))
    const whole = wholeJob(job)
    for (const entry of whole.slice(0, 2)) await outbox.add(entry)
    let failures = 0
    const options = { pause: 20, maxPause: 100, onRetry: () => failures++ }
    const draining = outbox.drain(ledger, options)
    await until(() => failures >= 2)
    await chain.up()
    await draining

    for (const entry of whole.slice(2, 4)) await outbox.add(entry)
    const during = outbox.drain(ledger, options)
    await chain.down()
    for (const entry of whole.slice(4)) await outbox.add(entry)
    const seen = failures
    await until(() => failures >= seen + 2)
    await chain.up()
    await during
    // The kill may also have cost blocks that were not yet in the state file: what stood in them was sent again when
    // something that builds on it was refused, and the rest is by asking for it.
    outbox.recheck()
    await outbox.drain(ledger, options)
    const found = await ledger.find(computationId(domain, job))
    expect(found).toMatchObject({ state: 'Completed', signed: [0, 1, 2] })
    expect(found?.logs.length).toBe(7)
    expect(outbox.items().every(({ status }) => status === 'final')).toBe(true)
    ledger.close()
    await outbox.close()
  }, 60_000)
})
