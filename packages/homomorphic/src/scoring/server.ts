/** The server: has the model, learns nothing. */
import { TallyError } from '@tallystick/core'
import { rlweEvaluate, rlweExpand, rlweMask, type Instruction, type RingCiphertext } from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { pack, packedBytes, unpack } from '../wire.ts'
import { checkModel, type messages, type ServerInput } from './messages.ts'
import { planOf, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, 'server'>

const noKeys = { id: '', targets: new Uint32Array(), first: new BigUint64Array(), second: new BigUint64Array() }

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
  const residues = new BigUint64Array(2 * first.length)
  residues.set(first)
  residues.set(second, first.length)
  return { level: data.length, size: 2, correction: 1n, scale: 1, residues }
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

/** Adds the intercept, and a fresh encryption of zero whose noise hides that of the sum. */
function* masked(
  ctx: Ctx,
  plan: Plan,
  publicKey: BigUint64Array,
  intercept: number,
  sum: RingCiphertext,
): Routine<Uint8Array> {
  const { degree, data, moduli, plainModulus } = plan.ring
  const coins = ctx.rng.bytes(32)
  const residues = yield* ctx.compute(rlweMask, {
    degree,
    moduli: data,
    publicKey,
    coins,
    plainModulus,
    bits: plan.floodBits,
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

const requireKey = (bytes: Uint8Array, { ring }: Plan): { publicSeed: Uint8Array; first: BigUint64Array } => {
  const length = 32 + packedBytes(ring.degree, ring.data, 1)
  if (bytes.length !== length) {
    const message = `expected a key of ${length} bytes from client, found ${bytes.length}`
    throw new TallyError('peer/misbehaved', { peer: 'client' }, message, {
      remedy: 'ask client which software it runs',
    })
  }
  return { publicSeed: bytes.slice(0, 32), first: unpack(ring.degree, ring.data, 1, bytes.subarray(32), 'client') }
}

export const server: Party<typeof messages, 'server', Parameters, ServerInput, null> = function* (
  ctx,
  parameters,
  input,
) {
  checkModel(input, parameters)
  const plan = planOf(parameters)
  const { publicSeed, first } = requireKey(yield* ctx.receive('key'), plan)
  const publicKey = (yield* complete(ctx.narrow('key'), plan, publicSeed, 0, first)).residues
  const sums: RingCiphertext[] = []
  for (let tile = 0; tile < plan.tiles; tile++) {
    sums.push(yield* receiveSum(ctx, parameters, plan, publicSeed, input.weights, tile))
  }
  const frames: Uint8Array[] = []
  for (const sum of sums) frames.push(yield* masked(ctx, plan, publicKey, input.intercept, sum))
  yield* ctx.checkpoint()
  for (const frame of frames) yield* ctx.send('scores', frame)
  return null
}
