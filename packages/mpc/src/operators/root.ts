/**
 * Square root and its inverse: Goldschmidt's iteration for both at once, on the mantissa y in [1/2, 1].
 *
 * r = a quadratic within 0.4 % of y^(-1/2); g = y r, h = r/2; twice g += g t, h += h t with t = 1/2 - g h: the relative
 * error falls from e to 3/2 e^2: below 2^-31 after two steps, 2^-61 after three (Z_2^128).
 * Error. With u = 2^-30 (2^-62) the unit of the mantissa: each product is off by u, t by 2u, y by 2u relative: below
 * 16 u = 2^-26 (2^-58) relative, plus two units of the result's last place.
 */
import type { Routine } from '@tallystick/protocol'
import type { Backend } from '../backend.ts'
import {
  addFixed,
  boundedBy,
  concatFixed,
  constantFixed,
  multiplyFixed,
  splitFixed,
  subtractFixed,
  type Fixed,
} from './fixed.ts'
import { isLarge, normalise, ofExponent, rootOfPower, type Normal } from './normalise.ts'
import { polynomial } from './polynomial.ts'
import { chebyshev, substitute } from './series.ts'

const start = substitute(
  chebyshev((y) => 1 / Math.sqrt(y), 0.5, 1, 2),
  -3,
  4,
)

/** sqrt(y) and 1/(2 sqrt(y)) for y in [1/2, 1]. */
function* mantissaRoots(backend: Backend, y: Fixed): Routine<readonly [Fixed, Fixed]> {
  const { ring } = y.share
  const r = boundedBy(yield* polynomial(backend, y, start), 1.5)
  const half = constantFixed(backend, ring, [0.5], y.fraction)
  let g = boundedBy(yield* multiplyFixed(backend, y, r), 1.1)
  let h: Fixed = boundedBy(yield* multiplyFixed(backend, r, half), 0.75)
  const steps = ring === 64 ? 2 : 3
  for (let step = 0; step < steps; step++) {
    const t = boundedBy(yield* subtractFixed(backend, half, yield* multiplyFixed(backend, g, h)), 0.01)
    const product = yield* multiplyFixed(backend, concatFixed(backend, [g, h]), concatFixed(backend, [t, t]))
    const [dg, dh] = splitFixed(backend, product, 2)
    g = boundedBy(yield* addFixed(backend, g, dg!), 1.1)
    h = boundedBy(yield* addFixed(backend, h, dh!), 0.75)
  }
  return [g, h]
}

/** sqrt(y), 1/(2 sqrt(y)) of the mantissa, and what the exponent contributes, side by side. */
const many = function* (backend: Backend, normal: Normal, x: Fixed, inverse: boolean) {
  return yield* backend.join(
    (branch) => mantissaRoots(branch, normal.mantissa),
    (branch) => rootOfPower(branch, normal, x, inverse),
  )
}

/** sqrt(x) for x >= 0. About 37 rounds for 40-bit x; of more than 200 elements about 46, and half the bytes. */
export function* sqrtFixed(backend: Backend, x: Fixed, fraction = x.fraction): Routine<Fixed> {
  const normal = yield* normalise(backend, x, false, !isLarge(x))
  const most = Math.sqrt(x.bound / 2 ** x.fraction) * 1.001 + 2 ** (1 - fraction)
  if (isLarge(x)) {
    const [[g], { power, factor }] = yield* many(backend, normal, x, false)
    const root = boundedBy(yield* multiplyFixed(backend, g, factor), 1.5)
    return boundedBy(yield* multiplyFixed(backend, root, power, fraction), most)
  }
  const [g] = yield* mantissaRoots(backend, normal.mantissa)
  const power = ofExponent(backend, normal, x, (e) => Math.sqrt(2 ** e), fraction + 2)
  return boundedBy(yield* multiplyFixed(backend, g, power, fraction), most)
}

/** 1 / sqrt(x) for x > 0; 0 for x = 0. */
export function* inverseSqrtFixed(backend: Backend, x: Fixed, fraction = x.fraction): Routine<Fixed> {
  const normal = yield* normalise(backend, x, false, !isLarge(x))
  if (isLarge(x)) {
    const [[, h], { power, factor }] = yield* many(backend, normal, x, true)
    const half = boundedBy(yield* multiplyFixed(backend, h, factor), 1.1)
    // h is half of the root's inverse.
    return yield* multiplyFixed(backend, { ...half, fraction: half.fraction - 1 }, power, fraction)
  }
  const [, h] = yield* mantissaRoots(backend, normal.mantissa)
  const power = ofExponent(backend, normal, x, (e) => 2 / Math.sqrt(2 ** e), fraction + 2)
  return yield* multiplyFixed(backend, h, power, fraction)
}
