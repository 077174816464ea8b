/** The sender: programs targets and masked payloads for all its rows under all hash functions. */
import { productSend } from '@tallystick/ot'
import { aesExpand, gf128Scale, okvsDecode, okvsEncode, type Digests } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { allEntries, binsOf, hashes, masksOf, pointsOf } from '../bins/index.ts'
import { chunks } from '../ecdh/items.ts'
import { binOf } from '../kkrt16/matrix.ts'
import { add, checkOwn, receiveChunk } from '../rr22/steps.ts'
import { addRing, ringOf, subtract, total } from './elements.ts'
import {
  members,
  openBlocks,
  products,
  receiverVectors,
  scaleBoth,
  type Blocks,
  type Ctx,
  type Opened,
} from './blocks.ts'
import { checkValues, failed, finish, type Outcome } from './finish.ts'
import {
  counts,
  crossWidths,
  elementBytes,
  hintShape,
  hintSize,
  ownShape,
  ownSize,
  ownSums,
  seedBytes,
  slotsOf,
  storesOf,
  type Parameters,
  type Valued,
} from './messages.ts'
import { idsOf, masksKey, pointsKey, slotBytes } from './points.ts'
import { concat, cut, payloadsOf } from './vectors.ts'

/** Shares of one party: which bins have a common row, and the masks of the payloads there. */
export interface SenderShares extends Opened {
  readonly member: Uint32Array
  readonly payloads: readonly Uint32Array[]
}

function* prepare(ctx: Ctx, items: Valued) {
  const salt = yield* ctx.receive('salt')
  const digests = yield* idsOf(ctx, salt, items)
  const entries = allEntries(items.offsets.length - 1)
  return { salt, digests, points: yield* pointsOf(ctx.narrow('points'), pointsKey(salt), digests, entries) }
}

/** K = B + (P + A') D, chunk by chunk as it comes. */
function* receiveEncoded(ctx: Ctx, { chunkRows }: Parameters, delta: Uint8Array, b: Uint8Array): Routine<Uint8Array> {
  const vector = new Uint8Array(b.length)
  for (const [from, to] of chunks(b.length / elementBytes, chunkRows)) {
    const receive = () => ctx.receive('encoded')
    const elements = yield* receiveChunk('receiver', 'encoded rows', [from, to], elementBytes, receive)
    const scaled = yield* ctx.compute(gf128Scale, { factor: delta, elements })
    vector.set(add(scaled, b.subarray(elementBytes * from, elementBytes * to)), elementBytes * from)
  }
  return vector
}

/** The bin of each point. */
const binsOfPoints = (parameters: Parameters, { first }: Digests): Uint32Array => {
  const words = new Uint32Array(first.buffer, first.byteOffset, first.length / 4)
  const bins = binsOf(parameters.sizes.receiver)
  const out = new Uint32Array(hashes * parameters.sizes.sender)
  for (let row = 0, at = 0; row < parameters.sizes.sender; row++) {
    for (let k = 0; k < hashes; k++) out[at++] = binOf(words, row, k, bins)
  }
  return out
}

/** What one store says at each point: the bin's tag, and payloads less their masks. */
const programmed = (
  parameters: Parameters,
  store: number,
  bins: Uint32Array,
  slots: Uint8Array,
  vectors: readonly Uint32Array[],
): Uint8Array => {
  const words = new Uint32Array(slots.buffer, slots.byteOffset, slots.length / 4)
  const base = 4 * slotsOf(parameters) * store
  const out = new Uint32Array(4 * bins.length)
  for (let half = 0; half < 2; half++) {
    const vector = vectors[2 * store + half - 1]
    const masks = new Uint32Array(2 * bins.length)
    for (let i = 0; i < bins.length; i++) {
      const from = base + 4 * bins[i]! + 2 * half
      masks[2 * i] = words[from]!
      masks[2 * i + 1] = words[from + 1]!
    }
    const values = vector === undefined ? masks : subtract(everyPoint(vector), masks)
    for (let i = 0; i < bins.length; i++) {
      out[4 * i + 2 * half] = values[2 * i]!
      out[4 * i + 2 * half + 1] = values[2 * i + 1]!
    }
  }
  return new Uint8Array(out.buffer)
}

/** A vector of rows, at the points of each row. */
const everyPoint = (rows: Uint32Array): Uint32Array => {
  const out = new Uint32Array(hashes * rows.length)
  for (let i = 0; i < out.length; i++) out[i] = rows[2 * Math.floor(i / (2 * hashes)) + (i & 1)]!
  return out
}

