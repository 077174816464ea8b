/** Waiting for a transaction by polling: no subscription or timer outlives the call. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TallyError } from '@tallystick/core'
import type { JsonRpcProvider, TransactionReceipt } from 'ethers'

export interface WaitOptions {
  /** Milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The receipt, once a block holds the transaction.
 * @throws TallyError ledger/unreachable after the timeout: the transaction may still be mined, and asking the ledger
 *   for the entry will tell
 */
export const receiptOf = async (
  provider: JsonRpcProvider,
  hash: string,
  { timeout, signal }: WaitOptions,
): Promise<TransactionReceipt> => {
  const end = performance.now() + timeout
  for (let pause = 20; ; pause = Math.min(pause * 1.5, 1000)) {
    const receipt = await provider.getTransactionReceipt(hash)
    if (receipt !== null) return receipt
    if (performance.now() > end) break
    await sleep(pause, undefined, { signal })
  }
  throw new TallyError('ledger/unreachable', 'network', `no block took the transaction within ${timeout} ms`, {
    remedy: 'check that the chain makes blocks; the entry is looked for before it is sent again',
  })
}
