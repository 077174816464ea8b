/** Computation under encryption: a row is numbers, or the weights of a model. */
import {
  evaluateInput,
  evaluateOf,
  lookup,
  lookupInput,
  scoring,
  scoringInput,
  statisticsInput,
  statisticsOf,
} from '@tallystick/homomorphic'
import type { AnyProtocol } from '@tallystick/protocol'
import { programOf, type Programs } from '../program.ts'

export const programs: Programs = {
  ...programOf(scoring, scoringInput),
  ...programOf(lookup, lookupInput),
  ...Object.assign(
    {},
    ...[1, 2, 3, 4].flatMap((owners) => [
      programOf(statisticsOf(owners) as AnyProtocol, statisticsInput),
      programOf(evaluateOf(owners) as AnyProtocol, evaluateInput),
    ]),
  ),
}
