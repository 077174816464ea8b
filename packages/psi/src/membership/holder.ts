/** The holder: a random tag a bin, given to whoever has one of its rows there; after all XOR shares, and nothing else. */
import { invariant } from '@tallystick/core'
import { aesExpand, gf128Scale, okvsDecode, okvsEncode, type Digests } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { allEntries, binsOf, equalTags, masksOf, pointsOf, slotsOf } from '../bins/index.ts'
import { chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { binOf } from '../kkrt16/matrix.ts'
import { addTo, sendVector } from '../kmprt17/steps.ts'
import { receiveChunk } from '../rr22/steps.ts'
import { elementBytes, ownShape, ownSize, seedBytes, targetShape } from './messages.ts'
import { targetSize, type Blocks, type Pair } from './messages.ts'
import { correlate, idsOf, masksKey, pointsKey, type Correlations, type Ctx } from './steps.ts'

/** Own rows under all hash functions. */
export interface Held {
  readonly salt: Uint8Array
  /** The bin of each point. */
  readonly bins: Uint32Array
  readonly points: Digests
}

export function* heldOf(ctx: Pick<Ctx, 'compute'>, salt: Uint8Array, items: Items, pair: Pair): Routine<Held> {
  const ids = yield* idsOf(ctx, salt, items)
  const places = new Uint32Array(ids.first.slice().buffer)
  const count = binsOf(pair.rows)
  const entries = allEntries(pair.held)
  const bins = entries.map((entry) => binOf(places, entry >>> 2, entry & 3, count))
  return { salt, bins, points: yield* pointsOf(ctx, pointsKey(salt), ids, entries) }
}

export interface HolderBegun extends Correlations {
  readonly delta: Uint8Array
  readonly b: Uint8Array
}

/** Correlations with the querier; needs no input. */
export function* beginHold(ctx: Ctx, blocks: Blocks, peer: string, pair: Pair): Routine<HolderBegun> {
  const delta = ctx.narrow('delta').rng.bytes(elementBytes)
  const [b, correlations] = yield* ctx.join(
    (branch: Ctx) => blocks.vole.send(branch, peer, { n: ownSize(pair), security: 'semi-honest' }, delta),
    (branch: Ctx) => correlate(branch, blocks, peer, pair, false),
  )
  return { delta, b: Uint8Array.from(b), ...correlations }
}

/** F at all own points: K = B + D (P + A'), then Decode(K, y) + H(y) D. */
function* evaluate(
  ctx: Ctx,
  peer: string,
  pair: Pair,
  { salt, points }: Held,
  { delta, b }: HolderBegun,
): Routine<Uint8Array> {
  for (const [from, to] of chunks(ownSize(pair), pair.chunkRows)) {
    const receive = () => ctx.receive('encoded', peer)
    const elements = yield* receiveChunk(peer, 'encoded rows', [from, to], elementBytes, receive)
    const scaled = yield* ctx.compute(gf128Scale, { factor: delta, elements })
    addTo(b.subarray(elementBytes * from, elementBytes * to), scaled)
  }
  // Sums are made in copies: what a kernel returned is kept for a resumption.
  const values = Uint8Array.from(
    yield* ctx.compute(okvsDecode, { shape: ownShape(pair), rows: points.second, vector: b }),
  )
  addTo(values, yield* ctx.compute(gf128Scale, { factor: delta, elements: points.first }))
  return Uint8Array.from(yield* masksOf(ctx, masksKey(salt), values, points))
}

/** XOR shares of which bins of the querier have one of the own rows. */
export function* hold(ctx: Ctx, peer: string, pair: Pair, held: Held, begun: HolderBegun): Routine<Uint32Array> {
  const tags = ctx.narrow('tags').rng.bytes(elementBytes * slotsOf(pair.rows))
  const values = yield* evaluate(ctx, peer, pair, held, begun)
  const targets = new Uint8Array(values.length)
  for (let i = 0; i < held.bins.length; i++) {
    const at = elementBytes * held.bins[i]!
    targets.set(tags.subarray(at, at + elementBytes), elementBytes * i)
  }
  addTo(values, targets)
  const width = elementBytes * targetSize(pair)
  const fill = yield* ctx.compute(aesExpand, { keys: ctx.narrow('fill').rng.bytes(seedBytes), width })
  const { vector, bad } = yield* ctx.compute(okvsEncode, {
    ...{ shape: targetShape(pair), rows: held.points.second, values, fill },
  })
  invariant(bad < 0, 'distinct points can be encoded under a fresh salt (probability of failure 2^-40)')
  yield* sendVector(pair, vector, (part) => ctx.send('targets', part, peer))
  return yield* equalTags(ctx.narrow('equal'), begun, tags, pair.bits)
}
