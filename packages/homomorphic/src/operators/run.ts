/** A plan at work: encrypt columns, evaluate, mask, decrypt. Everything is a function of its inputs and given coins. */
import { TallyError, type Rng } from '@tallystick/core'
import {
  rlweDecrypt,
  rlweEncode,
  rlweEncodeReals,
  rlweEncrypt,
  rlweEvaluate,
  rlweExpand,
  rlweMask,
  type RingCiphertext,
  type RingPlaintext,
} from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { decodeFrame, encodeFrame, frameBytes, type FrameShape } from '../frames.ts'
import { centred, freshCiphertext, hasRoom, joined, noKeys, slotCoins, uniformSlots, type OwnerKeys } from '../keys.ts'
import type { Ring } from '../parameters.ts'
import type { Plan, PlannedOutput } from '../plan/index.ts'
import type { Call, PlainOperand } from '../plan/instructions.ts'
import { realSlotsOf, slotsOf, type Columns, type OpenedSlots } from './columns.ts'
import type { Ground } from './ground.ts'
import type { PublicKeys, RingKeys } from './keys.ts'

/** A result by the name of its output; a number a place. */
export type Results = Readonly<Record<string, Float64Array>>

const seededShape = (ring: Ring, context: Uint8Array, position: number): FrameShape => ({
  ...{ kind: 'seeded', ring, context, components: 1, level: ring.data.length, index: 1 + position },
})

const wholeShape = (ring: Ring, context: Uint8Array, position: number): FrameShape => ({
  ...{ kind: 'ciphertext', ring, context, components: 2, level: ring.data.length, index: 1 + position },
})

const resultShape = (ring: Ring, context: Uint8Array, { level }: PlannedOutput, position: number): FrameShape => ({
  ...{ kind: 'result', ring, context, components: 2, level, index: position },
})

/** Bytes of the frame of one input tile in one ring. */
export const inputFrameBytes = ({ parties }: Plan, ring: Ring): number =>
  frameBytes((parties ? wholeShape : seededShape)(ring, new Uint8Array(16), 0))

export const resultFrameBytes = (ring: Ring, tile: PlannedOutput): number =>
  frameBytes(resultShape(ring, new Uint8Array(16), tile, 0))

/** Slots of one tile as a plaintext. */
function* encodeTile(on: Ground, plan: Plan, ring: Ring, position: number, columns: Columns): Routine<BigUint64Array> {
  const { degree, data, plainModulus } = ring
  if (plan.scheme === 'bgv') {
    return yield* on.compute(rlweEncode, { degree, plainModulus, values: slotsOf(plan, ring, position, columns) })
  }
  const values = realSlotsOf(plan, position, columns)
  return yield* on.compute(rlweEncodeReals, { degree, moduli: data, scale: plan.scale, values })
}

/** One tile of one column, by the holder of the key: half the bytes, since a seed stands for the second component. */
export function* encryptSeeded(
  on: Ground,
  plan: Plan,
  ring: Ring,
  keys: RingKeys,
  position: number,
  columns: Columns,
): Routine<Uint8Array> {
  const { degree, data, plainModulus } = ring
  const plain = yield* encodeTile(on, plan, ring, position, columns)
  const common = { degree, moduli: data, plainModulus, first: 1 + position, rows: 1, plain }
  const residues = yield* on.compute(rlweEncrypt, { ...common, ...keys.owner })
  return encodeFrame(seededShape(ring, keys.context, position), residues)
}

/** Coins of {@link encryptPublic}. */
export const encryptionCoins = 32

