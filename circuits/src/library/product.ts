/** Multipliers, dividers and square roots of integers. */
import { add, addWide, constant, lessSigned, mux, negate, not, sumOf, type Aim } from './arithmetic.ts'
import { misuse } from '../circuit.ts'
import { one, zero, type Builder, type Wire, type Word } from '../builder.ts'

/** x·y mod 2^width, for words of any widths, without sign. */
export const multiply = (b: Builder, x: Word, y: Word, width: number, aim: Aim): Word => {
  const rows = y.map((bit, i) => {
    const row = [...constant(0n, i), ...x.map((other) => b.and(other, bit))].slice(0, width)
    return [...row, ...constant(0n, width - row.length)]
  })
  if (aim === 'depth') return sumOf(b, rows, aim)
  // Row by row only the bits that can carry: no gate is spent on the zeros below and above.
  let total = rows[0]!
  for (let i = 1; i < y.length && i < width; i++) {
    const top = Math.min(width, i + x.length + 1)
    const sum = addWide(b, total.slice(i, top), rows[i]!.slice(i, top), aim).slice(0, top - i)
    total = [...total.slice(0, i), ...sum, ...constant(0n, width - top)]
  }
  return total
}

/** Copies the sign bit upwards. */
export const extend = (x: Word, width: number): Word => [
  ...x.slice(0, width),
  ...Array.from({ length: Math.max(0, width - x.length) }, () => x[x.length - 1]!),
]

/** The same in two's complement; the product of two words of n and m bits is exact in n + m. */
export const multiplySigned = (b: Builder, x: Word, y: Word, width: number, aim: Aim): Word =>
  multiply(b, extend(x, width), extend(y, width), width, aim)

export interface Quotient {
  readonly quotient: Word
  readonly remainder: Word
}

/**
 * x / y and x mod y without sign, by restoring division: a subtraction and a selection a bit of x. Division by 0 gives a
 * quotient of ones and the dividend's low bits as the remainder.
 */
export const divide = (b: Builder, x: Word, y: Word, aim: Aim): Quotient => {
  const width = y.length
  let rest: Word = constant(0n, width)
  const quotient: Wire[] = Array.from({ length: x.length }, () => zero)
  for (let i = x.length - 1; i >= 0; i--) {
    const next = [x[i]!, ...rest]
    const difference = addWide(b, next, not(b, [...y, zero]), aim, one)
    const fits = difference[width + 1]!
    quotient[i] = fits
    rest = mux(b, fits, difference.slice(0, width), next.slice(0, width))
  }
  return { quotient, remainder: rest }
}

/** |x| in two's complement; the least number stays itself, which is right without sign. */
const magnitude = (b: Builder, x: Word, aim: Aim): Word => {
  const sign = x[x.length - 1]!
  return add(
    b,
    x.map((bit) => b.xor(bit, sign)),
    constant(0n, x.length),
    aim,
    sign,
  )
}

const withSign = (b: Builder, x: Word, sign: Wire, aim: Aim): Word => mux(b, sign, negate(b, x, aim), x)

/** x / y rounded towards zero, the remainder with the sign of x: what BigInt and C do. */
export const divideSigned = (b: Builder, x: Word, y: Word, aim: Aim): Quotient => {
  const [sx, sy] = [x[x.length - 1]!, y[y.length - 1]!]
  const { quotient, remainder } = divide(b, magnitude(b, x, aim), magnitude(b, y, aim), aim)
  return { quotient: withSign(b, quotient, b.xor(sx, sy), aim), remainder: withSign(b, remainder, sx, aim) }
}

/** ⌊√x⌋ without sign, bit by bit (restoring): ⌈width / 2⌉ bits. */
export const squareRoot = (b: Builder, x: Word, aim: Aim): Word => {
  const bits = Math.ceil(x.length / 2)
  const width = bits + 2
  const padded = [...x, ...constant(0n, 2 * bits - x.length)]
  let rest: Word = constant(0n, width)
  let root: Word = []
  for (let i = bits - 1; i >= 0; i--) {
    const next = [padded[2 * i]!, padded[2 * i + 1]!, ...rest].slice(0, width)
    // Subtract 4·root + 1, the trial of a next bit.
    const trial = [one, zero, ...root, ...constant(0n, width)].slice(0, width)
    const difference = addWide(b, next, not(b, trial), aim, one)
    const fits = difference[width]!
    rest = mux(b, fits, difference.slice(0, width), next)
    root = [fits, ...root]
  }
  return root
}

/** x moved by a secret number of places, zeros coming in; a selection of every bit for each bit of the distance. */
export const shift = (b: Builder, x: Word, distance: Word, direction: 'left' | 'right'): Word =>
  distance.reduce((word: Word, bit, i) => {
    if (2 ** i >= 2 * x.length) throw misuse(`expected a distance of few enough bits for ${x.length}`)
    const zeros = constant(0n, Math.min(x.length, 2 ** i))
    const moved = direction === 'left' ? [...zeros, ...word].slice(0, x.length) : [...word, ...zeros].slice(-x.length)
    return mux(b, bit, moved, word)
  }, x)

export const minimum = (b: Builder, x: Word, y: Word, aim: Aim): Word => mux(b, lessSigned(b, x, y, aim), x, y)
export const absolute = magnitude
