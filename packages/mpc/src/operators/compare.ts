/** Comparisons: of two's complement integers, by the top bit of a difference. */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits } from '../backend.ts'
import { topOfSum } from './adder.ts'

/** One plane: whether x < 0. 8 rounds (ring 64), 9 (128). */
export function* isNegative(backend: Backend, x: Arithmetic): Routine<Bits> {
  const [u, v] = yield* backend.summands(x)
  return yield* topOfSum(backend, u, v)
}

/** One plane: whether x < y, for |x - y| < 2^(ring - 1): the caller bounds both. */
export const lessThan = (backend: Backend, x: Arithmetic, y: Arithmetic): Routine<Bits> =>
  isNegative(backend, backend.subtract(x, y))
