/**
 * Between arithmetic and bits, and truncation. x = u + v with u = x_2 + x_3, which p0 and p1 know, and v = x_0 + x_1, which p2
 * and p3 know: the pairs share bits or parts of their summands (Fantastic Four, section 4, "mixed circuits"), and the rest is
 * products. Truncation takes both summands apart and corrects the wrap, which is an OR of their top bits where the sum's top
 * bit is known to be 0 (Rathee et al., SIRNN, IEEE S&P 2021, ia.cr/2021/459, section III; of shares there, of the pairs'
 * summands here): the paper's own opens a masked value instead.
 */
import { bitsUnslice } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type Ring, type Words } from '../backend.ts'
import { elementsOfPlanes, trimPlanes } from '../bits-words.ts'
import { add } from '../operators/adder.ts'
import { slice } from '../rep3/convert.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { extend, topBits } from '../rep3/truncate.ts'
import { plus, type Domain } from '../semi2k/triples.ts'
import * as words from '../words.ts'
import { openBits, openParts } from './local.ts'
import { arithmetic, bits, type Parts, type Party } from './party.ts'
import { halves, knownWords, multiplyParts, openTo, shareKnown } from './products.ts'

const { addWords, concatWords, limbsOf, powerOfTwo, shiftRightWords } = words

/** This party's summand. */
const summandOf = ({ index }: Party, domain: Domain, parts: Parts): Words =>
  index < 2 ? plus(domain, parts[2]!, parts[3]!) : plus(domain, parts[0]!, parts[1]!)

/** Both summands' values in shares; one round. `own` is this party's. */
const shareHalves = (party: Party, domain: Domain, own: Words): Routine<readonly Parts[]> =>
  shareKnown(
    party,
    domain,
    halves.map((pair) => knownWords(party, domain, pair, own.length, own)),
  )

export function* summands(party: Party, x: Arithmetic, width: number): Routine<readonly [Bits, Bits]> {
  const { ring, parts, length } = openParts(x)
  const own = yield* slice(party, ring, summandOf(party, ring, parts), width)
  const [u, v] = yield* shareHalves(party, 1, own)
  return [bits(width, length, u!), bits(width, length, v!)]
}

/** p + q - 2 p q. Two rounds. */
export function* inject<R extends Ring>(party: Party, backend: Backend, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { parts, length } = openBits(x)
  const own = elementsOfPlanes(ring, summandOf(party, 1, parts), length)
  const [p, q] = yield* shareHalves(party, ring, own)
  const [a, b] = [arithmetic(ring, p!), arithmetic(ring, q!)]
  const both = arithmetic(ring, yield* multiplyParts(party, ring, p!, q!))
  return backend.subtract(backend.add(a, b), backend.add(both, both))
}

/** The shares of what was shared as one vector after another. */
const cut = (parts: Parts, at: number, to: number): Parts => parts.map((part) => part?.subarray(at, to))

/** floor(x / 2^by) and the wrap of x + 2^(from - 2) in shares over `to`, from both summands; two rounds. */
function* shiftRight<R extends Ring>(
  party: Party,
  backend: Backend,
  x: Arithmetic,
  to: R,
  by: number,
): Routine<readonly [shifted: Arithmetic<R>, wrap: Arithmetic<R>]> {
  const { ring: from, parts, length } = openParts(x)
  const summand = summandOf(party, from, parts)
  // Of x - 1, unless it is only widened: see `truncate`.
  const offset = addWords(from, powerOfTwo(from, from - 2), words.wordsOfIntegers(from, [by === 0 ? 0 : -1]))
  const moved = party.index < 2 ? addWords(from, summand, offset) : summand
  const own = concatWords([extend(from, to, shiftRightWords(from, moved, by)), topBits(from, to, moved)])
  const size = limbsOf(to) * length
  const [u, v] = yield* shareHalves(party, to, own)
  const [m, n] = [cut(u!, size, 2 * size), cut(v!, size, 2 * size)]
  const both = arithmetic(to, yield* multiplyParts(party, to, m, n))
  const wrap = backend.subtract(backend.add(arithmetic(to, m), arithmetic(to, n)), both)
  return [backend.add(arithmetic(to, cut(u!, 0, size)), arithmetic(to, cut(v!, 0, size))), wrap]
}

/**
 * floor(x / 2^by), or that plus 1 with the probability of the fraction, for |x| < 2^(ring - 2): the floors of the summands of
 * x - 1 lack 1 or nothing of its floor, by whether the low bits carry.
 */
export function* truncate<R extends Ring>(
  party: Party,
  backend: Backend,
  x: Arithmetic<R>,
  by: number,
): Routine<Arithmetic<R>> {
  if (by === 0) return x
  const { ring } = x
  const [shifted, wrap] = yield* shiftRight(party, backend, x, ring, by)
  const correction = words.subtractWords(ring, powerOfTwo(ring, 0), powerOfTwo(ring, ring - 2 - by))
  return backend.shift(backend.subtract(shifted, backend.scale(wrap, powerOfTwo(ring, ring - by))), correction)
}

export function* widen(party: Party, backend: Backend, x: Arithmetic<64>): Routine<Arithmetic<128>> {
  const [wide, wrap] = yield* shiftRight(party, backend, x, 128, 0)
  const offset = words.negateWords(128, powerOfTwo(128, 62))
  return backend.shift(backend.subtract(wide, backend.scale(wrap, powerOfTwo(128, 64))), offset)
}

/**
 * p0 and p1 know y_2 + y_3 from keys, of which p2 and p3 lack one each. They share its bits, negated; the sum with x is opened
 * to p2 and p3, who share it as a number. Every message was checked before it was used, so what is opened is that sum.
 */
export function* compose<R extends Ring>(party: Party, backend: Backend, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { length, width } = x
  const { index } = party
  const total = limbsOf(ring) * length
  const [second, third] = [party.stream(2, total), party.stream(3, total)]
  const y2 = second && (yield* expandPlace(party, second, total))
  const y3 = third && (yield* expandPlace(party, third, total))
  const size = ring * planeWords(length)
  const negated =
    index < 2 ? yield* slice(party, ring, words.negateWords(ring, addWords(ring, y2!, y3!)), ring) : undefined
  const [hidden] = yield* shareKnown(party, 1, [knownWords(party, 1, halves[0], size, negated)])
  const padded = backend.planes(
    x,
    Array.from({ length: ring }, (_, i) => (i < width ? i : -1)),
  )
  const sum = openBits(yield* add(backend, padded, bits(ring, length, hidden!)))
  const trimmed = sum.parts.map((part) => part && trimPlanes(part, length))
  const planes = yield* openTo(party, 1, trimmed, [2, 3])
  const opened = planes && (yield* party.work.compute(bitsUnslice, { planes, ring, length }))
  const [shared] = yield* shareKnown(party, ring, [knownWords(party, ring, halves[1], total, opened)])
  const masks = [undefined, undefined, y2, y3]
  return arithmetic(
    ring,
    shared!.map((part, m) => part && (masks[m] === undefined ? part : addWords(ring, part, masks[m]))),
  )
}
