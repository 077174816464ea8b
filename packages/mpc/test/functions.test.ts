/** Fixed-point operators over their declared range, edges included, within the errors that their headers derive. */
import { describe, expect, it } from 'vitest'
import {
  divideFixed,
  equal,
  expFixed,
  fixedOf,
  floor,
  inverseSqrtFixed,
  isZero,
  lessThan,
  logFixed,
  logisticFixed,
  matrixProductFixed,
  multiplyFixed,
  mux,
  nearest,
  reciprocalFixed,
  numbersOfWords,
  sqrtFixed,
  tournament,
  wordsOfNumbers,
  type Arithmetic,
  type Backend,
  type Fixed,
  type Ring,
} from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { bitsOf, integers, runShared, shared } from './harness.ts'

/** Numbers between, dense near zero and at both ends, with random ones by a fixed recursion. */
const spread = (least: number, most: number, count = 40): number[] => {
  const out = [least, most]
  let state = 12345
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
  const positive = Math.max(least, 2 ** -16)
  for (let i = 0; i < count; i++) {
    out.push(least + (most - least) * random())
    out.push(positive * (most / positive) ** random())
  }
  if (least < 0) out.push(...out.map((x) => -x).filter((x) => x >= least), 0, 2 ** -16, -(2 ** -16), 1, -1, 0.5)
  for (let k = -14; k < 40; k++)
    if (2 ** k >= positive && 2 ** k <= most) out.push(2 ** k, Math.min(most, 2 ** k * 1.9999))
  return out.filter((x) => x >= least && x <= most)
}

const exact = (run: ReturnType<typeof runShared>) => expect({ rounds: run.rounds, bytes: run.bytes }).toEqual(run.cost)

/** The function on shares of x, beside what it took in: x rounded to its fraction. */
const map = (
  xs: readonly number[],
  fraction: number,
  magnitude: number,
  f: (b: Backend, x: Fixed) => Routine<Fixed>,
  ring: Ring = 64,
) => {
  const words = wordsOfNumbers(ring, xs, fraction)
  let out: Fixed | undefined
  const run = runShared({ x: { ring, words } }, function* (b, { x }) {
    out = yield* f(b, fixedOf(x as Arithmetic, fraction, magnitude))
    return { y: out.share }
  })
  exact(run)
  const y = numbersOfWords(out!.share.ring, run.opened['y']!, out!.fraction)
  const bound = out!.bound / 2 ** out!.fraction
  for (const value of y) expect(Math.abs(value)).toBeLessThanOrEqual(bound)
  return { given: numbersOfWords(ring, words, fraction), y, run }
}

/** Every |found - expected| <= relative · |expected| + absolute. */
const close = (
  { given, y }: { given: Float64Array; y: Float64Array },
  f: (x: number) => number,
  relative: number,
  absolute: number,
) => {
  given.forEach((x, i) => {
    const expected = f(x)
    const allowed = relative * Math.abs(expected) + absolute
    if (!(Math.abs(y[i]! - expected) <= allowed)) {
      throw new Error(`f(${x}): expected ${expected} within ${allowed}, found ${y[i]!} (off by ${y[i]! - expected})`)
    }
  })
}

