/**
 * From what owners bring to what figures work on. An owner brings sums that it made in clear (push-down), and rows only
 * where a sum is between two owners or a model needs them.
 *
 *   ids        of each owner of a vertical table: a digest of its ids in order; unless all are equal, zeros are opened
 *   moments    sums over its own rows or between its own columns
 *   parts      rows of a vector, or of a product of vectors, that meets another owner's in a sum
 *   groups     rows of a factor that meets another owner's columns: an indicator for each group
 *   orders     codes at places of the order (one owner), or cumulative counts by code (several)
 *   codes      rows of a column that a model needs
 *   sorted     codes in their order, where several owners have rows (ranks.ts), for ranks with what brings them back to rows
 */
import {
  addBits,
  allBits,
  isNegative,
  wordsOfIntegers,
  type Arithmetic,
  type Backend,
  type Inputs,
  type InputSpec,
  type Vectors,
} from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { blocksOf, blockSums, lowered } from './blocks.ts'
import { edgeOrder, isJoint, jointBins } from './bins.ts'
import { safeBits } from './bounds.ts'
import type { Table } from './columns.ts'
import type { Given, Order } from './figure.ts'
import { digestOfIds } from './ids.ts'
import {
  codesOf,
  doubledRanks,
  groupOfRows,
  groupsOf,
  localMoments,
  localOwners,
  momentBits,
  momentKey,
  momentLength,
  productsOf,
  vectorsOf,
  type Factor,
  type Moment,
} from './moments.ts'
import {
  distinct,
  isMerged,
  keyOf,
  orderKey,
  ownerOf,
  partKey,
  partsOf,
  rankedColumns,
  ringOf,
  sortedColumns,
  type Needs,
  type Part,
} from './needs.ts'
import { switchCount } from './networks.ts'
import { impossible } from './problems.ts'
import type { Role } from './plan.ts'
import { jointOrder, jointRanks, networks, unsortSwitches } from './ranks.ts'
import { isSpread, rangeOf, type Scope } from './scope.ts'

/** Moments that an owner makes its part of. */
const momentsOf = (scope: Scope, { local }: Needs, role: Role): readonly Moment[] =>
  local.filter((moment) => localOwners(scope, moment).includes(role))

const lengthOf = (scope: Scope, moments: readonly Moment[]): number =>
  moments.reduce((sum, moment) => sum + momentLength(scope, moment), 0)

/** An input with what its owner puts there. */
interface Input extends InputSpec {
  readonly values: (table: Table, digest?: Uint8Array) => ArrayLike<number | bigint>
}

const indicators = (scope: Scope, table: Table, factor: Factor): Float64Array => {
  const groups = groupOfRows(scope, table, factor)
  const out = new Float64Array(groupsOf(scope, factor) * table.rows)
  groups.forEach((group, row) => (out[group * table.rows + row] = 1))
  return out
}

const cumulative = (scope: Scope, table: Table, column: string): Float64Array => {
  const counts = new Float64Array(rangeOf(scope, column) + 1)
  for (const code of codesOf(scope, table, column)) counts[code]! += 1
  for (let code = 1; code < counts.length; code++) counts[code]! += counts[code - 1]!
  return counts
}

const ranked = (scope: Scope, table: Table, { column, ranks }: Order): Float64Array => {
  const sorted = codesOf(scope, table, column).toSorted()
  return Float64Array.from(ranks, (rank) => sorted[rank - 1]!)
}

/** Codes, which are whole numbers from 0 to below 2^53, faster than numbers of any kind. */
const wordsOfCodes = (ring: 64 | 128, codes: Float64Array): Uint32Array => {
  const limbs = ring / 32
  const out = new Uint32Array(limbs * codes.length)
  for (let i = 0, at = 0; i < codes.length; i++, at += limbs) {
    const code = codes[i]!
    out[at] = code
    if (code >= 2 ** 32) out[at + 1] = code / 2 ** 32
  }
  return out
}

const wordsOf = (ring: 64 | 128, values: ArrayLike<number | bigint>): Uint32Array =>
  values instanceof Float64Array ? wordsOfCodes(ring, values) : wordsOfIntegers(ring, values)

