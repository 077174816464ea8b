/**
 * Oblivious pseudorandom functions of RFC 9497, suite ristretto255-SHA512, modes OPRF (0) and VOPRF (1), in batches over
 * the kernels `oprf/*`.
 *
 *     client                                            server: key k, public key k·G
 *     ---------------------------------------------------------------------------------
 *     r_i <- [1, l)
 *     B_i = r_i · HashToGroup(x_i)        B
 *                                --------------->       E_i = k · B_i
 *                                        E, proof       VOPRF: one proof that log_G(k·G) = log_B(E) for all i
 *                                <---------------
 *     y_i = Hash(x_i, r_i^-1 · E_i)
 *
 * Security. The server learns nothing of x_i: B_i is uniform whatever x_i is. The client learns F(k, x) for at most as
 * many x as it had evaluations: one-more gap computational Diffie-Hellman in ristretto255, the hashes being random
 * oracles (RFC 9497, section 7; Jarecki, Kiayias and Krawczyk, Asiacrypt 2014; Tyagi et al., Eurocrypt 2022). With the
 * proof a client also knows that k is the key behind the public key (Chaum-Pedersen, batched, Fiat-Shamir).
 *
 * Constant time. Group operations as the kernels' engine says. Not constant-time: BigInt arithmetic on scalars (drawing
 * and inverting blinds, the response of a proof), which somebody on the same machine may time.
 */
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import { concatBytes, utf8ToBytes } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import {
  blind as blindRows,
  evaluate as evaluateRows,
  finalize as finalizeRows,
  scale,
  type ScaleOutput,
} from './kernels.ts'
import { invertScalars } from './scalars.ts'

/** What a routine of this folder asks of its context. */
export type Computing = Pick<Context<any, any>, 'compute'>

/** Distinct or not, flat: item i is bytes[offsets[i], offsets[i + 1]), at most 65,535 bytes. */
export interface Items {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

export type Mode = 'oprf' | 'voprf'

const modeBytes: Readonly<Record<Mode, number>> = { oprf: 0, voprf: 1 }

/** "OPRFV1-" ‖ I2OSP(mode, 1) ‖ "-" ‖ identifier: RFC 9497, section 3.1. */
export const contextString = (mode: Mode): Uint8Array =>
  concatBytes(utf8ToBytes('OPRFV1-'), Uint8Array.of(modeBytes[mode]), utf8ToBytes('-ristretto255-SHA512'))

/** The tag of HashToGroup: RFC 9497, section 4.1. */
export const groupTag = (mode: Mode): Uint8Array => concatBytes(utf8ToBytes('HashToGroup-'), contextString(mode))

export interface KeyPair {
  /** 32 bytes, little endian. */
  readonly secretKey: Uint8Array
  readonly publicKey: Uint8Array
}

/** DeriveKeyPair of RFC 9497, section 3.2.1, from a seed of 32 bytes. */
export const deriveKeyPair = (seed: Uint8Array, info: Uint8Array, mode: Mode = 'voprf'): KeyPair =>
  ristretto255_oprf[mode].deriveKeyPair(seed, info)

/** Blinded elements of 32 bytes for the items, under n blinds. */
export function* blind(ctx: Computing, items: Items, blinds: Uint8Array, mode: Mode = 'voprf'): Routine<Uint8Array> {
  return yield* ctx.compute(blindRows, { dst: groupTag(mode), ...items, scalars: blinds })
}

/** k times each blinded element; `bad` is the first that is no element. */
export function* blindEvaluate(ctx: Computing, secretKey: Uint8Array, blinded: Uint8Array): Routine<ScaleOutput> {
  return yield* ctx.compute(scale, { scalars: secretKey, points: blinded })
}

/** 64 bytes an item; `bad` is the first evaluated element that is none. */
export function* finalize(
  ctx: Computing,
  items: Items,
  blinds: Uint8Array,
  evaluated: Uint8Array,
): Routine<{ readonly outputs: Uint8Array; readonly bad: number }> {
  return yield* ctx.compute(finalizeRows, { ...items, scalars: invertScalars(blinds), points: evaluated })
}

/** Evaluate of RFC 9497: the holder of the key computes outputs of 64 bytes itself. */
export function* evaluate(
  ctx: Computing,
  items: Items,
  secretKey: Uint8Array,
  mode: Mode = 'voprf',
): Routine<Uint8Array> {
  return yield* ctx.compute(evaluateRows, { dst: groupTag(mode), ...items, scalars: secretKey })
}
