/** The minimum cell count, under sharing: what is withheld is zero before it is opened. */
import { isNegative, wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'

/** For each count 0 where it is from 1 to below `least`, 1 elsewhere; |count| < 2^62. 11 rounds. */
export function* keepFrom(backend: Backend, counts: Arithmetic<128>, least: number): Routine<Arithmetic<128>> {
  const small = backend.low(counts)
  const below = (bound: number) =>
    function* (branch: Backend) {
      return yield* isNegative(branch, branch.shift(small, wordsOfIntegers(64, [-bound])))
    }
  const [few, none] = yield* backend.join(below(least), below(1))
  const hidden = yield* backend.and(few, backend.not(none))
  return yield* backend.inject(backend.not(hidden), 128)
}
