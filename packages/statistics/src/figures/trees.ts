/**
 * A regression tree (Breiman et al. 1984), and trees boosted by gradients (Friedman, Annals of Statistics 2001), small, on
 * columns cut in bins. Every tree has all its levels; a row's path, sums of nodes and counts stay shared, only the splits
 * and the values of leaves are opened.
 *
 *     level     sums of residuals and counts by node, column and bin: one matrix product with the indicators of bins
 *               score of each edge: G_L²/n_L + G_R²/n_R, whose largest is the split of least squares; a tournament
 *               rows of each node to the left or right of it
 *     leaf      squares: the mean residual. logistic: 4 times it, the step of Böhning and Lindsay (1988): p (1 - p) <= 1/4
 *     model     base + rate · sum of the leaves; base is the mean of y (squares), or even odds (logistic)
 *
 * About 80 + 12 log2 of the edges rounds a level.
 */
import {
  divideFixed,
  fixed,
  fixedOf,
  logisticFixed,
  narrowFixed,
  tournament,
  wordsOfIntegers,
  wordsOfNumbers,
  type Arithmetic,
  type Backend,
} from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'
import { binningOf, edgeOrder, isJoint } from '../bins.ts'
import { bitsOf, narrower, requireBits } from '../bounds.ts'
import { valueOf } from '../columns.ts'
import { nothingElse, type Figure, type Given } from '../figure.ts'
import { groupsOf, sumOf, value } from '../moments.ts'
import type { Cuts } from '../plan.ts'
import { impossible } from '../problems.ts'
import { edgeCodes, rangeOf, type Scope } from '../scope.ts'
import { binsText, factorOf, requireBinary, type Cut } from './evidence.ts'
import { keepCells } from './withhold.ts'

export interface Asked {
  readonly y: string
  readonly x: readonly ({ readonly column: string } & Cuts)[]
  readonly depth: number
  readonly trees: number
  /** What a tree adds of its leaves. */
  readonly rate: number
  readonly objective: 'squares' | 'logistic'
}

/** Bits after the point of residuals, means and leaves; y is taken as a part of its declared range. */
const bits = 16
/** Edges that a tournament takes. */
const mostEdges = 256

interface Edge {
  readonly column: number
  /** Rows of bins up to this one go left. */
  readonly bin: number
}

