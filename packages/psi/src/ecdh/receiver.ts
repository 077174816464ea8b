/** The receiver: learns the outcome. */
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

export const receiver: Party<typeof messages, 'receiver', Parameters, Items, Outcome> = function* (
  ctx,
  parameters,
  items,
) {
  const { sizes, to } = parameters
  checkItems(items, 'receiver', sizes.receiver)
  const scalar = drawScalar(ctx.narrow('scalar').rng)
  const order = drawOrder(shufflesSet(parameters, 'receiver'), ctx, 'order', sizes.receiver)
  const replyOrder = drawOrder(shufflesReply(parameters, 'sender'), ctx, 'reply-order', sizes.sender)

  const [, theirs] = yield* ctx.join(
    (branch) => sendMasked(branch, parameters, scalar, items, order, (rows) => branch.send('receiverMasked', rows)),
    (branch) => receiveAndMask(branch, parameters, scalar, 'sender', () => branch.receive('senderMasked')),
  )
  yield* ctx.checkpoint()
  const [own] = yield* ctx.join(
    (branch) => receiveDoubled(parameters, 'receiver', () => branch.receive('receiverDoubled')),
    function* (branch) {
      if (to === 'both')
        yield* sendDoubled(parameters, theirs, replyOrder, (rows) => branch.send('senderDoubled', rows))
    },
  )
  return yield* compare(ctx, parameters, own, theirs, order)
}
