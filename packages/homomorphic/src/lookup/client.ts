/** The client: asks for keys, learns which rows there are and their values. */
import { concatBytes, TallyError } from '@tallystick/core'
import { cuckooPlace, emptyBin, rlweDecrypt, rlweEncode, rlweEncrypt } from '@tallystick/kernels'
import { blind, finalize } from '@tallystick/kernels/oprf'
import { drawScalars, elementBytes } from '@tallystick/kernels/oprf/scalars'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { centred, drawKeys, freshCiphertext, hasRoom, publicKeyBytes, type OwnerKeys } from '../keys.ts'
import { pack, unpack } from '../wire.ts'
import { digestsOf, keyResidues, openValue, outputBytes } from './labels.ts'
import { checkClient, type Answers, type ClientInput, type ClientOutput, type messages } from './messages.ts'
import { planOf, residuesOfKey, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, 'client'>

function* askOutputs(ctx: Ctx, { sizes }: Parameters, { keys }: ClientInput): Routine<Uint8Array> {
  const blinds = drawScalars(ctx.narrow('blinds').rng, sizes.client)
  yield* ctx.send('blinded', yield* blind(ctx, keys, blinds, 'oprf'))
  const evaluated = yield* ctx.receive('evaluated')
  const misbehaved = (found: string): TallyError =>
    new TallyError('peer/misbehaved', { peer: 'holder' }, `expected ${sizes.client} elements, found ${found}`, {
      remedy: 'ask the holder which software it runs; keep the journal',
    })
  if (evaluated.length !== elementBytes * sizes.client) throw misbehaved(`${evaluated.length / elementBytes}`)
  const { outputs, bad } = yield* finalize(ctx, keys, blinds, evaluated)
  if (bad >= 0) throw misbehaved(`row ${bad}, which is none`)
  return outputs
}

/** Which of the asked keys lies in each bin; a key that comes again lies where it did before. */
interface Places {
  /** By key: its bin, or -1. */
  readonly bins: Int32Array
}

function* findPlaces(ctx: Ctx, { bins }: Plan, outputs: Uint8Array): Routine<Places> {
  const digests = digestsOf(outputs)
  const rows = digests.length / 16
  const hexOf = (row: number): string => digests.subarray(16 * row, 16 * row + 16).join()
  const firstOf = new Map<string, number>()
  const distinct: number[] = []
  for (let row = 0; row < rows; row++) {
    if (firstOf.has(hexOf(row))) continue
    firstOf.set(hexOf(row), distinct.length)
    distinct.push(row)
  }
  const own = concatBytes(...distinct.map((row) => digests.subarray(16 * row, 16 * row + 16)))
  const { table } = yield* ctx.compute(cuckooPlace, { digests: own, bins })
  const places = new Int32Array(distinct.length).fill(-1)
  table.forEach((entry, bin) => {
    if (entry !== emptyBin) places[entry >>> 2] = bin
  })
  return { bins: Int32Array.from({ length: rows }, (_, row) => places[firstOf.get(hexOf(row))!]!) }
}

/** First component of ciphertext `index`: 0 is the public key, an encryption of zero. */
function* encrypt(
  ctx: Ctx,
  { ring }: Plan,
  keys: OwnerKeys,
  index: number,
  plain: BigUint64Array,
): Routine<Uint8Array> {
  const { degree, data, plainModulus } = ring
  const residues = yield* ctx.compute(rlweEncrypt, {
    ...{ degree, moduli: data, plainModulus, first: index, rows: 1, plain },
    ...keys,
  })
  return pack(degree, data, residues)
}

/** Encryptions of the powers 1 … degree of the residues in their slots; empty slots hold zero. */
function* sendPowers(ctx: Ctx, plan: Plan, keys: OwnerKeys, slots: BigUint64Array): Routine<void> {
  const { degree, plainModulus: t } = plan.ring
  const powers = slots.slice()
  for (let power = 1; power <= plan.degree; power++) {
    if (power > 1) slots.forEach((residue, slot) => (powers[slot] = (powers[slot]! * residue) % t))
    const values = BigInt64Array.from(powers, (residue) => centred(residue, t))
    const plain = yield* ctx.compute(rlweEncode, { degree, plainModulus: t, values })
    yield* ctx.send('powers', yield* encrypt(ctx, plan, keys, power, plain))
  }
}

const slotsOf = ({ ring, bins: all }: Plan, { bins }: Places, residues: Uint32Array): BigUint64Array => {
  const slots = new BigUint64Array(ring.degree)
  bins.forEach((bin, row) => {
    if (bin < 0) return
    for (let half = 0; half < residuesOfKey; half++) {
      slots[half * all + bin] = BigInt(residues[residuesOfKey * row + half]!)
    }
  })
  return slots
}

/** Of what the holder has multiplied plaintexts by when it brought a reply down: the primes that are gone, inverted. */
const correctionOf = ({ ring, level }: Plan): bigint => {
  const { data, plainModulus: t } = ring
  const inverse = (value: bigint): bigint => {
    let [result, square] = [1n, value % t]
    for (let e = t - 2n; e > 0n; e >>= 1n) {
      if ((e & 1n) === 1n) result = (result * square) % t
      square = (square * square) % t
    }
    return result
  }
  return data.subarray(level).reduce((product, q) => (product * inverse(q)) % t, 1n)
}

/** Values of the slots of one partition: (1 + labels) × n residues; null where noise has no room. */
function* receivePartition(ctx: Ctx, plan: Plan, { secret }: OwnerKeys): Routine<BigInt64Array | null> {
  const { ring, level, labels } = plan
  const { degree, data, plainModulus } = ring
  const correction = correctionOf(plan)
  const ciphertexts = []
  for (let k = 0; k <= labels; k++) {
    const residues = unpack(degree, data.subarray(0, level), 2, yield* ctx.receive('replies'), 'holder')
    ciphertexts.push({ ...freshCiphertext(ring, residues), level, correction })
  }
  const opened = yield* ctx.compute(rlweDecrypt, { degree, moduli: data, plainModulus, secret, ciphertexts })
  return hasRoom(opened) ? opened.integers : null
}

const answersOf = (found: readonly (Uint8Array | 'absent' | 'unanswered')[]): Answers => {
  const values = found.map((answer) => (typeof answer === 'string' ? new Uint8Array() : answer))
  const offsets = new Uint32Array(found.length + 1)
  values.forEach((value, i) => (offsets[i + 1] = offsets[i]! + value.length))
  return {
    status: Uint8Array.from(found, (answer) => (answer === 'absent' ? 0 : answer === 'unanswered' ? 2 : 1)),
    values: concatBytes(...values),
    offsets,
  }
}

/** What the slots of a bin say in all partitions. */
const readBin = (
  { ring, bins, labels }: Plan,
  { valueBytes }: Parameters,
  partitions: readonly BigInt64Array[],
  bin: number,
  output: Uint8Array,
): Uint8Array | 'absent' | 'unanswered' => {
  if (bin < 0) return 'unanswered'
  const [n, t] = [ring.degree, ring.plainModulus]
  const own = partitions.find((slots) => slots[bin] === 0n && slots[bins + bin] === 0n)
  if (own === undefined) return 'absent'
  const residues = Array.from({ length: residuesOfKey * labels }, (_, i) => {
    const value = own[(1 + (i >> 1)) * n + (i & 1) * bins + bin]!
    return Number(value < 0n ? value + t : value)
  })
  return openValue(output, residues, valueBytes) ?? 'unanswered'
}

export const client: Party<typeof messages, 'client', Parameters, ClientInput, ClientOutput> = function* (
  ctx,
  parameters,
  input,
) {
  checkClient(input, parameters)
  const plan = planOf(parameters)
  const outputs = yield* askOutputs(ctx, parameters, input)
  const places = yield* findPlaces(ctx, plan, outputs)
  const keys = drawKeys(ctx.rng, plan.ring.degree)
  const publicKey = yield* encrypt(ctx.narrow('key'), plan, keys, 0, new BigUint64Array(plan.ring.degree))
  yield* ctx.send('key', publicKeyBytes(keys.publicSeed, publicKey))
  yield* sendPowers(ctx, plan, keys, slotsOf(plan, places, keyResidues(outputs, plan.ring.plainModulus)))
  yield* ctx.checkpoint()
  const partitions: (BigInt64Array | null)[] = []
  for (let partition = 0; partition < plan.partitions; partition++) {
    partitions.push(yield* receivePartition(ctx, plan, keys))
  }
  // All were received and decrypted before any is looked at: what is sent and signed is the same whatever they hold.
  if (partitions.includes(null)) return { answers: null }
  const found = Array.from(places.bins, (bin, row) =>
    readBin(
      ...([plan, parameters, partitions as BigInt64Array[], bin] as const),
      outputs.subarray(row * outputBytes, (row + 1) * outputBytes),
    ),
  )
  return { answers: answersOf(found) }
}
