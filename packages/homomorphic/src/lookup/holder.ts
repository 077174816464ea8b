/** The holder: has the table, learns nothing. */
import { TallyError } from '@tallystick/core'
import {
  cuckooSimple,
  rlweEvaluate,
  rlweExpand,
  rlweInterpolate,
  rlweMask,
  tableDuplicate,
  type Instruction,
  type RingCiphertext,
  type RlweInterpolateInput,
} from '@tallystick/kernels'
import { blindEvaluate, evaluate } from '@tallystick/kernels/oprf'
import { drawScalars, elementBytes } from '@tallystick/kernels/oprf/scalars'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { freshCiphertext, joined, noKeys, parsePublicKey } from '../keys.ts'
import { pack, unpack } from '../wire.ts'
import { digestsOf } from './labels.ts'
import { checkHolder, type HolderInput, type messages } from './messages.ts'
import { labelGroups, planOf, type Parameters, type Plan } from './plan.ts'
import { partitionInput, residuesOf, sealValues, shareOut, type Part } from './table.ts'

type Ctx = Context<typeof messages, 'holder'>

/** @throws TallyError input/invalid-value for a key that comes twice */
function* checkDistinct(ctx: Ctx, { keys }: HolderInput): Routine<void> {
  const [row, before] = yield* ctx.compute(tableDuplicate, keys)
  if (row === undefined) return
  throw new TallyError('input/invalid-value', 'self', `rows ${before} and ${row} have the same key`, {
    remedy: 'keep one row for each key',
  })
}

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

function* serveOutputs(ctx: Ctx, { sizes }: Parameters, secretKey: Uint8Array): Routine<void> {
  const blinded = yield* ctx.receive('blinded')
  const { points, bad } = yield* blindEvaluate(ctx, secretKey, blinded)
  if (bad >= 0 || blinded.length !== elementBytes * sizes.client) {
    const found = bad >= 0 ? `row ${bad}, which is none` : `${blinded.length / elementBytes}`
    throw new TallyError('peer/misbehaved', { peer: 'client' }, `expected ${sizes.client} elements, found ${found}`, {
      remedy: 'ask the client which software it runs; keep the journal',
    })
  }
  yield* ctx.send('evaluated', points)
}

/**
 * Registers: the powers up to the degree from 0 on, then the masks, then one for products. A polynomial is Σ plain_i·power_i, with the
 * constant; it is masked, then brought down to the level of a reply.
 */
const programOf = ({ ring, level }: Plan, degree: number, polynomials: number) => {
  const product = degree + polynomials
  const one = (k: number): readonly Instruction[] => {
    const [out, plain] = [product + 1 + k, k * (degree + 1)]
    const terms = Array.from({ length: degree - 1 }, (_, i): readonly Instruction[] => [
      ['multiply-plain', product, i + 1, plain + i + 2],
      ['add', out, out, product],
    ])
    return [
      ['multiply-plain', out, 0, plain + 1],
      ...terms.flat(),
      ['add-plain', out, out, plain],
      ['add', out, out, degree + k],
      ...Array.from({ length: ring.data.length - level }, (): Instruction => ['rescale', out, out]),
    ]
  }
  const all = Array.from({ length: polynomials }, (_, k) => k)
  return { program: all.flatMap(one), outputs: all.map((k) => product + 1 + k) }
}

/** The replies of one call: whether there is a row, if the labels are the first ones, and the labels. */
function* answer(
  ctx: Ctx,
  plan: Plan,
  publicKey: BigUint64Array,
  powers: readonly RingCiphertext[],
  part: Part,
  input: (coins: Uint8Array) => RlweInterpolateInput,
): Routine<readonly Uint8Array[]> {
  const { ring, floodBits, level } = plan
  const { degree, data, moduli, plainModulus } = ring
  const table = input(ctx.rng.bytes(32))
  const { most } = table
  const made = yield* ctx.compute(rlweInterpolate, table)
  const polynomials = part.to - part.from + (part.from === 0 ? 1 : 0)
  const coefficients = made.subarray(made.length - polynomials * (most + 1) * degree)
  const masks: RingCiphertext[] = []
  for (let k = 0; k < polynomials; k++) {
    const coins = ctx.rng.bytes(32)
    const residues = yield* ctx.compute(rlweMask, {
      ...{ degree, moduli: data, publicKey, coins, plainModulus, bits: floodBits },
      plain: new BigUint64Array(),
    })
    masks.push(freshCiphertext(ring, residues))
  }
  const replies = yield* ctx.compute(rlweEvaluate, {
    ...{ degree, moduli, plainModulus, keys: noKeys, ...programOf(plan, most, polynomials) },
    inputs: [...powers.slice(0, most), ...masks],
    plains: Array.from({ length: polynomials * (most + 1) }, (_, i) => ({
      residues: coefficients.subarray(i * degree, (i + 1) * degree),
      scale: 1,
    })),
  })
  return replies.map(({ residues }) => pack(degree, data.subarray(0, level), residues))
}

export const holder: Party<typeof messages, 'holder', Parameters, HolderInput, null> = function* (
  ctx,
  parameters,
  input,
) {
  checkHolder(input, parameters)
  const plan = planOf(parameters)
  const { ring, bins } = plan
  yield* checkDistinct(ctx, input)
  const secretKey = drawScalars(ctx.narrow('oprf-key').rng, 1)
  yield* serveOutputs(ctx, parameters, secretKey)

  const outputs = yield* evaluate(ctx, input.keys, secretKey, 'oprf')
  const table = yield* ctx.compute(cuckooSimple, { digests: digestsOf(outputs), bins })
  const residues = residuesOf(outputs, plan)
  const shares = shareOut(plan, table, residues)
  const sealed = sealValues(outputs, input, parameters, plan)

  const { publicSeed, first } = parsePublicKey(yield* ctx.receive('key'), ring, 'client')
  const publicKey = (yield* complete(ctx.narrow('key'), plan, publicSeed, 0, first)).residues
  const powers: RingCiphertext[] = []
  for (let power = 1; power <= plan.degree; power++) {
    const own = unpack(ring.degree, ring.data, 1, yield* ctx.receive('powers'), 'client')
    powers.push(yield* complete(ctx, plan, publicSeed, power, own))
  }
  const parts = Array.from({ length: plan.partitions }, (_, partition) =>
    labelGroups(plan).map(([from, to]): Part => ({ partition, from, to })),
  ).flat()
  const replies = yield* ctx.join(
    ...parts.map(
      (part) => (own: Ctx) =>
        answer(own, plan, publicKey, powers, part, (coins) =>
          partitionInput(plan, shares, residues, sealed, part, coins),
        ),
    ),
  )
  yield* ctx.checkpoint()
  for (const reply of replies.flat()) yield* ctx.send('replies', reply)
  return null
}
