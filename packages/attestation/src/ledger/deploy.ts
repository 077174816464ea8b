/** Puts the three contracts on a chain. */
import { fromHex, TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { ContractFactory, FetchRequest, Wallet } from 'ethers'
import type { JsonRpcProvider } from 'ethers'
import { Anchor, ComputationRegistry, PartyRegistry } from './contracts.generated.ts'
import { connect, ledgerError } from './rpc.ts'
import { receiptOf } from './transaction.ts'

/** Where the contracts are: what parties put in their terms (`domain`) and auditors pass to `verify`. */
export interface Deployment {
  /** Salt of the signature domain, 32 bytes. */
  readonly domain: Hex
  readonly chainId: number
  readonly partyRegistry: Hex
  readonly computationRegistry: Hex
  readonly anchor: Hex
  /** No log is older than this block. */
  readonly block: number
  /** Units of the chain's block time in a second: 1, or 1000 where it counts milliseconds. */
  readonly ticksPerSecond: number
}

export interface DeployOptions {
  readonly rpcUrl: string
  /** Pays for the deployment. */
  readonly privateKey: Hex
  readonly domain: Hex
  /** Administrator of the party registry; by default the paying account. */
  readonly admin?: Hex
  readonly ticksPerSecond?: number
  readonly timeout?: number
}

const chainIdOf = async (rpcUrl: string): Promise<number> => {
  const request = new FetchRequest(rpcUrl)
  request.timeout = 10_000
  request.body = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }
  const { result } = (await request.send()).bodyJson as { result: string }
  return Number(result)
}

const deployOne = async (
  provider: JsonRpcProvider,
  wallet: Wallet,
  { abi, bytecode }: { readonly abi: readonly object[]; readonly bytecode: Hex },
  args: readonly unknown[],
  timeout: number,
): Promise<{ address: Hex; block: number }> => {
  const request = await new ContractFactory([...abi] as never, bytecode).getDeployTransaction(...args)
  const { hash } = await wallet.sendTransaction(request)
  const { contractAddress, blockNumber } = await receiptOf(provider, hash, { timeout })
  return { address: contractAddress!.toLowerCase() as Hex, block: blockNumber }
}

/** @throws TallyError ledger/unreachable, ledger/rejected */
export const deploy = async (options: DeployOptions): Promise<Deployment> => {
  const { rpcUrl, privateKey, domain, ticksPerSecond = 1, timeout = 60_000 } = options
  if (fromHex(domain, 32).every((byte) => byte === 0)) {
    throw new TallyError('api/misuse', 'self', 'expected a domain salt other than zero')
  }
  let provider: JsonRpcProvider | undefined
  try {
    const chainId = await chainIdOf(rpcUrl)
    provider = connect(rpcUrl, chainId, {})
    const wallet = new Wallet(privateKey, provider)
    const admin = options.admin ?? wallet.address
    const parties = await deployOne(provider, wallet, PartyRegistry, [domain, ticksPerSecond, admin], timeout)
    const registryArguments = [domain, ticksPerSecond, parties.address]
    const computations = await deployOne(provider, wallet, ComputationRegistry, registryArguments, timeout)
    const anchor = await deployOne(provider, wallet, Anchor, [domain, ticksPerSecond], timeout)
    return {
      domain,
      chainId,
      partyRegistry: parties.address,
      computationRegistry: computations.address,
      anchor: anchor.address,
      block: parties.block,
      ticksPerSecond,
    }
  } catch (error) {
    throw ledgerError(rpcUrl, error)
  } finally {
    provider?.destroy()
  }
}
