/** Truncation without the random last unit: for outputs, and wherever a result must be a function of its inputs. */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Ring } from '../backend.ts'
import { powerOfTwo } from '../words.ts'
import { isNegative } from './compare.ts'

/** floor(x / 2^by), |x| < 2^(ring - 2): the truncated value, less one where it was one too much. 5 + log2 by rounds. */
export function* floor<R extends Ring>(backend: Backend, x: Arithmetic<R>, by: number): Routine<Arithmetic<R>> {
  if (by === 0) return x
  const near = yield* backend.truncate(x, by)
  // x - near · 2^by is in [-2^by, 2^by).
  const rest = backend.subtract(x, backend.scale(near, powerOfTwo(x.ring, by)))
  const above = yield* isNegative(backend, rest, by + 1)
  return backend.subtract(near, yield* backend.inject(above, x.ring))
}

/** x / 2^by to the nearest whole number, ties away from zero. The rounds of `floor` and of a comparison. */
export function* nearest<R extends Ring>(
  backend: Backend,
  x: Arithmetic<R>,
  by: number,
  width: number = x.ring,
): Routine<Arithmetic<R>> {
  if (by === 0) return x
  const negative = yield* backend.inject(yield* isNegative(backend, x, width), x.ring)
  const half = backend.shift(x, powerOfTwo(x.ring, by - 1))
  return yield* floor(backend, backend.subtract(half, negative), by)
}