/** One tile of one column, under somebody else's key. */
export function* encryptPublic(
  on: Ground,
  plan: Plan,
  { ring, publicKey, context }: Pick<PublicKeys, 'ring' | 'publicKey' | 'context'>,
  position: number,
  columns: Columns,
  coins: Uint8Array,
): Routine<Uint8Array> {
  const { degree, data, plainModulus } = ring
  const plain = yield* encodeTile(on, plan, ring, position, columns)
  if (plan.scheme === 'bgv') {
    const fresh = { degree, moduli: data, publicKey, coins, plainModulus, bits: 0, plain }
    return encodeFrame(wholeShape(ring, context, position), yield* on.compute(rlweMask, fresh))
  }
  const zero = { degree, moduli: data, publicKey, coins, plainModulus, bits: 0, plain: new BigUint64Array() }
  // What a kernel gave may stand in a journal as well: it is copied before it is written to.
  const residues = (yield* on.compute(rlweMask, zero)).slice()
  for (const [i, q] of data.entries()) {
    for (let at = i * degree; at < (i + 1) * degree; at++) residues[at] = (residues[at]! + plain[at]!) % q
  }
  return encodeFrame(wholeShape(ring, context, position), residues)
}

/** @throws TallyError peer/misbehaved */
export function* receiveTile(
  on: Ground,
  plan: Plan,
  { ring, context, publicSeed }: PublicKeys,
  position: number,
  bytes: Uint8Array,
  peer: string,
): Routine<RingCiphertext> {
  if (plan.parties) {
    const residues = decodeFrame(wholeShape(ring, context, position), bytes, peer)
    return { ...freshCiphertext(ring, residues), scale: plan.scale }
  }
  const first = decodeFrame(seededShape(ring, context, position), bytes, peer)
  const { degree, data } = ring
  const second = yield* on.compute(rlweExpand, { degree, moduli: data, publicSeed, first: 1 + position, rows: 1 })
  return { ...freshCiphertext(ring, joined(first, second)), scale: plan.scale }
}

/** A diagonal's slots have moved within their row, and count from where they stand in the result. */
const plainSlots = ({ constant, tile, shift }: PlainOperand, { degree, plainModulus }: Ring): BigInt64Array => {
  const half = degree / 2
  return BigInt64Array.from({ length: degree }, (_, slot) => {
    const row = slot < half ? 0 : half
    const from = row + ((((slot - row - shift) % half) + half) % half)
    return constant.integer(tile * degree + from, plainModulus)
  })
}

/** The same real in every slot is the same integer in every place of the transform. */
const uniformReal = ({ constant, level, scale }: PlainOperand, { degree, data }: Ring): RingPlaintext => {
  const value = BigInt(Math.round(constant.real(0) * scale))
  const residues = new BigUint64Array(level * degree)
  data.subarray(0, level).forEach((q, i) => residues.fill(((value % q) + q) % q, i * degree, (i + 1) * degree))
  return { residues, scale }
}

function* encodeRealPlain(on: Ground, ring: Ring, operand: PlainOperand): Routine<RingPlaintext> {
  const { constant, tile, shift, level, scale } = operand
  if (constant.uniform) return uniformReal(operand, ring)
  const slots = ring.degree / 2
  const values = Float64Array.from({ length: slots }, (_, slot) =>
    constant.real(tile * slots + ((((slot - shift) % slots) + slots) % slots)),
  )
  const common = { degree: ring.degree, moduli: ring.data.slice(0, level), scale, values }
  return { residues: yield* on.compute(rlweEncodeReals, common), scale }
}

function* encodePlain(on: Ground, ring: Ring, operand: PlainOperand): Routine<RingPlaintext> {
  const { degree, plainModulus } = ring
  if (plainModulus === 0n) return yield* encodeRealPlain(on, ring, operand)
  if (!operand.constant.uniform) {
    const values = plainSlots(operand, ring)
    return { residues: yield* on.compute(rlweEncode, { degree, plainModulus, values }), scale: 1 }
  }
  const residues = new BigUint64Array(degree)
  const value = operand.constant.integer(0, plainModulus)
  residues[0] = value < 0n ? value + plainModulus : value
  return { residues, scale: 1 }
}

