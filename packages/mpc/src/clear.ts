/** Programs in the clear: what a trusted third party would compute. Truncation is the floor. */
import { TallyError } from '@tallystick/core'
import { bitsSlice, bitsUnslice } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import {
  planeWords,
  type Arithmetic,
  type Backend,
  type Bits,
  type Ring,
  type Shape,
  type Shared,
  type Words,
} from './backend.ts'
import { elementsOfPlanes, trimPlanes } from './bits-words.ts'
import * as words from './words.ts'

interface Clear<R extends Ring = Ring> extends Arithmetic<R> {
  readonly words: Words
}
interface ClearBits extends Bits {
  readonly planes: Uint32Array
}

export const clearShare = <R extends Ring>(ring: R, value: Words): Arithmetic<R> => {
  const share: Clear<R> = { kind: 'arithmetic', ring, length: value.length / words.limbsOf(ring), words: value }
  return share
}
const clearBits = (width: number, length: number, planes: Uint32Array): Bits => {
  const share: ClearBits = { kind: 'bits', width, length, planes: trimPlanes(planes, length) }
  return share
}

export const clearWords = (x: Shared): Words => {
  if ('words' in x) return (x as Clear).words
  if ('planes' in x) return (x as ClearBits).planes
  throw new TallyError('api/misuse', 'self', 'expected a value of this backend')
}

/** Runs a routine that asks nothing of the world. */
export const runClear = <T>(routine: Routine<T>): T => {
  const { done, value } = routine.next()
  if (done !== true) throw new TallyError('invariant/broken', 'self', `${value.kind} in a computation in the clear`)
  return value
}

const zip = (a: Uint32Array, b: Uint32Array, f: (x: number, y: number) => number): Uint32Array => {
  const out = new Uint32Array(a.length)
  for (let i = 0; i < out.length; i++) out[i] = f(a[i]!, b[i]!)
  return out
}

const matrixWords = (ring: Ring, x: Words, y: Words, { rows, inner, columns, transposed }: Shape): Words => {
  const limbs = words.limbsOf(ring)
  const byColumn = Uint32Array.from(
    { length: inner * columns },
    (_, i) => (i % inner) * columns + Math.floor(i / inner),
  )
  const columnsOfY = transposed ? y : words.gatherWords(ring, y, byColumn)
  const out: Words[] = []
  for (let row = 0; row < rows; row++) {
    const left = x.subarray(limbs * row * inner, limbs * (row + 1) * inner)
    for (let column = 0; column < columns; column++) {
      const right = columnsOfY.subarray(limbs * column * inner, limbs * (column + 1) * inner)
      out.push(
        inner === 0 ? new Uint32Array(limbs) : words.sumWords(ring, words.multiplyWords(ring, left, right), inner),
      )
    }
  }
  return words.concatWords(out)
}

/** Sign extension. */
const widened = (x: Words): Words => {
  const out = new Uint32Array(2 * x.length)
  for (let i = 0; i < x.length; i += 2) {
    const sign = (x[i + 1]! | 0) >> 31
    out.set([x[i]!, x[i + 1]!, sign, sign], 2 * i)
  }
  return out
}

const ascending = (ring: Ring, keys: Words): Uint32Array => {
  const values = words.integersOfWords(ring, keys)
  return Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => (values[a]! < values[b]! ? -1 : 1))
}

const value = clearWords
const share = clearShare
// oxlint-disable-next-line require-yield -- in the clear nothing waits for anybody
const now = function* <T>(result: T): Routine<T> {
  return result
}

const matrixProduct = <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>, shape: Shape): Words =>
  matrixWords(words.oneRing(x.ring, y.ring), value(x), value(y), shape)

