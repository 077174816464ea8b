/**
 * Products: Araki, Furukawa, Lindell, Nof, Ohara (CCS 2016, ia.cr/2016/768), protocol 3.1, over rings and bits in the
 * replicated form of the shares. Party i computes z_i = x_i y_i + x_i y_(i+1) + x_(i+1) y_i + a_i, a_0 + a_1 + a_2 = 0,
 * and sends it to the party before. One round, one element a party and result, however long a dot product is.
 */
import {
  bitsAnd,
  bitsExpand,
  crossTerms128,
  crossTerms64,
  matrixProduct128,
  matrixProduct64,
} from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { TallyError } from '@tallystick/core'
import type { Arithmetic, Bits, Ring, Shape, Words } from '../backend.ts'
import { addWords, gatherWords, limbsOf, oneRing, pairLength, subtractWords } from '../words.ts'
import { chunkWords } from './messages.ts'
import { open64, openBits } from './local.ts'
import { arithmetic, bits, roleOf, type Components, type Party, type Place, type Rep3Arithmetic } from './party.ts'
import { transfer, type Outgoing } from './transfer.ts'

/** Words of a stream. */
export const expandPlace = (party: Pick<Party, 'work'>, { key, at }: Place, words: number): Routine<Words> =>
  party.work.compute(bitsExpand, { key, at, words })

/** Masked cross terms of x y, this party's component, from … to. */
type CrossTerms = (from: number, to: number) => Routine<Words>

/** Equal lengths: a single element is repeated. */
export const matched = <R extends Ring>(
  x: Arithmetic<R>,
  y: Arithmetic<R>,
): readonly [Rep3Arithmetic<R>, Rep3Arithmetic<R>] => {
  const length = pairLength(x.length, y.length)
  oneRing(x.ring, y.ring)
  const stretch = (v: Rep3Arithmetic<R>): Rep3Arithmetic<R> => {
    if (v.length === length) return v
    const zeros = new Uint32Array(length)
    return arithmetic(v.ring, gatherWords(v.ring, v.own, zeros), gatherWords(v.ring, v.next, zeros))
  }
  return [stretch(open64(x)), stretch(open64(y))]
}

/** The cross terms of element-wise products, in chunks of the stream that starts here. */
const elementTerms = <R extends Ring>(party: Party, x: Rep3Arithmetic<R>, y: Rep3Arithmetic<R>): CrossTerms => {
  const { ownKey, nextKey, at } = party.zero.both(x.own.length)
  const kernel = x.ring === 64 ? crossTerms64 : crossTerms128
  return function* (from, to) {
    const [x0, x1] = [x.own.subarray(from, to), x.next.subarray(from, to)]
    const [y0, y1] = [y.own.subarray(from, to), y.next.subarray(from, to)]
    return yield* party.work.compute(kernel, { x0, x1, y0, y1, ownKey, nextKey, at: at + from / 4 })
  }
}

/** All cross terms at once: what is to be truncated before it is shared again. */
export function* allTerms<R extends Ring>(party: Party, x: Rep3Arithmetic<R>, y: Rep3Arithmetic<R>): Routine<Words> {
  const words = x.own.length
  const terms = elementTerms(party, x, y)
  if (words <= chunkWords) return yield* terms(0, words)
  const out = new Uint32Array(words)
  for (let from = 0; from < words; from += chunkWords) {
    out.set(yield* terms(from, Math.min(from + chunkWords, words)), from)
  }
  return out
}

/** Elements of a kernel call on long dot products: the memory of a call stays bounded. */
const callElements = 2 ** 20

/** The local part of a matrix product, by runs of the inner dimension that stay within a call. */
export function* localProduct(
  party: Pick<Party, 'work'>,
  x: Pick<Rep3Arithmetic, 'ring' | keyof Components>,
  y: Components,
  { rows, inner, columns, transposed = false }: Shape,
): Routine<Words> {
  const kernel = x.ring === 64 ? matrixProduct64 : matrixProduct128
  const limbs = limbsOf(x.ring)
  const most = Math.max(1, Math.floor(callElements / Math.max(rows, columns, 1)))
  const part = (v: Words, height: number, width: number, from: number, to: number): Words => {
    if (height === 1 || to - from === width) return v.subarray(limbs * from, limbs * (from + height * (to - from)))
    const out = new Uint32Array(limbs * height * (to - from))
    for (let row = 0; row < height; row++) {
      const at = limbs * (row * width + from)
      out.set(v.subarray(at, at + limbs * (to - from)), limbs * row * (to - from))
    }
    return out
  }
  let total: Words = new Uint32Array(limbs * rows * columns)
  for (let from = 0; from < inner; from += most) {
    const to = Math.min(from + most, inner)
    const [x0, x1] = [part(x.own, rows, inner, from, to), part(x.next, rows, inner, from, to)]
    const right = (v: Words): Words =>
      transposed ? part(v, columns, inner, from, to) : v.subarray(limbs * columns * from, limbs * columns * to)
    const input = { x0, x1, y0: right(y.own), y1: right(y.next), rows, inner: to - from, columns, transposed }
    total = addWords(x.ring, total, yield* party.work.compute(kernel, input))
  }
  return total
}

