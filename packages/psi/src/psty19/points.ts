/** Digests and keys of a session, and blocks of stores in the bins. */
import { taggedDigest } from '@tallystick/core'
import { blake3Ids, type Digests } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, slotsOf, type Parameters } from './messages.ts'

type Compute = Pick<Context<any, any>, 'compute'>

/** Digests of ids under the session's salt: words 0 to 2 of `first` are the hash functions. */
export const idsOf = (ctx: Compute, salt: Uint8Array, { bytes, offsets }: Items): Routine<Digests> =>
  ctx.compute(blake3Ids, { key: taggedDigest('tallystick/psi/psty19/ids/v1', salt), bytes, offsets })

/** The key of the points of a session. */
export const pointsKey = (salt: Uint8Array): Uint8Array => taggedDigest('tallystick/psi/psty19/points/v1', salt)

/** The key of F for one store. */
export const masksKey = (salt: Uint8Array, store: number): Uint8Array =>
  taggedDigest('tallystick/psi/psty19/masks/v1', salt, Uint8Array.of(store))

/** Blocks of the given rows in their bins; the other bins keep what they have. */
export const scatter = (target: Uint8Array, bins: Uint32Array, rows: Uint8Array): void => {
  const to = new Uint32Array(target.buffer, target.byteOffset, target.length / 4)
  const from = new Uint32Array(rows.buffer, rows.byteOffset, rows.length / 4)
  for (let i = 0; i < bins.length; i++) {
    for (let k = 0; k < 4; k++) to[4 * bins[i]! + k] = from[4 * i + k]!
  }
}

/** Bytes of one store's part of all bins. */
export const slotBytes = (parameters: Parameters): number => elementBytes * slotsOf(parameters)
