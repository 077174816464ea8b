/**
 * Sums of integers in bits by parallel prefix: (g, p) of a run of planes is whether it makes a carry, and whether it
 * passes one on; (g, p) of two neighbouring runs is (g_high + p_high g_low, p_high p_low).
 */
import type { Routine } from '@tallystick/protocol'
import type { Backend, Bits } from '../backend.ts'

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/**
 * u + v mod 2^width, carry lost: Sklansky (1960), 1 + ceil(log2 width) rounds, about width log2 width AND gates an
 * element (448 for 64 planes).
 */
export function* add(backend: Backend, u: Bits, v: Bits): Routine<Bits> {
  const { width } = u
  const sum = backend.xor(u, v)
  if (width === 1) return sum
  // The carry out of the last plane is not wanted.
  const below = range(0, width - 1)
  let p = backend.planes(sum, below)
  let g = yield* backend.and(backend.planes(u, below), backend.planes(v, below))
  for (let level = 0; 1 << level < below.length; level++) {
    const upper = below.filter((i) => ((i >> level) & 1) === 1)
    const lower = upper.map((i) => ((i >> level) << level) - 1)
    // p of the lowest run is never looked at again.
    const passing = upper.filter((i) => i >> (level + 1) > 0)
    const passed = passing.map((i) => ((i >> level) << level) - 1)
    const left = backend.planes(p, [...upper, ...passing])
    const right = backend.stack(backend.planes(g, lower), backend.planes(p, passed))
    const products = yield* backend.and(left, right)
    const made = below.map((i) => upper.indexOf(i))
    g = backend.xor(g, backend.planes(products, made))
    const keep = below.map((i) => {
      const at = passing.indexOf(i)
      return at < 0 ? i : below.length + upper.length + at
    })
    p = backend.planes(backend.stack(p, products), keep)
  }
  return backend.xor(sum, backend.planes(g, [-1, ...below]))
}

/**
 * Plane width - 1 of u + v: only the carry into it, by a tree. 1 + ceil(log2 (width - 1)) rounds, about 3 width AND
 * gates an element (183 for 64 planes).
 */
export function* topOfSum(backend: Backend, u: Bits, v: Bits): Routine<Bits> {
  const { width } = u
  const sum = backend.xor(u, v)
  const top = backend.planes(sum, [width - 1])
  if (width === 1) return top
  const below = range(0, width - 1)
  let p = backend.planes(sum, below)
  let g = yield* backend.and(backend.planes(u, below), backend.planes(v, below))
  for (let count = below.length; count > 1; count = g.width) {
    const pairs = range(0, count >> 1)
    const [low, high] = [pairs.map((k) => 2 * k), pairs.map((k) => 2 * k + 1)]
    const left = backend.planes(p, [...high, ...high.slice(1)])
    const right = backend.stack(backend.planes(g, low), backend.planes(p, low.slice(1)))
    const products = yield* backend.and(left, right)
    const carried = backend.xor(backend.planes(g, high), backend.planes(products, pairs))
    // The lowest run's p is never looked at: plane -1 stands in.
    const passed = backend.planes(products, [-1, ...pairs.slice(1).map((k) => pairs.length + k - 1)])
    const odd = count % 2 === 1 ? [count - 1] : []
    g = backend.stack(carried, backend.planes(g, odd))
    p = backend.stack(passed, backend.planes(p, odd))
  }
  return backend.xor(top, g)
}

/** Whether all planes are ones: a tree of ANDs, ceil(log2 width) rounds, width - 1 gates an element. */
export function* all(backend: Backend, x: Bits): Routine<Bits> {
  let rest = x
  while (rest.width > 1) {
    const half = rest.width >> 1
    const product = yield* backend.and(
      backend.planes(rest, range(0, half)),
      backend.planes(rest, range(half, 2 * half)),
    )
    rest = rest.width % 2 === 1 ? backend.stack(product, backend.planes(rest, [rest.width - 1])) : product
  }
  return rest
}
