/**
 * OT extension: n correlated or random transfers from 128 base transfers, SoftSpokenOT (Roy, CRYPTO 2022,
 * ia.cr/2022/192) with chunks of k = 4 bits: 32 bits a transfer instead of the 128 of IKNP and KOS15.
 *
 *     sender, Delta                                              receiver, choice bits u
 *     ------------------------------------------------------------------------------------------
 *                     128 base transfers, the sender's choices from Delta (base/index.ts)
 *                          otSeeds: sums of 32 GGM trees of 16 leaves, masked
 *     all leaves but       <--------------------------------     all leaves
 *     number Delta_j       otCorrections: d_j = u + (sum of the leaves' vectors)
 *     of tree j            <--------------------------------
 *     malicious:           otChallenge: X <- GF(2^128)
 *                          -------------------------------->
 *     h(q_c) = h(v_c)      otResponse: h(u), h(v_c) of each column c
 *     + Delta_c h(u)?      <--------------------------------     h: polynomial hash at X
 *     rows q_i                                                   rows v_i = q_i + u_i Delta
 *     random: H(i, q_i), H(i, q_i + Delta)                       H(i, v_i)
 *
 * Security. semi-honest or malicious, as the caller asks. Malicious: the binding of the trees and the check of the columns
 * of the paper; what remains is a selective failure: a corrupt receiver may guess chunks of Delta, each wrong guess
 * aborts (part of the paper's functionality); the check misses a cheating receiver with probability below
 * (n / 128 + 2) / 2^128; 128 of the rows are sacrificed to hide what the hashes say. Given the base transfers
 * (about 125 bits), 121 bits: 32 trees of depth 4 under the same two public permutations are 128 targets for one search
 * of a preimage, and S sessions S times as many. It rests on AES-128 as a pseudorandom generator, and H = TMMO from fixed-key AES as an ideal permutation (ia.cr/2019/074),
 * tweakable and circular correlation robust, in both modes.
 * Leakage. None. Cost. 2 rounds semi-honest, 4 malicious; `correlatedCost`.
 * Constant time. Columns and masks: yes. The unknown leaf's place is accessed as it is (`ggm/puncture`, and the binding
 * of trees): a process on the same core could observe chunks of the own Delta.
 */
import { invariant, TallyError } from '@tallystick/core'
import { aesTweakedHash } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { blockBytes, shifted } from '../bytes.ts'
import type { BlockCost, CorrelatedSent, RandomSent, TransferOptions } from '../interface.ts'
import { type CorrelatedContext, correlateCost, correlateReceive, correlateSend } from './correlate.ts'
import { type CorrelatedMessages, maxRows } from './messages.ts'

export { type CorrelatedMessages, correlatedMessages } from './messages.ts'

const checkOptions = ({ n }: TransferOptions): void => {
  if (Number.isInteger(n) && n >= 0 && n <= maxRows) return
  throw new TallyError('api/misuse', 'self', `expected 0 to ${maxRows} transfers, found ${n}`)
}

/** Of correlated and of random transfers alike. */
export const correlatedCost = (options: TransferOptions): BlockCost => {
  const { n } = options
  if (n === 0) return { rounds: 0, bytes: 0, coins: { sender: 0, receiver: 0 } }
  const { rounds, bytes, coins } = correlateCost([{ rows: n }], options)
  return { rounds, bytes, coins: { sender: coins.sender + blockBytes, receiver: coins.receiver } }
}

const emptySent = (): CorrelatedSent => ({ delta: new Uint8Array(blockBytes), rows: new Uint8Array() })

/** Correlated transfers under a fresh random Delta: n rows of 16 bytes. */
export function* correlatedSend<M extends CorrelatedMessages<R | 'each', string>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  options: TransferOptions,
): Routine<CorrelatedSent> {
  checkOptions(options)
  const { n } = options
  if (n === 0) return emptySent()
  const wire = ctx as unknown as CorrelatedContext
  const delta = wire.narrow('delta').rng.bytes(blockBytes)
  const [rows] = yield* correlateSend(wire, peer, [{ rows: n, delta }], options)
  return { delta, rows: rows! }
}

/** n rows of 16 bytes: the sender's, plus Delta where the choice bit is set. */
export function* correlatedReceive<M extends CorrelatedMessages<string, R | 'each'>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  options: TransferOptions,
  choices: Uint8Array,
): Routine<Uint8Array> {
  checkOptions(options)
  const { n } = options
  if (n === 0) return new Uint8Array()
  invariant(8 * choices.length >= n, 'there is a choice bit for each transfer')
  const wire = ctx as unknown as CorrelatedContext
  const [rows] = yield* correlateReceive(wire, peer, [{ rows: n, choices }], options)
  return rows!
}

/** Random transfers: both keys of each. */
export function* randomSend<M extends CorrelatedMessages<R | 'each', string>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  options: TransferOptions,
): Routine<RandomSent> {
  const { delta, rows } = yield* correlatedSend(ctx, peer, options)
  return yield* hashPair(ctx, rows, delta)
}

/** Random transfers: the key of each that its choice bit names. */
export function* randomReceive<M extends CorrelatedMessages<string, R | 'each'>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  options: TransferOptions,
  choices: Uint8Array,
): Routine<Uint8Array> {
  const rows = yield* correlatedReceive(ctx, peer, options, choices)
  return yield* (ctx as unknown as CorrelatedContext).compute(aesTweakedHash, { blocks: rows, tweak: 0 })
}

/** Keys for choice 0 and 1 from correlated rows; the tweak of a transfer is its index. */
export function* hashPair(ctx: CorrelatedContext, rows: Uint8Array, delta: Uint8Array): Routine<RandomSent> {
  const zero = yield* ctx.compute(aesTweakedHash, { blocks: rows, tweak: 0 })
  const one = yield* ctx.compute(aesTweakedHash, { blocks: shifted(rows, delta), tweak: 0 })
  return { zero, one }
}
