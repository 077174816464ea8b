/** The client: has the features and the key, learns the scores. */
import { concatBytes, createRng, seedBytes, TallyError } from '@tallystick/core'
import { rlweDecrypt, rlweEncode, rlweEncrypt, ternary } from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { pack, unpack } from '../wire.ts'
import { checkFeatures, type ClientInput, type ClientOutput, type messages } from './messages.ts'
import { planOf, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, 'client'>

interface Keys {
  readonly secret: Int8Array
  readonly coins: Uint8Array
  readonly publicSeed: Uint8Array
}

const drawKeys = (ctx: Ctx, degree: number): Keys => {
  const seeds = ctx.narrow('seeds').rng
  // How many bytes a ternary word takes depends on the bytes: a stream of its own keeps the coins of a run exact.
  const stream = createRng(seeds.bytes(seedBytes))
  const secret = ternary((bytes) => stream.bytes(bytes), degree)
  return { secret, coins: seeds.bytes(seedBytes), publicSeed: seeds.bytes(seedBytes) }
}

/** First components: of the public key as ciphertext 0, an encryption of zero, and of the features from 1 on. */
function* encrypt(ctx: Ctx, { ring }: Plan, keys: Keys, first: number, plain: BigUint64Array): Routine<Uint8Array> {
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

function* sendFeatures(ctx: Ctx, parameters: Parameters, plan: Plan, keys: Keys, input: ClientInput): Routine<void> {
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

/** A noise that has outgrown its room is an error, never a wrong number. */
const requireRoom = (noiseBits: number, roomBits: number): void => {
  if (noiseBits < roomBits) return
  throw new TallyError(
    'peer/misbehaved',
    { peer: 'server' },
    'the scores do not decrypt: their noise exceeds the plan',
    {
      remedy: 'ask server which software it runs; nothing of the outcome was told to it',
    },
  )
}

function* receiveScores(ctx: Ctx, parameters: Parameters, plan: Plan, { secret }: Keys): Routine<Float64Array> {
  const { degree, data, plainModulus } = plan.ring
  const scores = new Float64Array(parameters.sizes.client)
  for (let tile = 0; tile < plan.tiles; tile++) {
    const residues = unpack(degree, data, 2, yield* ctx.receive('scores'), 'server')
    const ciphertexts = [{ level: data.length, size: 2, correction: 1n, scale: 1, residues }]
    const opened = yield* ctx.compute(rlweDecrypt, { degree, moduli: data, plainModulus, secret, ciphertexts })
    requireRoom(opened.noiseBits, opened.roomBits)
    const rows = Math.min(degree, scores.length - tile * degree)
    for (let row = 0; row < rows; row++) scores[tile * degree + row] = Number(opened.integers[row]!)
  }
  return scores
}

export const client: Party<typeof messages, 'client', Parameters, ClientInput, ClientOutput> = function* (
  ctx,
  parameters,
  input,
) {
  checkFeatures(input, parameters)
  const plan = planOf(parameters)
  const keys = drawKeys(ctx, plan.ring.degree)
  const publicKey = yield* encrypt(ctx.narrow('key'), plan, keys, 0, new BigUint64Array(plan.ring.degree))
  yield* ctx.send('key', concatBytes(keys.publicSeed, publicKey))
  yield* sendFeatures(ctx, parameters, plan, keys, input)
  yield* ctx.checkpoint()
  return { scores: yield* receiveScores(ctx, parameters, plan, keys) }
}
