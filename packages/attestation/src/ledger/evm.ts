/** The ledger on an EVM chain, over JSON-RPC. Any funded account submits: what counts are the parties' signatures. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fromHex, TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { eventDigest } from '@tallystick/session/events'
import { Contract, Wallet } from 'ethers'
import type { TransactionRequest } from 'ethers'
import { ComputationRegistry, PartyRegistry } from './contracts.generated.ts'
import type { Deployment } from './deploy.ts'
import { callOf, computationId, entryId, partiesIn } from './job.ts'
import type { Entry } from './job.ts'
import { states } from './ledger.ts'
import type { Computation, Ledger, Recorded, RegisteredParty, WatchOptions } from './ledger.ts'
import { readLogs } from './log.ts'
import type { Place, Placed } from './log.ts'
import { matchEntry } from './match.ts'
import { connect, ledgerError, revertOf } from './rpc.ts'
import type { RpcOptions } from './rpc.ts'
import { receiptOf } from './transaction.ts'

export interface EvmLedgerOptions extends RpcOptions {
  readonly rpcUrl: string
  readonly deployment: Deployment
  /** Account that pays for transactions; without it the ledger only reads. */
  readonly privateKey?: Hex
  /** Milliseconds to wait for a block to take a transaction. */
  readonly timeout?: number
  /** Blocks a log request; some nodes allow fewer. */
  readonly logRange?: number
  /** Fields for every transaction, for instance `{ type: 0, gasPrice: 0 }` where gas is free. */
  readonly transaction?: Pick<TransactionRequest, 'type' | 'gasPrice' | 'gasLimit'>
}

interface FactsOnChain {
  readonly parties: bigint
  readonly contested: boolean
  readonly agreed: bigint
  readonly closed: bigint
}

