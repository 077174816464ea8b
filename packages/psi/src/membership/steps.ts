/** What both ends of shared membership do alike: correlations, and keys of hashes. */
import { taggedDigest } from '@tallystick/core'
import { blake3Ids, type Digests } from '@tallystick/kernels'
import { bitTriples, type Transfers, type TripleStore } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'
import { triplesOf, type Blocks, type membershipMessages, type Pair } from './messages.ts'

export type Ctx = Context<typeof membershipMessages, any>
type Compute = Pick<Context<any, any>, 'compute'>

/** Transfers and AND triples of a pair. */
export interface Correlations {
  readonly transfers: Transfers
  readonly store: TripleStore
}

/** The first end is the querier. */
export function* correlate(
  ctx: Ctx,
  { open }: Blocks,
  peer: string,
  pair: Pair,
  first: boolean,
): Routine<Correlations> {
  const transfers = yield* open(ctx.narrow('transfers'), { peer, first })
  const triples = yield* bitTriples(ctx.narrow('triples'), transfers, 32 * triplesOf(pair))
  return { transfers, store: { triples, used: 0 } }
}

/** Digests of ids under the session's salt: words 0 to 2 of `first` are the hash functions of the table. */
export const idsOf = (ctx: Compute, salt: Uint8Array, { bytes, offsets }: Items): Routine<Digests> =>
  ctx.compute(blake3Ids, { key: taggedDigest('tallystick/psi/membership/ids/v1', salt), bytes, offsets })

/** The key of the points of a session. */
export const pointsKey = (salt: Uint8Array): Uint8Array => taggedDigest('tallystick/psi/membership/points/v1', salt)
/** The key of F. */
export const masksKey = (salt: Uint8Array): Uint8Array => taggedDigest('tallystick/psi/membership/masks/v1', salt)
