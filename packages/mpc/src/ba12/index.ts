/**
 * The union of three to ten lists: M. Blanton and E. Aguiar, "Private and oblivious set and multiset operations" (ASIACCS
 * 2012, ia.cr/2011/464): the shared lists are put together and sorted obliviously, each element is compared
 * with its neighbour, and repeated ones are blanked. Here over replicated shares (`rep3`, Araki et al. 2016), with the sort of
 * `operators/sort.ts` (a shuffle, then a quicksort on opened comparisons: Hamada et al., ICISC 2012), and a second shuffle.
 *
 *     owner-1 …                   p0, p1, p2, who have lists too
 *     ------------------------------------------------------------------------------------------
 *     seed, share                 key, key (one contribution a pair and side)
 *         ------------------>     seed, share: rows (key ‖ place, id) of its list
 *                                 permuted: all rows, three passes; no party knows the order
 *                                 deal, masked, product, reveal: comparisons (key ‖ place) of the quicksort, opened
 *                                 deal, product: k = [id differs from the row before], id · k
 *                                 permuted: all rows once more, or a place would show how often an id came
 *     =============  checkpoint: all have signed all chain heads so far  =======================
 *         <------------------     result, to each receiver: ids in a random order, zeros where one was blanked
 *
 * Security. Semi-honest; at most one of p0, p1, p2 corrupt, together with any number of the owners and receivers that do not
 * compute; AES-128 a pseudorandom function. **Two of the three together read every list.** An active party can add errors, also
 * before the opened comparisons: see `program.ts`; so terms allow one attempt, and the audit by replay finds it afterwards.
 *
 * Who learns what. A receiver: the union, in an order that says nothing, and so its size. Not who brought an id, nor on how many
 * lists it is, but for what follows: an id that is not on the own list is on another's; the sizes of all lists less that of the union
 * say how many repetitions there are in all. Of three lists, a party that knows two of them knows nearly the third: that is what a
 * union is. Parties that are no receivers: nothing.
 *
 * Leakage. Sizes and `idBytes`, which stand in the terms. The opened comparisons are of pairwise different keys in an order
 * that no party knows: those of a random permutation, whatever the rows.
 *
 * Errors. Equality is of whole ids, so the union is never wrong. Keys decide only which ids become neighbours: SHA-256 of the padded id cut
 * to 80 bits, or, of ids of at most 9 bytes, the id. If two different ids of n in all had one key, an id on several lists could be opened
 * more than once: its receiver would see that it is on so many. SHA-256 taken as a random oracle, below n^2 / 2 · 2^-80, 2^-45 at
 * the most rows, 2^18. No coin is tossed for it: semi-honest parties do not choose ids by their digests, and to hit the key of an id that another
 * has takes 2^80 hashes.
 *
 * Cost. Of n rows in all, c = ⌈(1 + idBytes) / 8⌉: some 1.4 n log2 n comparisons of 80 + log2 n bits at about 0.4 bytes a bit and
 * 8 rounds a level of the quicksort; a row 96 (c + 1) bytes for shuffles, and 24 c for blanking. The bound that `cost` declares is far above what is
 * expected: it holds but for a probability of 2^-40.
 *
 * Constant time. The computing parties: but for the memory accesses of shuffles and what follows the opened order, yes. Padding,
 * digests and the receivers' work on the opened union: no.
 */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits } from '../backend.ts'
import { all } from '../operators/adder.ts'
import { equal } from '../operators/compare.ts'
import { programProtocol, type Inputs, type Outputs, type Program, type ProgramProtocol } from '../program.ts'
import { computing } from '../rep3/party.ts'
import { wordsOfIntegers } from '../words.ts'
import { leastUnionParties, mostUnionParties, unionParser, unionRoles, type UnionParameters } from './parameters.ts'
import {
  columnsOf,
  columnWords,
  flatOf,
  idsOf,
  keyBits,
  keyWords,
  paddedOf,
  placeBits,
  unpadded,
  type UnionRows,
} from './rows.ts'

export * from './parameters.ts'
export type { UnionRows } from './rows.ts'

export type UnionOutcome =
  /** Each id of any list once, ascending by their bytes. */
  { readonly kind: 'ids'; readonly ids: UnionRows } | { readonly kind: 'none' }

