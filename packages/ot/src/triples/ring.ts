/** Products over Z_2^64 from correlated transfers: bits times elements, and Beaver triples. */
import { invariant, TallyError } from '@tallystick/core'
import {
  softspokenProductBytes as productBytes,
  softspokenReceiveProducts,
  softspokenSelectProducts,
  softspokenSendProducts,
} from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { wordsOf } from '../bytes.ts'
import type { TripleMessages } from './messages.ts'
import { batchesOf, batchTransfers, bothWays, chosen, correctionBytes, known } from './transfers.ts'
import { receiveFrames, sendFrames } from './transfers.ts'
import type { PairCost, Transfers, TripleContext } from './transfers.ts'

/** Additive shares over Z_2^64 of a · b = c, element by element: little-endian limbs of 32 bits, 2 an element. */
export interface RingTriples {
  readonly a: Uint32Array
  readonly b: Uint32Array
  readonly c: Uint32Array
}

/** Elements of one batch by the bits of the multiplier: whole vectors of 128. */
const batchElements = (bits: number): number => 128 * Math.floor(batchTransfers / bits / 128)

/** One direction, n products by multipliers of so many bits. Coins: none. */
export const productCost = (n: number, bits: number): { readonly rounds: number; readonly bytes: number } => ({
  rounds: n === 0 ? 0 : 2,
  bytes:
    batchesOf(n, batchElements(bits)).reduce((sum, part) => sum + correctionBytes(part * bits), 0) +
    n * productBytes(bits),
})

export const ringTriplesCost = (n: number): PairCost => {
  const { rounds, bytes } = productCost(n, 64)
  return { rounds, bytes: 2 * bytes, coins: 16 * n }
}

/**
 * The end that has the multiplicands y (2 limbs each): its additive shares of x · y, where the peer has the x.
 * Gilboa (CRYPTO 1999) with the correlated transfers of Demmler, Schneider, Zohner, "ABY" (NDSS 2015); bits = 1 is the
 * selection of y by a bit.
 */
export function* productSend<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  values: Uint32Array,
  bits: number,
): Routine<Uint32Array> {
  const wire = ctx as unknown as TripleContext
  const shares = new Uint32Array(values.length)
  let at = 0
  for (const n of batchesOf(values.length / 2, batchElements(bits))) {
    const input = { ...(yield* known(wire, transfers, n * bits)), values: values.slice(at, at + 2 * n), bits }
    const { products, shares: part, seeds } = yield* wire.compute(softspokenSendProducts, input)
    transfers.sending.seeds = seeds
    yield* sendFrames(wire, 'otProducts', products, transfers.peer)
    shares.set(part, at)
    at += 2 * n
  }
  return shares
}

/**
 * The end that has the multipliers x: n of `bits` bits, packed one after the other, the lowest bit first.
 * @throws TallyError peer/misbehaved for a frame of another length.
 */
export function* productReceive<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  multipliers: Uint8Array,
  n: number,
  bits: number,
): Routine<Uint32Array> {
  invariant(8 * multipliers.length >= n * bits, 'there is a multiplier for each product')
  const wire = ctx as unknown as TripleContext
  const batch = batchElements(bits)
  const choicesOf = (i: number, count: number): Uint8Array =>
    multipliers.subarray((i * batch * bits) / 8, (i * batch * bits) / 8 + Math.ceil((count * bits) / 8))
  const batches = batchesOf(n, batch)
  const shares = new Uint32Array(2 * n)
  // All corrections first: the products of all batches come one round later.
  for (const [i, count] of batches.entries()) {
    const input = { ...chosen(transfers, count * bits, choicesOf(i, count)), bits, n: count }
    const { corrections, shares: part, seeds } = yield* wire.compute(softspokenReceiveProducts, input)
    transfers.receiving.seeds = seeds
    yield* sendFrames(wire, 'otCorrections', corrections, transfers.peer)
    shares.set(part, 2 * batch * i)
  }
  for (const [i, count] of batches.entries()) {
    const products = yield* receiveFrames(wire, 'otProducts', count * productBytes(bits), transfers.peer)
    const input = { choices: choicesOf(i, count), products, bits, n: count }
    addRing(
      shares.subarray(2 * batch * i, 2 * (batch * i + count)),
      yield* wire.compute(softspokenSelectProducts, input),
    )
  }
  return shares
}

/** target += source over Z_2^64. */
export const addRing = (target: Uint32Array, source: Uint32Array): void => {
  for (let i = 0; i < target.length; i += 2) {
    const low = target[i]! + source[i]!
    target[i] = low
    target[i + 1] = target[i + 1]! + source[i + 1]! + (low >= 2 ** 32 ? 1 : 0)
  }
}

/** x y over Z_2^64, element by element: limbs times digits of 16 bits, whose sums are exact in doubles. */
export const multiplyRing = (x: Uint32Array, y: Uint32Array): Uint32Array => {
  const out = new Uint32Array(x.length)
  const down = 2 ** -16
  for (let i = 0; i < out.length; i += 2) {
    const x0 = x[i]!
    const x1 = x[i + 1]!
    const y0 = y[i]!
    const y1 = y[i + 1]!
    const s0 = x0 * (y0 & 0xffff)
    const s1 = x0 * (y0 >>> 16) + Math.floor(s0 * down)
    const s2 = x0 * (y1 & 0xffff) + x1 * (y0 & 0xffff) + Math.floor(s1 * down)
    const s3 = x0 * (y1 >>> 16) + x1 * (y0 >>> 16) + Math.floor(s2 * down)
    out[i] = (s0 & 0xffff) | (s1 << 16)
    out[i + 1] = (s2 & 0xffff) | (s3 << 16)
  }
  return out
}

/** Products of one call. */
export const maxRingTriples = 2 ** 16

/**
 * n random Beaver triples over Z_2^64, n up to 2^16: 128 transfers each. Call again for more; in large calls (1000 and more)
 * the 4 ms of each call do not count.
 * @throws TallyError api/misuse for another number
 */
export function* ringTriples<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  n: number,
): Routine<RingTriples> {
  if (!Number.isInteger(n) || n < 0 || n > maxRingTriples) {
    throw new TallyError('api/misuse', 'self', `expected 0 to ${maxRingTriples} triples of a call, found ${n}`)
  }
  const wire = ctx as unknown as TripleContext
  if (n === 0) return { a: new Uint32Array(), b: new Uint32Array(), c: new Uint32Array() }
  const { rng } = wire.narrow('factors')
  const [left, right] = [rng.bytes(8 * n), rng.bytes(8 * n)]
  const [a, b] = [wordsOf(left), wordsOf(right)]
  const [mine, theirs] = yield* bothWays(
    wire,
    transfers.first,
    (branch) => productSend(branch, transfers, b, 64),
    (branch) => productReceive(branch, transfers, left, n, 64),
  )
  const c = multiplyRing(a, b)
  addRing(c, mine)
  addRing(c, theirs)
  return { a, b, c }
}
