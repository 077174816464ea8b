/** What every party does on its own share, without a message; public values are added by p0. */
import { TallyError } from '@tallystick/core'
import { planeWords, type Arithmetic, type Bits, type Ring, type Words } from '../backend.ts'
import type { LocalCalls } from '../tally.ts'
import * as words from '../words.ts'
import { arithmetic, bits, type Semi2kArithmetic, type Semi2kBits } from './party.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

/** What is behind an opaque share. */
export const openPart = <R extends Ring>(x: Arithmetic<R>): Semi2kArithmetic<R> => {
  if (!('part' in x)) throw misuse('expected a share of this backend')
  return x as Semi2kArithmetic<R>
}
export const openBits = (x: Bits): Semi2kBits => {
  if (!('part' in x)) throw misuse('expected shared bits of this backend')
  return x as Semi2kBits
}

const each = <R extends Ring>(x: Arithmetic<R>, f: (part: Words) => Words): Semi2kArithmetic<R> =>
  arithmetic(x.ring, f(openPart(x).part))
const pair = <R extends Ring>(
  x: Arithmetic<R>,
  y: Arithmetic<R>,
  f: (ring: R, a: Words, b: Words) => Words,
): Semi2kArithmetic<R> => {
  const [a, b] = [openPart(x), openPart(y)]
  return arithmetic(x.ring, f(words.oneRing(x.ring, y.ring), a.part, b.part))
}

/** @throws TallyError api/misuse unless widths and lengths are equal */
export const checkPlanes = (x: Bits, y: Bits): void => {
  if (x.width === y.width && x.length === y.length) return
  throw misuse(`expected ${x.width} planes of ${x.length} bits twice, found ${y.width} of ${y.length}`)
}

/** @param index Of the party that computes */
export const localOperations = (index: number): LocalCalls => {
  const atFirst = (value: Uint32Array): Uint32Array => (index === 0 ? value : new Uint32Array(value.length))
  return {
    constant: (ring, values) => arithmetic(ring, atFirst(values)),
    add: (x, y) => pair(x, y, words.addWords),
    subtract: (x, y) => pair(x, y, words.subtractWords),
    negate: (x) => each(x, (a) => words.negateWords(x.ring, a)),
    shift: (x, by) => each(x, (a) => words.addWords(x.ring, a, atFirst(by))),
    scale: (x, factor) => each(x, (a) => words.multiplyWords(x.ring, a, factor)),
    weigh: (x, factors) => each(x, (a) => words.weighWords(x.ring, a, factors)),
    sum: (x, every) => each(x, (a) => words.sumWords(x.ring, a, every)),
    prefixSum: (x) => each(x, (a) => words.prefixSumWords(x.ring, a)),
    concat(...parts) {
      const [first] = parts
      if (first === undefined) throw misuse('expected parts to concatenate')
      return arithmetic(first.ring, words.concatWords(parts.map((part) => openPart(part).part)))
    },
    slice: (x, from, to) => each(x, (a) => a.subarray(words.limbsOf(x.ring) * from, words.limbsOf(x.ring) * to)),
    gather: (x, order) => each(x, (a) => words.gatherWords(x.ring, a, order)),
    low(x) {
      const { part } = openPart(x)
      const out = new Uint32Array(part.length / 2)
      for (let i = 0; i < out.length; i += 2) {
        out[i] = part[2 * i]!
        out[i + 1] = part[2 * i + 1]!
      }
      return arithmetic(64, out)
    },
    constantBits(width, length, planes) {
      if (planes.length !== width * planeWords(length)) throw misuse(`expected ${width} planes of ${length} bits`)
      return bits(width, length, atFirst(planes))
    },
    xor(x, y) {
      checkPlanes(x, y)
      const [a, b] = [openBits(x).part, openBits(y).part]
      const out = new Uint32Array(a.length)
      for (let i = 0; i < out.length; i++) out[i] = a[i]! ^ b[i]!
      return bits(x.width, x.length, out)
    },
    not(x) {
      const { part, width, length } = openBits(x)
      if (index !== 0) return bits(width, length, part)
      const out = new Uint32Array(part.length)
      for (let i = 0; i < out.length; i++) out[i] = ~part[i]!
      return bits(width, length, out)
    },
    planes(x, order) {
      const { part, length } = openBits(x)
      const stride = planeWords(length)
      const out = new Uint32Array(stride * order.length)
      order.forEach((plane, i) => {
        if (plane >= 0) out.set(part.subarray(stride * plane, stride * (plane + 1)), stride * i)
      })
      return bits(order.length, length, out)
    },
    stack(...parts) {
      const opened = parts.map(openBits)
      const length = opened[0]?.length ?? 0
      if (opened.some((part) => part.length !== length)) throw misuse('expected planes of one length')
      const width = opened.reduce((sum, part) => sum + part.width, 0)
      return bits(width, length, words.concatWords(opened.map(({ part }) => part)))
    },
  }
}
