/**
 * Base transfers: random ("endemic") oblivious transfers from Diffie-Hellman on curve25519, all n in one batch. Masny and
 * Rindal, "Endemic Oblivious Transfer" (CCS 2019, ia.cr/2019/706), from uniform key agreement, with the
 * sender's one key for all transfers and the hash that binds transcript and index as McQuoid, Rosulek and Roy, "Batching
 * Base Oblivious Transfers" (ASIACRYPT 2021, ia.cr/2021/682) require, and keys that look like random strings by Möller,
 * "A Public-Key Encryption Scheme with Pseudo-random Ciphertexts" (ESORICS 2004), as their implementation has them.
 *
 *     sender                                                     receiver, choice bit c of each transfer i
 *     ------------------------------------------------------------------------------------------
 *     a <- multiples of 8                                        t <- {curve, twist}, k <- scalars
 *     A_t = a P_t, for both t                                    M = k P_t
 *                          otBaseKeys: A_curve, A_twist          r_(1-c) <- strings of 255 bits
 *                          -------------------------------->     r_c = M ^ H(i, c, r_(1-c))
 *                          otBaseMasks: r_0, r_1
 *     M_c = r_c ^ H(..)    <--------------------------------     K_c = H'(i, c, A, r_0, r_1, k A_t)
 *     K_c = H'(i, c, A, r_0, r_1, a M_c), for c = 0, 1
 *
 * P_curve (u = 6) and P_twist (u = 3) generate the whole groups, of order 8l and 4l' (l, l' prime), so u(k P_t) for a fair
 * t is a string of 255 bits that is uniform up to a distance of about 2^-125: r_0 and r_1 say nothing of c. Multiples of 8
 * clear the small-order parts.
 *
 * Security. Malicious, either end; the functionality is endemic OT: a corrupt end may choose its own outputs. Random
 * oracle H, H' (SHA-256, tagged); oracle Diffie-Hellman on curve25519 and on its twist, with one secret scalar a for
 * both, as libOTe has it; about 125 bits, less where one attack serves all n. Not post-quantum: `kem.ts` has the same from ML-KEM, by the argument `kind`.
 * Leakage. None. Cost. 1 round (both messages at once), 64 + 64 n bytes, 2 n + 2 scalar multiplications an end.
 * Constant time. As the curve25519 kernels; the choice of P_t, A_t and of the masks is by masking, not by branches.
 */
import { concatBytes, invariant, taggedDigest, TallyError, u32 } from '@tallystick/core'
import { curve25519Scale, curve25519ScaleEach } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { bitAt, blockBytes } from '../bytes.ts'
import type { BaseKind, BlockCost } from '../interface.ts'
import { kemCost, kemReceive, kemSend } from './kem.ts'
import { type BaseMessages, pointBytes } from './messages.ts'

export { type BaseMessages, baseMessages, maxTransfers } from './messages.ts'

/** Generators of the whole curve and of the whole twist, by u. */
const generators = [6, 3].map((u) => Uint8Array.of(u, ...new Uint8Array(31)))
/** Of a transfer: scalar, the other mask, curve or twist. */
const receiverCoins = 2 * pointBytes + 1

const x25519Cost = (n: number): BlockCost => ({
  rounds: n === 0 ? 0 : 1,
  bytes: n === 0 ? 0 : 2 * pointBytes * (n + 1),
  coins: { sender: n === 0 ? 0 : pointBytes, receiver: n * receiverCoins },
})

export const baseCost = (n: number, kind: BaseKind = 'x25519'): BlockCost =>
  kind === 'x25519' ? x25519Cost(n) : kemCost(n)

type Wire = Context<BaseMessages<'each', 'each'>, string>

const row = (rows: Uint8Array, i: number): Uint8Array => rows.subarray(pointBytes * i, pointBytes * (i + 1))

/** H: a string of 255 bits. */
const maskOf = (i: number, choice: number, other: Uint8Array): Uint8Array => {
  const digest = taggedDigest('tallystick/ot/base/mask/v1', u32(i), Uint8Array.of(choice), other)
  digest[31]! &= 127
  return digest
}

