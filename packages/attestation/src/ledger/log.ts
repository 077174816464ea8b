/** The logs of the contracts, decoded, each with its place on the chain. */
import type { Hex } from '@tallystick/core'
import type { Interface, JsonRpcProvider, Log } from 'ethers'
import type { Deployment } from './deploy.ts'
import { anchorInterface, computationInterface, partiesIn } from './job.ts'

/** A place on the chain. `time` is the block time in Unix seconds: an upper bound of when something was signed. */
export interface Place {
  readonly block: number
  readonly blockHash: Hex
  readonly transaction: Hex
  readonly time: number
}

/** What a contract recorded; parties are indices. */
export type LedgerLog =
  | {
      readonly kind: 'Proposed'
      readonly id: Hex
      readonly specHash: Hex
      readonly attempt: number
      readonly registered: boolean
      readonly receivers: readonly number[]
      readonly deadline: number
      readonly parties: readonly Hex[]
    }
  | { readonly kind: 'Agreed'; readonly id: Hex; readonly signers: readonly number[] }
  | {
      readonly kind: 'InputCommitted'
      readonly id: Hex
      readonly party: number
      readonly input: Hex
      readonly seed: Hex
      readonly coin: Hex
    }
  | { readonly kind: 'Started'; readonly id: Hex; readonly commitments: Hex; readonly heads: readonly Hex[] }
  | {
      readonly kind: 'Completed'
      readonly id: Hex
      readonly heads: Hex
      readonly result: Hex
      readonly signers: readonly number[]
    }
  | { readonly kind: 'Contested'; readonly id: Hex; readonly closeDigest: Hex; readonly signers: readonly number[] }
  | { readonly kind: 'Aborted'; readonly id: Hex; readonly party: number; readonly reason: Hex }
  | { readonly kind: 'Anchored'; readonly root: Hex }

export type Placed<L extends LedgerLog = LedgerLog> = L & { readonly at: Place }

const numbers = new Set(['attempt', 'deadline', 'party'])
const masks = new Set(['receivers', 'signers'])

/** Decodes a log of ours; undefined for any other. */
const decode = (contract: Interface, log: Log): LedgerLog | undefined => {
  const parsed = contract.parseLog(log)
  if (parsed === null) return undefined
  const fields = Object.entries(parsed.args.toObject()).map(([name, value]) => {
    if (numbers.has(name)) return [name, Number(value)]
    if (masks.has(name)) return [name, partiesIn(Number(value))]
    return [name, Array.isArray(value) ? [...value] : value]
  })
  const decoded = { kind: parsed.name, ...Object.fromEntries(fields) } as LedgerLog
  if (decoded.kind !== 'Proposed' || decoded.registered) return decoded
  return { ...decoded, parties: decoded.parties.map((word): Hex => `0x${word.slice(26)}`) }
}

export interface LogQuery {
  /** First topic-1 value: id of a computation or an anchored root; all where left out. */
  readonly subject?: Hex
  readonly from: number
  readonly to: number
  /** Blocks a request: nodes limit it. */
  readonly range: number
}

/** The logs of both contracts in [from, to], in the order of the chain. */
export const readLogs = async (
  provider: JsonRpcProvider,
  deployment: Deployment,
  { subject, from, to, range }: LogQuery,
): Promise<Placed[]> => {
  const contracts = { [deployment.computationRegistry]: computationInterface, [deployment.anchor]: anchorInterface }
  const times = new Map<string, number>()
  const timeOf = async (block: string): Promise<number> => {
    const known = times.get(block)
    if (known !== undefined) return known
    const found = await provider.getBlock(block)
    if (found === null) throw new Error('the chain was reorganised while its logs were read')
    const time = Math.floor(found.timestamp / deployment.ticksPerSecond)
    times.set(block, time)
    return time
  }
  const found: Placed[] = []
  for (let start = from; start <= to; start += range) {
    const logs = await provider.getLogs({
      address: Object.keys(contracts),
      topics: subject === undefined ? [] : [null, subject],
      fromBlock: start,
      toBlock: Math.min(to, start + range - 1),
    })
    for (const log of logs) {
      const decoded = decode(contracts[log.address.toLowerCase()]!, log)
      if (decoded === undefined) continue
      const at = {
        block: log.blockNumber,
        blockHash: log.blockHash as Hex,
        transaction: log.transactionHash as Hex,
        time: await timeOf(log.blockHash),
      }
      found.push({ ...decoded, at })
    }
  }
  return found
}
