/** The compute party: adds up what it cannot read, and learns nothing. */
import { taggedDigest, TallyError, toHex, type Rng } from '@tallystick/core'
import {
  rlweEncode,
  rlweEvaluate,
  rlweExpand,
  rlweMask,
  type Instruction,
  type RingCiphertext,
  type SwitchKeys,
} from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { centred, freshCiphertext, noKeys, uniformSlots } from '../keys.ts'
import { pack, unpack } from '../wire.ts'
import type { messages } from './messages.ts'
import { receiveKey } from './owner.ts'
import { planOf, type Parameters, type Plan } from './plan.ts'
import { firstSwitchRow } from './receiver.ts'

type Ctx = Context<typeof messages, 'compute'>

function* receiveSwitchKeys(ctx: Ctx, { ring }: Plan): Routine<SwitchKeys> {
  const { degree, data, moduli } = ring
  const publicSeed = (yield* ctx.receive('relinearisation')).slice()
  if (publicSeed.length !== 32) {
    const message = `expected a seed of 32 bytes from receiver, found ${publicSeed.length}`
    throw new TallyError('peer/misbehaved', { peer: 'receiver' }, message)
  }
  const first = new BigUint64Array(data.length * moduli.length * degree)
  for (let digit = 0; digit < data.length; digit++) {
    const residues = unpack(degree, moduli, 1, yield* ctx.receive('relinearisation'), 'receiver')
    first.set(residues, digit * moduli.length * degree)
  }
  const second = yield* ctx.compute(rlweExpand, {
    degree,
    moduli,
    publicSeed,
    first: firstSwitchRow,
    rows: data.length,
  })
  const id = toHex(taggedDigest('tallystick/switch-keys/v1', publicSeed, new Uint8Array(first.buffer)))
  return { id, targets: Uint32Array.of(0), first, second }
}

/** Registers 0 and 1 hold the sum and the sum of squares (3 components) so far; register 2 the next ciphertext. */
const accumulate: readonly Instruction[] = [
  ['add', 0, 0, 2],
  ['multiply', 2, 2, 2],
  ['add', 1, 1, 2],
]
const begin: readonly Instruction[] = [['multiply', 1, 0, 0]]

interface Sums {
  readonly sum: RingCiphertext
  readonly squares: RingCiphertext
}

/** As the tiles of one column come in. */
function* receiveColumn(ctx: Ctx, plan: Plan): Routine<Sums> {
  const { degree, data, moduli, plainModulus } = plan.ring
  const fixed = { degree, moduli, plainModulus, outputs: [0, 1], plains: [], keys: noKeys }
  let sums: Sums | undefined
  for (const [from, tiles] of Object.entries(plan.tiles)) {
    for (let tile = 0; tile < tiles; tile++) {
      const next = freshCiphertext(plan.ring, unpack(degree, data, 2, yield* ctx.receive('values', from), from))
      const inputs = sums === undefined ? [next] : [sums.sum, sums.squares, next]
      const program = sums === undefined ? begin : accumulate
      const [sum, squares] = yield* ctx.compute(rlweEvaluate, { ...fixed, program, inputs })
      sums = { sum: sum!, squares: squares! }
    }
  }
  return sums!
}

/** Uniform slots that sum to zero modulo t: what they are added to keeps its total, and no slot tells anything. */
const zeroSharing = (rng: Rng, degree: number, t: bigint): BigInt64Array => {
  const out = new BigInt64Array(degree)
  out.set(uniformSlots(rng, degree - 1, t))
  const sum = out.reduce((all, slot) => all + slot, 0n)
  out[degree - 1] = centred(((-sum % t) + t) % t, t)
  return out
}

/** Relinearises where there are three components, then adds a fresh encryption of a sharing of zero, with flooded noise. */
function* masked(
  ctx: Ctx,
  plan: Plan,
  publicKey: BigUint64Array,
  keys: SwitchKeys,
  value: RingCiphertext,
): Routine<Uint8Array> {
  const { degree, data, moduli, plainModulus } = plan.ring
  const rng = ctx.rng
  const plain = yield* ctx.compute(rlweEncode, { degree, plainModulus, values: zeroSharing(rng, degree, plainModulus) })
  const fresh = { degree, moduli: data, publicKey, coins: rng.bytes(32), plainModulus, bits: plan.floodBits, plain }
  const mask = freshCiphertext(plan.ring, yield* ctx.compute(rlweMask, fresh))
  const switched: readonly Instruction[] = value.size === 3 ? [['relinearise', 0, 0]] : []
  const [out] = yield* ctx.compute(rlweEvaluate, {
    ...{ degree, moduli, plainModulus, plains: [], outputs: [0], keys, inputs: [value, mask] },
    program: [...switched, ['add', 0, 0, 1]],
  })
  return pack(degree, data, out!.residues)
}

export const compute: Party<typeof messages, 'compute', Parameters, null, null> = function* (ctx, parameters) {
  const plan = planOf(parameters)
  const publicKey = yield* receiveKey(ctx, plan)
  const keys = yield* receiveSwitchKeys(ctx, plan)
  const frames: Uint8Array[] = []
  for (let column = 0; column < parameters.columns; column++) {
    const { sum, squares } = yield* receiveColumn(ctx, plan)
    frames.push(yield* masked(ctx, plan, publicKey, keys, sum))
    frames.push(yield* masked(ctx, plan, publicKey, keys, squares))
  }
  yield* ctx.checkpoint()
  for (const frame of frames) yield* ctx.send('sums', frame)
  return null
}