export type Ba12 = ProgramProtocol<UnionParameters, UnionRows, UnionOutcome>

const leakage =
  'the numbers of rows and a bound on the length of ids (they stand in the terms); the opened comparisons of shuffled, ' +
  'pairwise different keys, which are those of a random permutation'

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** One plane: whether a row, from the second on, has the id of the row before. */
function* repeated(backend: Backend, columns: readonly Arithmetic<64>[]): Routine<Bits> {
  const { length } = columns[0]!
  const same = yield* backend.join(
    ...columns.map(
      (column) => (branch: Backend) =>
        equal(branch, branch.slice(column, 0, length - 1), branch.slice(column, 1, length)),
    ),
  )
  return yield* all(backend, backend.stack(...same))
}

/** The columns of all ids in a random order, zeros for an id that came before. */
function* unite(backend: Backend, parameters: UnionParameters, inputs: Inputs): Routine<Outputs> {
  const roles = Object.keys(parameters.sizes)
  const count = columnsOf(parameters)
  const columns = range(count).map((c) =>
    backend.concat(
      ...roles.map((role) => {
        const [ids, rows] = [inputs[`${role}/ids`] as Arithmetic<64>, parameters.sizes[role]!]
        return backend.slice(ids, rows * c, rows * (c + 1))
      }),
    ),
  )
  const keys = backend.concat(...roles.map((role) => inputs[`${role}/keys`] as Arithmetic<128>))
  const [mixedKeys, ...mixed] = yield* backend.shuffle([keys, ...columns])
  const order = yield* backend.order(mixedKeys!, { width: keyBits + placeBits(parameters) + 2 })
  const sorted = mixed.map((column) => backend.gather(column as Arithmetic<64>, order))
  const same = yield* repeated(backend, sorted)
  const first = backend.constant(64, wordsOfIntegers(64, [1]))
  const kept = backend.concat(first, yield* backend.inject(backend.not(same), 64))
  const ids = yield* backend.multiply(backend.concat(...sorted), backend.concat(...sorted.map(() => kept)))
  const { length } = keys
  const blanked = range(count).map((c) => backend.slice(ids, length * c, length * (c + 1)))
  return { ids: backend.concat(...((yield* backend.shuffle(blanked)) as Arithmetic<64>[])) }
}

/** Its text, by which other backends can run it too. */
export const unionProgram = (parties: number): Program<UnionParameters, UnionRows, UnionOutcome> => {
  const roles = unionRoles(parties)
  const firstOf = ({ sizes }: UnionParameters, role: string): number =>
    roles.slice(0, roles.indexOf(role)).reduce((sum, each) => sum + sizes[each]!, 0)
  return {
    id: `mpc/ba12-${parties}`,
    version: 1,
    owners: roles.slice(computing.length),
    leakage,
    parameters: unionParser(roles),
    inputs: (parameters) =>
      roles.flatMap((owner) => {
        const rows = parameters.sizes[owner]!
        return [
          { name: `${owner}/keys`, owner, ring: 128, length: rows },
          { name: `${owner}/ids`, owner, ring: 64, length: rows * columnsOf(parameters) },
        ] as const
      }),
    receivers: ({ to }) => (to === 'all' ? roles : [to]),
    encode(parameters, role, rows) {
      const padded = paddedOf(rows, parameters)
      return {
        [`${role}/keys`]: keyWords(padded, parameters, firstOf(parameters, role)),
        [`${role}/ids`]: columnWords(padded, columnsOf(parameters)),
      }
    },
    compute: unite,
    decode: (parameters, { ids }) => ({ kind: 'ids', ids: unpadded(ids!, parameters) }),
    nothing: { kind: 'none' },
    ideal: (_, inputs) => ({ kind: 'ids', ids: flatOf(Object.values(inputs).flatMap(idsOf)) }),
  }
}

/** By number of parties, 3 to 10. */
export const ba12: ReadonlyMap<number, Ba12> = new Map(
  range(mostUnionParties - leastUnionParties + 1).map((i) => {
    const parties = leastUnionParties + i
    return [parties, programProtocol(unionProgram(parties))] as const
  }),
)