/** The masked component of a matrix product. */
export function* productTerms<R extends Ring>(
  party: Party,
  x: Arithmetic<R>,
  y: Arithmetic<R>,
  shape: Shape,
): Routine<Words> {
  const { rows, inner, columns } = shape
  oneRing(x.ring, y.ring)
  if (x.length !== rows * inner || y.length !== inner * columns) {
    const found = `found ${x.length} and ${y.length} elements`
    throw new TallyError('api/misuse', 'self', `expected ${rows} × ${inner} times ${inner} × ${columns}, ${found}`)
  }
  const local = yield* localProduct(party, open64(x), open64(y), shape)
  const { ownKey, nextKey, at } = party.zero.both(local.length)
  const own = yield* expandPlace(party, { key: ownKey, at }, local.length)
  const next = yield* expandPlace(party, { key: nextKey, at }, local.length)
  return addWords(x.ring, local, subtractWords(x.ring, own, next))
}

/** Sends this party's component to the previous party while it is made, and takes the next one's. */
function* complete(party: Party, words: number, terms: CrossTerms) {
  const own = words > chunkWords ? new Uint32Array(words) : undefined
  let single: Words = new Uint32Array(0)
  const outgoing: Outgoing = {
    to: roleOf(party.index, -1),
    words,
    *make(from, to) {
      const chunk = yield* terms(from, to)
      if (own === undefined) single = chunk
      else own.set(chunk, from)
      return chunk
    },
  }
  const [next] = yield* transfer(party, 'product', words, [outgoing], [{ from: roleOf(party.index, 1), words }])
  return { own: own ?? single, next: next! }
}

/** Terms that are there already. */
const ready = (terms: Words): CrossTerms =>
  // oxlint-disable-next-line require-yield -- see above
  function* (from, to) {
    return terms.subarray(from, to)
  }

export function* multiply<R extends Ring>(party: Party, x: Arithmetic<R>, y: Arithmetic<R>): Routine<Arithmetic<R>> {
  const [a, b] = matched(x, y)
  const { own, next } = yield* complete(party, a.own.length, elementTerms(party, a, b))
  return arithmetic(x.ring, own, next)
}

export function* matrixProduct<R extends Ring>(
  party: Party,
  x: Arithmetic<R>,
  y: Arithmetic<R>,
  shape: Shape,
): Routine<Arithmetic<R>> {
  const terms = yield* productTerms(party, x, y, shape)
  const { own, next } = yield* complete(party, terms.length, ready(terms))
  return arithmetic(x.ring, own, next)
}

export function* and(party: Party, x: Bits, y: Bits): Routine<Bits> {
  const [a, b] = [openBits(x), openBits(y)]
  if (x.width !== y.width || x.length !== y.length) {
    const found = `found ${x.width} × ${x.length} and ${y.width} × ${y.length}`
    throw new TallyError('api/misuse', 'self', `expected bits of one shape, ${found}`)
  }
  const { ownKey, nextKey, at } = party.zero.both(a.own.length)
  const { own, next } = yield* complete(party, a.own.length, function* (from, to) {
    const [x0, x1] = [a.own.subarray(from, to), a.next.subarray(from, to)]
    const [y0, y1] = [b.own.subarray(from, to), b.next.subarray(from, to)]
    return yield* party.work.compute(bitsAnd, { x0, x1, y0, y1, ownKey, nextKey, at: at + from / 4 })
  })
  return bits(x.width, x.length, own, next)
}

/** Opens to all three: everybody gets the component that it lacks, from the party before. */
export function* reveal(party: Party, own: Uint32Array): Routine<Uint32Array> {
  const words = own.length
  const outgoing: Outgoing = {
    to: roleOf(party.index, 1),
    words,
    // oxlint-disable-next-line require-yield -- see above
    *make(from, to) {
      return own.subarray(from, to)
    },
  }
  const [previous] = yield* transfer(party, 'reveal', words, [outgoing], [{ from: roleOf(party.index, -1), words }])
  return previous!
}
