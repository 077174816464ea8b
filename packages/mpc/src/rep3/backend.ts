/** The {@link Backend} over replicated shares. */
import type { Routine } from '@tallystick/protocol'
import { TallyError } from '@tallystick/core'
import type { Arithmetic, Backend, Bits, OrderOptions, Ring } from '../backend.ts'
import { planeWords } from '../backend.ts'
import { trimPlanes } from '../bits-words.ts'
import { requireStated } from '../leakage.ts'
import { lessThan } from '../operators/compare.ts'
import { quicksort } from '../quicksort.ts'
import { addWords, foldWords } from '../words.ts'
import { compose, inject, summands } from './convert.ts'
import { localOperations, open64, openBits } from './local.ts'
import * as products from './multiply.ts'
import { partyOf, type Ctx, type Party, type Rep3Arithmetic } from './party.ts'
import { shuffle } from './shuffle.ts'
import { partsOf, shiftRight } from './truncate.ts'

export const checkShift = (ring: Ring, by: number): void => {
  if (Number.isInteger(by) && by >= 0 && by <= ring - 2) return
  throw new TallyError('api/misuse', 'self', `expected a truncation by 0 to ${ring - 2} bits, found ${by}`)
}

/** Comparisons of a batch of a sort: what they need in memory stays bounded. */
export const compareBatch = 2 ** 18

export function* order(backend: Backend, keys: Arithmetic, { width, places }: OrderOptions = {}): Routine<Uint32Array> {
  const sort = quicksort(keys.length, places)
  for (let pairs = sort.next(); pairs !== undefined; pairs = sort.next()) {
    const { left, right } = pairs
    const answer = new Uint32Array(planeWords(left.length))
    for (let from = 0; from < left.length; from += compareBatch) {
      const to = Math.min(from + compareBatch, left.length)
      const [a, b] = [backend.gather(keys, left.subarray(from, to)), backend.gather(keys, right.subarray(from, to))]
      const bits = yield* backend.revealBits(yield* lessThan(backend, a, b, width))
      answer.set(bits.subarray(0, Math.ceil((to - from) / 32)), from / 32)
    }
    sort.answer(answer)
  }
  return sort.order
}

/** @param stated Whether the program states what it opens in mid-run; where it does not, those calls are refused. */
export const rep3 = (party: Party, stated: boolean): Backend => {
  const { ctx, index, keys, branch } = party
  const turnTo = function* <R extends Ring>(x: Rep3Arithmetic, to: R, by: number): Routine<Arithmetic<R>> {
    const dealer = party.turn()
    const part = partsOf(party, x, dealer)
    const shape = { party, dealer, from: x.ring, to, by, length: x.length, part, threefold: false }
    return (yield* shiftRight(shape)) as Arithmetic as Arithmetic<R>
  }
  const turnTerms = function* <R extends Ring>(ring: R, part: Uint32Array, by: number): Routine<Arithmetic<R>> {
    const dealer = party.turn()
    const length = part.length / (ring / 32)
    const shape = { party, dealer, from: ring, to: ring, by, length, part, threefold: true }
    return (yield* shiftRight(shape)) as Arithmetic as Arithmetic<R>
  }
  let joins = 0
  const backend: Backend = {
    ...localOperations(index),
    multiply: (x, y) => products.multiply(party, x, y),
    matrixProduct: (x, y, shape) => products.matrixProduct(party, x, y, shape),
    *truncate(x, by) {
      checkShift(x.ring, by)
      return yield* turnTo(open64(x), x.ring, by)
    },
    *multiplyTruncate(x, y, by, terms = 1) {
      checkShift(x.ring, by)
      const [a, b] = products.matched(x, y)
      const masked = yield* products.allTerms(party, a, b)
      return yield* turnTerms(x.ring, foldWords(x.ring, masked, terms), by)
    },
    *matrixProductTruncate(x, y, shape, by) {
      checkShift(x.ring, by)
      return yield* turnTerms(x.ring, yield* products.productTerms(party, x, y, shape), by)
    },
    widen: (x) => turnTo(open64(x), 128, 0),
    *reveal(x) {
      requireStated(stated, 'reveal')
      const { ring, own, next } = open64(x)
      return addWords(ring, addWords(ring, own, next), yield* products.reveal(party, own))
    },
    and: (x, y) => products.and(party, x, y),
    summands: (x, width = x.ring) => summands(party, x, width),
    inject: (x, ring) => inject(party, x, ring),
    compose: (x, ring) => compose(party, backend, x, ring),
    *revealBits(x: Bits) {
      requireStated(stated, 'revealBits')
      const { own, next, length } = openBits(x)
      const mine = trimPlanes(own, length)
      const previous = yield* products.reveal(party, mine)
      return trimPlanes(
        mine.map((word, i) => word ^ next[i]! ^ previous[i]!),
        length,
      )
    },
    shuffle: (columns) => shuffle(party, columns),
    *order(sorted, options) {
      requireStated(stated, 'order')
      return yield* order(backend, sorted, options)
    },
    *join(...branches) {
      const base = `${branch}/${joins++}`
      const results: any = yield* ctx.join(
        ...branches.map((run, i) => (sub: Ctx) => run(rep3(partyOf(sub, index, keys, `${base}.${i}`), stated))),
      )
      return results
    },
  }
  return backend
}
