/**
 * Truncation with a dealer: Dalskov, Escudero, Keller (PETS 2020, ia.cr/2019/131), section 5.1: one party deals a random
 * r, r >> f and the top bit of r, the other two open x + r to each other. The local trick on 64 bits (Mohassel-Zhang)
 * fails now and then by 2^(64-f): it is not used.
 *
 *     dealer D = p(d)                     A = p(d+1)                           B = p(d+2)
 *     ---------------------------------------------------------------------------------------------------
 *     r = r_A + r_B, r_A known to A       z_A + r_A              z_B (+ r_B of a share)
 *     s = (r mod 2^(L-1)) >> f, t = r's      ------------------------>   <---------------------
 *     top bit; s_B, t_B known to B        c = x + 2^(L-2) + r  (both)
 *     s_A, t_A  -------------------->
 *     (product: z_D + r_B to A and B)
 *                                         b = c's top bit xor t  = carry of the sum below the top bit
 *                                         y = (c mod 2^(L-1)) >> f - s + b 2^(L-1-f) - 2^(L-2-f), additively
 *                                         y_A - y_(d+1)  -------->   <-------- y_B - y_d
 *     y_(d+1), y_d from the keys          y_(d+2) = the sum, y_(d+1)           y_(d+2), y_d
 *
 * Security. c is masked by a uniform r unknown to A and to B; every other message is masked by a stream that its
 * receiver does not know. Result: floor(x / 2^f) or that plus 1, for |x| < 2^(L-2): floor(a) - floor(b) is the floor of
 * a - b or one more. With f = 0 the result is exact: over a larger ring that widens.
 * Cost. 2 rounds. Of a share: A and B 2 elements each, D about 1 + (f + 1)/L. Of a product: D 2 more.
 */
import { bitsSlice, bitsUnslice } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Ring, type Words } from '../backend.ts'
import { addWords, concatWords, limbsOf, powerOfTwo, shiftLeftWords, shiftRightWords, subtractWords } from '../words.ts'
import { expandPlace } from './multiply.ts'
import { after, arithmetic, roleOf, type Index, type Party, type Rep3Arithmetic } from './party.ts'
import { dealt64, opened64, type Opening } from './shift64.ts'
import { transfer, vector } from './transfer.ts'

/** What is truncated: additive shares of a product, or a replicated share. */
export interface Shifting {
  readonly party: Party
  readonly dealer: Index
  readonly from: Ring
  readonly to: Ring
  readonly by: number
  readonly length: number
  /** This party's additive share of x over the ring `from`. */
  readonly part: Words
  /** Whether the dealer has a part as well. */
  readonly threefold: boolean
}

/** The top bit counts 2^place, so only its share modulo 2^(to - place) matters: that many planes, where fewer words. */
const topPlanes = ({ from, to, by }: Pick<Shifting, 'from' | 'to' | 'by'>): number => to - (from - 1 - by)
export const topWords = (shape: Pick<Shifting, 'from' | 'to' | 'by' | 'length'>): number =>
  Math.min(topPlanes(shape) * planeWords(shape.length), limbsOf(shape.to) * shape.length)
const packs = (shape: Pick<Shifting, 'from' | 'to' | 'by' | 'length'>): boolean =>
  topWords(shape) < limbsOf(shape.to) * shape.length

/** Words without their top bit. */
export const belowTop = (ring: Ring, x: Words): Words => {
  const limbs = limbsOf(ring)
  const out = x.slice()
  for (let i = limbs - 1; i < out.length; i += limbs) out[i]! &= 0x7fffffff
  return out
}

/** An element of a larger (or the same) ring, unsigned. */
export const extend = (from: Ring, to: Ring, x: Words): Words => {
  if (from === to) return x
  const out = new Uint32Array(2 * x.length)
  for (let i = 0; i < x.length; i += 2) {
    out[2 * i] = x[i]!
    out[2 * i + 1] = x[i + 1]!
  }
  return out
}

