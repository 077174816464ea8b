/** The querier: one row a bin, and after all XOR shares of which of its rows the holder has. */
import { invariant } from '@tallystick/core'
import { okvsDecode, okvsEncode, type Digests } from '@tallystick/kernels'
import type { VoleReceived } from '@tallystick/ot'
import type { Routine } from '@tallystick/protocol'
import { equalTags, masksOf, placeRows, pointsOf, slotsOf } from '../bins/index.ts'
import { chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { addTo, sendVector } from '../kmprt17/steps.ts'
import { receiveChunk } from '../rr22/steps.ts'
import { elementBytes, ownShape, ownSize, targetShape, targetSize } from './messages.ts'
import type { Blocks, Pair } from './messages.ts'
import { correlate, idsOf, masksKey, pointsKey, type Correlations, type Ctx } from './steps.ts'

/** Where own rows lie, and the store of their points; the same for all holders. */
export interface Table {
  readonly salt: Uint8Array
  /** Row and bin of each taken bin, ascending bins. */
  readonly rows: Uint32Array
  readonly bins: Uint32Array
  readonly points: Digests
  /** P with Decode(P, point) = H(point) at all of them. */
  readonly vector: Uint8Array
}

export function* tableOf(ctx: Pick<Ctx, 'compute'>, salt: Uint8Array, items: Items, pair: Pair): Routine<Table> {
  const ids = yield* idsOf(ctx, salt, items)
  const { bins, entries } = yield* placeRows(ctx, pair.rows, ids)
  const points = yield* pointsOf(ctx, pointsKey(salt), ids, entries)
  const { vector, bad } = yield* ctx.compute(okvsEncode, {
    ...{ shape: ownShape(pair), rows: points.second, values: points.first, fill: new Uint8Array() },
  })
  invariant(bad < 0, 'distinct points can be encoded under a fresh salt (probability of failure 2^-40)')
  return { salt, rows: entries.map((entry) => entry >>> 2), bins, points, vector }
}

export interface QuerierBegun extends Correlations {
  readonly vole: VoleReceived
}

/** Correlations with one holder; needs no input. */
export function* beginQuery(ctx: Ctx, blocks: Blocks, peer: string, pair: Pair): Routine<QuerierBegun> {
  const [vole, correlations] = yield* ctx.join(
    (branch: Ctx) => blocks.vole.receive(branch, peer, { n: ownSize(pair), security: 'semi-honest' }),
    (branch: Ctx) => correlate(branch, blocks, peer, pair, true),
  )
  return { vole, ...correlations }
}

/** XOR shares of the holder's answer, a bit a slot of the table; slots without a row mean nothing. */
export function* query(
  ctx: Ctx,
  peer: string,
  pair: Pair,
  { salt, bins, points, vector }: Table,
  { vole, ...correlations }: QuerierBegun,
): Routine<Uint32Array> {
  const encoded = Uint8Array.from(vole.a)
  addTo(encoded, vector)
  yield* sendVector(pair, encoded, (part) => ctx.send('encoded', part, peer))
  const values = yield* ctx.compute(okvsDecode, { shape: ownShape(pair), rows: points.second, vector: vole.c })
  const found = Uint8Array.from(yield* masksOf(ctx, masksKey(salt), values, points))
  const theirs = new Uint8Array(elementBytes * targetSize(pair))
  for (const [from, to] of chunks(targetSize(pair), pair.chunkRows)) {
    const receive = () => ctx.receive('targets', peer)
    theirs.set(yield* receiveChunk(peer, 'targets', [from, to], elementBytes, receive), elementBytes * from)
  }
  addTo(found, yield* ctx.compute(okvsDecode, { shape: targetShape(pair), rows: points.second, vector: theirs }))
  // Random where there is no row: different from the holder's tag as for a row that it lacks.
  const tags = ctx.rng.bytes(elementBytes * slotsOf(pair.rows))
  for (let i = 0; i < bins.length; i++) {
    tags.set(found.subarray(elementBytes * i, elementBytes * (i + 1)), elementBytes * bins[i]!)
  }
  return yield* equalTags(ctx.narrow('equal'), correlations, tags, pair.bits)
}
