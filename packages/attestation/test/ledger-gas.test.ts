/**
 * Gas of a job of three parties, as charged by the chain: base fee of the transaction and calldata included. The table
 * is printed with TALLYSTICK_GAS=1 and stands in docs/contracts.md.
 */
import { expect, test } from 'vitest'
import { compile } from '@tallystick/contracts'
import type { Hex } from '@tallystick/core'
import { Contract, ContractFactory, Wallet } from 'ethers'
import type { InterfaceAbi } from 'ethers'
import { PartyRegistry } from '../src/ledger/contracts.generated.ts'
import { deploy, evmLedger, startLocalChain } from '../src/ledger/index.ts'
import type { Entry, Job } from '../src/ledger/index.ts'
import { addresses, close, commit, domain, jobOf, propose, provider, start, word } from './ledger-fixture.ts'

const mebi = 2n ** 40n

test('stays below the ceilings', async () => {
  await using chain = await startLocalChain()
  const { rpcUrl, accounts } = chain
  const privateKey = accounts[0]!.privateKey
  const deployment = await deploy({ rpcUrl, privateKey, domain })
  const ledger = evmLedger({ rpcUrl, deployment, privateKey })
  const signer = new Wallet(privateKey, provider(rpcUrl))
  const registry = new Contract(deployment.partyRegistry, PartyRegistry.abi, signer)

  /** Registers three parties with these keys. */
  const register = async (from: number, keys: readonly string[], algorithm: number): Promise<Hex[]> => {
    const parties = keys.map((_, n) => word(from + n))
    for (const [n, party] of parties.entries()) {
      await (await registry.getFunction('register')(party, signer.address)).wait()
      const key = `0x${'00'.repeat(12)}${keys[n]!.slice(2)}`
      await (await registry.getFunction('addKey')(party, key, 1, algorithm, 0, mebi)).wait()
    }
    return parties
  }
  const { abi, evm } = compile(['test/Wallet.sol'])['test/Wallet.sol']!['Wallet']!
  const wallets: Hex[] = []
  for (const owner of addresses) {
    const wallet = await new ContractFactory(abi as InterfaceAbi, evm.bytecode.object, signer).deploy(owner)
    await wallet.waitForDeployment()
    wallets.push((await wallet.getAddress()).toLowerCase() as Hex)
  }

  // A deadline and dense hashes, so that no zero byte makes calldata cheaper than in earnest.
  const specHash: Hex = `0x${'9e3779b97f4a7c15'.repeat(4)}`
  const content: Partial<Job> = { deadline: 2_000_000_000, attempt: 1 }
  const modes: Record<string, { job: Job; named?: Hex[] }> = {
    'plain keys': { job: jobOf(specHash, content) },
    'registered keys': {
      job: jobOf(specHash, { ...content, registered: true, parties: await register(0xa1, addresses, 1) }),
      named: addresses,
    },
    'EIP-1271 wallets': {
      job: jobOf(specHash, { ...content, registered: true, parties: await register(0xb1, wallets, 2) }),
      named: wallets,
    },
  }
  const table: Record<string, Record<string, number>> = {}
  for (const [mode, { job, named }] of Object.entries(modes)) {
    const steps: [string, Entry][] = [
      ['propose, 3 agreements', propose(job, [0, 1, 2], named)],
      ['commit, first', commit(job, 0, undefined, named)],
      ['commit, second', commit(job, 1, undefined, named)],
      ['commit, third', commit(job, 2, undefined, named)],
      ['start, 3 checkpoints', start(job, named)],
      ['close, 3 signatures', close(job, [0, 1, 2], undefined, named)],
    ]
    table[mode] = {}
    for (const [name, entry] of steps) table[mode][name] = (await ledger.submit(entry)).gas!
  }
  table['any'] = { 'anchor a batch': (await ledger.submit({ kind: 'anchor', root: specHash })).gas! }
  ledger.close()
  if (process.env['TALLYSTICK_GAS'] !== undefined) process.stdout.write(`${JSON.stringify(table, null, 2)}\n`)

  expect(table['plain keys']!['propose, 3 agreements']).toBeLessThanOrEqual(80_000)
  for (const mode of Object.keys(modes)) {
    for (const which of ['first', 'second', 'third']) {
      expect(table[mode]![`commit, ${which}`]).toBeLessThanOrEqual(55_000)
    }
  }
  expect(table['plain keys']!['close, 3 signatures']).toBeLessThanOrEqual(80_000)
  expect(table['registered keys']!['close, 3 signatures']).toBeLessThanOrEqual(125_000)
  expect(table['EIP-1271 wallets']!['close, 3 signatures']).toBeLessThanOrEqual(125_000)
  expect(table['any']['anchor a batch']).toBeLessThanOrEqual(50_000)
}, 60_000)