export const topBits = (from: Ring, to: Ring, x: Words): Words => {
  const [source, target] = [limbsOf(from), limbsOf(to)]
  const out = new Uint32Array((x.length / source) * target)
  for (let i = source - 1, j = 0; i < x.length; i += source, j += target) out[j] = x[i]! >>> 31
  return out
}

/** x or -x where the top bit of c is set. */
export const signedBy = (from: Ring, to: Ring, c: Words, x: Words): Words => {
  const [source, target] = [limbsOf(from), limbsOf(to)]
  const out = new Uint32Array(x.length)
  for (let i = source - 1, j = 0; i < c.length; i += source, j += target) {
    const mask = (c[i]! | 0) >> 31
    let carry = mask & 1
    for (let k = 0; k < target; k++) {
      const sum = ((x[j + k]! ^ mask) >>> 0) + carry
      out[j + k] = sum
      carry = +(sum > 0xffffffff)
    }
  }
  return out
}

function* dealer(shifting: Shifting): Routine<readonly [Words, Words]> {
  const { party, from, to, length, part, threefold, dealer } = shifting
  const { shared } = party
  const [source, target] = [limbsOf(from) * length, limbsOf(to) * length]
  const toA = yield* expandPlace(party, shared.next(source), source)
  const place = threefold ? party.alone(source) : shared.own(source)
  const toB = yield* expandPlace(party, place, source)
  const ofA = yield* expandPlace(party, shared.own(target), target)
  const ofB = yield* expandPlace(party, shared.own(target), target)
  const [s, t] = isNarrow(shifting) ? dealt64(toA, toB, ofA, ofB, shifting.by) : dealt(shifting, toA, toB, ofA, ofB)
  const packed = packs(shifting) ? yield* pack(shifting, t) : t
  const out = threefold ? [addWords(from, part, toB)] : []
  const toFirst = concatWords([s, packed, ...out])
  const outgoing = [vector(roleOf(dealer, 1), toFirst), ...out.map((words) => vector(roleOf(dealer, 2), words))]
  yield* transfer(party, 'masked', largest(shifting), outgoing, [])
  const [next, own] = [shared.next(target), shared.own(target)]
  const components = [yield* expandPlace(party, own, target), yield* expandPlace(party, next, target)] as const
  yield* transfer(party, 'reshare', target, [], [])
  return components
}

/** What {@link dealt64} and {@link opened64} do in one pass each. */
const isNarrow = ({ from, to }: Pick<Shifting, 'from' | 'to'>): boolean => from === 64 && to === 64

/** A's shares of the shifted r and of its top bit: what they are, minus B's. */
export const dealt = (
  { from, to, by }: Pick<Shifting, 'from' | 'to' | 'by'>,
  toA: Words,
  toB: Words,
  s: Words,
  t: Words,
): readonly [s: Words, t: Words] => {
  const r = addWords(from, toA, toB)
  const shifted = extend(from, to, shiftRightWords(from, belowTop(from, r), by))
  return [subtractWords(to, shifted, s), subtractWords(to, topBits(from, to, r), t)]
}

/** What an opener sends of the shifted number: its additive share, minus the component that it keeps. */
export const openedShare = (
  shape: Pick<Shifting, 'from' | 'to' | 'by'>,
  { masked, theirs, dealt: third, t, s, mask, first }: Omit<Opening, 'by'>,
): Words => {
  const { from, to, by } = shape
  let c = addWords(from, addWords(from, masked, theirs), powerOfTwo(from, from - 2))
  if (third !== undefined) c = addWords(from, c, third)
  let y = subtractWords(to, shiftLeftWords(to, signedBy(from, to, c, t), from - 1 - by), s)
  if (first) y = addWords(to, y, publicPart(shape, c))
  return subtractWords(to, y, mask)
}

