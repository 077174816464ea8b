/** The sender: brings ids, adds up what it cannot read, and learns how many rows are common. */
import { concatBytes } from '@tallystick/core'
import { tableIntersect } from '@tallystick/kernels'
import { drawScalars, scalarBytes } from '@tallystick/kernels/oprf/scalars'
import type { Party } from '@tallystick/protocol'
import { drawScalar, randomOrder } from '../ecdh/coins.ts'
import { checkItems, chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { receiveAndMask, receiveDoubled, sendMasked } from '../ecdh/steps.ts'
import { sumFresh } from './elgamal.ts'
import {
  withheldSize,
  ciphertextBytes,
  elementBytes,
  type messages,
  type Outcome,
  type Parameters,
} from './messages.ts'
import { peerSent, shapeOf } from './shape.ts'

/** The ciphertexts of one limb of chosen rows. */
const pickLimb = (encrypted: Uint8Array, rows: readonly number[], limb: number, limbs: number): Uint8Array =>
  concatBytes(
    ...rows.map((row) => {
      const at = ciphertextBytes * (limbs * row + limb)
      return encrypted.subarray(at, at + ciphertextBytes)
    }),
  )

export const sender: Party<typeof messages, 'sender', Parameters, Items, Outcome> = function* (ctx, parameters, items) {
  const { sizes, limbs, chunkRows } = parameters
  const shape = shapeOf(parameters)
  checkItems(items, 'sender', sizes.sender)
  const scalar = drawScalar(ctx.narrow('scalar').rng)
  const order = randomOrder(ctx.narrow('order').rng, sizes.sender)
  const coins = drawScalars(ctx.narrow('refresh').rng, limbs)

  const [theirs, { publicKey, encrypted }] = yield* ctx.join(
    (branch) => receiveAndMask(branch, shape, scalar, 'receiver', () => branch.receive('receiverMasked')),
    function* (branch) {
      const publicKey = yield* branch.receive('publicKey')
      const width = ciphertextBytes * limbs
      const encrypted = new Uint8Array(width * sizes.receiver)
      for (const [from, to] of chunks(sizes.receiver, chunkRows)) {
        const part = yield* branch.receive('encrypted')
        if (part.length !== width * (to - from))
          throw peerSent('receiver', `${part.length} bytes of values`, `${to - from} rows`)
        encrypted.set(part, width * from)
      }
      return { publicKey, encrypted }
    },
    (branch) => sendMasked(branch, shape, scalar, items, order, (rows) => branch.send('senderMasked', rows)),
  )
  yield* ctx.checkpoint()
  const own = yield* receiveDoubled(shape, 'sender', () => ctx.receive('senderDoubled'))
  const found = yield* ctx.compute(tableIntersect, { left: theirs, right: own, width: elementBytes })
  const common = Array.from(found.keys()).filter((row) => found[row]! >= 0)
  // Below the minimum frames are as always, with nothing in them: a sum over no row.
  const released = common.length >= parameters.minimum
  const totals: Uint8Array[] = []
  for (let limb = 0; limb < limbs; limb++) {
    const coin = coins.subarray(scalarBytes * limb, scalarBytes * (limb + 1))
    totals.push(
      yield* sumFresh(ctx, 'receiver', publicKey, pickLimb(encrypted, released ? common : [], limb, limbs), coin),
    )
  }
  const said = new Uint8Array(4)
  new DataView(said.buffer).setUint32(0, released ? common.length : withheldSize)
  yield* ctx.send('size', said)
  yield* ctx.send('total', concatBytes(...totals))
  return { kind: 'cardinality', size: common.length }
}
