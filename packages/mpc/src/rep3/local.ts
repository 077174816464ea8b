/** What every party does on its own components, without a message. */
import { TallyError } from '@tallystick/core'
import type { Arithmetic, Bits, Ring, Words } from '../backend.ts'
import { planeWords } from '../backend.ts'
import {
  addWords,
  concatWords,
  gatherWords,
  limbsOf,
  multiplyWords,
  negateWords,
  prefixSumWords,
  subtractWords,
  sumWords,
  weighWords,
} from '../words.ts'
import { arithmetic, bits, type Components, type Index, type Rep3Arithmetic, type Rep3Bits } from './party.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

/** The components behind an opaque share. */
export const open64 = <R extends Ring>(x: Arithmetic<R>): Rep3Arithmetic<R> => {
  if (!('own' in x)) throw misuse('expected a share of this backend')
  return x as Rep3Arithmetic<R>
}
export const openBits = (x: Bits): Rep3Bits => {
  if (!('own' in x)) throw misuse('expected shared bits of this backend')
  return x as Rep3Bits
}

const each = <R extends Ring>(x: Arithmetic<R>, f: (part: Words) => Words): Rep3Arithmetic<R> => {
  const { ring, own, next } = open64(x)
  return arithmetic(ring, f(own), f(next))
}
const pair = <R extends Ring>(
  x: Arithmetic<R>,
  y: Arithmetic<R>,
  f: (a: Words, b: Words) => Words,
): Rep3Arithmetic<R> => {
  const [a, b] = [open64(x), open64(y)]
  if (a.ring !== b.ring) throw misuse(`expected shares over one ring, found ${a.ring} and ${b.ring} bits`)
  return arithmetic(x.ring, f(a.own, b.own), f(a.next, b.next))
}

/** A public value is component 0, which the parties 0 (own) and 2 (next) hold. */
const atZero = (index: Index, value: Uint32Array): Components => {
  const nothing = new Uint32Array(value.length)
  return { own: index === 0 ? value : nothing, next: index === 2 ? value : nothing }
}

const checkPlanes = (x: Bits, y: Bits): void => {
  if (x.width === y.width && x.length === y.length) return
  throw misuse(`expected ${x.width} planes of ${x.length} bits twice, found ${y.width} of ${y.length}`)
}

const xorPlanes = (a: Uint32Array, b: Uint32Array): Uint32Array => {
  const out = new Uint32Array(a.length)
  for (let i = 0; i < out.length; i++) out[i] = a[i]! ^ b[i]!
  return out
}

const pickPlanes = (x: Uint32Array, stride: number, index: readonly number[]): Uint32Array => {
  const out = new Uint32Array(stride * index.length)
  index.forEach((plane, i) => {
    if (plane >= 0) out.set(x.subarray(stride * plane, stride * (plane + 1)), stride * i)
  })
  return out
}

/** Rows of words: shares of bits before they are known to be shares of one party's or another's. */
export const flip = (index: Index, { own, next }: Components): Components => {
  const not = (part: Uint32Array): Uint32Array => {
    const out = new Uint32Array(part.length)
    for (let i = 0; i < out.length; i++) out[i] = ~part[i]!
    return out
  }
  return { own: index === 0 ? not(own) : own, next: index === 2 ? not(next) : next }
}

export const localOperations = (index: Index) => ({
  constant<R extends Ring>(ring: R, values: Words): Arithmetic<R> {
    const { own, next } = atZero(index, values)
    return arithmetic(ring, own, next)
  },
  add: <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>) => pair(x, y, (a, b) => addWords(x.ring, a, b)),
  subtract: <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>) => pair(x, y, (a, b) => subtractWords(x.ring, a, b)),
  negate: <R extends Ring>(x: Arithmetic<R>) => each(x, (a) => negateWords(x.ring, a)),
  shift<R extends Ring>(x: Arithmetic<R>, by: Words): Arithmetic<R> {
    const { own, next } = atZero(index, by)
    return pair(x, arithmetic(x.ring, own, next), (a, b) => addWords(x.ring, a, b))
  },
  scale: <R extends Ring>(x: Arithmetic<R>, factor: Words) => each(x, (a) => multiplyWords(x.ring, a, factor)),
  weigh: <R extends Ring>(x: Arithmetic<R>, factors: Words) => each(x, (a) => weighWords(x.ring, a, factors)),
  sum: <R extends Ring>(x: Arithmetic<R>, every: number) => each(x, (a) => sumWords(x.ring, a, every)),
  prefixSum: <R extends Ring>(x: Arithmetic<R>) => each(x, (a) => prefixSumWords(x.ring, a)),
  concat<R extends Ring>(...parts: readonly Arithmetic<R>[]): Arithmetic<R> {
    const opened = parts.map(open64)
    if (opened.length === 0) throw misuse('expected parts to concatenate')
    if (opened.length === 1) return opened[0]!
    return arithmetic(
      opened[0]!.ring,
      concatWords(opened.map((part) => part.own)),
      concatWords(opened.map((part) => part.next)),
    )
  },
  slice: <R extends Ring>(x: Arithmetic<R>, from: number, to: number) =>
    each(x, (a) => a.subarray(limbsOf(x.ring) * from, limbsOf(x.ring) * to)),
  gather: <R extends Ring>(x: Arithmetic<R>, order: Uint32Array) => each(x, (a) => gatherWords(x.ring, a, order)),
  low(x: Arithmetic<128>): Arithmetic<64> {
    const { own, next } = open64(x)
    const half = (part: Words): Words => {
      const out = new Uint32Array(part.length / 2)
      for (let i = 0; i < out.length; i += 2) {
        out[i] = part[2 * i]!
        out[i + 1] = part[2 * i + 1]!
      }
      return out
    }
    return arithmetic(64, half(own), half(next))
  },
  constantBits(width: number, length: number, planes: Uint32Array): Bits {
    if (planes.length !== width * planeWords(length)) throw misuse(`expected ${width} planes of ${length} bits`)
    const { own, next } = atZero(index, planes)
    return bits(width, length, own, next)
  },
  xor(x: Bits, y: Bits): Bits {
    checkPlanes(x, y)
    const [a, b] = [openBits(x), openBits(y)]
    return bits(x.width, x.length, xorPlanes(a.own, b.own), xorPlanes(a.next, b.next))
  },
  not(x: Bits): Bits {
    const { own, next } = flip(index, openBits(x))
    return bits(x.width, x.length, own, next)
  },
  planes(x: Bits, order: readonly number[]): Bits {
    const { own, next, length } = openBits(x)
    const stride = planeWords(length)
    return bits(order.length, length, pickPlanes(own, stride, order), pickPlanes(next, stride, order))
  },
  stack(...parts: readonly Bits[]): Bits {
    const opened = parts.map(openBits)
    const length = opened[0]?.length ?? 0
    if (opened.some((part) => part.length !== length)) throw misuse('expected planes of one length')
    const width = opened.reduce((sum, part) => sum + part.width, 0)
    const [own, next] = [opened.map((part) => part.own), opened.map((part) => part.next)]
    return bits(width, length, concatWords(own), concatWords(next))
  },
})