export const evmLedger = (options: EvmLedgerOptions): Ledger => {
  const { rpcUrl, deployment, privateKey, timeout = 60_000, logRange = 10_000 } = options
  const provider = connect(rpcUrl, deployment.chainId, options)
  const wallet = privateKey === undefined ? undefined : new Wallet(privateKey, provider)
  const computations = new Contract(deployment.computationRegistry, ComputationRegistry.abi, provider)
  const partyRegistry = new Contract(deployment.partyRegistry, PartyRegistry.abi, provider)
  const sent = new Map<Hex, string>()
  let queue: Promise<unknown> = Promise.resolve()

  const logsOf = async (subject: Hex, to: number): Promise<Placed[]> =>
    readLogs(provider, deployment, { subject, from: deployment.block, to, range: logRange })

  const guarded = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      throw ledgerError(rpcUrl, error)
    }
  }

  const locate = async (entry: Entry): Promise<Place | undefined> => {
    const head = await provider.getBlockNumber()
    const subject = entry.kind === 'anchor' ? entry.root : computationId(deployment.domain, entry.job)
    if (entry.kind !== 'anchor') {
      const state = Number(await computations.getFunction('stateOf').staticCall(subject, { blockTag: head }))
      if (states[state] === 'None') return undefined
    }
    return matchEntry(deployment.domain, entry, await logsOf(subject, head))
  }

  /** Sends the entry unless an earlier transaction with it still waits in the pool. */
  const send = async (entry: Entry, account: Wallet): Promise<string> => {
    const id = entryId(entry)
    const earlier = sent.get(id)
    if (earlier !== undefined && (await provider.getTransaction(earlier)) !== null) return earlier
    const { contract, data } = callOf(entry)
    const to = contract === 'anchors' ? deployment.anchor : deployment.computationRegistry
    const { hash } = await account.sendTransaction({ to, data, ...options.transaction })
    sent.set(id, hash)
    return hash
  }

  const submitNow = async (entry: Entry, account: Wallet, signal?: AbortSignal): Promise<Recorded> => {
    const place = await locate(entry)
    if (place !== undefined) return { at: place }
    let gas: number | undefined
    try {
      const receipt = await receiptOf(provider, await send(entry, account), { timeout, signal })
      gas = Number(receipt.gasUsed)
    } catch (error) {
      // Somebody else may have recorded it in the meantime, which is as good.
      if (!['AlreadyRecorded', 'AlreadyAnchored'].includes(revertOf(error)?.name ?? '')) throw error
    }
    sent.delete(entryId(entry))
    const recorded = await locate(entry)
    if (recorded !== undefined) return gas === undefined ? { at: recorded } : { at: recorded, gas }
    throw new TallyError('ledger/unreachable', 'network', 'a block took the transaction without its effect', {
      remedy: 'nothing: the entry is tried again; either another entry was faster or the chain was reorganised',
    })
  }

  const find = async (id: Hex): Promise<Computation | undefined> => {
    fromHex(id, 32)
    const head = await provider.getBlockNumber()
    const at = { blockTag: head }
    const [rawFacts, state, close] = (await Promise.all([
      computations.getFunction('factsOf').staticCall(id, at),
      computations.getFunction('stateOf').staticCall(id, at),
      computations.getFunction('closeOf').staticCall(id, at),
    ])) as [unknown, bigint, Hex]
    const facts = rawFacts as FactsOnChain
    if (facts.parties === 0n) return undefined
    return assemble(deployment.domain, { id, facts, state, close, head, logs: await logsOf(id, head) })
  }

  const findParty = async (party: Hex): Promise<RegisteredParty | undefined> => {
    const at = { blockTag: await provider.getBlockNumber() }
    const controller = (await partyRegistry.getFunction('controllerOf').staticCall(party, at)) as Hex
    if (BigInt(controller) === 0n) return undefined
    const [names, keys] = (await partyRegistry.getFunction('keysOf').staticCall(party, at)) as [
      { key: Hex; purpose: bigint }[],
      { algorithm: bigint; validFrom: bigint; validUntil: bigint; addedAt: bigint }[],
    ]
    const registered = names.map(({ key, purpose }, i) => {
      const { algorithm, validFrom, validUntil, addedAt } = keys[i]!
      const name: Hex = algorithm <= 2n ? `0x${key.slice(26)}` : key
      return { key: name, purpose: Number(purpose), algorithm: Number(algorithm), validFrom, validUntil, addedAt }
    })
    return { party, controller: controller.toLowerCase() as Hex, keys: registered }
  }

  async function* watch(from: number, { signal, confirmations = 0, interval = 1000 }: WatchOptions = {}) {
    let next = Math.max(from, deployment.block)
    for (;;) {
      if (signal?.aborted === true) return
      let logs: Placed[] = []
      try {
        const to = Math.min((await provider.getBlockNumber()) - confirmations, next + logRange - 1)
        if (to >= next) logs = await readLogs(provider, deployment, { from: next, to, range: logRange })
        next = Math.max(next, to + 1)
      } catch {
        // The node is down: the same range is asked for again.
      }
      yield* logs
      if (logs.length === 0) await sleep(interval, undefined, { signal }).catch(() => {})
    }
  }

  return {
    async submit(entry, signal) {
      if (wallet === undefined) {
        throw new TallyError('api/misuse', 'self', 'this ledger only reads: it was opened without an account')
      }
      // One at a time, so that nonces follow each other.
      const turn = queue.then(() => guarded(() => submitNow(entry, wallet, signal)))
      queue = turn.catch(() => {})
      return turn
    },
    locate: (entry) => guarded(() => locate(entry)),
    find: (id) => guarded(() => find(id)),
    findParty: (party) => guarded(() => findParty(party)),
    anchoredAt: (root) => guarded(async () => (await locate({ kind: 'anchor', root: root }))?.time),
    watch,
    head: () => guarded(() => provider.getBlockNumber()),
    close: () => provider.destroy(),
  }
}

interface OnChain {
  readonly id: Hex
  readonly facts: FactsOnChain
  readonly state: bigint
  readonly close: Hex
  readonly head: number
  readonly logs: readonly Placed[]
}

const assemble = (domain: Hex, { id, facts, state, close, head, logs }: OnChain): Computation => {
  const all = <K extends Placed['kind']>(kind: K) =>
    logs.filter((log): log is Extract<Placed, { kind: K }> => log.kind === kind)
  const [proposed] = all('Proposed')
  if (proposed === undefined) {
    throw new TallyError(
      'ledger/not-found',
      'self',
      'the ledger knows the computation but its logs lack the proposal',
      {
        remedy: 'use a node that keeps all logs, and the block number of the deployment',
      },
    )
  }
  const { specHash, attempt } = proposed
  const stands = (log: { heads: Hex; result: Hex }): boolean =>
    eventDigest(domain, { kind: 'Close', specHash, attempt, heads: log.heads, result: log.result }) === close
  return {
    id,
    state: states[Number(state)]!,
    proposed,
    agreed: partiesIn(Number(facts.agreed)),
    commitments: all('InputCommitted'),
    started: all('Started')[0],
    completed: all('Completed').findLast(stands),
    closeDigest: BigInt(close) === 0n ? undefined : close,
    signed: partiesIn(Number(facts.closed)),
    contested: facts.contested,
    aborted: all('Aborted')[0],
    logs,
    head,
  }
}
