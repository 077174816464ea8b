/** The sender: learns the outcome only where the terms say `to: 'both'`. */
import type { Party } from '@tallystick/protocol'
import { drawScalar } from './coins.ts'
import { checkItems } from './items.ts'
import type { Items, messages, Outcome, Parameters } from './messages.ts'
import {
  compare,
  drawOrder,
  receiveAndMask,
  receiveDoubled,
  sendDoubled,
  sendMasked,
  shufflesReply,
  shufflesSet,
} from './steps.ts'

export const sender: Party<typeof messages, 'sender', Parameters, Items, Outcome> = function* (ctx, parameters, items) {
  const { sizes, to } = parameters
  checkItems(items, 'sender', sizes.sender)
  const scalar = drawScalar(ctx.narrow('scalar').rng)
  const order = drawOrder(shufflesSet(parameters, 'sender'), ctx, 'order', sizes.sender)
  const replyOrder = drawOrder(shufflesReply(parameters, 'receiver'), ctx, 'reply-order', sizes.receiver)

  // The branches of the roles mirror each other: branch 0 is the receiver's set, branch 1 the sender's.
  const [theirs] = yield* ctx.join(
    (branch) => receiveAndMask(branch, parameters, scalar, 'receiver', () => branch.receive('receiverMasked')),
    (branch) => sendMasked(branch, parameters, scalar, items, order, (rows) => branch.send('senderMasked', rows)),
  )
  yield* ctx.checkpoint()
  const [, own] = yield* ctx.join(
    (branch) => sendDoubled(parameters, theirs, replyOrder, (rows) => branch.send('receiverDoubled', rows)),
    function* (branch) {
      if (to === 'receiver') return undefined
      return yield* receiveDoubled(parameters, 'sender', () => branch.receive('senderDoubled'))
    },
  )
  if (own === undefined) return { kind: 'none' }
  return yield* compare(ctx, parameters, own, theirs, order)
}
