/**
 * Two parties: what they can do because each of them knows its own summand x_i of x = x_0 + x_1 in clear.
 *
 * Truncation: the sum of two shares of x + 2^(L-2), a number below 2^(L-1), wraps around 2^L iff one of the shares has its top
 * bit set, so the wrap is one OR of two bits, each known to one party (D. Rathee et al., "SIRNN", IEEE S&P 2021,
 * ia.cr/2021/459, the optimisation for a known top bit of section III; truncation of both shares with the wrap corrected:
 * Rathee et al., "CrypTFlow2", CCS 2020, ia.cr/2020/1092, section 4). Unlike the local trick alone it cannot fail. Comparisons
 * take the summands' bits as they are (section 3.1 there), and bits become arithmetic by one product of known bits.
 */
import { bitsSlice, bitsUnslice } from '@tallystick/kernels'
import { invariant } from '@tallystick/core'
import { productReceive, productSend } from '@tallystick/ot'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type Ring, type Words } from '../backend.ts'
import { elementsOfPlanes, trimPlanes } from '../bits-words.ts'
import { add } from '../operators/adder.ts'
import { slice } from '../rep3/convert.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { transfer, vector } from '../rep3/transfer.ts'
import { extend, topBits } from '../rep3/truncate.ts'
import * as words from '../words.ts'
import { openBits, openPart } from './local.ts'
import { arithmetic, bits, dealerless, ownKey, type Party } from './party.ts'
import { exchange, receiveDeal } from './transfer.ts'
import { isHelper, multiplyParts, plus, unsupported } from './triples.ts'

const { addWords, limbsOf, powerOfTwo, shiftLeftWords, shiftRightWords, subtractWords } = words

/** Correction words of `elements` of which only the lowest `keep` bits count. */
export const keptWords = (ring: Ring, elements: number, keep: number): number =>
  Math.min(keep * planeWords(elements), limbsOf(ring) * elements)
const packs = (ring: Ring, elements: number, keep: number): boolean =>
  keptWords(ring, elements, keep) < limbsOf(ring) * elements

export function* pack(party: Party, ring: Ring, elements: number, keep: number, value: Words): Routine<Words> {
  if (!packs(ring, elements, keep)) return value
  const planes = yield* party.work.compute(bitsSlice, { words: value, ring })
  return planes.slice(0, keptWords(ring, elements, keep))
}
export function* unpack(party: Party, ring: Ring, elements: number, keep: number, packed: Words): Routine<Words> {
  if (!packs(ring, elements, keep)) return packed
  const planes = new Uint32Array(ring * planeWords(elements))
  planes.set(packed)
  return yield* party.work.compute(bitsUnslice, { planes, ring, length: elements })
}

/** x or -x where the bit of `sign` (elements 0 or 1) is 1. */
const signed = (ring: Ring, x: Words, sign: Words): Words => {
  const limbs = limbsOf(ring)
  const out = new Uint32Array(x.length)
  for (let i = 0; i < x.length; i += limbs) {
    const mask = -sign[i]! | 0
    let carry = mask & 1
    for (let k = 0; k < limbs; k++) {
      const sum = ((x[i + k]! ^ mask) >>> 0) + carry
      out[i + k] = sum
      carry = +(sum > 0xffffffff)
    }
  }
  return out
}

/**
 * Shares over the ring of m_0 m_1, where party i knows the bits m_i: `width` planes of `length` bits; the shares hold modulo
 * 2^keep. From the dealer: a random bit for either, and shares of their product; one round of one bit each. From transfers:
 * one for each bit.
 */
