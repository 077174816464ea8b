/**
 * Between arithmetic and Boolean shares: ABY3 (Mohassel, Rindal, CCS 2018, ia.cr/2018/403, sections 5.3 and 5.4), with
 * one operand less: the party that holds two components adds them up in clear before it shares their bits.
 */
import { bitsSlice, bitsUnslice } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type Ring, type Words } from '../backend.ts'
import { elementsOfPlanes } from '../bits-words.ts'
import { add } from '../operators/adder.ts'
import { addWords, limbsOf, negateWords, shiftLeftWords, subtractWords } from '../words.ts'
import { deal, known } from './deal.ts'
import { open64, openBits } from './local.ts'
import { expandPlace, multiply } from './multiply.ts'
import { after, arithmetic, bits, roleOf, type Party } from './party.ts'
import { transfer, vector } from './transfer.ts'

const xorWords = (a: Uint32Array, b: Uint32Array): Uint32Array => {
  const out = new Uint32Array(a.length)
  for (let i = 0; i < out.length; i++) out[i] = a[i]! ^ b[i]!
  return out
}

/** The lowest `width` planes of the elements. */
export function* slice(party: Pick<Party, 'work'>, ring: Ring, words: Words, width: number): Routine<Uint32Array> {
  const planes = yield* party.work.compute(bitsSlice, { words, ring })
  return width === ring ? planes : planes.slice(0, (planes.length / ring) * width)
}

/**
 * u = x_k + x_(k+1), which the dealer k knows and deals in bits, and v = x_(k+2), which the other two know: no message.
 * One round; `width` bits an element from one party.
 */
export function* summands(party: Party, x: Arithmetic, width: number): Routine<readonly [Bits, Bits]> {
  const { ring, own, next, length } = open64(x)
  const { index } = party
  const dealer = party.turn()
  const words = width * planeWords(length)
  const isDealer = index === dealer
  const value = isDealer ? yield* slice(party, ring, addWords(ring, own, next), width) : undefined
  const u = yield* deal(party, dealer, words, value, xorWords)
  const third = after(dealer, 2)
  const v = isDealer ? new Uint32Array(words) : yield* slice(party, ring, index === third ? own : next, width)
  const { own: v0, next: v1 } = known(index, third, v)
  return [bits(width, length, u.own, u.next), bits(width, length, v0, v1)]
}

/** u + v - 2 u v for u = b_k xor b_(k+1), dealt by k, and v = b_(k+2). Two rounds. */
export function* inject<R extends Ring>(party: Party, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { own, next, length, width } = openBits(x)
  const dealer = party.turn()
  const { index } = party
  const words = limbsOf(ring) * length * width
  const minus = (a: Words, b: Words): Words => subtractWords(ring, a, b)
  const value = index === dealer ? elementsOfPlanes(ring, xorWords(own, next), length) : undefined
  const dealt = yield* deal(party, dealer, words, value, minus)
  const third = after(dealer, 2)
  const v = index === dealer ? new Uint32Array(words) : elementsOfPlanes(ring, index === third ? own : next, length)
  const local = known(index, third, v)
  const [a, b] = [arithmetic(ring, dealt.own, dealt.next), arithmetic(ring, local.own, local.next)]
  const product = open64(yield* multiply(party, a, b))
  const combine = (s: Words, t: Words, both: Words): Words =>
    subtractWords(ring, addWords(ring, s, t), shiftLeftWords(ring, both, 1))
  return arithmetic(ring, combine(a.own, b.own, product.own), combine(a.next, b.next, product.next))
}

/**
 * y_k and y_(k+1) come from keys, so the dealer k knows both; it deals the bits of -(y_k + y_(k+1)), the three add them
 * to x in bits, and the sum, which is y_(k+2), is opened to the two parties that hold it. It is masked by the one of
 * y_k and y_(k+1) that each of them does not know. 3 + log2(ring) rounds.
 */
export function* compose<R extends Ring>(party: Party, backend: Backend, x: Bits, ring: R): Routine<Arithmetic<R>> {
  const { index } = party
  const { length } = x
  const dealer = party.turn()
  const place = (index - dealer + 3) % 3
  const { shared } = party
  const words = limbsOf(ring) * length
  // Components k (dealer and k + 2) and k + 1 (dealer and k + 1).
  const first =
    place === 1 ? undefined : yield* expandPlace(party, place === 0 ? shared.own(words) : shared.next(words), words)
  const second =
    place === 2 ? undefined : yield* expandPlace(party, place === 0 ? shared.next(words) : shared.own(words), words)
  const sum = place === 0 ? negateWords(ring, addWords(ring, first!, second!)) : undefined
  const value = sum && (yield* slice(party, ring, sum, ring))
  const dealt = yield* deal(party, dealer, ring * planeWords(length), value, xorWords)
  const index64 = Array.from({ length: ring }, (_, i) => (i < x.width ? i : -1))
  const total = openBits(yield* add(backend, backend.planes(x, index64), bits(ring, length, dealt.own, dealt.next)))
  const size = total.own.length
  if (place === 0) {
    yield* transfer(party, 'reveal', size, [], [])
    return arithmetic(ring, first!, second!)
  }
  // Each of the two lacks what the other holds: k + 2 the component k + 1, k + 1 the component k.
  const other = roleOf(dealer, place === 1 ? 2 : 1)
  const mine = place === 1 ? total.own : total.next
  const [theirs] = yield* transfer(party, 'reveal', size, [vector(other, mine)], [{ from: other, words: size }])
  const planes = xorWords(xorWords(total.own, total.next), theirs!)
  const third = yield* party.work.compute(bitsUnslice, { planes, ring, length })
  return place === 1 ? arithmetic(ring, second!, third) : arithmetic(ring, third, first!)
}
