import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import { ContractFactory, Interface } from 'ethers'
import type { InterfaceAbi } from 'ethers'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventDigest, eventTypes } from '@tallystick/session/events'
import type { EventKind, SessionEvent } from '@tallystick/session/events'
import { compile } from '../build.ts'

const salt = `0x${'5a'.repeat(32)}` as const
const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`)
const valueOf: Record<string, fc.Arbitrary<string | number>> = {
  bytes32: hex(32),
  address: hex(20),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint8: fc.integer({ min: 0, max: 255 }),
}

test('TypeScript and Solidity compute the same digest of every event', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const hre = await createHardhatRuntimeEnvironment({ networks: { local: { type: 'edr-simulated' } } }, {}, root)
  const network = await hre.network.create('local')
  const { provider } = network
  const { abi, evm } = compile(['test/EventDigests.sol'])['test/EventDigests.sol']!['EventDigests']!
  const contract = new Interface(abi as InterfaceAbi)
  const [from] = (await provider.request({ method: 'eth_accounts' })) as string[]
  const { data } = await new ContractFactory(contract, evm.bytecode.object).getDeployTransaction(salt)
  const hash = await provider.request({ method: 'eth_sendTransaction', params: [{ from, data }] })
  const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
  const to = (receipt as { contractAddress: string }).contractAddress

  for (const kind of Object.keys(eventTypes) as EventKind[]) {
    const members = eventTypes[kind].map((member) => member.split(' ') as [string, string])
    const record = fc.record(Object.fromEntries(members.map(([type, name]) => [name, valueOf[type]!])))
    await fc.assert(
      fc.asyncProperty(record, async (values) => {
        const call = contract.encodeFunctionData(
          kind,
          members.map(([, name]) => values[name]),
        )
        const digest = await provider.request({ method: 'eth_call', params: [{ to, data: call }, 'latest'] })
        expect(digest).toBe(eventDigest(salt, { kind, ...values } as unknown as SessionEvent))
      }),
      { numRuns: 40 },
    )
  }
  await network.close()
}, 60_000)
