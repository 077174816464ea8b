/**
 * Comparisons of two's complement integers by the top bit of a difference, and tests for zero. Where the caller knows
 * |x| < 2^(width - 1), only `width` planes are looked at: bytes fall in proportion.
 */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits } from '../backend.ts'
import { wordsOfIntegers } from '../words.ts'
import { all, topOfSum } from './adder.ts'

/** One plane: whether x < 0, for |x| < 2^(width - 1). 2 + ceil(log2 (width - 1)) rounds: 8 for 64. */
export function* isNegative(backend: Backend, x: Arithmetic, width: number = x.ring): Routine<Bits> {
  const [u, v] = yield* backend.summands(x, width)
  return yield* topOfSum(backend, u, v)
}

/** One plane: whether x < y, for |x - y| < 2^(width - 1): the caller bounds both. */
export const lessThan = (backend: Backend, x: Arithmetic, y: Arithmetic, width?: number): Routine<Bits> =>
  isNegative(backend, backend.subtract(x, y), width)

/** One plane: whether x = 0, for |x| < 2^width. u + v = x - 1 is -1 iff u xor v is all ones. 1 + log2 width rounds. */
export function* isZero(backend: Backend, x: Arithmetic, width: number = x.ring): Routine<Bits> {
  const [u, v] = yield* backend.summands(backend.shift(x, wordsOfIntegers(x.ring, [-1])), width)
  return yield* all(backend, backend.xor(u, v))
}

/** One plane: whether x = y, for |x - y| < 2^width. */
export const equal = (backend: Backend, x: Arithmetic, y: Arithmetic, width?: number): Routine<Bits> =>
  isZero(backend, backend.subtract(x, y), width)