export const clearBackend: Backend = {
  constant: (ring, x) => share(ring, x),
  add: (x, y) => share(x.ring, words.addWords(words.oneRing(x.ring, y.ring), value(x), value(y))),
  subtract: (x, y) => share(x.ring, words.subtractWords(words.oneRing(x.ring, y.ring), value(x), value(y))),
  negate: (x) => share(x.ring, words.negateWords(x.ring, value(x))),
  shift: (x, by) => share(x.ring, words.addWords(x.ring, value(x), by)),
  scale: (x, factor) => share(x.ring, words.multiplyWords(x.ring, value(x), factor)),
  weigh: (x, factors) => share(x.ring, words.weighWords(x.ring, value(x), factors)),
  sum: (x, every) => share(x.ring, words.sumWords(x.ring, value(x), every)),
  prefixSum: (x) => share(x.ring, words.prefixSumWords(x.ring, value(x))),
  concat: (...parts) => share(parts[0]!.ring, words.concatWords(parts.map(value))),
  slice: (x, from, to) => share(x.ring, value(x).subarray(words.limbsOf(x.ring) * from, words.limbsOf(x.ring) * to)),
  gather: (x, index) => share(x.ring, words.gatherWords(x.ring, value(x), index)),
  low: (x) =>
    share(
      64,
      value(x).filter((_, i) => i % 4 < 2),
    ),
  multiply: (x, y) => now(share(x.ring, words.multiplyWords(words.oneRing(x.ring, y.ring), value(x), value(y)))),
  matrixProduct: (x, y, shape) => now(share(x.ring, matrixProduct(x, y, shape))),
  truncate: (x, by) => now(share(x.ring, words.shiftRightWords(x.ring, value(x), by, true))),
  multiplyTruncate(x, y, by, terms = 1) {
    const products = words.foldWords(
      x.ring,
      words.multiplyWords(words.oneRing(x.ring, y.ring), value(x), value(y)),
      terms,
    )
    return now(share(x.ring, words.shiftRightWords(x.ring, products, by, true)))
  },
  matrixProductTruncate: (x, y, shape, by) =>
    now(share(x.ring, words.shiftRightWords(x.ring, matrixProduct(x, y, shape), by, true))),
  widen: (x) => now(share(128, widened(value(x)))),
  reveal: (x) => now(value(x)),
  constantBits: clearBits,
  xor: (x, y) =>
    clearBits(
      x.width,
      x.length,
      zip(value(x), value(y), (a, b) => a ^ b),
    ),
  not: (x) =>
    clearBits(
      x.width,
      x.length,
      Uint32Array.from(value(x), (a) => ~a),
    ),
  planes(x, index) {
    const stride = planeWords(x.length)
    const out = new Uint32Array(stride * index.length)
    index.forEach((plane, i) => {
      if (plane >= 0) out.set(value(x).subarray(stride * plane, stride * (plane + 1)), stride * i)
    })
    return clearBits(index.length, x.length, out)
  },
  stack: (...parts) =>
    clearBits(
      parts.reduce((sum, { width }) => sum + width, 0),
      parts[0]?.length ?? 0,
      words.concatWords(parts.map(value)),
    ),
  and: (x, y) =>
    now(
      clearBits(
        x.width,
        x.length,
        zip(value(x), value(y), (a, b) => a & b),
      ),
    ),
  summands(x, width = x.ring) {
    const planes = bitsSlice.run({ words: value(x), ring: x.ring }).slice(0, width * planeWords(x.length))
    const nothing = clearBits(width, x.length, new Uint32Array(planes.length))
    return now([clearBits(width, x.length, planes), nothing] as const)
  },
  inject: (x, ring) => now(share(ring, elementsOfPlanes(ring, value(x), x.length))),
  compose(x, ring) {
    const planes = new Uint32Array(ring * planeWords(x.length))
    planes.set(value(x).subarray(0, planes.length))
    return now(share(ring, bitsUnslice.run({ planes, ring, length: x.length })))
  },
  revealBits: (x) => now(value(x)),
  shuffle: (columns) => now(columns),
  order: (keys) => now(ascending(keys.ring, value(keys))),
  join: (...branches) => now(branches.map((branch) => runClear(branch(clearBackend))) as never),
}

/** The outputs of a program text on inputs in clear. */
export const clear = <P, I, O>(
  compute: (backend: Backend, parameters: P, inputs: I) => Routine<O>,
  parameters: P,
  inputs: I,
): O => runClear(compute(clearBackend, parameters, inputs))