export function* knownBits(
  party: Party,
  ring: Ring,
  planes: Uint32Array,
  { width, length, keep }: { readonly width: number; readonly length: number; readonly keep: number },
): Routine<Words> {
  if (dealerless(party.setting.triples)) return yield* knownBitsMade(party, ring, planes, { width, length, keep })
  const elements = width * length
  const total = limbsOf(ring) * elements
  const [mask, share] = [party.dealt(planes.length), party.dealt(total)]
  const to = party.turn()
  const packed = keptWords(ring, elements, keep)
  const make = function* (from: number, until: number): Routine<Words> {
    made ??= yield* deal()
    return made.subarray(from, until)
  }
  let made: Words | undefined
  const deal = function* (): Routine<Words> {
    const [a, b] = [
      yield* expandPlace(party, { key: mask.keys[0]!, at: mask.at }, planes.length),
      yield* expandPlace(party, { key: mask.keys[1]!, at: mask.at }, planes.length),
    ]
    const product = elementsOfPlanes(
      ring,
      a.map((word, i) => word & b[i]!),
      length,
    )
    const other = yield* expandPlace(party, { key: share.keys[1 - to]!, at: share.at }, total)
    return yield* pack(party, ring, elements, keep, subtractWords(ring, product, other))
  }
  if (isHelper(party)) {
    yield* receiveDeal(party, to, packed, make)
    return new Uint32Array(total)
  }
  const key = ownKey(party, mask)
  const hidden = yield* expandPlace(party, { key, at: mask.at }, planes.length)
  const mine = trimPlanes(plus(1, planes, hidden), length)
  // The exclusive or of both is what comes back; the peer's masked bits follow.
  const both = yield* exchange(party, 'masked', mine, (a, b) => plus(1, a, b))
  const correction = yield* receiveDeal(party, to, packed, make)
  const product =
    correction === undefined
      ? yield* expandPlace(party, { key, at: share.at }, total)
      : yield* unpack(party, ring, elements, keep, correction)
  // (d xor a)(e xor b) = d e + d (1 - 2 e) b + e (1 - 2 d) a + (1 - 2 d)(1 - 2 e) a b
  const theirs = plus(1, both, mine)
  const [own, peer] = [elementsOfPlanes(ring, mine, length), elementsOfPlanes(ring, theirs, length)]
  const secret = elementsOfPlanes(
    ring,
    theirs.map((word, i) => word & hidden[i]!),
    length,
  )
  const sign = elementsOfPlanes(ring, both, length)
  const terms = addWords(ring, signed(ring, product, sign), signed(ring, secret, own))
  if (party.index !== 0) return terms
  return addWords(
    ring,
    terms,
    own.map((word, i) => word & peer[i]!),
  )
}

/** p0 sends, p1 chooses: a bit times a bit, over Z_2^64; shares modulo 2^128 are products like others. */
function* knownBitsMade(
  party: Party,
  ring: Ring,
  planes: Uint32Array,
  { width, length, keep }: { readonly width: number; readonly length: number; readonly keep: number },
): Routine<Words> {
  const { transfers, ciphertexts } = party.keys
  if (ring === 128 && ciphertexts === undefined) throw unsupported('a truncation or a bit over Z_2^128')
  if (ring === 128 && keep > 64) {
    const known = elementsOfPlanes(128, planes, length)
    const nothing = new Uint32Array(known.length)
    const [x, y] = party.index === 0 ? [known, nothing] : [nothing, known]
    return yield* multiplyParts(party, 128, x, y)
  }
  if (ring === 128) {
    return extend(64, 128, yield* knownBitsMade(party, 64, planes, { width, length, keep }))
  }
  invariant(transfers !== undefined, 'transfers are open where a program uses bits')
  const elements = width * length
  const own = elementsOfPlanes(64, planes, length)
  if (elements === 0) return own
  if (party.index === 0) return yield* productSend(party.transfer(), transfers, own, 1)
  const choices = new Uint8Array(Math.ceil(elements / 8))
  for (let i = 0; i < elements; i++) choices[i >>> 3]! |= own[2 * i]! << (i & 7)
  return yield* productReceive(party.transfer(), transfers, choices, elements, 1)
}

/** u known to p0 and v to p1: no message. */
export function* summands(party: Party, x: Arithmetic, width: number): Routine<readonly [Bits, Bits]> {
  const { ring, part, length } = openPart(x)
  const nothing = new Uint32Array(width * planeWords(length))
  const own = isHelper(party) ? nothing : yield* slice(party, ring, part, width)
  return [
    bits(width, length, party.index === 0 ? own : nothing),
    bits(width, length, party.index === 1 ? own : nothing),
  ]
}

/** b = b_0 + b_1 - 2 b_0 b_1. One round. */
export function* inject<R extends Ring>(party: Party, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { part, width, length } = openBits(x)
  const both = yield* knownBits(party, ring, part, { width, length, keep: ring - 1 })
  const own = elementsOfPlanes(ring, part, length)
  return arithmetic(ring, subtractWords(ring, own, shiftLeftWords(ring, both, 1)))
}

