/**
 * Products with Beaver triples (D. Beaver, CRYPTO 1991): a b = c in shares; x - a and y - b are opened, and
 * x y = c + (x - a) b + (y - b) a + (x - a)(y - b). From the dealer the shares of a and b, and of c but one, are key
 * streams, and the last share of c is the one message (a pseudorandom sharing with one correction). From oblivious transfer all of them are there as words.
 */
import { beaver1, beaver128, beaver64, deal1, deal128, deal64, masked1, masked128, masked64 } from '@tallystick/kernels'
import { bitTriples, maxRingTriples, ringTriples, type RingTriples } from '@tallystick/ot'
import { invariant, TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Ring, Shape, Words } from '../backend.ts'
import { crossProducts, layoutOf } from '../bgv/matrices.ts'
import { innerLayoutOf, innerProducts } from '../bgv/inner.ts'
import { takeTriples } from '../bgv/triples.ts'
import { expandPlace, localProduct } from '../rep3/multiply.ts'
import { addWords, concatWords, limbsOf, multiplyWords, subtractWords } from '../words.ts'
import { dealerless, deals, ownKey, type Party } from './party.ts'
import { exchange, receiveDeal } from './transfer.ts'

/** Bits are a ring of their own here: exclusive or and AND, in words. */
export type Domain = 1 | Ring

const kernelsOf = {
  1: { masked: masked1, beaver: beaver1, deal: deal1 },
  64: { masked: masked64, beaver: beaver64, deal: deal64 },
  128: { masked: masked128, beaver: beaver128, deal: deal128 },
} as const

const zip = (a: Words, b: Words, f: (x: number, y: number) => number): Words => {
  const out = new Uint32Array(a.length)
  for (let i = 0; i < out.length; i++) out[i] = f(a[i]!, b[i]!)
  return out
}
export const plus = (domain: Domain, a: Words, b: Words): Words =>
  domain === 1 ? zip(a, b, (x, y) => x ^ y) : addWords(domain, a, b)
export const minus = (domain: Domain, a: Words, b: Words): Words =>
  domain === 1 ? zip(a, b, (x, y) => x ^ y) : subtractWords(domain, a, b)
const times = (domain: Domain, a: Words, b: Words): Words =>
  domain === 1 ? zip(a, b, (x, y) => x & y) : multiplyWords(domain, a, b)

/** What only two-party transfers over Z_2^64 and bits give. @throws TallyError terms/unsupported */
export const unsupported = (what: string): TallyError =>
  new TallyError('terms/unsupported', 'self', `${what} needs correlations that oblivious transfers do not make here`, {
    remedy: 'take triples from a helper',
  })

/** d and e of all parties added up. */
function* open(party: Party, domain: Domain, d: Words, e: Words): Routine<readonly [Words, Words]> {
  const both = concatWords([d, e])
  const opened = yield* exchange(party, 'masked', both, (a, b) => {
    if (domain === 1) return plus(1, a, b)
    return addWords(domain, a, b)
  })
  return [opened.subarray(0, d.length), opened.subarray(d.length)]
}

function* multiplyDealt(party: Party, domain: Domain, x: Words, y: Words): Routine<Words> {
  const { work, index } = party
  const words = x.length
  const { masked, beaver, deal } = kernelsOf[domain]
  const places = [party.dealt(words), party.dealt(words), party.dealt(words)] as const
  const [a, b, c] = places.map(({ at }) => at) as [number, number, number]
  const { keys } = places[0]
  const to = party.turn()
  const make = (from: number, until: number): Routine<Words> => {
    const skip = from / 4
    return work.compute(deal, { keys, a: a + skip, b: b + skip, c: c + skip, words: until - from, to })
  }
  if (index === -1) {
    yield* receiveDeal(party, to, words, make)
    return x
  }
  const key = ownKey(party, places[0])
  const d = yield* work.compute(masked, { x, key, at: a })
  const e = yield* work.compute(masked, { x: y, key, at: b })
  const [left, right] = yield* open(party, domain, d, e)
  const correction = yield* receiveDeal(party, to, words, make)
  return yield* work.compute(beaver, { d: left, e: right, key, a, b, c: correction ?? c, first: index === 0 })
}

/** Triples that two parties make where they are used: from oblivious transfers, or over rings from ciphertexts. */
function* made(party: Party, domain: Domain, words: number) {
  const { transfers, ciphertexts } = party.keys
  if (ciphertexts !== undefined && domain !== 1) {
    return yield* takeTriples(party.transfer, ciphertexts, domain, words / limbsOf(domain))
  }
  invariant(transfers !== undefined, 'transfers are open where a program uses bits')
  if (domain === 128) throw unsupported('a product over Z_2^128')
  if (domain === 1) return yield* bitTriples(party.transfer(), transfers, 32 * words)
  const parts: RingTriples[] = []
  for (let left = words / 2; left > 0; left -= maxRingTriples) {
    parts.push(yield* ringTriples(party.transfer(), transfers, Math.min(left, maxRingTriples)))
  }
  const all = (of: (part: RingTriples) => Words): Words => concatWords(parts.map(of))
  return { a: all(({ a }) => a), b: all(({ b }) => b), c: all(({ c }) => c) }
}

function* multiplyMade(party: Party, domain: Domain, x: Words, y: Words): Routine<Words> {
  const triple = yield* made(party, domain, x.length)
  const [a, b, c] = [triple.a, triple.b, triple.c].map((part) => part.subarray(0, x.length)) as [Words, Words, Words]
  const [d, e] = yield* open(party, domain, minus(domain, x, a), minus(domain, y, b))
  const left = party.index === 0 ? plus(domain, a, d) : a
  return plus(domain, c, plus(domain, times(domain, d, b), times(domain, e, left)))
}

