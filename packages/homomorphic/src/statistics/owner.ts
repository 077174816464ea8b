/** An owner of rows: encrypts them under the receiver's key, for the compute party alone to see. */
import { rlweEncode, rlweExpand, rlweMask } from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { joined, parsePublicKey } from '../keys.ts'
import { pack } from '../wire.ts'
import { checkValues, type messages, type OwnerInput } from './messages.ts'
import { planOf, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, string>

/** The public key, whole. */
export function* receiveKey(ctx: Ctx, { ring }: Plan): Routine<BigUint64Array> {
  const { publicSeed, first } = parsePublicKey(yield* ctx.receive('key'), ring, 'receiver')
  const { degree, data } = ring
  return joined(first, yield* ctx.compute(rlweExpand, { degree, moduli: data, publicSeed, first: 0, rows: 1 }))
}

/** Slots of one column, rows of a tile; empty slots are zero. */
const slots = ({ values }: OwnerInput, rows: number, columns: number, column: number, degree: number, tile: number) => {
  const out = new BigInt64Array(degree)
  const from = tile * degree
  const to = Math.min(rows, from + degree)
  for (let row = from; row < to; row++) out[row - from] = BigInt(values[row * columns + column]!)
  return out
}

export const owner: Party<typeof messages, string, Parameters, OwnerInput, null> = function* (ctx, parameters, input) {
  const rows = parameters.sizes[ctx.role]!
  checkValues(input, rows, parameters)
  const plan = planOf(parameters)
  const { degree, data, plainModulus } = plan.ring
  const publicKey = yield* receiveKey(ctx, plan)
  const coins = ctx.rng
  for (let column = 0; column < parameters.columns; column++) {
    for (let tile = 0; tile < plan.tiles[ctx.role]!; tile++) {
      const values = slots(input, rows, parameters.columns, column, degree, tile)
      const plain = yield* ctx.compute(rlweEncode, { degree, plainModulus, values })
      const fresh = { degree, moduli: data, publicKey, coins: coins.bytes(32), plainModulus, bits: 0, plain }
      yield* ctx.send('values', pack(degree, data, yield* ctx.compute(rlweMask, fresh)))
    }
  }
  yield* ctx.checkpoint()
  return null
}
