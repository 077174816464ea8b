/** The {@link Backend} over additive shares; the helper runs the same calls over shapes and deals what they use up. */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type OrderOptions, type Ring } from '../backend.ts'
import { trimPlanes } from '../bits-words.ts'
import { requireStated } from '../leakage.ts'
import { lessThan } from '../operators/compare.ts'
import { quicksort } from '../quicksort.ts'
import { checkShift, compareBatch } from '../rep3/backend.ts'
import { foldWords, gatherWords, oneRing, pairLength } from '../words.ts'
import { checkPlanes, localOperations, openBits, openPart } from './local.ts'
import * as many from './many.ts'
import * as pair from './pair.ts'
import { arithmetic, bits, dealerless, helper, partyOf, type Ctx, type Party } from './party.ts'
import { shuffle } from './shuffle.ts'
import { exchange } from './transfer.ts'
import { multiplyMatrices, multiplyParts, plus } from './triples.ts'

/** Pairs that a level of a sort of so many keys can have: what the dealer is asked for is bounded. */
const mostPairs = (length: number): number => 3 * length

/** How many pairs come next, to the helper; nothing else of a sort goes there. */
function* announce(party: Party, length: number, pairs: number): Routine<number> {
  const { setting, index, ctx } = party
  if (setting.triples !== 'helper') return pairs
  const wire = ctx as unknown as Ctx
  if (index === 0) yield* wire.send('pairs', Uint32Array.of(pairs), helper)
  if (index !== -1) return pairs
  const told = yield* wire.receive('pairs', 'p0')
  if (told.length === 1 && told[0]! <= mostPairs(length)) return told[0]!
  throw new TallyError('peer/misbehaved', { peer: 'p0' }, `expected at most ${mostPairs(length)} pairs to compare`, {
    remedy: 'ask p0 which software it runs',
  })
}

function* order(
  party: Party,
  backend: Backend,
  keys: Arithmetic,
  { width, places }: OrderOptions = {},
): Routine<Uint32Array> {
  const sort = quicksort(keys.length, places)
  const isHelper = party.index === -1
  for (;;) {
    const next = isHelper ? undefined : sort.next()
    const count = yield* announce(party, keys.length, next?.left.length ?? 0)
    if (count === 0) return sort.order
    const { left, right } = next ?? { left: new Uint32Array(count), right: new Uint32Array(count) }
    const answer = new Uint32Array(planeWords(count))
    for (let from = 0; from < count; from += compareBatch) {
      const to = Math.min(from + compareBatch, count)
      const [a, b] = [backend.gather(keys, left.subarray(from, to)), backend.gather(keys, right.subarray(from, to))]
      const opened = yield* backend.revealBits(yield* lessThan(backend, a, b, width))
      answer.set(opened.subarray(0, Math.ceil((to - from) / 32)), from / 32)
    }
    if (!isHelper) sort.answer(answer)
  }
}

/** Equal lengths: a single element is repeated. */
const matched = <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>) => {
  const ring = oneRing(x.ring, y.ring)
  const length = pairLength(x.length, y.length)
  const stretch = (v: Arithmetic<R>): Uint32Array => {
    const { part } = openPart(v)
    return v.length === length ? part : gatherWords(ring, part, new Uint32Array(length))
  }
  return [stretch(x), stretch(y)] as const
}

/** @param stated Whether the program states what it opens in mid-run; where it does not, those calls are refused. */
export const semi2k = (party: Party, stated: boolean): Backend => {
  const { setting, index, keys, branch } = party
  const own = setting.parties === 2 ? pair : many
  const truncate = <R extends Ring>(x: Arithmetic<R>, by: number): Routine<Arithmetic<R>> => {
    checkShift(x.ring, by)
    return own.truncate(party, x, by)
  }
  const matrixProduct: Backend['matrixProduct'] = function* (x, y, shape) {
    const ring = oneRing(x.ring, y.ring)
    const { rows, inner, columns } = shape
    if (x.length !== rows * inner || y.length !== inner * columns) {
      const found = `found ${x.length} and ${y.length} elements`
      throw new TallyError('api/misuse', 'self', `expected ${rows} × ${inner} times ${inner} × ${columns}, ${found}`)
    }
    return arithmetic(ring, yield* multiplyMatrices(party, ring, openPart(x).part, openPart(y).part, shape))
  }
  const open = function* (part: Uint32Array, domain: 1 | Ring): Routine<Uint32Array> {
    if (index === -1) return new Uint32Array(part.length)
    return yield* exchange(party, 'reveal', part, (a, b) => plus(domain, a, b))
  }
  let joins = 0
  const backend: Backend = {
    ...localOperations(index),
    *multiply(x, y) {
      const [a, b] = matched(x, y)
      return arithmetic(x.ring, yield* multiplyParts(party, x.ring, a, b))
    },
    matrixProduct,
    truncate,
    *multiplyTruncate(x, y, by, terms = 1) {
      checkShift(x.ring, by)
      const [a, b] = matched(x, y)
      const products = yield* multiplyParts(party, x.ring, a, b)
      return yield* truncate(arithmetic(x.ring, foldWords(x.ring, products, terms)), by)
    },
    *matrixProductTruncate(x, y, shape, by) {
      checkShift(x.ring, by)
      return yield* truncate(yield* matrixProduct(x, y, shape), by)
    },
    widen: (x) => own.widen(party, x),
    *reveal(x) {
      requireStated(stated, 'reveal')
      return yield* open(openPart(x).part, x.ring)
    },
    *and(x, y) {
      checkPlanes(x, y)
      return bits(x.width, x.length, yield* multiplyParts(party, 1, openBits(x).part, openBits(y).part))
    },
    summands: (x, width = x.ring) => own.summands(party, x, width),
    inject: (x, ring) => own.inject(party, x, ring),
    compose: (x, ring) => own.compose(party, backend, x, ring),
    *revealBits(x: Bits) {
      requireStated(stated, 'revealBits')
      return trimPlanes(yield* open(trimPlanes(openBits(x).part, x.length), 1), x.length)
    },
    shuffle: (columns) => shuffle(party, columns),
    *order(sorted, options) {
      requireStated(stated, 'order')
      return yield* order(party, backend, sorted, options)
    },
    *join(...branches) {
      const base = `${branch}/${joins++}`
      const ctx = party.ctx as unknown as Ctx
      const enter = (sub: Ctx, i: number): Backend => semi2k(partyOf(sub, setting, index, keys, `${base}.${i}`), stated)
      if (dealerless(setting.triples)) {
        // Transfers and ciphertexts go on where the last call ended, in one order on both ends: one branch after the other.
        const results: unknown[] = []
        for (const [i, run] of branches.entries()) {
          results.push(yield* run(enter(ctx.narrow(`branch/${joins}/${i}`), i)))
        }
        return results as never
      }
      const results: any = yield* ctx.join(...branches.map((run, i) => (sub: Ctx) => run(enter(sub, i))))
      return results
    },
  }
  return backend
}