const inputsOf = (scope: Scope, needs: Needs): readonly Input[] =>
  scope.owners.flatMap((owner) => {
    const mine = (column: string): boolean => scope.place(column).owners.includes(owner)
    const moments = momentsOf(scope, needs, owner)
    const inputs: Input[] = []
    const bring = (name: string, ring: 64 | 128, length: number, values: Input['values']): void => {
      if (length > 0) inputs.push({ name: `${owner}/${name}`, owner, ring, length, values })
    }
    if (scope.vertical) bring('ids', 128, 1, (table, digest) => [digestOfIds(table, digest)])
    bring('moments', 128, lengthOf(scope, moments), (table) => localMoments(scope, table, moments))
    for (const [i, part] of needs.parts.entries()) {
      if (mine(part[0]!.column)) {
        bring(`part/${i}`, ringOf(scope, needs, part), scope.rows, (table) => productsOf(scope, table, part))
      }
    }
    for (const [i, factor] of needs.factors.entries()) {
      const length = groupsOf(scope, factor) * scope.rows
      if (mine(factor.column)) bring(`factor/${i}`, 64, length, (table) => indicators(scope, table, factor))
    }
    for (const [i, order] of needs.orders.entries()) {
      const { column, ranks } = order
      if (!mine(column) || isMerged(scope, order)) continue
      const counted = rangeOf(scope, column) + 1
      if (isSpread(scope)) bring(`counts/${column}`, 64, counted, (table) => cumulative(scope, table, column))
      else bring(`order/${i}`, 64, ranks.length, (table) => ranked(scope, table, order))
    }
    const rows = scope.rowsOf(owner)
    for (const [i, factor] of needs.rows.entries()) {
      const length = groupsOf(scope, factor) * rows
      if (mine(factor.column)) bring(`rows/${i}`, 64, length, (table) => indicators(scope, table, factor))
    }
    for (const column of sortedColumns(scope, needs)) {
      bring(`sorted/${column}`, 64, rows, (table) => codesOf(scope, table, column).toSorted())
    }
    for (const column of rankedColumns(needs)) {
      bring(`ranks/${column}`, 64, rows, (table) => doubledRanks(codesOf(scope, table, column)))
      bring(`places/${column}`, 64, switchCount(rows), (table) => unsortSwitches(codesOf(scope, table, column)))
    }
    for (const column of needs.codes) {
      if (mine(column)) bring(`codes/${column}`, 64, scope.rowsOf(owner), (table) => codesOf(scope, table, column))
    }
    return distinct(inputs, ({ name }) => name)
  })

export const specsOf = (scope: Scope, needs: Needs): readonly InputSpec[] =>
  inputsOf(scope, needs).map(({ name, owner, ring, length }) => ({ name, owner, ring, length }))

/** What a role brings, as words. */
export const encodeInputs = (scope: Scope, needs: Needs, role: string, table: Table, digest?: Uint8Array): Vectors =>
  Object.fromEntries(
    inputsOf(scope, needs)
      .filter(({ owner }) => owner === role)
      .map(({ name, ring, values }) => [name, wordsOf(ring, values(table, digest))]),
  )

type Named = (name: string) => Arithmetic

/** Sums of owners' parts, moment by moment. */
const localShares = (backend: Backend, scope: Scope, needs: Needs, named: Named): [string, Arithmetic<128>][] => {
  const parts = new Map<string, Arithmetic<128>>()
  for (const owner of scope.owners) {
    let at = 0
    for (const moment of momentsOf(scope, needs, owner)) {
      const all = named(`${owner}/moments`) as Arithmetic<128>
      const part = backend.slice(all, at, (at += momentLength(scope, moment)))
      const key = momentKey(moment)
      const before = parts.get(key)
      parts.set(key, before === undefined ? part : backend.add(before, part))
    }
  }
  return [...parts]
}

/** The shared rows of a part or of a factor. */
const rowsOf = (scope: Scope, needs: Needs, named: Named) => ({
  part: (part: Part): Arithmetic => {
    const i = needs.parts.findIndex((each) => partKey(each) === partKey(part))
    return named(`${ownerOf(scope, part[0]!.column)}/part/${i}`)
  },
  factor: (factor: Factor): Arithmetic<64> => {
    const i = needs.factors.findIndex((each) => keyOf(each) === keyOf(factor))
    return named(`${ownerOf(scope, factor.column)}/factor/${i}`) as Arithmetic<64>
  },
})

