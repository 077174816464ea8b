/** The receiver: brings the values, and learns how many rows are common and the sum of their values. */
import { TallyError } from '@tallystick/core'
import { decodeScalar, drawScalars, scalarBytes } from '@tallystick/kernels/oprf/scalars'
import type { Party } from '@tallystick/protocol'
import { drawScalar, randomOrder } from '../ecdh/coins.ts'
import { checkItems, chunks } from '../ecdh/items.ts'
import { receiveAndMask, sendDoubled, sendMasked } from '../ecdh/steps.ts'
import { decrypt, encrypt, multiples } from './elgamal.ts'
import {
  withheldSize,
  ciphertextBytes,
  limbValues,
  type messages,
  type Outcome,
  type Parameters,
  type Valued,
} from './messages.ts'
import { peerSent, shapeOf } from './shape.ts'

const checkValues = ({ values, offsets }: Valued, limbs: number): void => {
  const most = limbValues ** limbs - 1
  const fits = values.length === offsets.length - 1
  const row = fits ? values.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value <= most)) : 0
  if (fits && row < 0) return
  const what = fits ? `the value of row ${row} is none` : `there are ${values.length} values`
  throw new TallyError('input/invalid-value', 'self', `expected a whole number from 0 to ${most} a row; ${what}`, {
    remedy: 'correct the values, or agree on terms with more limbs',
  })
}

/** The limbs of values in the order given, lowest first. */
const limbsOf = (values: Float64Array, order: Uint32Array, limbs: number): number[] =>
  Array.from(order).flatMap((row) =>
    Array.from({ length: limbs }, (_, limb) => Math.floor(values[row]! / limbValues ** limb) % limbValues),
  )

export const receiver: Party<typeof messages, 'receiver', Parameters, Valued, Outcome> = function* (
  ctx,
  parameters,
  items,
) {
  const { sizes, limbs, chunkRows } = parameters
  const shape = shapeOf(parameters)
  checkItems(items, 'receiver', sizes.receiver)
  checkValues(items, limbs)
  const scalar = drawScalar(ctx.narrow('scalar').rng)
  const order = randomOrder(ctx.narrow('order').rng, sizes.receiver)
  const replyOrder = randomOrder(ctx.narrow('reply-order').rng, sizes.sender)
  const key = drawScalars(ctx.narrow('key').rng, 1)
  const secretKey = decodeScalar(key)
  const coins = drawScalars(ctx.narrow('encryption').rng, sizes.receiver * limbs)

  const [, , theirs] = yield* ctx.join(
    (branch) => sendMasked(branch, shape, scalar, items, order, (rows) => branch.send('receiverMasked', rows)),
    function* (branch) {
      yield* branch.send('publicKey', yield* multiples(branch, key))
      const numbers = limbsOf(items.values, order, limbs)
      for (const [from, to] of chunks(sizes.receiver, chunkRows)) {
        const part = coins.subarray(scalarBytes * limbs * from, scalarBytes * limbs * to)
        yield* branch.send(
          'encrypted',
          yield* encrypt(branch, secretKey, numbers.slice(limbs * from, limbs * to), part),
        )
      }
    },
    (branch) => receiveAndMask(branch, shape, scalar, 'sender', () => branch.receive('senderMasked')),
  )
  yield* ctx.checkpoint()
  yield* sendDoubled(shape, theirs, replyOrder, (rows) => ctx.send('senderDoubled', rows))
  const said = yield* ctx.receive('size')
  const size = new DataView(said.buffer, said.byteOffset, 4).getUint32(0)
  const total = yield* ctx.receive('total')
  if (total.length !== ciphertextBytes * limbs) throw peerSent('sender', `${total.length} bytes of sums`, 'one a limb')
  if (size === withheldSize && parameters.minimum > 0) return { kind: 'withheld' }
  if (size < parameters.minimum)
    throw peerSent('sender', 'a sum over too few rows', 'none below the minimum of the terms')
  if (size > Math.min(sizes.receiver, sizes.sender)) throw peerSent('sender', `${size} common rows`, 'fewer')
  let sum = 0
  for (let limb = 0; limb < limbs; limb++) {
    const part = total.subarray(ciphertextBytes * limb, ciphertextBytes * (limb + 1))
    sum += limbValues ** limb * (yield* decrypt(ctx, 'sender', secretKey, part, size * (limbValues - 1)))
  }
  return { kind: 'sum', size, sum }
}
