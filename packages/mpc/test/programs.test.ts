/** Random programs of exact operations: over shares, in the clear and in the count they agree. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { sort } from '@tallystick/mpc'
import { runShared, shared } from './harness.ts'
import { agree, type Vector } from './random-programs.ts'

it('random programs give the same over shares and in the clear, at the counted cost', () => agree(120))

it('sorts any keys as the clear does', () => {
  const key = fc.oneof(fc.bigInt(-(2n ** 40n), 2n ** 40n), fc.bigInt(-2n, 2n))
  fc.assert(
    fc.property(fc.array(key, { minLength: 0, maxLength: 30 }), (keys) => {
      const run = runShared({ k: shared(keys) }, function* (b, { k }) {
        return { sorted: (yield* sort(b, k as Vector, [], { bits: 41 })).keys }
      })
      expect(run.opened['sorted']).toEqual(shared(keys.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))).words)
    }),
    { numRuns: 25, seed: 3 },
  )
})