/** Values that later calls need, and which calls still do. */
const createStore = (calls: readonly Call[], results: ReadonlySet<number>) => {
  const values = new Map<number, RingCiphertext>()
  const uses = new Map<number, number>()
  for (const { inputs } of calls) for (const id of inputs) uses.set(id, (uses.get(id) ?? 0) + 1)
  return {
    put: (id: number, value: RingCiphertext): void => void values.set(id, value),
    has: (id: number): boolean => values.has(id),
    get: (id: number): RingCiphertext => values.get(id)!,
    /** Ciphertexts are most of the memory: what no later call needs goes at once. */
    used(id: number): void {
      const left = uses.get(id)! - 1
      uses.set(id, left)
      if (left === 0 && !results.has(id)) values.delete(id)
    },
  }
}

function* runCall(on: Ground, { ring, keys }: PublicKeys, call: Call, inputs: readonly RingCiphertext[]) {
  const { degree, moduli, plainModulus } = ring
  const plains: RingPlaintext[] = []
  for (const operand of call.plains) plains.push(yield* encodePlain(on, ring, operand))
  const { program, registers } = call
  return yield* on.compute(rlweEvaluate, {
    ...{ degree, moduli, plainModulus, program, outputs: registers, inputs, plains },
    keys: call.galois ? keys : noKeys,
  })
}

/** Runs the program in one ring; `tile` gives the ciphertext at a position of the plan's inputs. */
export function* evaluate(
  on: Ground,
  plan: Plan,
  keys: PublicKeys,
  tile: (position: number) => Routine<RingCiphertext>,
): Routine<readonly RingCiphertext[]> {
  const store = createStore(plan.waves.flat(), new Set(plan.tiles.map(({ id }) => id)))
  const positions = new Map(plan.inputs.map(({ id }, position) => [id, position]))
  const obtain = function* (id: number): Routine<void> {
    const position = positions.get(id)
    if (position !== undefined && !store.has(id)) store.put(id, yield* tile(position))
  }
  for (const wave of plan.waves) {
    const taken: RingCiphertext[][] = []
    for (const { inputs } of wave) {
      for (const id of inputs) yield* obtain(id)
      taken.push(inputs.map((id) => store.get(id)))
    }
    const made = (yield* on.join(
      ...wave.map((call, i) => (branch: Ground) => runCall(branch, keys, call, taken[i]!)),
    )) as readonly (readonly RingCiphertext[])[]
    for (const [i, { inputs, outputs }] of wave.entries()) {
      for (const id of inputs) store.used(id)
      outputs.forEach((id, j) => store.put(id, made[i]![j]!))
    }
  }
  // An input that is an output as it is.
  for (const { id } of plan.tiles) yield* obtain(id)
  return plan.tiles.map(({ id }) => store.get(id))
}

/** Slots that tell nothing but the output: a total is shared over all of them, and what is beyond the rows is random. */
const maskSlots = (plan: Plan, { degree, plainModulus: t }: Ring, { output, tile }: PlannedOutput, rng: Rng) => {
  const { node } = plan.outputs[output]!
  const out = new BigInt64Array(degree)
  if (node.spread) {
    out.set(uniformSlots(rng, degree - 1, t))
    const sum = out.reduce((all, slot) => all + slot, 0n)
    out[degree - 1] = centred(((-sum % t) + t) % t, t)
    return out
  }
  const rows = Math.min(degree, node.length - tile * degree)
  out.set(uniformSlots(rng, degree - rows, t), rows)
  return out
}

/** Coins that {@link openResults} takes. */
export const openingCoins = (plan: Plan): number => (plan.releases > 0 ? encryptionCoins * plan.tiles.length : 0)

/** Coins that the masks of one ring take. */
export const maskCoins = (plan: Plan, { degree }: Ring): number =>
  plan.tiles.reduce((sum, { output, tile }) => {
    if (plan.scheme === 'ckks') return sum + encryptionCoins
    const { node } = plan.outputs[output]!
    const hidden = node.spread ? degree - 1 : degree - Math.min(degree, node.length - tile * degree)
    return sum + slotCoins * hidden + encryptionCoins
  }, 0)

