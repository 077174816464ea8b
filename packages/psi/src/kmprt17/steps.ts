/** What the leader and the members do alike: digests, zero shares, sums, chunked vectors. */
import { taggedDigest } from '@tallystick/core'
import { blake3Ids, blake3Masks, type Digests } from '@tallystick/kernels'
import type { BlockCost, VoleOptions, VoleReceived } from '@tallystick/ot'
import type { Context, Messages, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, keyBytes, type messages, type Parameters, type Role } from './messages.ts'

export type Wire = typeof messages
export type Ctx = Context<Wire, any>
type Compute = Pick<Ctx, 'compute'>

/** A vector OLE from each member, its sender, to the leader. */
export interface Vole {
  readonly messages: Messages
  readonly send: (ctx: Context<any, any>, peer: Role, options: VoleOptions, delta: Uint8Array) => Routine<Uint8Array>
  readonly receive: (ctx: Context<any, any>, peer: Role, options: VoleOptions) => Routine<VoleReceived>
  readonly cost: (options: VoleOptions) => BlockCost
}

/** sum += more over GF(2^128), element by element. */
export const addTo = (sum: Uint8Array, more: Uint8Array): void => {
  const own = new Uint32Array(sum.buffer, sum.byteOffset, sum.length / 4)
  const aligned = more.byteOffset % 4 === 0 ? more : Uint8Array.from(more)
  const others = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
  for (let i = 0; i < own.length; i++) own[i]! ^= others[i]!
}

/** Digests of all rows under the leader's salt: `first` is H(x) in GF(2^128), `second` the row of every store. */
export const digestsOf = (ctx: Compute, salt: Uint8Array, { bytes, offsets }: Items): Routine<Digests> =>
  ctx.compute(blake3Ids, { key: taggedDigest('tallystick/psi/kmprt17/ids/v1', salt), bytes, offsets })

const noTweak = new Uint8Array(elementBytes)

/** F(x) = H'(value, x) for each row. */
export const masksOf = (ctx: Compute, salt: Uint8Array, values: Uint8Array, digests: Digests): Routine<Uint8Array> => {
  const key = taggedDigest('tallystick/psi/kmprt17/masks/v1', salt)
  return ctx.compute(blake3Masks, { ...digests, key, values, tweak: noTweak, width: elementBytes })
}

/** Agrees on a key with each peer: the role that comes first draws it. In the order of the roles, without the own. */
export function* agreeKeys(ctx: Ctx, roles: readonly Role[]): Routine<readonly Uint8Array[]> {
  const mine = roles.indexOf(ctx.role)
  const later = roles.slice(mine + 1)
  const drawn = ctx.rng.bytes(keyBytes * later.length)
  const keys = later.map((_, i) => drawn.slice(keyBytes * i, keyBytes * (i + 1)))
  for (const [i, peer] of later.entries()) yield* ctx.send('zeroKey', keys[i]!, peer)
  const received: Uint8Array[] = []
  for (const peer of roles.slice(0, mine)) received.push(yield* ctx.receive('zeroKey', peer))
  return [...received, ...keys]
}

/** The own zero share of each row: the sum of PRF(k, x) over the keys k of all peers. */
export function* zeroShares(ctx: Compute, keys: readonly Uint8Array[], digests: Digests): Routine<Uint8Array> {
  const shares = new Uint8Array(digests.first.length)
  const values = new Uint8Array(digests.first.length)
  for (const key of keys) {
    addTo(shares, yield* ctx.compute(blake3Masks, { ...digests, key, values, tweak: noTweak, width: elementBytes }))
  }
  return shares
}

/** Sends a vector of elements in chunks. */
export function* sendVector(
  { chunkRows }: Pick<Parameters, 'chunkRows'>,
  vector: Uint8Array,
  send: (part: Uint8Array) => Routine<void>,
): Routine<void> {
  for (const [from, to] of chunks(vector.length / elementBytes, chunkRows)) {
    yield* send(vector.subarray(elementBytes * from, elementBytes * to))
  }
}
