/**
 * Sums of products between columns of two owners, as blocks of a matrix product. On additive shares a product is paid by the
 * elements of its factors, each masked once, so that all pairs of a block cost what its columns cost; a sum of products
 * by itself costs two columns. Under `rep3`, where a sum costs one element whatever its length is, there is no need of it.
 */
import type { Arithmetic, Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { safeBits } from './bounds.ts'
import { momentBits, type Moment } from './moments.ts'
import { distinct, ownerOf, partKey, partsOf, type Needs, type Part } from './needs.ts'
import { twoCompute } from './plan.ts'
import type { Scope } from './scope.ts'

interface Sum {
  readonly moment: Moment
  /** Of the first owner, of the second. */
  readonly parts: readonly [Part, Part]
}

export interface Block {
  readonly sums: readonly Sum[]
  readonly rows: readonly Part[]
  readonly columns: readonly Part[]
}

export const lowered = (backend: Backend, x: Arithmetic): Arithmetic<64> =>
  x.ring === 64 ? (x as Arithmetic<64>) : backend.low(x as Arithmetic<128>)

const sumOf = (scope: Scope, moment: Moment): Sum[] => {
  const [a, b, ...others] = partsOf(scope, moment)
  if (moment.by !== undefined || b === undefined || others.length > 0) return []
  return [{ moment, parts: ownerOf(scope, a![0]!.column) === scope.owners[0] ? [a!, b] : [b, a!] }]
}

/** One for sums over each ring, where it is cheaper than they are by themselves. */
export const blocksOf = (scope: Scope, { crossed }: Needs): readonly Block[] => {
  if (!twoCompute(scope.parameters)) return []
  const sums = crossed.flatMap((moment) => sumOf(scope, moment))
  const rings = Map.groupBy(sums, ({ moment }) => momentBits(scope, moment) > safeBits[64])
  return [...rings.values()].flatMap((of): Block[] => {
    const [rows, columns] = ([0, 1] as const).map((i) =>
      distinct(
        of.map(({ parts }) => parts[i]),
        partKey,
      ),
    )
    return rows!.length + columns!.length < 2 * of.length ? [{ sums: of, rows: rows!, columns: columns! }] : []
  })
}

/** @param part the shared rows, over the ring of the sums */
export function* blockSums(
  backend: Backend,
  { sums, rows, columns }: Block,
  part: (part: Part, moment: Moment) => Arithmetic<64>,
): Routine<readonly (readonly [Moment, Arithmetic])[]> {
  const { moment } = sums[0]!
  const [x, y] = [rows, columns].map((parts) => backend.concat(...parts.map((each) => part(each, moment))))
  const inner = x!.length / rows.length
  const width = columns.length
  // Row by row: of all columns the first row, and so on.
  const index = Uint32Array.from({ length: inner * width }, (_, k) => (k % width) * inner + Math.floor(k / width))
  const all = yield* backend.matrixProduct(x!, backend.gather(y!, index), { rows: rows.length, inner, columns: width })
  const place = (parts: readonly Part[], wanted: Part): number =>
    parts.findIndex((each) => partKey(each) === partKey(wanted))
  return sums.map(({ moment: each, parts: [a, b] }) => {
    const at = place(rows, a) * width + place(columns, b)
    return [each, backend.slice(all, at, at + 1)] as const
  })
}
