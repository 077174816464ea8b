/** Oblivious queries: of a holder the rows are its key, and what binds its table. */
import {
  isMatrix,
  isQuorumCells,
  isWhichMatrix,
  listInput,
  matrixOutside,
  pirInput,
  quorumInput,
  quorumQueries,
  sealedListQuery,
  simplePirQuery,
  whichInput,
  whichOutside,
  whichQueries,
} from '@tallystick/query'
import { programOf, type Programs } from '../program.ts'

export const programs: Programs = {
  ...programOf(sealedListQuery, listInput),
  [simplePirQuery.id]: { protocol: simplePirQuery, input: pirInput, bound: isMatrix, outside: matrixOutside },
  ...Object.fromEntries(
    [...whichQueries.values()].map((protocol) => [
      protocol.id,
      { protocol, input: whichInput, bound: isWhichMatrix, outside: whichOutside },
    ]),
  ),
  ...Object.fromEntries(
    [...quorumQueries.values()].map((protocol) => [
      protocol.id,
      { protocol, input: quorumInput, bound: isQuorumCells },
    ]),
  ),
}