/** One sum between owners, in the smallest ring that holds it. */
const crossProduct = (scope: Scope, needs: Needs, named: Named, moment: Moment) =>
  function* (backend: Backend): Routine<Arithmetic> {
    const { part, factor } = rowsOf(scope, needs, named)
    const { by, and } = moment
    const n = scope.rows
    const parts = partsOf(scope, moment).map(part)
    const [first] = parts
    if (by === undefined) {
      const wide = momentBits(scope, moment) > safeBits[64]
      const [x, y, z] = wide ? (parts as Arithmetic<128>[]) : parts.map((each) => lowered(backend, each))
      const shape = { rows: 1, inner: n, columns: 1 }
      const weighted = z === undefined ? y! : yield* backend.multiply<64 | 128>(y!, z)
      return yield* backend.matrixProduct<64 | 128>(x!, weighted, shape)
    }
    const groups = groupsOf(scope, by)
    const shape = { rows: groups, inner: n, columns: 1 }
    if (and === undefined) return yield* backend.matrixProduct(factor(by), lowered(backend, first!), shape)
    const others = groupsOf(scope, and)
    const columns = yield* backend.join(
      ...Array.from({ length: others }, (_, level) => (branch: Backend) => {
        const rows = branch.slice(factor(and), level * n, (level + 1) * n)
        return branch.matrixProduct(factor(by), rows, shape)
      }),
    )
    const index = Uint32Array.from(
      { length: groups * others },
      (_, k) => (k % others) * groups + Math.floor(k / others),
    )
    return backend.gather(backend.concat(...columns), index)
  }

function* crossShares(
  backend: Backend,
  scope: Scope,
  needs: Needs,
  named: Named,
): Routine<[string, Arithmetic<128>][]> {
  if (needs.crossed.length === 0) return []
  for (const moment of needs.crossed) {
    if (moment.by !== undefined && momentBits(scope, moment) > safeBits[64]) {
      throw impossible('a sum by groups of another owner needs more than 62 bits', 'declare a smaller range')
    }
  }
  const blocks = blocksOf(scope, needs)
  const inBlocks = new Set(blocks.flatMap(({ sums }) => sums.map(({ moment }) => moment)))
  const single = needs.crossed.filter((moment) => !inBlocks.has(moment))
  const { part } = rowsOf(scope, needs, named)
  const partFor = (branch: Backend) => (each: Part, moment: Moment) =>
    momentBits(scope, moment) > safeBits[64] ? (part(each) as unknown as Arithmetic<64>) : lowered(branch, part(each))
  const sums = yield* backend.join(
    ...single.map(
      (moment) =>
        function* (branch: Backend): Routine<readonly (readonly [Moment, Arithmetic])[]> {
          return [[moment, yield* crossProduct(scope, needs, named, moment)(branch)]]
        },
    ),
    ...blocks.map((block) => (branch: Backend) => blockSums(branch, block, partFor(branch))),
  )
  const found = new Map(sums.flat())
  const products = needs.crossed.map((moment) => found.get(moment)!)
  const narrow = products.filter(({ ring }) => ring === 64) as Arithmetic<64>[]
  const wide = narrow.length === 0 ? undefined : yield* backend.widen(backend.concat(...narrow))
  let at = 0
  return products.map((product, i) => {
    const key = momentKey(needs.crossed[i]!)
    if (product.ring === 128) return [key, product as Arithmetic<128>]
    return [key, backend.slice(wide!, at, (at += product.length))]
  })
}

/** The codes at some ranks: for each rank, how many codes have fewer rows at or below them. */
function* ordered(backend: Backend, counts: Arithmetic<64>, ranks: readonly number[]): Routine<Arithmetic<64>> {
  const codes = counts.length
  const gaps = ranks.map((rank) => backend.shift(counts, wordsOfIntegers(64, [-rank])))
  const fewer = yield* isNegative(backend, backend.concat(...gaps))
  return backend.sum(yield* backend.inject(fewer, 64), codes)
}

function* orderShares(backend: Backend, scope: Scope, needs: Needs, named: Named): Routine<[string, Arithmetic<64>][]> {
  const found = yield* backend.join(
    ...needs.orders.map(
      (order, i) =>
        function* (branch: Backend): Routine<Arithmetic<64>> {
          const { column, ranks } = order
          if (!isSpread(scope)) return named(`${ownerOf(scope, column)}/order/${i}`) as Arithmetic<64>
          const partsOfAll = (what: string) =>
            scope.owners.map((owner) => named(`${owner}/${what}/${column}`) as Arithmetic<64>)
          if (isMerged(scope, order)) {
            const all = yield* jointOrder(branch, scope, column, partsOfAll('sorted'))
            return branch.gather(
              all,
              Uint32Array.from(ranks, (rank) => rank - 1),
            )
          }
          const counts = partsOfAll('counts').reduce((sum, part) => branch.add(sum, part))
          return yield* ordered(branch, counts, ranks)
        },
    ),
  )
  return found.map((codes, i) => [orderKey(needs.orders[i]!), codes])
}

