/** Transfers for tests of what is built on them: each end tells the other all seeds of the direction in which it sends. */
import { createHash } from 'node:crypto'
import { fixedBytes } from '@tallystick/core'
import type { PairCost, Transfers, TransfersOptions } from '@tallystick/ot'
import { message, type Context, type Routine } from '@tallystick/protocol'

const seedBytes = 16 * 512
export const dealerMessages = { dealtSeeds: message('each', 'each', fixedBytes(seedBytes)) } as const

export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest())
}

export const dealer = {
  *open(ctx: Context<any, any>, { peer, first }: TransfersOptions): Routine<Transfers> {
    const own = ctx as Context<typeof dealerMessages, string>
    const delta = own.rng.bytes(16)
    const seeds = own.rng.bytes(seedBytes)
    yield* own.send('dealtSeeds', seeds, peer)
    return { peer, first, delta, sending: { seeds }, receiving: { seeds: yield* own.receive('dealtSeeds', peer) } }
  },
  cost: (): PairCost => ({ rounds: 1, bytes: 2 * seedBytes, coins: 16 + seedBytes }),
}
