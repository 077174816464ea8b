/** Choices by secret bits: mux, minimum, maximum and their places. */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits, Ring } from '../backend.ts'
import { isNegative } from './compare.ts'

/** x where `bit` (0 or 1 of the ring) is 1, else y. One round. */
export function* select<R extends Ring>(
  backend: Backend,
  bit: Arithmetic<R>,
  x: Arithmetic<R>,
  y: Arithmetic<R>,
): Routine<Arithmetic<R>> {
  return backend.add(y, yield* backend.multiply(bit, backend.subtract(x, y)))
}

/** The same by a plane of bits. Three rounds. */
export function* mux<R extends Ring>(
  backend: Backend,
  bit: Bits,
  x: Arithmetic<R>,
  y: Arithmetic<R>,
): Routine<Arithmetic<R>> {
  return yield* select(backend, yield* backend.inject(bit, x.ring), x, y)
}

/** |x| where `negative` is whether x < 0 as 0 or 1 of the ring. One round. */
export function* absolute<R extends Ring>(
  backend: Backend,
  x: Arithmetic<R>,
  negative: Arithmetic<R>,
): Routine<Arithmetic<R>> {
  const product = yield* backend.multiply(negative, x)
  return backend.subtract(x, backend.add(product, product))
}

export interface Extreme<R extends Ring> {
  readonly value: Arithmetic<R>
  /** What the winner of each comparison carries along. */
  readonly carried: readonly Arithmetic<R>[]
}

/** Element by element the less (or, with `greatest`, the greater) of x and y; ties go to x. 11 rounds for 64 planes. */
export function* extreme<R extends Ring>(
  backend: Backend,
  x: Extreme<R>,
  y: Extreme<R>,
  greatest: boolean,
  width: number = x.value.ring,
): Routine<Extreme<R>> {
  // Whether y wins: y < x, or y > x.
  const difference = greatest ? backend.subtract(x.value, y.value) : backend.subtract(y.value, x.value)
  const { ring, length } = x.value
  const bit = yield* backend.inject(yield* isNegative(backend, difference, width), ring)
  const left = [x.value, ...x.carried]
  const right = [y.value, ...y.carried]
  const bits = backend.concat(...left.map(() => bit))
  const chosen = yield* select(backend, bits, backend.concat(...right), backend.concat(...left))
  const [value, ...carried] = left.map((_, i) => backend.slice(chosen, i * length, (i + 1) * length))
  return { value: value!, carried }
}

/**
 * The least (or greatest) of each row of `count` elements, with what it carries along, by a tournament of
 * ceil(log2 count) times 11 rounds; among equals the first.
 */
export function* tournament<R extends Ring>(
  backend: Backend,
  x: Extreme<R>,
  count: number,
  greatest: boolean,
  width?: number,
): Routine<Extreme<R>> {
  const rows = x.value.length / count
  // Column by column, so that halves are slices.
  const order = Uint32Array.from({ length: rows * count }, (_, i) => (i % rows) * count + Math.floor(i / rows))
  const each = (e: Extreme<R>, f: (v: Arithmetic<R>) => Arithmetic<R>): Extreme<R> => ({
    value: f(e.value),
    carried: e.carried.map(f),
  })
  let rest = each(x, (v) => backend.gather(v, order))
  for (let left = count; left > 1; left = Math.ceil(left / 2)) {
    const pairs = left >> 1
    const column = (from: number, step: number): Uint32Array =>
      Uint32Array.from({ length: pairs * rows }, (_, i) => (from + step * Math.floor(i / rows)) * rows + (i % rows))
    const [even, odd] = [column(0, 2), column(1, 2)]
    const winners = yield* extreme(
      backend,
      each(rest, (v) => backend.gather(v, even)),
      each(rest, (v) => backend.gather(v, odd)),
      greatest,
      width,
    )
    if (left % 2 === 0) rest = winners
    else {
      const last = each(rest, (v) => backend.slice(v, (left - 1) * rows, left * rows))
      rest = {
        value: backend.concat(winners.value, last.value),
        carried: winners.carried.map((v, i) => backend.concat(v, last.carried[i]!)),
      }
    }
  }
  return rest
}
