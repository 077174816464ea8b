/** The receiver: one row a bin; has payloads in the clear where they are its own, as shares where they are the sender's. */
import { productReceive } from '@tallystick/ot'
import { aesExpand, okvsDecode, okvsEncode, type Digests } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { masksOf, placeRows, pointsOf } from '../bins/index.ts'
import { chunks } from '../ecdh/items.ts'
import { add, checkOwn, receiveChunk } from '../rr22/steps.ts'
import { addRing, bitsOf, multiplyRing, packed, ringOf, total } from './elements.ts'
import {
  members,
  openBlocks,
  products,
  scaleBoth,
  senderVectors,
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
  saltBytes,
  seedBytes,
  slotsOf,
  storesOf,
  type Parameters,
  type Valued,
} from './messages.ts'
import { idsOf, masksKey, pointsKey, scatter, slotBytes } from './points.ts'
import { concat, cut, payloadsOf } from './vectors.ts'

/** Shares of one party: which bins have a common row, and what it has of the payloads there. */
export interface ReceiverShares extends Opened {
  /** XOR shares of membership, a bit a bin. */
  readonly member: Uint32Array
  /** Of each of the sender's vectors the additive share in every bin; without a common row it means nothing. */
  readonly payloads: readonly Uint32Array[]
  /** Bins of the own rows, and the row of each. */
  readonly bins: Uint32Array
  readonly rows: Uint32Array
}

/** Salt, points of the taken bins, and the store P with Decode(P, point) = H(point). */
function* prepare(ctx: Ctx, parameters: Parameters, salt: Uint8Array, items: Valued) {
  yield* ctx.send('salt', salt)
  const digests = yield* idsOf(ctx, salt, items)
  const { entries, bins } = yield* placeRows(ctx, parameters.sizes.receiver, digests)
  const points = yield* pointsOf(ctx.narrow('points'), pointsKey(salt), digests, entries)
  const { first: values, second: rows } = points
  const input = { shape: ownShape(parameters), rows, values, fill: new Uint8Array() }
  const { vector, bad } = yield* ctx.compute(okvsEncode, input)
  if (bad >= 0) throw failed()
  return { entries, bins, points, vector }
}

/** Tag and payloads of one store in every bin: what was programmed where the sender has the row, random elsewhere. */
function* decodeHint(
  ctx: Ctx,
  parameters: Parameters,
  store: number,
  slots: Uint8Array,
  own: { readonly points: Digests; readonly bins: Uint32Array; readonly masks: Uint8Array },
): Routine<void> {
  const size = hintSize(parameters)
  const vector = new Uint8Array(elementBytes * size)
  for (const [from, to] of chunks(size, parameters.chunkRows)) {
    const part = yield* receiveChunk('sender', 'hint', [from, to], elementBytes, () => ctx.receive('hint'))
    vector.set(part, elementBytes * from)
  }
  const shape = hintShape(parameters)
  const decoded = yield* ctx.compute(okvsDecode, { shape, rows: own.points.second, vector })
  const place = slots.subarray(store * slotBytes(parameters), (store + 1) * slotBytes(parameters))
  scatter(place, own.bins, add(decoded, own.masks))
}

/** Everything up to shares of membership and payloads. */
export function* receiverShares(
  ctx: Ctx,
  blocks: Blocks,
  parameters: Parameters,
  items: Valued,
): Routine<ReceiverShares> {
  const salt = ctx.narrow('salt').rng.bytes(saltBytes)
  const options = { n: ownSize(parameters), security: 'semi-honest' } as const
  const [{ a, c }, { entries, bins, points, vector }, opened] = yield* ctx.join(
    (branch) => blocks.vole.receive(branch.narrow('vole'), 'sender', options),
    (branch) => prepare(branch, parameters, salt, items),
    (branch) => openBlocks(branch, blocks, 'sender', parameters),
  )
  for (const [from, to] of chunks(options.n, parameters.chunkRows)) {
    const part = (table: Uint8Array): Uint8Array => table.subarray(elementBytes * from, elementBytes * to)
    yield* ctx.send('encoded', add(part(vector), part(a)))
  }
  const shape = ownShape(parameters)
  const values = yield* ctx.compute(okvsDecode, { shape, rows: points.second, vector: c })
  const keys = ctx.narrow('empty').rng.bytes(seedBytes)
  const width = storesOf(parameters) * slotBytes(parameters)
  const slots = Uint8Array.from(yield* ctx.compute(aesExpand, { keys, width }))
  for (let store = 0; store < storesOf(parameters); store++) {
    const hints = ctx.narrow(`store-${store}`)
    const masks = yield* masksOf(hints, masksKey(salt, store), values, points)
    yield* decodeHint(hints, parameters, store, slots, { points, bins, masks })
  }
  const member = yield* members(ctx.narrow('members'), opened, parameters, slots)
  const rows = entries.map((entry) => entry >>> 2)
  return { ...opened, member, payloads: payloadsOf(parameters, slots), bins, rows }
}

/** A column of own values in the bins of their rows. */
const inBins = (
  parameters: Parameters,
  { bins, rows }: ReceiverShares,
  values: Float64Array,
  column: number,
): Uint32Array => {
  const out = new Float64Array(slotsOf(parameters))
  const from = column * parameters.sizes.receiver
  for (let i = 0; i < bins.length; i++) out[bins[i]!] = values[from + rows[i]!]!
  return ringOf(out)
}

/** Additive shares of all sums. */
function* sums(ctx: Ctx, blocks: Blocks, parameters: Parameters, items: Valued) {
  const shares = yield* receiverShares(ctx, blocks, parameters, items)
  const slots = slotsOf(parameters)
  const columns = parameters.columns.receiver.map((_, i) => inBins(parameters, shares, items.values, i))
  const squares = products(parameters, columns)
  const ones = counts(parameters) ? [ringOf(new Float64Array(slots).fill(1))] : []
  const own = [...ones, ...columns, ...squares, ...shares.payloads]
  const scaled = yield* scaleBoth(
    ctx.narrow('scale'),
    shares,
    shares.member,
    concat(own),
    slots * senderVectors(parameters),
  )
  const mine = cut(scaled.own, slots)
  const count = ones.length
  const theirs = mine.slice(count + columns.length + squares.length)
  for (const [i, part] of cut(scaled.theirs, slots).entries()) addRing(theirs[i]!, part)
  const cross: Uint32Array[] = []
  if (parameters.output === 'statistics') {
    const wire = ctx.narrow('cross')
    for (const x of columns) {
      for (const y of theirs.slice(0, parameters.columns.sender.length)) {
        let at = 0
        for (const width of crossWidths(parameters)) {
          const limb = bitsOf(x, at, width)
          const share = multiplyRing(limb, y)
          addRing(share, yield* productReceive(wire, shares.transfers, packed(limb, width), slots, width))
          cross.push(share)
          at += width
        }
      }
    }
  }
  return { shares, sums: [...mine.slice(0, mine.length - theirs.length), ...theirs, ...cross].map(total) }
}

export const receiverOf = (blocks: Blocks) =>
  function* (ctx: Ctx, parameters: Parameters, items: Valued): Routine<Outcome> {
    yield* checkOwn(ctx, items, 'receiver', parameters.sizes.receiver)
    checkValues(parameters, 'receiver', items)
    const { shares, sums: own } = yield* sums(ctx, blocks, parameters, items)
    return yield* finish(ctx.narrow('finish'), shares, parameters, own)
  }