describe('comparisons', () => {
  const edges = [0n, 1n, -1n, 2n ** 61n, -(2n ** 61n), 2n ** 62n - 1n, -(2n ** 62n) + 1n, 7n, 2n ** 32n, -(2n ** 32n)]
  it('compare, test for zero and choose', () => {
    const pairs = edges.flatMap((x) => edges.map((y) => [x, y] as const))
    const x = pairs.map(([a]) => a)
    const y = pairs.map(([, b]) => b)
    const run = runShared({ x: shared(x), y: shared(y) }, function* (b, { x, y }) {
      const less = yield* lessThan(b, x!, y!)
      return { less, same: yield* equal(b, x!, y!), zero: yield* isZero(b, x!), least: yield* mux(b, less, x!, y!) }
    })
    const n = pairs.length
    expect(bitsOf(run.opened['less']!, n)).toEqual(pairs.map(([a, b]) => Number(a < b)))
    expect(bitsOf(run.opened['same']!, n)).toEqual(pairs.map(([a, b]) => Number(a === b)))
    expect(bitsOf(run.opened['zero']!, n)).toEqual(pairs.map(([a]) => Number(a === 0n)))
    expect(integers(run, 'least')).toEqual(pairs.map(([a, b]) => (a < b ? a : b)))
    exact(run)
  })
  it.each([2, 3, 5, 17, 33, 63])('compare numbers of %i bits and a sign by as many planes', (bits) => {
    const most = 2n ** BigInt(bits - 1)
    const x = [-most, -most + 1n, -1n, 0n, 1n, most - 1n]
    const run = runShared({ x: shared(x) }, function* (b, { x }) {
      return {
        negative: yield* lessThan(b, x!, b.constant(64, new Uint32Array(2)), bits),
        zero: yield* isZero(b, x!, bits),
      }
    })
    expect(bitsOf(run.opened['negative']!, x.length)).toEqual(x.map((v) => Number(v < 0n)))
    expect(bitsOf(run.opened['zero']!, x.length)).toEqual(x.map((v) => Number(v === 0n)))
    exact(run)
  })
  it.each([1, 2, 3, 7, 8])('find the least and the greatest of rows of %i, the first among equals', (count) => {
    const rows = 5
    const values = Array.from({ length: rows * count }, (_, i) => BigInt((i * 7919) % 5) - 2n)
    const places = values.map((_, i) => BigInt(i % count))
    for (const greatest of [false, true]) {
      const run = runShared({ x: shared(values), i: shared(places) }, function* (b, { x, i }) {
        const { value, carried } = yield* tournament(b, { value: x!, carried: [i!] }, count, greatest, 8)
        return { value, place: carried[0]! }
      })
      const expected = Array.from({ length: rows }, (_, r) => {
        const row = values.slice(r * count, (r + 1) * count)
        const best = row.reduce((m, v) => (greatest ? (v > m ? v : m) : v < m ? v : m))
        return [best, BigInt(row.indexOf(best))]
      })
      expect(integers(run, 'value')).toEqual(expected.map(([v]) => v))
      expect(integers(run, 'place')).toEqual(expected.map(([, p]) => p))
      exact(run)
    }
  })
})

describe('exact truncation', () => {
  const values = [0n, 1n, -1n, 7n, 8n, 9n, -7n, -8n, -9n, 12n, -12n, 4n, -4n, 2n ** 61n + 3n, -(2n ** 61n) - 5n]
  it.each([1, 3, 20])('by %i bits is the floor, and the nearest with ties away from zero', (by) => {
    const run = runShared({ x: shared(values) }, function* (b, { x }) {
      return { floor: yield* floor(b, x!, by), nearest: yield* nearest(b, x!, by) }
    })
    const unit = 2n ** BigInt(by)
    const round = (x: bigint): bigint => (x < 0n ? -((-x + unit / 2n) / unit) : (x + unit / 2n) / unit)
    expect(integers(run, 'floor')).toEqual(values.map((x) => x >> BigInt(by)))
    expect(integers(run, 'nearest')).toEqual(values.map(round))
    exact(run)
  })
})