interface Model extends Asked {
  readonly scope: Scope
  readonly cuts: readonly Cut[]
  readonly bins: readonly number[]
  readonly edges: readonly Edge[]
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const spread = (length: number, of: (i: number) => number): Uint32Array => Uint32Array.from(range(length), of)
const constant = (backend: Backend, length: number, number: number): Arithmetic<64> =>
  backend.constant(64, wordsOfIntegers(64, new Float64Array(length).fill(number)))

/** y as a part of its range. 2 rounds. */
function* targetOf(backend: Backend, given: Given, { scope, y, objective }: Model): Routine<Arithmetic<64>> {
  const codes = given.codes(y)
  if (objective === 'logistic') return backend.scale(codes, wordsOfIntegers(64, [2 ** bits]))
  const most = rangeOf(scope, y)
  const scaled = backend.scale(codes, wordsOfNumbers(64, [1 / most], 59))
  return yield* backend.truncate(scaled, 59 - bits)
}

/** For each edge, of each node: what lies below it, from what lies in each bin (bins × nodes). */
const below = (backend: Backend, byBin: Arithmetic<64>, model: Model, nodes: number): Arithmetic<64> => {
  let at = 0
  const running = model.bins.flatMap((bins) => {
    const first = at
    at += bins
    let sum: Arithmetic<64> | undefined
    return range(bins - 1).map((k) => {
      const part = backend.slice(byBin, (first + k) * nodes, (first + k + 1) * nodes)
      sum = sum === undefined ? part : backend.add(sum, part)
      return sum
    })
  })
  // Node by node.
  const edges = running.length
  return backend.gather(
    backend.concat(...running),
    spread(nodes * edges, (i) => (i % edges) * nodes + Math.floor(i / edges)),
  )
}

/** Which edge splits each node: one for it and 0 for all others, node by node. */
function* bestEdges(
  backend: Backend,
  indicators: Arithmetic<64>,
  residuals: Arithmetic<64>,
  members: Arithmetic<64>,
  model: Model,
  nodes: number,
): Routine<Arithmetic<64>> {
  const n = model.scope.rows
  const edges = model.edges.length
  const all = model.bins.reduce((sum, count) => sum + count, 0)
  const weighted = yield* backend.multiply(
    members,
    backend.gather(
      residuals,
      spread(nodes * n, (i) => i % n),
    ),
  )
  const shape = { rows: all, inner: n, columns: 2 * nodes, transposed: true }
  const both = yield* backend.matrixProduct(indicators, backend.concat(weighted, members), shape)
  const half = (from: number) =>
    backend.gather(
      both,
      spread(all * nodes, (i) => Math.floor(i / nodes) * 2 * nodes + from + (i % nodes)),
    )
  const each = spread(nodes * edges, (i) => Math.floor(i / edges))
  const total = (rows: Arithmetic<64>) => backend.gather(backend.sum(rows, n), each)
  const left = { sum: below(backend, half(0), model, nodes), count: below(backend, half(nodes), model, nodes) }
  const right = {
    sum: backend.subtract(total(weighted), left.sum),
    count: backend.subtract(total(members), left.count),
  }
  const sums = backend.concat(left.sum, right.sum)
  const most = mostResidual(model)
  const means = yield* divideFixed(
    backend,
    fixedOf(sums, bits, n * most),
    fixedOf(backend.concat(left.count, right.count), 0, n),
    { fraction: bits, most: 2 * most },
  )
  const squares = yield* backend.multiply(narrowFixed(backend, means).share as Arithmetic<64>, sums)
  const size = nodes * edges
  const scores = backend.add(backend.slice(squares, 0, size), backend.slice(squares, size, 2 * size))
  const marks = range(edges).map((e) =>
    backend.constant(
      64,
      wordsOfIntegers(
        64,
        Float64Array.from(range(size), (i) => +(i % edges === e)),
      ),
    ),
  )
  const { carried } = yield* tournament(backend, { value: scores, carried: marks }, edges, true)
  return backend.gather(
    backend.concat(...carried),
    spread(size, (i) => (i % edges) * nodes + Math.floor(i / edges)),
  )
}

/** The largest residual: of logistic ones 1, of squares what all trees together can be off. */
const mostResidual = ({ objective, trees, rate }: Asked): number =>
  objective === 'logistic' ? 1 : 2 * (1 + rate) ** trees

interface Tree {
  /** By level and node: the number of its edge. */
  readonly splits: Arithmetic<64>
  /** From left to right. */
  readonly leaves: Arithmetic<64>
  readonly counts: Arithmetic<64>
  readonly members: Arithmetic<64>
}

interface Rows {
  /** Of all bins of all columns, bin by bin. */
  readonly indicators: Arithmetic<64>
  /** Of what lies below each edge. */
  readonly sides: Arithmetic<64>
}

function* growTree(backend: Backend, rows: Rows, residuals: Arithmetic<64>, model: Model): Routine<Tree> {
  const { scope, depth, edges, objective } = model
  const n = scope.rows
  let members = constant(backend, n, 1)
  const splits: Arithmetic<64>[] = []
  for (let level = 0; level < depth; level++) {
    const nodes = 2 ** level
    const chosen = yield* bestEdges(backend, rows.indicators, residuals, members, model, nodes)
    const numbers = wordsOfIntegers(
      64,
      Float64Array.from(range(chosen.length), (i) => i % edges.length),
    )
    splits.push(backend.sum(backend.scale(chosen, numbers), edges.length))
    const side = yield* backend.matrixProduct(chosen, rows.sides, { rows: nodes, inner: edges.length, columns: n })
    const left = yield* backend.multiply(members, side)
    const right = backend.subtract(members, left)
    members = backend.concat(
      ...range(nodes).flatMap((node) => [left, right].map((part) => backend.slice(part, node * n, (node + 1) * n))),
    )
  }
  const leaves = 2 ** depth
  const sums = yield* backend.matrixProduct(members, residuals, { rows: leaves, inner: n, columns: 1 })
  const counts = backend.sum(members, n)
  const most = mostResidual(model)
  const options = { fraction: bits, most: 2 * most }
  const means = yield* divideFixed(backend, fixedOf(sums, bits, n * most), fixedOf(counts, 0, n), options)
  const mean = narrowFixed(backend, means).share as Arithmetic<64>
  const step = objective === 'logistic' ? 4 : 1
  return {
    splits: backend.concat(...splits),
    leaves: backend.scale(mean, wordsOfIntegers(64, [step])),
    counts,
    members,
  }
}

function* indicatorsOf(backend: Backend, given: Given, { scope, cuts, bins, edges }: Model): Routine<Rows> {
  const n = scope.rows
  const all = yield* backend.join(...cuts.map((cut) => (branch: Backend) => given.rows(branch, factorOf(cut))))
  const sides = edges.map(({ column, bin }) => {
    const upTo = backend.slice(all[column]!, 0, (bin + 1) * n)
    return range(bin + 1)
      .map((k) => backend.slice(upTo, k * n, (k + 1) * n))
      .reduce((sum, part) => backend.add(sum, part))
  })
  const used = all.map((each, j) => backend.slice(each, 0, bins[j]! * n))
  return { indicators: backend.concat(...used), sides: backend.concat(...sides) }
}

/** All trees, one after the other; and the base. */
function* boost(backend: Backend, given: Given, model: Model) {
  const { scope, y, trees, rate, objective } = model
  const n = scope.rows
  const [target, rows] = yield* backend.join(
    (branch) => targetOf(branch, given, model),
    (branch) => indicatorsOf(branch, given, model),
  )
  let base = constant(backend, 1, 0)
  if (objective === 'squares') {
    const factor = wordsOfNumbers(128, [1 / rangeOf(scope, y) / n], 80)
    const scaled = yield* backend.truncate(backend.scale(given.moment(sumOf(value(y))), factor), 80 - bits)
    base = backend.low(scaled)
  }
  let fitted = backend.gather(base, new Uint32Array(n))
  const grown: Tree[] = []
  for (let t = 0; t < trees; t++) {
    let predicted = fitted
    if (objective === 'logistic') {
      const { share } = yield* logisticFixed(
        backend,
        fixed(fitted as Arithmetic, bits, (4 * rate * t + 1) * 2 ** bits),
        bits,
      )
      predicted = share as Arithmetic<64>
    }
    const tree = yield* growTree(backend, rows, backend.subtract(target, predicted), model)
    grown.push(tree)
    if (t === trees - 1) break
    const weighted = backend.scale(tree.leaves, wordsOfNumbers(64, [rate], bits))
    const shape = { rows: 1, inner: 2 ** model.depth, columns: n }
    fitted = backend.add(fitted, yield* backend.matrixProductTruncate(weighted, tree.members, shape, bits))
  }
  return { base, grown }
}

const modelOf = (scope: Scope, asked: Asked): Model => {
  const { y, x, depth, trees, rate, objective } = asked
  if (objective === 'logistic') requireBinary(scope, y)
  scope.numeric(y)
  const cuts = x.map((each): Cut => ({ column: each.column, binning: binningOf(each) }))
  cuts.forEach(({ column, binning }) => 'edges' in binning && edgeCodes(scope, column, binning.edges))
  const bins = cuts.map((cut) => groupsOf(scope, factorOf(cut)))
  const edges = bins.flatMap((count, column) => range(count - 1).map((bin) => ({ column, bin })))
  if (edges.length > mostEdges) {
    throw impossible(`trees with ${edges.length} edges of bins, ${mostEdges} at most`, 'use fewer columns or bins')
  }
  const names = [y, ...x.map(({ column }) => column)]
  if (new Set(names).size < names.length) throw impossible('a column stands twice in a tree', 'name each once')
  requireBits(
    bitsOf(scope.rows * mostResidual(asked) ** 2) + 2 * bits + 2,
    64,
    `the scores of splits for "${y}"`,
    narrower,
  )
  requireBits(bitsOf(4 * rate * trees + 2) + 2 * bits + depth, 64, 'sums of leaves', 'use fewer trees')
  return { ...asked, scope, cuts, bins, edges }
}

export const treesFigure = (scope: Scope, asked: Asked): Figure => {
  const model = modelOf(scope, asked)
  const { y, cuts, trees, depth, objective, edges } = model
  const { minimumCount } = scope.parameters
  const orders = cuts.flatMap(({ column, binning }) =>
    'bins' in binning ? [edgeOrder(scope, column, binning.bins)] : [],
  )
  const joint = cuts.filter((cut) => isJoint(scope, factorOf(cut))).map(({ column }) => column)
  return {
    ...nothingElse,
    moments: objective === 'squares' ? [sumOf(value(y))] : [],
    orders,
    codes: [y, ...joint],
    rows: cuts.map(factorOf),
    rounding: [undefined, undefined, { drop: 2 }, undefined, ...orders.map(() => undefined)],
    learns:
      `${trees === 1 ? 'a tree' : `${trees} boosted trees`} of depth ${depth} for "${y}": where it splits` +
      ` (${cuts.map(({ column, binning }) => `${binsText(binning)} of "${column}"`).join('; ')}) and the values of its leaves` +
      (minimumCount > 1
        ? `, but for leaves of 1 to ${minimumCount - 1} rows and the next larger ones of their tree`
        : ''),
    *open(backend, given) {
      const { base, grown } = yield* boost(backend, given, model)
      const leaves = backend.concat(...grown.map((tree) => tree.leaves))
      const each = grown.map((tree) => tree.counts)
      const kept = yield* keptLeaves(backend, each, minimumCount)
      const told = yield* backend.multiply(leaves, kept)
      const splits = backend.concat(...grown.map((tree) => tree.splits))
      return [base, splits, told, kept, ...orders.map((order) => given.order(order))]
    },
    read([base, splits, leaves, kept, ...codes]) {
      const column = scope.numeric(y)
      const unit = objective === 'logistic' ? 1 : column.maximum - column.minimum
      const start = objective === 'logistic' ? 0 : column.minimum
      const numberOf = (opened: bigint): number => (Number(opened) / 2 ** bits) * unit
      let at = 0
      const cutsAt = cuts.map(({ column: name, binning }) =>
        'edges' in binning ? binning.edges : codes[at++]!.map((code) => valueOf(scope.numeric(name), Number(code))),
      )
      const nodes = 2 ** depth - 1
      return {
        base: numberOf(base![0]!) + start,
        rate: asked.rate,
        trees: range(trees).map((t) => ({
          splits: splits!.slice(t * nodes, (t + 1) * nodes).map((number) => {
            const edge = edges[Number(number)]!
            return { column: cuts[edge.column]!.column, below: cutsAt[edge.column]![edge.bin]! }
          }),
          leaves: leaves!
            .slice(t * (nodes + 1), (t + 1) * (nodes + 1))
            .map((leaf, i) => (kept![t * (nodes + 1) + i] === 1n ? numberOf(leaf) : null)),
        })),
      }
    },
  }
}

/**
 * 0 for leaves that are withheld, 1 elsewhere, tree by tree. The residuals of a tree of means sum to zero, so that one leaf
 * alone would follow from the others and the counts.
 */
function* keptLeaves(backend: Backend, counts: readonly Arithmetic<64>[], least: number): Routine<Arithmetic<64>> {
  if (least <= 1) return constant(backend, counts.length * counts[0]!.length, 1)
  const kept = yield* backend.join(
    ...counts.map(
      (each) =>
        function* (branch: Backend): Routine<Arithmetic<64>> {
          return branch.low(yield* keepCells(branch, yield* branch.widen(each), least))
        },
    ),
  )
  return backend.concat(...kept)
}