/** The largest vector of the first round, which decides how it is sent. */
const largest = (shifting: Shifting): number =>
  limbsOf(shifting.to) * shifting.length + topWords(shifting) + limbsOf(shifting.from) * shifting.length

function* pack(shifting: Shifting, t: Words): Routine<Words> {
  const planes = yield* shifting.party.work.compute(bitsSlice, { words: t, ring: shifting.to })
  return planes.slice(0, topWords(shifting))
}

function* unpack(shifting: Shifting, packed: Words): Routine<Words> {
  const { to, length, party } = shifting
  const planes = new Uint32Array(to * planeWords(length))
  planes.set(packed)
  return yield* party.work.compute(bitsUnslice, { planes, ring: to, length })
}

/** A (place 1) and B (place 2). */
function* opener(shifting: Shifting, isA: boolean): Routine<readonly [Words, Words]> {
  const { party, from, to, by, length, part, threefold, dealer } = shifting
  const { shared } = party
  const mine = (words: number) => expandPlace(party, isA ? shared.own(words) : shared.next(words), words)
  const [source, target, top] = [limbsOf(from) * length, limbsOf(to) * length, topWords(shifting)]
  const masked = isA || !threefold ? addWords(from, part, yield* mine(source)) : part
  const [sB, tB] = isA ? [] : [yield* mine(target), yield* mine(target)]
  const other = roleOf(dealer, isA ? 2 : 1)
  const third = threefold ? source : 0
  const incoming = [
    { from: other, words: source },
    { from: roleOf(dealer), words: isA ? target + top + third : third },
  ]
  const received = yield* transfer(party, 'masked', largest(shifting), [vector(other, masked)], incoming)
  const [theirs, fromDealer] = received as [Words, Words]
  const s = sB ?? fromDealer.subarray(0, target)
  const packed = isA ? fromDealer.subarray(target, target + top) : undefined
  const t = tB ?? (packs(shifting) ? yield* unpack(shifting, packed!) : packed!)
  const mask = yield* mine(target)
  const ofDealer = threefold ? fromDealer.subarray(fromDealer.length - source) : undefined
  const opening = { masked, theirs, dealt: ofDealer, t, s, mask, first: isA }
  const rest = isNarrow(shifting) ? opened64({ ...opening, by }) : openedShare(shifting, opening)
  const [theirRest] = yield* transfer(party, 'reshare', target, [vector(other, rest)], [{ from: other, words: target }])
  const joint = addWords(to, rest, theirRest!)
  return isA ? [mask, joint] : [joint, mask]
}

/** (c mod 2^(L-1)) >> f, the carry where c's top bit is set, and the offset taken off again. */
export const publicPart = ({ from, to, by }: Pick<Shifting, 'from' | 'to' | 'by'>, c: Words): Words => {
  const below = extend(from, to, shiftRightWords(from, belowTop(from, c), by))
  const carry = shiftLeftWords(to, topBits(from, to, c), from - 1 - by)
  // 2^(L-2) may not be a multiple of 2^f: then f = L - 1, which no caller asks for.
  return subtractWords(to, addWords(to, below, carry), powerOfTwo(to, from - 2 - by))
}

/** floor(x / 2^by) or that plus 1, over the ring `to`. */
export function* shiftRight(shifting: Shifting): Routine<Rep3Arithmetic> {
  const place = (shifting.party.index - shifting.dealer + 3) % 3
  const [own, next] = place === 0 ? yield* dealer(shifting) : yield* opener(shifting, place === 1)
  return arithmetic(shifting.to, own, next)
}

/** The additive parts of a replicated share: A holds two components, B the third, the dealer none. */
export const partsOf = <R extends Ring>(party: Party, x: Rep3Arithmetic<R>, dealer: Index): Words => {
  if (party.index === dealer) return new Uint32Array(x.own.length)
  return party.index === after(dealer, 1) ? addWords(x.ring, x.own, x.next) : x.next
}
