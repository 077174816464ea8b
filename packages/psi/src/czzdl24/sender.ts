/** The sender: lets the receiver test its rows without seeing them, and hands over those that it lacks, blindly. */
import { aesExpand } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { drawScalar, randomOrder } from '../ecdh/coins.ts'
import { checkItems, chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { receiveAndMask, sendDoubled, sendMasked } from '../ecdh/steps.ts'
import { misbehaved } from '../rr22/steps.ts'
import { checkLengths, padRows } from './ids.ts'
import { blockBytes, shapeOf, widthOf, type messages, type Outcome, type Parameters } from './messages.ts'
import type { Transfer } from './index.ts'

type Ctx = Context<typeof messages, 'sender'>

const bitAt = (bits: Uint8Array, i: number): number => (bits[i >> 3]! >> (i & 7)) & 1

/** Of each transfer the key for 1, or, where it is turned, the one for 0. */
const pickKeys = (zero: Uint8Array, one: Uint8Array, turned: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(one)
  for (let at = 0; at < out.length; at++) {
    const mask = -bitAt(turned, Math.floor(at / blockBytes))
    out[at]! ^= mask & (one[at]! ^ zero[at]!)
  }
  return out
}

export const senderOver = (transfer: Transfer) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    const { sizes, idBytes, chunkRows } = parameters
    const shape = shapeOf(parameters)
    checkItems(items, 'sender', sizes.sender)
    checkLengths(items, idBytes)
    const scalar = drawScalar(ctx.narrow('scalar').rng)
    const order = randomOrder(ctx.narrow('order').rng, sizes.sender)
    const replyOrder = randomOrder(ctx.narrow('reply-order').rng, sizes.receiver)
    const [theirs, , { zero, one }] = yield* ctx.join(
      (branch) => receiveAndMask(branch, shape, scalar, 'receiver', () => branch.receive('receiverMasked')),
      (branch) => sendMasked(branch, shape, scalar, items, order, (rows) => branch.send('senderMasked', rows)),
      (branch) => transfer.send(branch, 'receiver', { n: sizes.sender, security: 'semi-honest' }),
    )
    yield* ctx.checkpoint()
    yield* sendDoubled(shape, theirs, replyOrder, (rows) => ctx.send('receiverDoubled', rows))
    const turned = yield* ctx.receive('turned')
    const expected = Math.ceil(sizes.sender / 8)
    if (turned.length !== expected) {
      throw misbehaved('receiver', `choices of the receiver: expected ${expected} bytes, found ${turned.length}`)
    }
    const width = widthOf(parameters)
    const keys = pickKeys(zero, one, turned)
    for (const [from, to] of chunks(sizes.sender, chunkRows)) {
      const rows = padRows(items, order.subarray(from, to), width)
      const pads = yield* ctx.compute(aesExpand, { keys: keys.slice(blockBytes * from, blockBytes * to), width })
      for (let i = 0; i < rows.length; i++) rows[i]! ^= pads[i]!
      yield* ctx.send('masked', rows)
    }
    return { kind: 'none' }
  }
