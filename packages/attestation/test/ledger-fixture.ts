/** What the ledger tests share: three parties, the entries of their job, and chains to record them on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { toHex } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { addressOf, signEvent } from '@tallystick/session/events'
import type { SessionEvent } from '@tallystick/session/events'
import { JsonRpcProvider } from 'ethers'
import type { Entry, Job, Signed } from '../src/ledger/index.ts'

export const domain: Hex = `0x${'d0'.repeat(32)}`
export const word = (byte: number): Hex => toHex(new Uint8Array(32).fill(byte))
export const keys = [1, 2, 3].map((n) => new Uint8Array(32).fill(n))
export const addresses = keys.map(addressOf)

export const jobOf = (specHash: Hex, changes: Partial<Job> = {}): Job => ({
  specHash,
  attempt: 0,
  registered: false,
  parties: addresses,
  receivers: [0, 2],
  deadline: 0,
  ...changes,
})

/** Signatures of `parties` over the event that `of` gives each; `keysOf` names registered keys. */
export const sign = (
  parties: readonly number[],
  of: (party: number) => SessionEvent,
  named?: readonly Hex[],
): Signed[] =>
  parties.map((party) => ({
    party,
    signature: signEvent(keys[party]!, domain, of(party)),
    ...(named === undefined ? {} : { key: named[party]! }),
  }))

const everyone = [0, 1, 2]

export const propose = (job: Job, parties = everyone, named?: readonly Hex[]): Entry => ({
  kind: 'propose',
  job,
  agreements: sign(parties, () => ({ kind: 'Agreement', specHash: job.specHash }), named),
})

export const commit = (job: Job, party: number, input = word(0x10 + party), named?: readonly Hex[]): Entry => {
  const { specHash, attempt } = job
  const values = { input, seed: word(0x20 + party), coin: word(0x30 + party) }
  const [by] = sign([party], () => ({ kind: 'Commitment', specHash, attempt, party, ...values }), named)
  return { kind: 'commit', job, ...values, by: by! }
}

export const start = (job: Job, named?: readonly Hex[]): Entry => {
  const { specHash, attempt } = job
  const commitments = word(0x40)
  const heads = everyone.map((party) => word(0x50 + party))
  const checkpoints = sign(
    everyone,
    (party) => ({ kind: 'Checkpoint', specHash, attempt, party, commitments, heads: heads[party]! }),
    named,
  )
  return { kind: 'start', job, commitments, heads, checkpoints }
}

export const close = (job: Job, parties = everyone, result = word(0x61), named?: readonly Hex[]): Entry => {
  const { specHash, attempt } = job
  const heads = word(0x60)
  const signatures = sign(parties, () => ({ kind: 'Close', specHash, attempt, heads, result }), named)
  return { kind: 'close', job, heads, result, signatures }
}

export const abort = (job: Job, party: number, reason = word(0x70)): Entry => {
  const { specHash, attempt } = job
  const [by] = sign([party], () => ({ kind: 'Abort', specHash, attempt, party, reason }))
  return { kind: 'abort', job, reason, by: by! }
}

export const wholeJob = (job: Job): Entry[] => [
  propose(job),
  ...everyone.map((party) => commit(job, party)),
  start(job),
  close(job),
]

export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(10)
}

/** Raw requests, for what a ledger does not do: snapshots, mining, code. */
export const rpc = async (rpcUrl: string, method: string, ...params: unknown[]): Promise<unknown> => {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (error !== undefined) throw new Error(error.message)
  return result
}

export const provider = (rpcUrl: string): JsonRpcProvider =>
  new JsonRpcProvider(rpcUrl, 31337, { staticNetwork: true, cacheTimeout: -1 })

/** Path of the anvil binary, where its package for this platform is installed. */
export const anvilPath = ((): string | undefined => {
  try {
    const anvil = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch
    return anvil.resolve(`@foundry-rs/anvil-${process.platform}-${architecture}/bin/anvil`)
  } catch {
    return undefined
  }
})()

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** An anvil chain that keeps its state in a file and can be killed and started again on the same port. */
export const anvil = async (state: string) => {
  const port = await freePort()
  const rpcUrl = `http://127.0.0.1:${port}`
  let child: ReturnType<typeof spawn> | undefined
  const up = async (): Promise<void> => {
    const args = ['--host', '127.0.0.1', '--port', String(port), '--state', state, '--state-interval', '1', '--quiet']
    child = spawn(anvilPath!, args, { stdio: 'ignore' })
    for (let tries = 0; ; tries++) {
      try {
        await rpc(rpcUrl, 'eth_blockNumber')
        return
      } catch (error) {
        if (tries > 100) throw error
        await sleep(50)
      }
    }
  }
  const down = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  // The first account of anvil's public test mnemonic.
  const privateKey: Hex = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
  return { rpcUrl, privateKey, up, down }
}
