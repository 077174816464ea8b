/** The sender: evaluates the function at its own rows; learns the outcome only where the terms say `to: 'both'`. */
import { taggedDigest } from '@tallystick/core'
import { gf128Scale, okvsDecode, tableSort } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Outcome } from '../ecdh/messages.ts'
import type { Variant, Wire } from './index.ts'
import { elementBytes, isTrivial, maskBytes, storeShape, storeSize, type Parameters } from './messages.ts'
import { add, checkOwn, digestsOf, masksOf, misbehaved, receiveChunk } from './steps.ts'

type Ctx = Context<Wire, 'sender'>

/** K = B + Δ (P + A'), chunk by chunk as it comes. */
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

function* tossCoin(ctx: Ctx, own: Uint8Array): Routine<Uint8Array> {
  const theirs = yield* ctx.receive('receiverCoin')
  yield* ctx.send('senderCoin', own)
  return add(own, theirs)
}

/** F(y) for all own rows. */
function* evaluate(ctx: Ctx, variant: Variant, parameters: Parameters, items: Items): Routine<Uint8Array> {
  const { security, vole } = variant
  const malicious = security === 'malicious'
  const delta = ctx.narrow('delta').rng.bytes(elementBytes)
  const coin = malicious ? ctx.narrow('coin').rng.bytes(elementBytes) : undefined
  if (coin !== undefined) yield* ctx.send('coinCommitment', taggedDigest('tallystick/psi/rr22/coin/v1', coin))
  const [b, { salt, digests }] = yield* ctx.join(
    (branch) => vole.send(branch.narrow('vole'), 'receiver', { n: storeSize(parameters), security }, delta),
    function* (branch) {
      const salt = yield* branch.receive('salt')
      return { salt, digests: yield* digestsOf(branch, salt, items) }
    },
  )
  const vector = yield* receiveEncoded(ctx, parameters, delta, b)
  const tweak = coin === undefined ? new Uint8Array(elementBytes) : yield* tossCoin(ctx, coin)
  const decoded = yield* ctx.compute(okvsDecode, { shape: storeShape(parameters), rows: digests.second, vector })
  const values = add(decoded, yield* ctx.compute(gf128Scale, { factor: delta, elements: digests.first }))
  return yield* masksOf(ctx, salt, values, digests, tweak, maskBytes(parameters, variant))
}

/** Which of its rows the receiver found, by the order in which the masks were sent. */
function* receiveCommon(ctx: Ctx, { sizes, chunkRows }: Parameters, order: Uint32Array): Routine<Uint32Array> {
  const bits = new Uint8Array(Math.ceil(sizes.sender / 8))
  for (const [from, to] of chunks(bits.length, chunkRows)) {
    bits.set(yield* receiveChunk('receiver', 'common rows', [from, to], 1, () => ctx.receive('common')), from)
  }
  const marked = (place: number): boolean => ((bits[place >> 3]! >> (place & 7)) & 1) === 1
  for (let place = sizes.sender; place < 8 * bits.length; place++) {
    if (marked(place)) throw misbehaved('receiver', `common rows of the receiver: bit ${place} stands for no row`)
  }
  return order.filter((_, place) => marked(place)).sort()
}

export const senderOf = (variant: Variant) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    yield* checkOwn(ctx, items, 'sender', parameters.sizes.sender)
    const { to, chunkRows, sizes } = parameters
    const nothing: Outcome = to === 'both' ? { kind: 'intersection', rows: new Uint32Array() } : { kind: 'none' }
    const width = maskBytes(parameters, variant)
    const masks = isTrivial(parameters) ? undefined : yield* evaluate(ctx, variant, parameters, items)
    // Sorted, what is sent is a function of the set of masks: it says nothing about the order of the rows.
    const sorted = masks && (yield* ctx.compute(tableSort, { rows: masks, width }))
    yield* ctx.checkpoint()
    if (sorted === undefined) return nothing
    for (const [from, end] of chunks(sizes.sender, chunkRows)) {
      yield* ctx.send('masks', sorted.rows.subarray(width * from, width * end))
    }
    if (to === 'receiver') return nothing
    return { kind: 'intersection', rows: yield* receiveCommon(ctx, parameters, sorted.order) }
  }
