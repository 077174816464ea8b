import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { startLocalChain } from '../src/ledger/index.ts'
import { rpc } from './ledger-fixture.ts'

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('starts within seconds, funds its accounts, answers on loopback only, and ends', async () => {
  const since = performance.now()
  const chain = await startLocalChain({ accounts: 3 })
  expect(performance.now() - since).toBeLessThan(15_000)
  for (const { address } of chain.accounts) {
    expect(BigInt((await rpc(chain.rpcUrl, 'eth_getBalance', address, 'latest')) as string)).toBe(10n ** 22n)
  }
  const { port } = new URL(chain.rpcUrl)
  const outside = Object.values(networkInterfaces())
    .flat()
    .filter((net) => net?.family === 'IPv4' && !net.internal)
  for (const net of outside) await expect(fetch(`http://${net!.address}:${port}`)).rejects.toThrow('fetch failed')
  await chain.close()
  await chain.close()
  expect(runs(chain.pid)).toBe(false)
  await expect(rpc(chain.rpcUrl, 'eth_blockNumber')).rejects.toThrow('fetch failed')
})

test('does not outlive a parent that is killed', async () => {
  const ledger = new URL('../src/ledger/index.ts', import.meta.url).href
  const text = `const { startLocalChain } = await import(${JSON.stringify(ledger)})
    const chain = await startLocalChain({ accounts: 1 })
    console.log(chain.pid)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  expect(runs(pid)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  for (let tries = 0; runs(pid) && tries < 100; tries++) {
    // A process that has ended and waits for its new parent to notice does not run.
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    if (/\) Z /.test(status)) return
    await sleep(50)
  }
  expect(runs(pid)).toBe(false)
}, 30_000)
