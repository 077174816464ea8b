/**
 * Fixed point: a word of `width` bits in two's complement stands for its integer divided by 2^fraction. Results wrap modulo
 * 2^width, as the integers do: whoever builds a circuit chooses the width by the range that can occur.
 */
import type { Aim } from './arithmetic.ts'
import { constant } from './arithmetic.ts'
import { misuse } from '../circuit.ts'
import type { Builder, Word } from '../builder.ts'
import { divideSigned, extend, multiplySigned, squareRoot } from './product.ts'

export interface FixedPoint {
  readonly width: number
  readonly fraction: number
}

const check = ({ width, fraction }: FixedPoint, ...words: readonly Word[]): void => {
  const found = words.find((word) => word.length !== width)
  if (found !== undefined) throw misuse(`expected words of ${width} bits, found ${found.length}`)
  if (fraction < 0 || fraction >= width) throw misuse(`expected a fraction below ${width} bits, found ${fraction}`)
}

/** ⌊x·y / 2^fraction⌋: rounds down, exactly. */
export const multiplyFixed = (b: Builder, format: FixedPoint, x: Word, y: Word, aim: Aim): Word => {
  check(format, x, y)
  const { width, fraction } = format
  return multiplySigned(b, x, y, width + fraction, aim).slice(fraction)
}

/** x·2^fraction / y rounded towards zero, exactly; by 0 what {@link divideSigned} says. */
export const divideFixed = (b: Builder, format: FixedPoint, x: Word, y: Word, aim: Aim): Word => {
  check(format, x, y)
  const { width, fraction } = format
  const dividend = [...constant(0n, fraction), ...x]
  return divideSigned(b, dividend, extend(y, width + fraction), aim).quotient.slice(0, width)
}

/** ⌊√(x·2^fraction)⌋, exactly, of a word whose sign bit is 0. */
export const squareRootFixed = (b: Builder, format: FixedPoint, x: Word, aim: Aim): Word => {
  check(format, x)
  const { width, fraction } = format
  const root = squareRoot(b, [...constant(0n, fraction), ...x], aim)
  return [...root, ...constant(0n, width)].slice(0, width)
}
