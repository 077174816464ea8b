/** Tail probabilities against scipy. */
import { expect, test } from 'vitest'
import { chiSquareTail, fisherTail, normalTail, studentTail } from '@tallystick/statistics'
import { reference } from './reference.ts'

const tails = {
  t: studentTail,
  f: fisherTail,
  chiSquare: chiSquareTail,
  normal: normalTail,
} as Record<'t' | 'f' | 'chiSquare' | 'normal', (...values: number[]) => number>

test.each(['t', 'f', 'chiSquare', 'normal'] as const)('tail probabilities of %s are those of scipy', (name) => {
  const cases = reference.pValues[name]
  expect(cases.length).toBeGreaterThan(5)
  for (const row of cases) {
    const found = tails[name](...row.slice(0, -1))
    expect(Math.abs(found - row.at(-1)!), `${name} of ${row.slice(0, -1).join()}`).toBeLessThan(1e-5)
  }
})

/** Where 1 - cdf is 0 in doubles. */
test('tail probabilities far out keep their digits', () => {
  const close = (found: number, expected: number) => expect(Math.abs(found / expected - 1)).toBeLessThan(1e-8)
  close(normalTail(10), 1.5239706048e-23)
  close(normalTail(-6), 1.973175290075e-9)
  close(chiSquareTail(100, 1), 1.5239706048e-23)
  // Of two degrees of freedom it is exp(-x / 2), of four (1 + x / 2) exp(-x / 2).
  for (const x of [0.5, 3.9, 4.1, 60, 300, 1200]) {
    close(chiSquareTail(x, 2), Math.exp(-x / 2))
    close(chiSquareTail(x, 4), (1 + x / 2) * Math.exp(-x / 2))
  }
})
