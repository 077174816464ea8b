/** A vector OLE for tests of what is built on it: the sender tells the receiver everything. */
import { concatBytes, createRng, fixedBytes } from '@tallystick/core'
import { gf128Scale } from '@tallystick/kernels'
import { message, type Context, type Routine } from '@tallystick/protocol'
import type { Vole } from '../src/rr22/index.ts'

const table = { dealt: message('sender', 'receiver', fixedBytes(48)) } as const
type Wire = typeof table

const add = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)
const expand = (seed: Uint8Array, n: number) => {
  const rng = createRng(seed)
  return { a: rng.bytes(16 * n), b: rng.bytes(16 * n) }
}

export const dealer: Vole = {
  messages: table,
  *send(ctx, _, { n }, delta): Routine<Uint8Array> {
    const own = ctx as unknown as Context<Wire, 'sender'>
    const seed = own.rng.bytes(32)
    yield* own.send('dealt', concatBytes(seed, delta))
    return expand(seed, n).b
  },
  *receive(ctx, _, { n }) {
    const own = ctx as unknown as Context<Wire, 'receiver'>
    const dealt = yield* own.receive('dealt')
    const { a, b } = expand(dealt.subarray(0, 32), n)
    const scaled = yield* own.compute(gf128Scale, { factor: dealt.subarray(32), elements: a })
    return { a, c: add(b, scaled) }
  },
  cost: () => ({ rounds: 1, bytes: 48, coins: { sender: 32, receiver: 0 } }),
}
