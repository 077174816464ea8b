/** What both ends of shared membership do alike: points, correlations, the comparison of tags. */
import { taggedDigest } from '@tallystick/core'
import { bitsSlice, blake3Ids, blake3Masks, type Digests } from '@tallystick/kernels'
import { bitTriples, equalShares, vectorWords, type Transfers, type TripleStore } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, slotsOf, triplesOf, type Blocks, type membershipMessages, type Pair } from './messages.ts'

export type Ctx = Context<typeof membershipMessages, any>
type Compute = Pick<Context<any, any>, 'compute'>

/** Rows that a kernel call takes. */
const stepRows = 16_384

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

/** Digests of (id, k) for entries 4 · row + k: `first` is H in GF(2^128), `second` the row of every store. */
export function* pointsOf(ctx: Compute, salt: Uint8Array, ids: Digests, entries: Uint32Array): Routine<Digests> {
  const key = taggedDigest('tallystick/psi/membership/points/v1', salt)
  const width = 2 * elementBytes + 1
  const first = new Uint8Array(elementBytes * entries.length)
  const second = new Uint8Array(elementBytes * entries.length)
  for (const [from, to] of chunks(entries.length, stepRows)) {
    const bytes = new Uint8Array(width * (to - from))
    const offsets = Uint32Array.from({ length: to - from + 1 }, (_, i) => width * i)
    for (let i = 0; i < to - from; i++) {
      const entry = entries[from + i]!
      const at = elementBytes * (entry >>> 2)
      for (let k = 0; k < elementBytes; k++) {
        bytes[width * i + k] = ids.first[at + k]!
        bytes[width * i + elementBytes + k] = ids.second[at + k]!
      }
      bytes[width * (i + 1) - 1] = entry & 3
    }
    const part = yield* ctx.compute(blake3Ids, { key, bytes, offsets })
    first.set(part.first, elementBytes * from)
    second.set(part.second, elementBytes * from)
  }
  return { first, second }
}

const noTweak = new Uint8Array(elementBytes)

/** F(point) = H'(value, point) for each point. */
export const masksOf = (ctx: Compute, salt: Uint8Array, values: Uint8Array, points: Digests): Routine<Uint8Array> => {
  const key = taggedDigest('tallystick/psi/membership/masks/v1', salt)
  return ctx.compute(blake3Masks, { ...points, key, values, tweak: noTweak, width: elementBytes })
}

/** XOR shares of whether the two ends' tags agree, a bit a slot: the low `bits` bits of 16 bytes. */
export function* compareTags(
  ctx: Ctx,
  { transfers, store }: Correlations,
  { rows, bits }: Pair,
  tags: Uint8Array,
): Routine<Uint32Array> {
  const slots = slotsOf(rows)
  const own = new Uint32Array(tags.buffer, tags.byteOffset, tags.length / 4)
  const words = new Uint32Array(2 * slots)
  for (let i = 0; i < slots; i++) {
    words[2 * i] = own[4 * i]!
    words[2 * i + 1] = own[4 * i + 1]!
  }
  const planes = yield* ctx.compute(bitsSlice, { words, ring: 64 })
  return yield* equalShares(ctx, transfers, store, planes.slice(0, bits * vectorWords(slots)), bits)
}