/** A result as it leaves: masked and flooded where the plan is between parties. */
export function* sendResult(
  on: Ground,
  plan: Plan,
  { ring, publicKey, context }: PublicKeys,
  position: number,
  result: RingCiphertext,
  rng: Rng | undefined,
): Routine<Uint8Array> {
  const planned = plan.tiles[position]!
  const shape = resultShape(ring, context, planned, position)
  if (!plan.parties) return encodeFrame(shape, result.residues)
  if (rng === undefined)
    throw new TallyError('api/misuse', 'self', 'a result between parties leaves masked: expected coins')
  const { degree, plainModulus } = ring
  // Slots of an approximate result hold nothing else: the plan has cleared them.
  const values = plan.scheme === 'ckks' ? undefined : maskSlots(plan, ring, planned, rng)
  const plain = values && (yield* on.compute(rlweEncode, { degree, plainModulus, values }))
  const key = lowered(publicKey, ring, planned.level)
  const out = yield* flooded(on, ring, planned, result, key, plain ?? new BigUint64Array(), rng)
  return encodeFrame(shape, out.residues)
}

/** Plus an encryption of `plain`, or of zero, whose noise is as wide as planned. */
function* flooded(
  on: Ground,
  { degree, data, moduli, plainModulus }: Ring,
  { level, flood: bits }: PlannedOutput,
  result: RingCiphertext,
  publicKey: BigUint64Array,
  plain: BigUint64Array,
  rng: Rng,
): Routine<RingCiphertext> {
  const own = { degree, moduli: data.subarray(0, level).slice(), plainModulus, bits, plain, publicKey }
  const residues = yield* on.compute(rlweMask, { ...own, coins: rng.bytes(encryptionCoins) })
  const [out] = yield* on.compute(rlweEvaluate, {
    ...{ degree, moduli, plainModulus, outputs: [0], plains: [], keys: noKeys, program: [['add', 0, 0, 1]] },
    inputs: [result, { ...result, residues }],
  })
  return out!
}

/** A key modulo the first primes only. */
const lowered = (publicKey: BigUint64Array, { degree, data }: Ring, level: number): BigUint64Array => {
  const out = new BigUint64Array(2 * level * degree)
  for (const component of [0, 1]) {
    const from = component * data.length * degree
    out.set(publicKey.subarray(from, from + level * degree), component * level * degree)
  }
  return out
}

/**
 * Slots of the results of one ring, or undefined where a result did not decrypt. Those that leave the holder of the key are
 * flooded by it before they are decrypted: who computed knows its own flood.
 */
export function* openResults(
  on: Ground,
  plan: Plan,
  ring: Ring,
  { owner, context }: { readonly owner: OwnerKeys; readonly context: Uint8Array },
  next: (position: number) => Routine<Uint8Array>,
  peer: string,
  rng: Rng | undefined,
): Routine<OpenedSlots | undefined> {
  const { degree, data, plainModulus } = ring
  const { secret } = owner
  const slots: (BigInt64Array | Float64Array)[] = []
  let spoiled = false
  for (const [position, planned] of plan.tiles.entries()) {
    const residues = decodeFrame(resultShape(ring, context, planned, position), yield* next(position), peer)
    let ciphertext: RingCiphertext = { level: planned.level, size: 2, correction: 1n, scale: planned.scale, residues }
    if (plan.releases > 0) {
      if (rng === undefined)
        throw new TallyError('api/misuse', 'self', 'a result to be handed on is flooded: expected coins')
      // The holder of the key needs no public key: of none, noise alone is left.
      const none = new BigUint64Array(2 * planned.level * degree)
      ciphertext = yield* flooded(on, ring, planned, ciphertext, none, new BigUint64Array(), rng)
    }
    const ciphertexts = [ciphertext]
    const opened = yield* on.compute(rlweDecrypt, { degree, moduli: data, plainModulus, secret, ciphertexts })
    spoiled ||= !hasRoom(opened)
    slots.push(plainModulus === 0n ? opened.reals : opened.integers)
  }
  return spoiled ? undefined : slots
}