describe('fixed point', () => {
  it('multiplies within a unit, over the wider ring where it has to', () => {
    for (const [fraction, magnitude] of [
      [16, 2 ** 14],
      [16, 2 ** 30],
      [30, 1000],
    ] as const) {
      const xs = spread(-magnitude, magnitude)
      close(
        map(xs, fraction, magnitude, (b, x) => multiplyFixed(b, x, x)),
        (x) => x * x,
        2 ** -50,
        2 ** -fraction,
      )
    }
  })
  it('refuses at plan time what fits no ring', () => {
    const run = () => map([1], 40, 2 ** 21, (b, x) => multiplyFixed(b, x, { ...x, bound: 2 ** 80 }))
    expect(run).toThrow('expected values below 2^126')
  })
  it('truncates a matrix product once', () => {
    const xs = spread(-100, 100, 10).slice(0, 24)
    const { y, given } = map(xs, 16, 100, (b, x) => matrixProductFixed(b, x, x, { rows: 1, inner: 24, columns: 1 }))
    expect(Math.abs(y[0]! - given.reduce((sum, x) => sum + x * x, 0))).toBeLessThanOrEqual(2 ** -16)
  })

  it.each([
    [64, 16, 2 ** 20, 2 ** -26],
    [64, 24, 1000, 2 ** -26],
    [128, 40, 2 ** 20, 2 ** -50],
  ] as const)('divides over Z_2^%i with %i fraction bits up to %f', (ring, fraction, most, relative) => {
    const xs = spread(2 ** -fraction, most).filter((x) => x >= 2 ** -fraction)
    const dividend = 355 / 113
    const run = (signed: boolean, values: number[]) =>
      map(
        values,
        fraction,
        most,
        (b, x) => {
          const a = fixedOf(
            b.constant(
              ring,
              wordsOfNumbers(
                ring,
                values.map(() => dividend),
                fraction,
              ),
            ),
            fraction,
            4,
          )
          return divideFixed(b, a, x, { signed })
        },
        ring,
      )
    const a = Math.round(dividend * 2 ** fraction) / 2 ** fraction
    const unit = 2 ** -fraction
    close(run(false, xs), (x) => a / x, relative + unit / 2, 2 * unit)
    close(run(true, [...xs, ...xs.map((x) => -x)]), (x) => a / x, relative + unit / 2, 2 * unit)
    expect(Math.abs(run(false, [0, 1]).y[0]!)).toBeLessThanOrEqual(2 * unit)
  })

  it('divides many in other steps to the same', () => {
    const xs = spread(-(2 ** 20), 2 ** 20, 200).filter((x) => Math.abs(x) >= 2 ** -16)
    expect(xs.length).toBeGreaterThan(250)
    const reciprocal = (b: Backend, x: Fixed) => reciprocalFixed(b, x, { fraction: 16, signed: true })
    close(map(xs, 16, 2 ** 20, reciprocal), (x) => 1 / x, 2 ** -16, 2 * 2 ** -16)
  })

  it.each([
    [64, 16, 2 ** 30, 2 ** -26],
    [64, 24, 2 ** 10, 2 ** -26],
    [128, 40, 2 ** 30, 2 ** -50],
  ] as const)('takes roots over Z_2^%i with %i fraction bits up to %f', (ring, fraction, most, relative) => {
    const xs = [0, ...spread(2 ** -fraction, most)]
    const unit = 2 ** -fraction
    close(
      map(xs, fraction, most, (b, x) => sqrtFixed(b, x), ring),
      Math.sqrt,
      relative,
      2 * unit,
    )
    const positive = xs.filter((x) => x >= unit)
    close(
      map(positive, fraction, most, (b, x) => inverseSqrtFixed(b, x), ring),
      (x) => 1 / Math.sqrt(x),
      relative,
      2 * unit,
    )
  })

  it('takes roots of many in other steps to the same', () => {
    for (const fraction of [15, 16]) {
      const xs = [0, ...spread(2 ** -fraction, 2 ** 24, 160)]
      expect(xs.length).toBeGreaterThan(250)
      const unit = 2 ** -fraction
      close(
        map(xs, fraction, 2 ** 24, (b, x) => sqrtFixed(b, x)),
        Math.sqrt,
        2 ** -25,
        2 * unit,
      )
      const positive = xs.filter((x) => x >= unit)
      close(
        map(positive, fraction, 2 ** 24, (b, x) => inverseSqrtFixed(b, x)),
        (x) => 1 / Math.sqrt(x),
        2 ** -25,
        2 * unit,
      )
    }
  })

  it.each([
    [64, 16, 2 ** 30],
    [64, 24, 2 ** 10],
  ] as const)('takes logarithms over Z_2^%i with %i fraction bits up to %f', (ring, fraction, most) => {
    const xs = spread(2 ** -fraction, most)
    close(
      map(xs, fraction, most, (b, x) => logFixed(b, x), ring),
      Math.log,
      0,
      2 ** -26 + 2 * 2 ** -fraction,
    )
  })

  it('takes exponentials', () => {
    for (const [least, most, fraction] of [
      [-16, 0, 24],
      [-8, 8, 20],
      [-30, 2, 16],
    ] as const) {
      const xs = spread(-Math.max(-least, most), Math.max(-least, most)).filter((x) => x >= least && x <= most)
      const bound = Math.max(-least, most)
      close(
        map(xs, fraction, bound, (b, x) => expFixed(b, x, { least, most })),
        Math.exp,
        2 ** -25,
        2 * 2 ** -fraction,
      )
    }
  })

  it.each([
    [16, 4],
    [16, 2000],
    [24, 40],
  ])('takes the logistic function with %i fraction bits up to %i', (fraction, most) => {
    const xs = spread(-most, most, 60)
    close(
      map(xs, fraction, most, (b, x) => logisticFixed(b, x)),
      (x) => 1 / (1 + Math.exp(-x)),
      0,
      (fraction > 18 ? 2 ** -21 : 2 ** -17) + 2 * 2 ** -fraction,
    )
  })
})
