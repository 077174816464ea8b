/** Entering a party into the registry of a chain: what the registrar of a consortium does once for each member. */
import { TallyError, type Hex } from '@tallystick/core'
import { Contract, JsonRpcProvider, Network, Wallet, zeroPadValue } from 'ethers'
import type { ChainFile } from './chain.ts'

const abi = [
  'function controllerOf(bytes32 party) view returns (address)',
  'function register(bytes32 party, address controller)',
  'function addKey(bytes32 party, bytes32 key, uint8 purpose, uint16 algorithm, uint64 validFrom, uint64 validUntil)',
]
/** As in PartyRegistry.sol: signs events, with secp256k1. */
const [attest, secp256k1] = [1, 1]
const forEver = 2n ** 64n - 1n

interface Sent {
  wait(): Promise<unknown>
}

/** The registrar controls the entry too, until it is handed over (proposeController). */
export const registerParty = async (chain: ChainFile, party: Hex, signer: Hex): Promise<void> => {
  const { rpcUrl, deployment, registrar } = chain
  if (registrar === undefined) {
    throw new TallyError('ledger/rejected', 'self', 'chain.json has no key of a registrar', {
      remedy: 'ask the registrar of the chain to register the party',
    })
  }
  const network = new Network('ledger', deployment.chainId)
  const provider = new JsonRpcProvider(rpcUrl, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    pollingInterval: 50,
  })
  const call = async (registry: Contract, name: string, ...values: readonly unknown[]): Promise<void> => {
    const sent = (await registry.getFunction(name)(...values)) as Sent
    await sent.wait()
  }
  try {
    const wallet = new Wallet(registrar, provider)
    const registry = new Contract(deployment.partyRegistry, abi, wallet)
    if (BigInt((await registry.getFunction('controllerOf')(party)) as string) !== 0n) {
      throw new TallyError('ledger/conflict', 'self', `the registry has the party ${party} already`)
    }
    await call(registry, 'register', party, wallet.address)
    await call(registry, 'addKey', party, zeroPadValue(signer, 32), attest, secp256k1, 0, forEver)
  } catch (cause) {
    if (cause instanceof TallyError) throw cause
    throw new TallyError('ledger/unreachable', 'network', `the registry at ${rpcUrl} did not take the party`, {
      remedy: 'check that the chain runs, and that the registrar of chain.json is the one of the contracts',
      cause,
    })
  } finally {
    provider.destroy()
  }
}