/** Shares of x y, element by element (bit by bit of words); one round. The helper gives shapes: words of any content. */
export const multiplyParts = (party: Party, domain: Domain, x: Words, y: Words): Routine<Words> =>
  dealerless(party.setting.triples) ? multiplyMade(party, domain, x, y) : multiplyDealt(party, domain, x, y)

/** The sum over all parties' streams. */
export function* sumOfStreams(party: Party, ring: Domain, at: number, keys: readonly Uint8Array[], words: number) {
  let sum: Words = new Uint32Array(words)
  for (const key of keys) sum = plus(ring, sum, yield* expandPlace(party, { key, at }, words))
  return sum
}

const nothing = (words: number): Words => new Uint32Array(words)

/** Shares of a matrix product; one round: as many words as both matrices have, and a correction as long as the result. */
export function* multiplyMatrices(party: Party, ring: Ring, x: Words, y: Words, shape: Shape): Routine<Words> {
  const { rows, inner, columns } = shape
  const limbs = limbsOf(ring)
  const [left, right, result] = [limbs * rows * inner, limbs * inner * columns, limbs * rows * columns]
  if (party.keys.ciphertexts !== undefined) return yield* matricesByCiphertexts(party, ring, x, y, shape)
  if (dealerless(party.setting.triples)) return yield* matricesByElements(party, ring, x, y, shape)
  const [a, b, c] = [party.dealt(left), party.dealt(right), party.dealt(result)] as const
  const to = party.turn()
  const { keys } = a
  const make = function* (from: number, until: number): Routine<Words> {
    // Once, whatever the chunks: a product of matrices is not cut by results.
    made ??= yield* dealMatrices()
    return made.subarray(from, until)
  }
  let made: Words | undefined
  const dealMatrices = function* (): Routine<Words> {
    const [sumA, sumB] = [
      yield* sumOfStreams(party, ring, a.at, keys, left),
      yield* sumOfStreams(party, ring, b.at, keys, right),
    ]
    const others = keys.filter((_, i) => i !== to)
    const product = yield* localProduct(
      party,
      { ring, own: sumA, next: nothing(left) },
      { own: sumB, next: nothing(right) },
      shape,
    )
    return subtractWords(ring, product, yield* sumOfStreams(party, ring, c.at, others, result))
  }
  if (party.index === -1) {
    yield* receiveDeal(party, to, result, make)
    return nothing(result)
  }
  const key = ownKey(party, a)
  const ownA = yield* expandPlace(party, { key, at: a.at }, left)
  const ownB = yield* expandPlace(party, { key, at: b.at }, right)
  const [d, e] = yield* open(party, ring, subtractWords(ring, x, ownA), subtractWords(ring, y, ownB))
  const correction = yield* receiveDeal(party, to, result, make)
  const share = correction ?? (yield* expandPlace(party, { key, at: c.at }, result))
  // x0 (y0 + y1) + x1 y0 with d, a and e, b: d e + d b + a e, the first of them at p0 only.
  const second = party.index === 0 ? ownB : subtractWords(ring, ownB, e)
  const product = yield* localProduct(party, { ring, own: d, next: ownA }, { own: e, next: second }, shape)
  return addWords(ring, share, product)
}

/** x_0 y_0 and x_1 y_1 where they are, the rest as ciphertext × plaintext; two rounds, no triples. */
function* matricesByCiphertexts(party: Party, ring: Ring, x: Words, y: Words, shape: Shape): Routine<Words> {
  const [layout, long] = ring === 64 ? [layoutOf(shape)] : [undefined, innerLayoutOf(shape)]
  if (layout === undefined && long === undefined) return yield* matricesByElements(party, ring, x, y, shape)
  const [left, right] = [nothing(x.length), nothing(y.length)]
  const own = yield* localProduct(party, { ring, own: x, next: left }, { own: y, next: right }, shape)
  const { transposed = false } = shape
  const ciphertexts = party.keys.ciphertexts!
  const crossed =
    long === undefined
      ? yield* crossProducts(party.transfer(), ciphertexts, layout!, x, y, transposed)
      : yield* innerProducts(party.transfer(), ciphertexts, long, x, y, transposed)
  return addWords(ring, own, crossed)
}

/** Without matrix triples: every product of elements, then sums. */
function* matricesByElements(party: Party, ring: Ring, x: Words, y: Words, shape: Shape): Routine<Words> {
  const { rows, inner, columns, transposed = false } = shape
  const limbs = limbsOf(ring)
  const [lefts, rights] = [nothing(limbs * rows * inner * columns), nothing(limbs * rows * inner * columns)]
  let at = 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let k = 0; k < inner; k++, at += limbs) {
        const [from, other] = [row * inner + k, transposed ? column * inner + k : k * columns + column]
        lefts.set(x.subarray(limbs * from, limbs * (from + 1)), at)
        rights.set(y.subarray(limbs * other, limbs * (other + 1)), at)
      }
    }
  }
  const products = yield* multiplyParts(party, ring, lefts, rights)
  const out = nothing(limbs * rows * columns)
  if (inner === 0) return out
  for (let i = 0; i < rows * columns; i++) {
    const run = products.subarray(limbs * inner * i, limbs * inner * (i + 1))
    let sum: Words = run.subarray(0, limbs)
    for (let k = 1; k < inner; k++) sum = addWords(ring, sum, run.subarray(limbs * k, limbs * (k + 1)))
    out.set(sum, limbs * i)
  }
  return out
}

/** Whether this party only deals: its shares are shapes. */
export const isHelper = (party: Party): boolean => party.index === -1 && deals(party)