/** Sums of ranks, which are public, and of products of two. */
function* rankedShares(
  backend: Backend,
  scope: Scope,
  needs: Needs,
  named: Named,
): Routine<[string, Arithmetic<128>][]> {
  const columns = rankedColumns(needs)
  const networkOf = networks()
  const rows = yield* backend.join(
    ...columns.map((column) => (branch: Backend) => {
      const of = (owner: Role, what: string) => named(`${owner}/${what}/${column}`) as Arithmetic<64>
      const none = branch.constant(64, new Uint32Array(0))
      const owners = scope.owners.map((owner) => ({
        sorted: of(owner, 'sorted'),
        own: of(owner, 'ranks'),
        switches: scope.rowsOf(owner) < 2 ? none : of(owner, 'places'),
      }))
      return jointRanks(branch, scope, column, owners, networkOf)
    }),
  )
  const n = scope.rows
  return yield* backend.join(
    ...needs.ranked.map(
      (moment) =>
        function* (branch: Backend): Routine<[string, Arithmetic<128>]> {
          const key = momentKey(moment)
          const [x, y] = vectorsOf(moment).map(({ column }) => rows[columns.indexOf(column)]!)
          if (y === undefined) return [key, branch.constant(128, wordsOfIntegers(128, [BigInt(n) * BigInt(n + 1)]))]
          const shape = { rows: 1, inner: n, columns: 1 }
          return [key, yield* branch.widen(yield* branch.matrixProduct(x!, y, shape))]
        },
    ),
  )
}

/** What the figures of a plan work on. Sums and orders are made side by side. */
export function* givenOf(backend: Backend, scope: Scope, needs: Needs, inputs: Inputs): Routine<Given> {
  const named: Named = (name) => inputs[name]!
  const [crossed, ranked, orders] = yield* backend.join(
    (branch) => crossShares(branch, scope, needs, named),
    (branch) => rankedShares(branch, scope, needs, named),
    (branch) => orderShares(branch, scope, needs, named),
  )
  const moments = new Map([...localShares(backend, scope, needs, named), ...crossed, ...ranked])
  const sorted = new Map(orders)
  const of = (column: string, what: string): readonly Arithmetic<64>[] =>
    scope.place(column).owners.map((owner) => named(`${owner}/${what}`) as Arithmetic<64>)
  const codes = (column: string): Arithmetic<64> => backend.concat(...of(column, `codes/${column}`))
  const order = (wanted: Order): Arithmetic<64> => sorted.get(orderKey(wanted))!
  return {
    moment: (moment) => moments.get(momentKey(moment))!,
    order,
    codes,
    *rows(branch, factor) {
      const { column, bins = 0 } = factor
      if (isJoint(scope, factor)) {
        return yield* jointBins(branch, scope, column, codes(column), order(edgeOrder(scope, column, bins)))
      }
      const i = needs.rows.findIndex((each) => keyOf(each) === keyOf(factor))
      return byGroup(branch, groupsOf(scope, factor), of(column, `rows/${i}`))
    },
  }
}

/** Owners' indicators, each group by group, as those of all rows. */
const byGroup = (backend: Backend, groups: number, parts: readonly Arithmetic<64>[]): Arithmetic<64> => {
  if (parts.length === 1) return parts[0]!
  const pieces = Array.from({ length: groups }, (_, group) =>
    parts.map((part) => {
      const rows = part.length / groups
      return backend.slice(part, group * rows, (group + 1) * rows)
    }),
  )
  return backend.concat(...pieces.flat())
}

const planes = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** 1 where the owners of vertical tables have the same ids in the same order, 0 elsewhere. 17 rounds. */
export function* alignment(backend: Backend, scope: Scope, inputs: Inputs): Routine<Arithmetic<128> | undefined> {
  if (!scope.vertical || scope.owners.length < 2) return undefined
  const digests = scope.owners.map((owner) => inputs[`${owner}/ids`] as Arithmetic<128>)
  const gaps = digests.slice(1).map((digest) => backend.subtract(digest, digests[0]!))
  const equal = yield* backend.join(
    ...gaps.map(
      (gap) =>
        function* (branch: Backend) {
          const [u, v] = yield* branch.summands(gap)
          return branch.not(branch.planes(yield* addBits(branch, u, v), planes(128)))
        },
    ),
  )
  return yield* backend.inject(yield* allBits(backend, backend.stack(...equal)), 128)
}
