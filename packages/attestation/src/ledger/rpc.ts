/** The path to a node: bounded requests that fail rather than wait for a node to come back, and errors with blame. */
import { TallyError } from '@tallystick/core'
import { FetchRequest, isError, JsonRpcProvider, Network } from 'ethers'
import { anchorInterface, computationInterface } from './job.ts'

export interface RpcOptions {
  /** Milliseconds until a request fails. */
  readonly requestTimeout?: number
}

/** A provider without cache, polling or retries: the outbox retries, and a cached nonce would be a wrong one. */
export const connect = (rpcUrl: string, chainId: number, { requestTimeout = 10_000 }: RpcOptions): JsonRpcProvider => {
  const request = new FetchRequest(rpcUrl)
  request.timeout = requestTimeout
  // Name the chain: otherwise the provider asks for it for ever where no node answers.
  const network = new Network('ledger', chainId)
  return new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 1 })
}

/** Name of the custom error of ours with which a call was reverted, and its arguments. */
export interface Revert {
  readonly name: string
  readonly values: readonly unknown[]
}

/** Reverts that no later block heals: the entry itself is wrong. */
const permanent = new Set([
  'BadParties',
  'BadReceivers',
  'BadSigners',
  'InvalidSignature',
  'Expired',
  'ZeroRoot',
  'AlreadyRecorded',
  'AlreadyAnchored',
])
/** States of WrongState that nothing leaves. */
const completed = 5n
const aborted = 7n

const dataOf = (error: unknown): string | undefined => {
  for (let at = error, depth = 0; depth < 6 && typeof at === 'object' && at !== null; depth++) {
    const { data, info, error: inner, cause } = at as Record<string, unknown>
    if (typeof data === 'string' && data.startsWith('0x') && data.length >= 10) return data
    if (typeof data === 'object' && data !== null && typeof (data as { data?: unknown }).data === 'string') {
      return (data as { data: string }).data
    }
    at = inner ?? info ?? cause
  }
  return undefined
}

/** The custom error of our contracts in what a node or ethers threw, if there is one. */
export const revertOf = (error: unknown): Revert | undefined => {
  const data = dataOf(error)
  if (data === undefined) return undefined
  const parsed = computationInterface.parseError(data) ?? anchorInterface.parseError(data)
  return parsed === null ? undefined : { name: parsed.name, values: [...parsed.args] }
}

/** Whether trying again later can help. */
export const isRetryable = (error: unknown): boolean => {
  if (!(error instanceof TallyError)) return false
  // A node that still catches up has no contracts either.
  if (error.code === 'ledger/unreachable' || error.code === 'ledger/not-found') return true
  if (error.code !== 'ledger/rejected') return false
  const revert = error.cause instanceof RevertCause ? error.cause.revert : undefined
  if (revert === undefined) return true
  if (revert.name === 'WrongState') return revert.values[1] !== completed && revert.values[1] !== aborted
  return !permanent.has(revert.name)
}

/** Carries the decoded revert as the cause of a TallyError. */
class RevertCause extends Error {
  readonly revert: Revert
  constructor(revert: Revert, cause: unknown) {
    super(`${revert.name}(${revert.values.map(String).join(', ')})`, { cause })
    this.revert = revert
  }
}

const unreachable = (rpcUrl: string, cause: unknown): TallyError =>
  new TallyError('ledger/unreachable', 'network', `no usable answer from the ledger node at ${rpcUrl}`, {
    remedy: 'check that the node runs and that the address is right; entries wait in the outbox and lose nothing',
    cause,
  })

/** Gives any failure of a request a code: rejected by the contract or the node, or no answer. */
export const ledgerError = (rpcUrl: string, error: unknown): TallyError => {
  if (error instanceof TallyError) return error
  const revert = revertOf(error)
  if (revert !== undefined) {
    const cause = new RevertCause(revert, error)
    return new TallyError('ledger/rejected', 'self', `the ledger refused the entry: ${cause.message}`, {
      remedy:
        'compare the entry with the state of the computation on the ledger; docs/contracts.md explains each error',
      cause,
    })
  }
  if (isError(error, 'CALL_EXCEPTION') || isError(error, 'INSUFFICIENT_FUNDS')) {
    const reason = error.shortMessage
    return new TallyError('ledger/rejected', 'self', `the ledger node refused the transaction: ${reason}`, {
      remedy: 'check the contract addresses of the deployment, and the balance of the submitting account',
      cause: error,
    })
  }
  if (isError(error, 'BAD_DATA')) {
    return new TallyError(
      'ledger/not-found',
      'self',
      `the chain behind ${rpcUrl} has no such contract where it should be`,
      {
        remedy: 'check that the deployment belongs to this chain and that the node has caught up with it',
        cause: error,
      },
    )
  }
  return unreachable(rpcUrl, error)
}
