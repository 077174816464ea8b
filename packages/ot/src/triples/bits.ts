/** Random AND triples over bits. */
import { TallyError } from '@tallystick/core'
import { softspokenReceiveBits, softspokenSendBits } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { wordsOf } from '../bytes.ts'
import type { TripleMessages } from './messages.ts'
import { batchesOf, batchTransfers, bothWays, chosen, correctionBytes, known, sendFrames } from './transfers.ts'
import type { PairCost, Transfers, TripleContext } from './transfers.ts'

/** XOR shares of a · b = c, bit by bit: bit i is bit i mod 32 of word i div 32, whole vectors of 128 bits. */
export interface BitTriples {
  readonly a: Uint32Array
  readonly b: Uint32Array
  readonly c: Uint32Array
}

/** Of both ends: two transfers of 32 bits a triple. */
export const bitTriplesCost = (n: number): PairCost => ({
  rounds: n === 0 ? 0 : 1,
  bytes: 2 * correctionBytes(128 * Math.ceil(n / 128)),
  coins: 16 * Math.ceil(n / 128),
})

const batchWords = batchTransfers / 32
/** Triples of one call: 128 MiB of each factor. */
const maxBitTriples = 2 ** 30

/** v = H(q) and b = H(q) + H(q + Delta). */
function* offer(ctx: TripleContext, transfers: Transfers, total: number) {
  const v = new Uint32Array(total / 32)
  const b = new Uint32Array(total / 32)
  for (const [i, n] of batchesOf(total).entries()) {
    const { zero, one, seeds } = yield* ctx.compute(softspokenSendBits, yield* known(ctx, transfers, n))
    transfers.sending.seeds = seeds
    v.set(zero, batchWords * i)
    b.set(one, batchWords * i)
  }
  for (let i = 0; i < v.length; i++) b[i]! ^= v[i]!
  return { v, b }
}

/** u = H(q + a Delta) for random a: the peer's v, plus its b where a is set. */
function* take(ctx: TripleContext, transfers: Transfers, total: number) {
  const choices = ctx.rng.bytes(total / 8)
  const u = new Uint32Array(total / 32)
  for (const [i, n] of batchesOf(total).entries()) {
    const from = 4 * batchWords * i
    const input = chosen(transfers, n, choices.subarray(from, from + n / 8))
    const { corrections, hashes, seeds } = yield* ctx.compute(softspokenReceiveBits, input)
    transfers.receiving.seeds = seeds
    yield* sendFrames(ctx, 'otCorrections', corrections, transfers.peer)
    u.set(hashes, batchWords * i)
  }
  return { a: wordsOf(choices), u }
}

/**
 * n random triples, up to whole vectors of 128: a and b are random, and the two ends' c add up to the product of the sums
 * (Asharov, Lindell, Schneider, Zohner, "More Efficient Oblivious Transfer and Extensions for Faster Secure Computation",
 * CCS 2013, ia.cr/2013/552: two random transfers a triple).
 * @throws TallyError api/misuse for another number than 0 to 2^30
 */
export function* bitTriples<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  n: number,
): Routine<BitTriples> {
  if (!Number.isInteger(n) || n < 0 || n > maxBitTriples) {
    throw new TallyError('api/misuse', 'self', `expected 0 to ${maxBitTriples} triples of a call, found ${n}`)
  }
  const wire = ctx as unknown as TripleContext
  const total = 128 * Math.ceil(n / 128)
  if (total === 0) return { a: new Uint32Array(), b: new Uint32Array(), c: new Uint32Array() }
  const [{ v, b }, { a, u }] = yield* bothWays(
    wire,
    transfers.first,
    (branch) => offer(branch, transfers, total),
    (branch) => take(branch, transfers, total),
  )
  const c = v
  for (let i = 0; i < c.length; i++) c[i]! ^= u[i]! ^ (a[i]! & b[i]!)
  return { a, b, c }
}