const keyOf = (i: number, choice: number, keys: Uint8Array, masks: Uint8Array, secret: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/ot/base/key/v1', u32(i), Uint8Array.of(choice), keys, masks, secret).subarray(0, blockBytes)

const misbehaved = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `base transfers of ${peer}: ${message}`, {
    remedy: `ask ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

export interface BaseSent {
  /** n keys of 16 bytes for the choice 0, and for 1. */
  readonly zero: Uint8Array
  readonly one: Uint8Array
}

/** @throws TallyError peer/misbehaved for another number of masks, or masks that hold no key. */
export function* baseSend<M extends BaseMessages<R | 'each', string>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  n: number,
  kind: BaseKind = 'x25519',
): Routine<BaseSent> {
  const wire = ctx as unknown as Wire
  if (n === 0) return { zero: new Uint8Array(), one: new Uint8Array() }
  if (kind === 'ml-kem') return yield* kemSend(wire, peer, n)
  const scalar = wire.rng.bytes(pointBytes)
  scalar[0]! &= 248
  const keys = yield* wire.compute(curve25519Scale, { scalar, points: concatBytes(...generators) })
  invariant(keys.bad < 0, 'a random scalar is no multiple of the order (probability 2^-252)')
  yield* wire.send('otBaseKeys', keys.points, peer)
  const masks = yield* wire.receive('otBaseMasks', peer)
  if (masks.length !== 2 * pointBytes * n) {
    throw misbehaved(peer, `expected ${2 * pointBytes * n} bytes of masks, found ${masks.length}`)
  }
  const points = masks.slice()
  for (let i = 0; i < 2 * n; i++) {
    const mask = maskOf(i >> 1, i & 1, row(masks, i ^ 1))
    for (let k = 0; k < pointBytes; k++) points[pointBytes * i + k]! ^= mask[k]!
  }
  const secrets = yield* wire.compute(curve25519Scale, { scalar, points })
  if (secrets.bad >= 0) throw misbehaved(peer, `mask ${secrets.bad} holds no canonical element of large order`)
  const out = { zero: new Uint8Array(blockBytes * n), one: new Uint8Array(blockBytes * n) }
  for (let i = 0; i < 2 * n; i++) {
    const pair = masks.subarray(pointBytes * (i & ~1), pointBytes * ((i & ~1) + 2))
    const key = keyOf(i >> 1, i & 1, keys.points, pair, row(secrets.points, i))
    ;(i & 1 ? out.one : out.zero).set(key, blockBytes * (i >> 1))
  }
  return out
}

/** Two rows in an order that a bit decides, without a branch on it. */
const ordered = (own: Uint8Array, other: Uint8Array, choice: number): Uint8Array => {
  const out = concatBytes(own, other)
  for (let k = 0; k < pointBytes; k++) {
    const swap = -choice & (own[k]! ^ other[k]!)
    out[k]! ^= swap
    out[k + pointBytes]! ^= swap
  }
  return out
}

/**
 * Bit i of `choices` chooses the key of transfer i: n keys of 16 bytes.
 * @throws TallyError peer/misbehaved for public keys that are none.
 */
export function* baseReceive<M extends BaseMessages<string, R | 'each'>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  n: number,
  choices: Uint8Array,
  kind: BaseKind = 'x25519',
): Routine<Uint8Array> {
  const wire = ctx as unknown as Wire
  if (n === 0) return new Uint8Array()
  if (kind === 'ml-kem') return yield* kemReceive(wire, peer, n, choices)
  const scalars = wire.rng.bytes(pointBytes * n)
  const others = wire.rng.bytes(pointBytes * n)
  const twists = wire.rng.bytes(n)
  /** For each transfer the point of the curve or of the twist, whichever it takes. */
  const onItsGroup = (pair: Uint8Array): Uint8Array => {
    const out = new Uint8Array(pointBytes * n)
    for (let i = 0; i < n; i++) {
      out.set(ordered(row(pair, 0), row(pair, 1), twists[i]! & 1).subarray(0, pointBytes), pointBytes * i)
    }
    return out
  }
  const own = yield* wire.compute(curve25519ScaleEach, { scalars, points: onItsGroup(concatBytes(...generators)) })
  invariant(own.bad < 0, 'a random scalar is no multiple of the order (probability 2^-252)')
  const masks = new Uint8Array(2 * pointBytes * n)
  for (let i = 0; i < n; i++) {
    const choice = bitAt(choices, i)
    const other = row(others, i)
    other[31]! &= 127
    const mask = maskOf(i, choice, other)
    const masked = row(own.points, i).map((byte, k) => byte ^ mask[k]!)
    masks.set(ordered(masked, other, choice), 2 * pointBytes * i)
  }
  yield* wire.send('otBaseMasks', masks, peer)
  const keys = yield* wire.receive('otBaseKeys', peer)
  const secrets = yield* wire.compute(curve25519ScaleEach, { scalars, points: onItsGroup(keys) })
  if (secrets.bad >= 0) throw misbehaved(peer, 'a public key is no canonical element of large order')
  const out = new Uint8Array(blockBytes * n)
  for (let i = 0; i < n; i++) {
    const pair = masks.subarray(2 * pointBytes * i, 2 * pointBytes * (i + 1))
    out.set(keyOf(i, bitAt(choices, i), keys, pair, row(secrets.points, i)), blockBytes * i)
  }
  return out
}
