/**
 * Boolean circuits over XOR shares of two parties, a layer of AND gates a round: Goldreich, Micali, Wigderson (STOC 1987)
 * with AND triples (Beaver, CRYPTO 1991). Shares are words of 32 bits, a vector of bits padded to whole vectors of 128
 * (`bits/slice` of the kernels); what stands in the padding means nothing.
 *
 *     each end, for z = x y with a triple c = a b
 *                          gmwMasked: x + a, y + b
 *                          <------------------------------->     z = c + d b + e a + d e, with d = x + a, e = y + b
 *                                                                (d e by the first end only)
 *
 * Security, leakage: as triples/index.ts; a masked operand is uniform. Cost. A layer of n gates: 1 round and 4 bits a gate,
 * beside the triples.
 */
import { invariant } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import { type BitTriples, bitTriplesCost } from '../triples/bits.ts'
import { maxFrameWords, type TripleMessages } from '../triples/messages.ts'
import { misbehaved, type PairCost, type Transfers, type TripleContext } from '../triples/transfers.ts'

/** Words of a vector of so many bits. */
export const vectorWords = (bits: number): number => 4 * Math.ceil(bits / 128)

/** Triples that are used up from the front. */
export interface TripleStore {
  readonly triples: BitTriples
  used: number
}

/** Of both ends, a layer over so many words; without the triples. */
export const andCost = (words: number): PairCost => ({ rounds: words === 0 ? 0 : 1, bytes: 16 * words, coins: 0 })

/** XOR shares of x y, bit by bit. @throws TallyError peer/misbehaved for a frame of another length. */
export function* andShares<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  { peer, first }: Transfers,
  store: TripleStore,
  x: Uint32Array,
  y: Uint32Array,
): Routine<Uint32Array> {
  const wire = ctx as unknown as TripleContext
  const n = x.length
  const from = store.used
  invariant(y.length === n && from + n <= store.triples.c.length, 'there are triples for every gate')
  store.used += n
  const [a, b, c] = [store.triples.a, store.triples.b, store.triples.c].map((part) => part.subarray(from, from + n))
  const own = new Uint32Array(2 * n)
  for (let i = 0; i < n; i++) {
    own[i] = x[i]! ^ a![i]!
    own[n + i] = y[i]! ^ b![i]!
  }
  for (let at = 0; at < 2 * n; at += maxFrameWords) {
    yield* wire.send('gmwMasked', own.subarray(at, at + maxFrameWords), peer)
  }
  const opened = own.slice()
  for (let at = 0; at < 2 * n; at += maxFrameWords) {
    const theirs = yield* wire.receive('gmwMasked', peer)
    const expected = Math.min(maxFrameWords, 2 * n - at)
    if (theirs.length !== expected) {
      throw misbehaved(peer, `expected ${expected} masked words, found ${theirs.length}`)
    }
    for (let i = 0; i < expected; i++) opened[at + i]! ^= theirs[i]!
  }
  const z = new Uint32Array(n)
  const mask = first ? -1 : 0
  for (let i = 0; i < n; i++) {
    const [d, e] = [opened[i]!, opened[n + i]!]
    z[i] = c![i]! ^ (d & b![i]!) ^ (e & a![i]!) ^ (d & e & mask)
  }
  return z
}

/** AND gates a row of `bits` bits. */
const equalGates = (bits: number): number => bits - 1
const levels = (bits: number): number => Math.ceil(Math.log2(bits))

/** Words of triples for equality or order of n rows. */
export const equalWords = (n: number, bits: number): number => equalGates(bits) * vectorWords(n)
/** Without the triples. */
export const equalCost = (n: number, bits: number): PairCost => ({
  rounds: n === 0 ? 0 : levels(bits),
  bytes: andCost(equalWords(n, bits)).bytes,
  coins: 0,
})

/**
 * XOR shares of whether x = y for n rows, where one end has all x and the other all y, or both have XOR shares: `planes`
 * are `bits` vectors, plane b with bit b of all rows, one after the other. A tree of ANDs over the complement of x + y.
 */
export function* equalShares<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  store: TripleStore,
  planes: Uint32Array,
  bits: number,
): Routine<Uint32Array> {
  const width = planes.length / bits
  let left = planes.slice()
  if (transfers.first) for (let i = 0; i < left.length; i++) left[i] = ~left[i]!
  for (let rest = bits; rest > 1; rest = Math.ceil(rest / 2)) {
    const half = Math.floor(rest / 2)
    const products = yield* andShares(
      ctx,
      transfers,
      store,
      left.subarray(0, half * width),
      left.subarray(half * width, 2 * half * width),
    )
    const next = new Uint32Array(Math.ceil(rest / 2) * width)
    next.set(products)
    next.set(left.subarray(2 * half * width), half * width)
    left = next
  }
  return left
}

/** Words of triples for the order of n rows: one gate a bit, two a node of the tree but one at its left edge. */
export const lessWords = (n: number, bits: number): number => lessGates(bits) * vectorWords(n)

const lessGates = (bits: number): number => {
  let gates = bits
  for (let rest = bits; rest > 1; rest = Math.ceil(rest / 2)) gates += 2 * Math.floor(rest / 2)
  return gates
}

/** Without the triples. */
export const lessCost = (n: number, bits: number): PairCost => ({
  rounds: n === 0 ? 0 : 1 + levels(bits),
  bytes: andCost(lessWords(n, bits)).bytes,
  coins: 0,
})

/**
 * XOR shares of whether x < y as numbers of `bits` bits, for XOR shares of x and y in planes as above: a tree over pairs
 * (less, equal) (Garay, Schoenmakers, Villegas, PKC 2007).
 */
export function* lessShares<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  store: TripleStore,
  x: Uint32Array,
  y: Uint32Array,
  bits: number,
): Routine<Uint32Array> {
  const width = x.length / bits
  const flip = transfers.first ? -1 : 0
  // Plane b: less at this bit, and equal at this bit.
  let less = yield* andShares(
    ctx,
    transfers,
    store,
    x.map((word) => word ^ flip),
    y,
  )
  let equal = x.map((word, i) => word ^ y[i]! ^ flip)
  for (let rest = bits; rest > 1; rest = Math.ceil(rest / 2)) {
    const half = Math.floor(rest / 2)
    const pick = (planes: Uint32Array, offset: number): Uint32Array => {
      const out = new Uint32Array(half * width)
      for (let i = 0; i < half; i++) {
        out.set(planes.subarray((2 * i + offset) * width, (2 * i + offset + 1) * width), i * width)
      }
      return out
    }
    const high = pick(equal, 1)
    const operands = new Uint32Array(2 * half * width)
    operands.set(pick(less, 0))
    operands.set(pick(equal, 0), half * width)
    const both = new Uint32Array(2 * half * width)
    both.set(high)
    both.set(high, half * width)
    const products = yield* andShares(ctx, transfers, store, both, operands)
    const odd = 2 * half * width
    const nextLess = new Uint32Array(Math.ceil(rest / 2) * width)
    const nextEqual = new Uint32Array(nextLess.length)
    const highLess = pick(less, 1)
    for (let i = 0; i < half * width; i++) nextLess[i] = products[i]! ^ highLess[i]!
    nextEqual.set(products.subarray(half * width))
    nextLess.set(less.subarray(odd), half * width)
    nextEqual.set(equal.subarray(odd), half * width)
    less = nextLess
    equal = nextEqual
  }
  return less
}

/** The cost of triples for so many words of gates. */
export const storeCost = (words: number): PairCost => bitTriplesCost(32 * words)
