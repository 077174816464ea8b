/** The client: has the features and the key, learns the scores. */
import { rlweDecrypt, rlweEncode, rlweEncrypt } from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { drawKeys, freshCiphertext, hasRoom, publicKeyBytes, type OwnerKeys } from '../keys.ts'
import { pack, unpack } from '../wire.ts'
import { checkFeatures, type ClientInput, type ClientOutput, type messages } from './messages.ts'
import { planOf, rowsOf, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, 'client'>

/** First components: of the public key as ciphertext 0, an encryption of zero, and of the features from 1 on. */
function* encrypt(
  ctx: Ctx,
  { ring }: Plan,
  keys: OwnerKeys,
  first: number,
  plain: BigUint64Array,
): Routine<Uint8Array> {
  const { degree, data, plainModulus } = ring
  const residues = yield* ctx.compute(rlweEncrypt, {
    ...{ degree, moduli: data, plainModulus, first, rows: 1, plain },
    ...keys,
  })
  return pack(degree, data, residues)
}

/** Slots of one feature, rows of a tile; empty slots are zero. */
const column = ({ features }: ClientInput, parameters: Parameters, degree: number, tile: number, feature: number) => {
  const values = new BigInt64Array(degree)
  const from = tile * degree
  const to = Math.min(parameters.sizes.client, from + degree)
  for (let row = from; row < to; row++) values[row - from] = BigInt(features[row * parameters.features + feature]!)
  return values
}

function* sendFeatures(
  ctx: Ctx,
  parameters: Parameters,
  plan: Plan,
  keys: OwnerKeys,
  input: ClientInput,
): Routine<void> {
  const { degree, plainModulus } = plan.ring
  for (let tile = 0; tile < plan.tiles; tile++) {
    for (let feature = 0; feature < parameters.features; feature++) {
      const values = column(input, parameters, degree, tile, feature)
      const plain = yield* ctx.compute(rlweEncode, { degree, plainModulus, values })
      const index = 1 + tile * parameters.features + feature
      yield* ctx.send('features', yield* encrypt(ctx, plan, keys, index, plain))
    }
  }
}

function* receiveScores(
  ctx: Ctx,
  parameters: Parameters,
  plan: Plan,
  { secret }: OwnerKeys,
): Routine<Float64Array | null> {
  const { degree, data, plainModulus } = plan.ring
  const scores = new Float64Array(parameters.sizes.client)
  let spoiled = false
  for (let tile = 0; tile < plan.tiles; tile++) {
    const residues = unpack(degree, data, 2, yield* ctx.receive('scores'), 'server')
    const ciphertexts = [freshCiphertext(plan.ring, residues)]
    const opened = yield* ctx.compute(rlweDecrypt, { degree, moduli: data, plainModulus, secret, ciphertexts })
    spoiled ||= !hasRoom(opened)
    for (let row = 0; row < rowsOf(parameters, plan, tile); row++)
      scores[tile * degree + row] = Number(opened.integers[row]!)
  }
  return spoiled ? null : scores
}

export const client: Party<typeof messages, 'client', Parameters, ClientInput, ClientOutput> = function* (
  ctx,
  parameters,
  input,
) {
  checkFeatures(input, parameters)
  const plan = planOf(parameters)
  const keys = drawKeys(ctx.rng, plan.ring.degree)
  const publicKey = yield* encrypt(ctx.narrow('key'), plan, keys, 0, new BigUint64Array(plan.ring.degree))
  yield* ctx.send('key', publicKeyBytes(keys.publicSeed, publicKey))
  yield* sendFeatures(ctx, parameters, plan, keys, input)
  yield* ctx.checkpoint()
  return { scores: yield* receiveScores(ctx, parameters, plan, keys) }
}