/** A store of `values` at the own points, masked by F; what they do not determine is pseudorandom, so that it hides them. */
function* sendHint(ctx: Ctx, parameters: Parameters, points: Digests, values: Uint8Array): Routine<void> {
  const width = elementBytes * hintSize(parameters)
  const fill = yield* ctx.compute(aesExpand, { keys: ctx.rng.bytes(seedBytes), width })
  const input = { shape: hintShape(parameters), rows: points.second, values, fill }
  const { vector, bad } = yield* ctx.compute(okvsEncode, input)
  if (bad >= 0) throw failed()
  for (const [from, to] of chunks(hintSize(parameters), parameters.chunkRows)) {
    yield* ctx.send('hint', vector.subarray(elementBytes * from, elementBytes * to))
  }
}

/** Everything up to shares of membership and payloads. */
export function* senderShares(
  ctx: Ctx,
  blocks: Blocks,
  parameters: Parameters,
  items: Valued,
  vectors: readonly Uint32Array[],
): Routine<SenderShares> {
  const delta = ctx.narrow('delta').rng.bytes(elementBytes)
  const options = { n: ownSize(parameters), security: 'semi-honest' } as const
  const [b, { salt, digests, points }, opened] = yield* ctx.join(
    (branch) => blocks.vole.send(branch.narrow('vole'), 'receiver', options, delta),
    (branch) => prepare(branch, items),
    (branch) => openBlocks(branch, blocks, 'receiver', parameters),
  )
  const vector = yield* receiveEncoded(ctx, parameters, delta, b)
  const decoded = yield* ctx.compute(okvsDecode, { shape: ownShape(parameters), rows: points.second, vector })
  const values = add(decoded, yield* ctx.compute(gf128Scale, { factor: delta, elements: points.first }))
  const keys = ctx.narrow('targets').rng.bytes(seedBytes)
  const slots = yield* ctx.compute(aesExpand, { keys, width: storesOf(parameters) * slotBytes(parameters) })
  const bins = binsOfPoints(parameters, digests)
  for (let store = 0; store < storesOf(parameters); store++) {
    const hints = ctx.narrow(`store-${store}`)
    const masks = yield* masksOf(hints, masksKey(salt, store), values, points)
    yield* sendHint(hints, parameters, points, add(programmed(parameters, store, bins, slots, vectors), masks))
  }
  const member = yield* members(ctx.narrow('members'), opened, parameters, slots)
  return { ...opened, member, payloads: payloadsOf(parameters, slots) }
}

/** Additive shares of all sums, in the receiver's order. */
function* sums(ctx: Ctx, blocks: Blocks, parameters: Parameters, items: Valued) {
  const { sender } = parameters.sizes
  const columns = parameters.columns.sender.map((_, i) => ringOf(items.values.subarray(sender * i, sender * (i + 1))))
  const squares = products(parameters, columns)
  const shares = yield* senderShares(ctx, blocks, parameters, items, [...columns, ...squares])
  const slots = slotsOf(parameters)
  const theirs = slots * receiverVectors(parameters)
  const scaled = yield* scaleBoth(ctx.narrow('scale'), shares, shares.member, concat(shares.payloads), theirs)
  const parts = cut(scaled.theirs, slots)
  const before = (counts(parameters) ? 1 : 0) + ownSums(parameters, 'receiver')
  const own = cut(scaled.own, slots)
  for (const [i, part] of own.entries()) addRing(part, parts[before + i]!)
  const cross: Uint32Array[] = []
  if (parameters.output === 'statistics') {
    const wire = ctx.narrow('cross')
    for (let i = 0; i < parameters.columns.receiver.length; i++) {
      for (const y of own.slice(0, columns.length)) {
        for (const width of crossWidths(parameters)) {
          cross.push(yield* productSend(wire, shares.transfers, y, width))
        }
      }
    }
  }
  return { shares, sums: [...parts.slice(0, before), ...own, ...cross].map(total) }
}

export const senderOf = (blocks: Blocks) =>
  function* (ctx: Ctx, parameters: Parameters, items: Valued): Routine<Outcome> {
    yield* checkOwn(ctx, items, 'sender', parameters.sizes.sender)
    checkValues(parameters, 'sender', items)
    const { shares, sums: own } = yield* sums(ctx, blocks, parameters, items)
    return yield* finish(ctx.narrow('finish'), shares, parameters, own)
  }
