/** Building blocks for tests of what is built on them, dealt: one end tells the other everything, in frames that are few. */
import { createHash } from 'node:crypto'
import { concatBytes, createRng, fixedBytes } from '@tallystick/core'
import { gf128Scale } from '@tallystick/kernels'
import { tripleMessages, type Transfers } from '@tallystick/ot'
import { message, type Context, type Routine } from '@tallystick/protocol'
import type { Blocks } from '../src/membership/index.ts'

const seedBytes = 16 * 512
const dealt = {
  dealt: message('each', 'each', fixedBytes(48)),
  opened: message('each', 'each', fixedBytes(32)),
} as const
type Wire = Context<typeof dealt, any>

const add = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)
const expand = (seed: Uint8Array, n: number) => {
  const rng = createRng(seed)
  return { a: rng.bytes(16 * n), b: rng.bytes(16 * n) }
}
const seedsOf = (seed: Uint8Array): Uint8Array => createRng(seed).bytes(seedBytes)

/** For transcripts and for kernel calls that are looked up: the hash of the runtime is 30 times faster. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest())
}

export const dealtBlocks: Blocks = {
  messages: { ...tripleMessages, ...dealt },
  vole: {
    *send(ctx, peer, { n }, delta): Routine<Uint8Array> {
      const own = ctx as unknown as Wire
      const seed = own.rng.bytes(32)
      yield* own.send('dealt', concatBytes(seed, delta), peer)
      return expand(seed, n).b
    },
    *receive(ctx, peer, { n }) {
      const own = ctx as unknown as Wire
      const told = yield* own.receive('dealt', peer)
      const { a, b } = expand(told.subarray(0, 32), n)
      return { a, c: add(b, yield* own.compute(gf128Scale, { factor: told.subarray(32), elements: a })) }
    },
    cost: () => ({ rounds: 1, bytes: 48, coins: { sender: 32, receiver: 0 } }),
  },
  *open(ctx, { peer, first }): Routine<Transfers> {
    const own = ctx as unknown as Wire
    const delta = own.rng.bytes(16)
    const seed = own.rng.bytes(32)
    yield* own.send('opened', seed, peer)
    const theirs = yield* own.receive('opened', peer)
    return { peer, first, delta, sending: { seeds: seedsOf(seed) }, receiving: { seeds: seedsOf(theirs) } }
  },
  openCost: () => ({ rounds: 1, bytes: 64, coins: 48 }),
}
