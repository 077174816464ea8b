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
