/**
 * Any number of parties, with a dealer: values are opened masked by r, and the dealer shares what of r is needed: its bits
 * (edaBits, D. Escudero, S. Ghosh, M. Keller, R. Rachuri, P. Scholl, CRYPTO 2020, ia.cr/2020/338), a random bit in both
 * forms (daBits, D. Rotaru, T. Wood, INDOCRYPT 2019, ia.cr/2019/207), or r >> f and its top bit (Dalskov, Escudero, Keller,
 * PETS 2020, ia.cr/2019/131, section 5.1). One round each.
 */
import { bitsSlice, bitsUnslice } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type Ring, type Words } from '../backend.ts'
import { elementsOfPlanes, trimPlanes } from '../bits-words.ts'
import { add } from '../operators/adder.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { belowTop, extend, publicPart, signedBy, topBits } from '../rep3/truncate.ts'
import { addWords, concatWords, limbsOf, powerOfTwo, shiftLeftWords, shiftRightWords, subtractWords } from '../words.ts'
import { openBits, openPart } from './local.ts'
import { arithmetic, bits, ownKey, type Party } from './party.ts'
import { exchange, receiveDeal } from './transfer.ts'
import { isHelper, minus, plus, sumOfStreams, type Domain } from './triples.ts'

/** One secret of the dealer in shares: `value` makes it from all streams. */
interface Dealt {
  readonly domain: Domain
  readonly words: number
}

/**
 * Streams of `source`, which every party expands for itself, and shares of what the dealer makes of their sum: all from
 * streams but one, corrected. The shares of both, in that order; zeros at the helper.
 */
function* dealFrom(
  party: Party,
  source: Dealt,
  targets: readonly Dealt[],
  makeOf: (sum: Words) => Routine<readonly Words[]>,
): Routine<readonly [source: Words, targets: readonly Words[]]> {
  const from = party.dealt(source.words)
  const places = targets.map(({ words }) => party.dealt(words))
  const to = party.turn()
  const total = targets.reduce((sum, { words }) => sum + words, 0)
  let made: Words | undefined
  const make = function* (): Routine<Words> {
    const values = yield* makeOf(yield* sumOfStreams(party, source.domain, from.at, from.keys, source.words))
    const parts: Words[] = []
    for (const [i, { domain, words }] of targets.entries()) {
      const others = from.keys.filter((_, k) => k !== to)
      parts.push(minus(domain, values[i]!, yield* sumOfStreams(party, domain, places[i]!.at, others, words)))
    }
    return concatWords(parts)
  }
  const correction = yield* receiveDeal(party, to, total, function* (start, end) {
    made ??= yield* make()
    return made.subarray(start, end)
  })
  if (isHelper(party)) return [new Uint32Array(source.words), targets.map(({ words }) => new Uint32Array(words))]
  const key = ownKey(party, from)
  const own = yield* expandPlace(party, { key, at: from.at }, source.words)
  let at = 0
  const shares: Words[] = []
  for (const [i, { words }] of targets.entries()) {
    const [start, end] = [at, (at += words)]
    const place = { key, at: places[i]!.at }
    shares.push(correction?.subarray(start, end) ?? (yield* expandPlace(party, place, words)))
  }
  return [own, shares]
}

function* open(party: Party, domain: Domain, own: Words): Routine<Words> {
  if (isHelper(party)) return new Uint32Array(own.length)
  return yield* exchange(party, 'masked', own, (a, b) => plus(domain, a, b))
}

/** r over the ring, and its bits. */
const bitsOfMask = (party: Party, ring: Ring, length: number) =>
  dealFrom(
    party,
    { domain: ring, words: limbsOf(ring) * length },
    [{ domain: 1, words: ring * planeWords(length) }],
    function* (sum) {
      return [yield* party.work.compute(bitsSlice, { words: sum, ring })]
    },
  )

/** x - r, which is public, and r in bits. */
export function* summands(party: Party, x: Arithmetic, width: number): Routine<readonly [Bits, Bits]> {
  const { ring, part, length } = openPart(x)
  const [own, [planes]] = yield* bitsOfMask(party, ring, length)
  const opened = yield* open(party, ring, subtractWords(ring, part, own))
  const words = width * planeWords(length)
  const known = party.index === 0 ? yield* party.work.compute(bitsSlice, { words: opened, ring }) : undefined
  return [
    bits(width, length, known?.slice(0, words) ?? new Uint32Array(words)),
    bits(width, length, planes!.slice(0, words)),
  ]
}

/** m = b xor r is opened; b = m + r - 2 m r. */
export function* inject<R extends Ring>(party: Party, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { part, width, length } = openBits(x)
  const words = limbsOf(ring) * width * length
  const [own, [mask]] = yield* dealFrom(
    party,
    { domain: 1, words: part.length },
    [{ domain: ring, words }],
    // oxlint-disable-next-line require-yield -- nothing to wait for
    function* (sum) {
      return [elementsOfPlanes(ring, sum, length)]
    },
  )
  const opened = elementsOfPlanes(ring, yield* open(party, 1, trimPlanes(plus(1, part, own), length)), length)
  const signs = shiftLeftWords(ring, opened, ring - 1)
  const turned = signedBy(ring, ring, signs, mask!)
  return arithmetic(ring, party.index === 0 ? addWords(ring, turned, opened) : turned)
}

/** The sum of x and r in bits is opened. */
export function* compose<R extends Ring>(party: Party, backend: Backend, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { length, width } = x
  const [own, [planes]] = yield* bitsOfMask(party, ring, length)
  const padded = backend.planes(
    x,
    Array.from({ length: ring }, (_, i) => (i < width ? i : -1)),
  )
  const sum = openBits(yield* add(backend, padded, bits(ring, length, planes!)))
  const opened = yield* open(party, 1, trimPlanes(sum.part, length))
  if (party.index !== 0) return arithmetic(ring, subtractWords(ring, new Uint32Array(own.length), own))
  const value = yield* party.work.compute(bitsUnslice, { planes: opened, ring, length })
  return arithmetic(ring, subtractWords(ring, value, own))
}

/** floor(x / 2^by) or that plus 1 with the probability of the fraction, over the ring `to`. */
function* shiftRight<R extends Ring>(party: Party, x: Arithmetic, to: R, by: number): Routine<Arithmetic<R>> {
  const { ring: from, part, length } = openPart(x)
  const target = { domain: to, words: limbsOf(to) * length }
  const [own, [s, t]] = yield* dealFrom(
    party,
    { domain: from, words: part.length },
    [target, target],
    // oxlint-disable-next-line require-yield -- nothing to wait for
    function* (r) {
      return [extend(from, to, shiftRightWords(from, belowTop(from, r), by)), topBits(from, to, r)]
    },
  )
  const masked = addWords(from, part, own)
  const offset = powerOfTwo(from, from - 2)
  const c = yield* open(party, from, party.index === 0 ? addWords(from, masked, offset) : masked)
  const y = subtractWords(to, shiftLeftWords(to, signedBy(from, to, c, t!), from - 1 - by), s!)
  return arithmetic(to, party.index === 0 ? addWords(to, y, publicPart({ from, to, by }, c)) : y)
}

export function* truncate<R extends Ring>(party: Party, x: Arithmetic<R>, by: number): Routine<Arithmetic<R>> {
  return by === 0 ? x : yield* shiftRight(party, x, x.ring, by)
}
export const widen = (party: Party, x: Arithmetic<64>): Routine<Arithmetic<128>> => shiftRight(party, x, 128, 0)
