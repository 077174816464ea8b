/** The {@link Backend} over replicated shares of four: every message is checked before it is used. */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits } from '../backend.ts'
import { trimPlanes } from '../bits-words.ts'
import { requireStated } from '../leakage.ts'
import { checkShift, order } from '../rep3/backend.ts'
import { foldWords, gatherWords, oneRing, pairLength } from '../words.ts'
import * as convert from './convert.ts'
import { localOperations, openBits, openParts } from './local.ts'
import { arithmetic, bits, indices, partyOf, type Ctx, type Parts, type Party } from './party.ts'
import { multiplyMatrices, multiplyParts, openTo } from './products.ts'
import { shuffle } from './shuffle.ts'

/** Equal lengths: a single element is repeated. */
const matched = (x: Arithmetic, y: Arithmetic) => {
  const ring = oneRing(x.ring, y.ring)
  const length = pairLength(x.length, y.length)
  const stretch = (v: Arithmetic): Parts => {
    const { parts } = openParts(v)
    if (v.length === length) return parts
    return parts.map((part) => part && gatherWords(ring, part, new Uint32Array(length)))
  }
  return [stretch(x), stretch(y)] as const
}

/** @param stated Whether the program states what it opens in mid-run; where it does not, those calls are refused. */
export const rep4 = (party: Party, stated: boolean): Backend => {
  const { index, keys, branch, digestBits } = party
  const matrixProduct: Backend['matrixProduct'] = function* (x, y, shape) {
    const ring = oneRing(x.ring, y.ring)
    const { rows, inner, columns } = shape
    if (x.length !== rows * inner || y.length !== inner * columns) {
      const found = `found ${x.length} and ${y.length} elements`
      throw new TallyError('api/misuse', 'self', `expected ${rows} × ${inner} times ${inner} × ${columns}, ${found}`)
    }
    return arithmetic(ring, yield* multiplyMatrices(party, ring, openParts(x).parts, openParts(y).parts, shape))
  }
  let joins = 0
  const backend: Backend = {
    ...localOperations(index),
    *multiply(x, y) {
      const [a, b] = matched(x, y)
      return arithmetic(x.ring, yield* multiplyParts(party, x.ring, a, b))
    },
    matrixProduct,
    *truncate(x, by) {
      checkShift(x.ring, by)
      return yield* convert.truncate(party, backend, x, by)
    },
    *multiplyTruncate(x, y, by, terms = 1) {
      checkShift(x.ring, by)
      const [a, b] = matched(x, y)
      const products = yield* multiplyParts(party, x.ring, a, b)
      const sums = products.map((part) => part && foldWords(x.ring, part, terms))
      return yield* convert.truncate(party, backend, arithmetic(x.ring, sums), by)
    },
    *matrixProductTruncate(x, y, shape, by) {
      checkShift(x.ring, by)
      return yield* convert.truncate(party, backend, yield* matrixProduct(x, y, shape), by)
    },
    widen: (x) => convert.widen(party, backend, x),
    *reveal(x) {
      requireStated(stated, 'reveal')
      return (yield* openTo(party, x.ring, openParts(x).parts, indices))!
    },
    *and(x, y) {
      // Widths and lengths are compared by `xor`.
      backend.xor(backend.planes(x, []), backend.planes(y, []))
      if (x.width !== y.width)
        throw new TallyError('api/misuse', 'self', `expected ${x.width} planes, found ${y.width}`)
      return bits(x.width, x.length, yield* multiplyParts(party, 1, openBits(x).parts, openBits(y).parts))
    },
    summands: (x, width = x.ring) => convert.summands(party, x, width),
    inject: (x, ring) => convert.inject(party, backend, x, ring),
    compose: (x, ring) => convert.compose(party, backend, x, ring),
    *revealBits(x: Bits) {
      requireStated(stated, 'revealBits')
      const trimmed = openBits(x).parts.map((part) => part && trimPlanes(part, x.length))
      return (yield* openTo(party, 1, trimmed, indices))!
    },
    shuffle: (columns) => shuffle(party, columns),
    *order(sorted, options) {
      requireStated(stated, 'order')
      return yield* order(backend, sorted, options)
    },
    *join(...branches) {
      const base = `${branch}/${joins++}`
      const ctx = party.ctx as unknown as Ctx
      const results: any = yield* ctx.join(
        ...branches.map(
          (run, i) =>
            (sub: Ctx): Routine<unknown> =>
              run(rep4(partyOf(sub, index, keys, `${base}.${i}`, digestBits), stated)),
        ),
      )
      return results
    },
  }
  return backend
}