/**
 * p1 takes y_1 from its own stream and brings the bits of -y_1; the sum with x is opened to p0, who does not know y_1. As
 * ABY (Demmler, Schneider, Zohner, NDSS 2015), section III.E.3. 1 + log2(ring) rounds of the adder and one.
 */
export function* compose<R extends Ring>(party: Party, backend: Backend, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { length, width } = x
  const { index } = party
  const [total, planes] = [limbsOf(ring) * length, ring * planeWords(length)]
  const mine = index === 1 ? yield* expandPlace(party, party.alone(total), total) : new Uint32Array(total)
  const hidden = index === 1 ? yield* slice(party, ring, words.negateWords(ring, mine), ring) : new Uint32Array(planes)
  const padded = backend.planes(
    x,
    Array.from({ length: ring }, (_, i) => (i < width ? i : -1)),
  )
  const sum = openBits(yield* add(backend, padded, bits(ring, length, hidden)))
  const part = trimPlanes(sum.part, length)
  if (index === 1) yield* transfer(party, 'reveal', planes, [vector('p0', part)], [])
  if (index !== 0) return arithmetic(ring, mine)
  const [theirs] = yield* transfer(party, 'reveal', planes, [], [{ from: 'p1', words: planes }])
  const opened = plus(1, part, theirs!)
  return arithmetic(ring, yield* party.work.compute(bitsUnslice, { planes: opened, ring, length }))
}

/** Both top bits as a plane of their own. */
function* tops(party: Party, from: Ring, to: Ring, part: Words): Routine<readonly [plane: Uint32Array, bit: Words]> {
  const length = part.length / limbsOf(from)
  const planes = isHelper(party)
    ? new Uint32Array(from * planeWords(length))
    : yield* party.work.compute(bitsSlice, { words: part, ring: from })
  return [planes.subarray((from - 1) * planeWords(length)), topBits(from, to, part)]
}

/** Whether the two parts wrap around, as shares modulo 2^keep: m_0 + m_1 - m_0 m_1. */
function* wrap(party: Party, from: Ring, to: Ring, part: Words, keep: number): Routine<Words> {
  const [plane, bit] = yield* tops(party, from, to, part)
  const length = part.length / limbsOf(from)
  return subtractWords(to, bit, yield* knownBits(party, to, plane, { width: 1, length, keep }))
}

/**
 * floor(x / 2^by), or that plus 1 with the probability of the fraction, for |x| < 2^(ring - 2). One round. Of x - 1 the two
 * floors lack 1 or nothing, by whether the low bits carry, which is so for uniform shares with probability 1 - fraction.
 */
export function* truncate<R extends Ring>(party: Party, x: Arithmetic<R>, by: number): Routine<Arithmetic<R>> {
  const { ring, part } = openPart(x)
  if (by === 0) return x
  const first = party.index === 0
  const minusOne = words.wordsOfIntegers(ring, [-1])
  const moved = first ? addWords(ring, addWords(ring, part, powerOfTwo(ring, ring - 2)), minusOne) : part
  const wrapped = shiftLeftWords(ring, yield* wrap(party, ring, ring, moved, by), ring - by)
  const shifted = subtractWords(ring, shiftRightWords(ring, moved, by), wrapped)
  if (!first) return arithmetic(ring, shifted)
  const correction = subtractWords(ring, powerOfTwo(ring, 0), powerOfTwo(ring, ring - 2 - by))
  return arithmetic(ring, addWords(ring, shifted, correction))
}

/** The same number over Z_2^128: the wrap, 2^64, is taken off. One round. */
export function* widen(party: Party, x: Arithmetic<64>): Routine<Arithmetic<128>> {
  const { part } = openPart(x)
  const first = party.index === 0
  const moved = first ? addWords(64, part, powerOfTwo(64, 62)) : part
  const wrapped = yield* wrap(party, 64, 64, moved, 64)
  const high = shiftLeftWords(128, extend(64, 128, wrapped), 64)
  const wide = subtractWords(128, extend(64, 128, moved), high)
  return arithmetic(128, first ? subtractWords(128, wide, powerOfTwo(128, 62)) : wide)
}
