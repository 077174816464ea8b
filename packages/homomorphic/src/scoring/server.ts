/** The server: has the model, learns nothing. */
import {
  rlweEncode,
  rlweEvaluate,
  rlweExpand,
  rlweMask,
  type Instruction,
  type RingCiphertext,
} from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { freshCiphertext, joined, noKeys, parsePublicKey, uniformSlots } from '../keys.ts'
import { pack, unpack } from '../wire.ts'
import { checkModel, type messages, type ServerInput } from './messages.ts'
import { planOf, rowsOf, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, 'server'>

/** A ciphertext from its first component; the second is what the public seed stands for. */
function* complete(
  ctx: Ctx,
  { ring }: Plan,
  publicSeed: Uint8Array,
  index: number,
  first: BigUint64Array,
): Routine<RingCiphertext> {
  const { degree, data } = ring
  const second = yield* ctx.compute(rlweExpand, { degree, moduli: data, publicSeed, first: index, rows: 1 })
  return freshCiphertext(ring, joined(first, second))
}

/** A polynomial that is the same integer in every slot. */
const constant = (value: number, degree: number, t: bigint) => {
  const residues = new BigUint64Array(degree)
  residues[0] = ((BigInt(value) % t) + t) % t
  return { residues, scale: 1 }
}

/** Ciphertexts that one kernel call takes: some MB. */
const group = 16

/** Register 0 <- Σ plain_i · ciphertext_i, over what register `inputs` holds already, if anything. */
const weightedSum = (inputs: number, carried: boolean): readonly Instruction[] =>
  Array.from({ length: inputs }, (_, i): readonly Instruction[] => {
    const register = i + (carried ? 1 : 0)
    const product: Instruction = ['multiply-plain', register, register, i]
    return register === 0 ? [product] : [product, ['add', 0, 0, register]]
  }).flat()

/** Σ weight_j · feature_j of a tile, as its ciphertexts come in. */
function* receiveSum(
  ctx: Ctx,
  parameters: Parameters,
  plan: Plan,
  publicSeed: Uint8Array,
  weights: Int32Array,
  tile: number,
): Routine<RingCiphertext> {
  const { degree, data, moduli, plainModulus } = plan.ring
  let sum: RingCiphertext | undefined
  for (let from = 0; from < parameters.features; from += group) {
    const to = Math.min(parameters.features, from + group)
    const ciphertexts: RingCiphertext[] = []
    for (let feature = from; feature < to; feature++) {
      const residues = unpack(degree, data, 1, yield* ctx.receive('features'), 'client')
      const index = 1 + tile * parameters.features + feature
      ciphertexts.push(yield* complete(ctx, plan, publicSeed, index, residues))
    }
    const plains = Array.from(weights.subarray(from, to), (weight) => constant(weight, degree, plainModulus))
    const program = weightedSum(to - from, sum !== undefined)
    const inputs = sum === undefined ? ciphertexts : [sum, ...ciphertexts]
    ;[sum] = yield* ctx.compute(rlweEvaluate, {
      degree,
      moduli,
      plainModulus,
      program,
      outputs: [0],
      inputs,
      plains,
      keys: noKeys,
    })
  }
  return sum!
}

/**
 * Zero where a row of the terms stands, uniform beyond: what a client may have put into other slots, and the intercept that
 * stands in empty ones, stay hidden.
 */
function* beyond(ctx: Ctx, { ring }: Plan, rows: number): Routine<BigUint64Array> {
  const { degree, plainModulus } = ring
  if (rows === degree) return new BigUint64Array()
  const values = new BigInt64Array(degree)
  values.set(uniformSlots(ctx.rng, degree - rows, plainModulus), rows)
  return yield* ctx.compute(rlweEncode, { degree, plainModulus, values })
}

/** Adds the intercept, and a fresh encryption of what hides the slots without a row; its noise hides that of the sum. */
function* masked(
  ctx: Ctx,
  plan: Plan,
  publicKey: BigUint64Array,
  intercept: number,
  sum: RingCiphertext,
  rows: number,
): Routine<Uint8Array> {
  const { degree, data, moduli, plainModulus } = plan.ring
  const plain = yield* beyond(ctx, plan, rows)
  const coins = ctx.rng.bytes(32)
  const residues = yield* ctx.compute(rlweMask, {
    degree,
    moduli: data,
    publicKey,
    coins,
    plainModulus,
    bits: plan.floodBits,
    plain,
  })
  const [score] = yield* ctx.compute(rlweEvaluate, {
    ...{ degree, moduli, plainModulus, outputs: [0], keys: noKeys },
    program: [
      ['add-plain', 0, 0, 0],
      ['add', 0, 0, 1],
    ],
    inputs: [sum, { ...sum, residues }],
    plains: [constant(intercept, degree, plainModulus)],
  })
  return pack(degree, data, score!.residues)
}

export const server: Party<typeof messages, 'server', Parameters, ServerInput, null> = function* (
  ctx,
  parameters,
  input,
) {
  checkModel(input, parameters)
  const plan = planOf(parameters)
  const { publicSeed, first } = parsePublicKey(yield* ctx.receive('key'), plan.ring, 'client')
  const publicKey = (yield* complete(ctx.narrow('key'), plan, publicSeed, 0, first)).residues
  const sums: RingCiphertext[] = []
  for (let tile = 0; tile < plan.tiles; tile++) {
    sums.push(yield* receiveSum(ctx, parameters, plan, publicSeed, input.weights, tile))
  }
  const frames: Uint8Array[] = []
  for (const [tile, sum] of sums.entries()) {
    frames.push(yield* masked(ctx, plan, publicKey, input.intercept, sum, rowsOf(parameters, plan, tile)))
  }
  yield* ctx.checkpoint()
  for (const frame of frames) yield* ctx.send('scores', frame)
  return null
}
