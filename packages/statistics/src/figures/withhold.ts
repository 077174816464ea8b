/**
 * Disclosure control of counts, under sharing: what is withheld is zero before it is opened.
 *
 * Primary: counts from 1 to below the minimum. Complementary (Willenborg and de Waal, Elements of Statistical Disclosure
 * Control, 2001, chapter 6): totals are known or may be, that of a whole table from the row counts in the terms, and that
 * a count is withheld tells that it is 1 at least. So in each line of a table (all cells of a list; each row and each
 * column of a table of two factors) the cells withheld must be none, or two or more, k, whose sum less k - 1 is the minimum
 * at least: that is the largest that subtraction leaves for one of them. Where a line is short of it, its smallest other
 * count goes too, or a zero if it has no other: rows, then columns, twice; if a line is short of it even then, the whole
 * table is withheld. Where nothing but zeros is left to go, a list is withheld as a whole; a line of a table is let be: its
 * total is withheld where it is a cell itself.
 *
 * That is against subtraction within a line. It is weaker than it looks in two ways. It is no audit by linear programs over
 * all lines of several tables. And the choice is no secret: who knows the rule can ask which counts would have been
 * withheld so, and of 4, 4, 4 and 6 with the minimum 5 told as "?, ?, ?, 6 of 18" no others would ("minimality", Wong, Fu,
 * Wang, Pei, VLDB 2007).
 */
import { floor, isNegative, select, tournament, wordsOfIntegers, type Arithmetic, type Backend } from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'

/** A table row by row; a list is one row. */
export interface Cells {
  readonly rows: number
  readonly columns: number
}

/** Above all counts. */
const beyond = 2 ** 40

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** Places of the cells of each line, lines of one length one after the other. */
interface Lines {
  readonly places: Uint32Array
  readonly length: number
  /** For each cell its place among the places. */
  readonly back: Uint32Array
}

const linesOf = ({ rows, columns }: Cells): readonly Lines[] => {
  const cells = rows * columns
  const across = Uint32Array.from(range(cells))
  const down = Uint32Array.from(range(cells), (i) => (i % rows) * columns + Math.floor(i / rows))
  const lines = (places: Uint32Array, length: number): Lines => {
    const back = new Uint32Array(cells)
    places.forEach((cell, i) => (back[cell] = i))
    return { places, length, back }
  }
  if (rows === 1 || columns === 1) return [lines(across, cells)]
  return [lines(across, columns), lines(down, rows)]
}

const one = wordsOfIntegers(64, [1])
const not = (backend: Backend, x: Arithmetic<64>): Arithmetic<64> => backend.shift(backend.negate(x), one)

/** Counts with 1 where they are positive. */
interface Counts {
  readonly counts: Arithmetic<64>
  readonly positive: Arithmetic<64>
}

/**
 * For each line 1 where cells are withheld that could be told from the rest, or 1 where that is so and no count is left to
 * go with them (`stuck`); and counts that are not withheld. 13 rounds.
 */
function* shortOf(
  backend: Backend,
  withheld: Arithmetic<64>,
  { counts, positive }: Counts,
  { places, length }: Lines,
  least: number,
) {
  const w = backend.gather(withheld, places)
  const [c, p] = [backend.gather(counts, places), backend.gather(positive, places)]
  const products = yield* backend.multiply(backend.concat(c, p), backend.concat(w, not(backend, w)))
  const cells = places.length
  const free = backend.slice(products, cells, 2 * cells)
  const number = backend.sum(w, length)
  const total = backend.sum(backend.slice(products, 0, cells), length)
  const under = (x: Arithmetic<64>, bound: number) => backend.shift(x, wordsOfIntegers(64, [-bound]))
  const left = under(backend.sum(free, length), 1)
  // What others leave of the sum for one cell, if each of them is 1.
  const most = backend.subtract(total, number)
  const bounds = backend.concat(under(number, 1), under(number, 2), under(most, least - 1), left)
  const bits = yield* isNegative(backend, bounds)
  const flags = yield* backend.inject(bits, 64)
  const lines = number.length
  const [none, single, small, gone] = range(4).map((i) => backend.slice(flags, i * lines, (i + 1) * lines))
  // Single or small, where there is any, but for the small ones that have nothing left.
  const pairs = yield* backend.multiply(backend.concat(single!, small!), backend.concat(small!, gone!))
  const either = backend.subtract(backend.add(single!, small!), backend.slice(pairs, 0, lines))
  const bare = backend.slice(pairs, lines, 2 * lines)
  const mended = yield* backend.multiply(either, not(backend, bare))
  const some = not(backend, none!)
  const told = yield* backend.multiply(backend.concat(some, some), backend.concat(mended, bare))
  return { short: backend.slice(told, 0, lines), stuck: backend.slice(told, lines, 2 * lines), free }
}

/**
 * Withholds the smallest count that is not, in each line that is short of it; of a list that has none left, all. About
 * 15 + 12 log2 of its cells rounds.
 */
function* complete(
  backend: Backend,
  withheld: Arithmetic<64>,
  table: Counts,
  lines: Lines,
  { least, list }: { readonly least: number; readonly list: boolean },
): Routine<Arithmetic<64>> {
  const { places, length, back } = lines
  const count = places.length / length
  const each = Uint32Array.from(range(places.length), (i) => Math.floor(i / length))
  const { short, stuck, free } = yield* shortOf(backend, withheld, table, lines, least)
  const far = backend.constant(64, wordsOfIntegers(64, new Float64Array(places.length).fill(2 * beyond)))
  const counted = yield* select(backend, free, backend.gather(table.counts, places), far)
  // Zeros before what is withheld already.
  const zeros = backend.subtract(not(backend, backend.gather(withheld, places)), free)
  const value = backend.subtract(counted, backend.scale(zeros, wordsOfIntegers(64, [beyond])))
  const marks = range(length).map((k) =>
    backend.constant(
      64,
      wordsOfIntegers(
        64,
        Float64Array.from(range(places.length), (i) => +(i % length === k)),
      ),
    ),
  )
  const { carried } = yield* tournament(backend, { value, carried: marks }, length, false, 43)
  // By cell of each line in turn, then by cell of the table.
  const chosen = backend.gather(
    backend.concat(...carried),
    Uint32Array.from(range(places.length), (i) => (i % length) * count + Math.floor(i / length)),
  )
  const smallest = yield* backend.multiply(chosen, backend.gather(short, each))
  // Never both.
  const wanted = list ? backend.add(smallest, backend.gather(stuck, each)) : smallest
  const byCell = backend.gather(wanted, back)
  return backend.subtract(backend.add(withheld, byCell), yield* backend.multiply(withheld, byCell))
}

/** For each count 0 where it is withheld, 1 elsewhere; counts below 2^40. */
export function* keepFrom(
  backend: Backend,
  counts: Arithmetic<128>,
  least: number,
  cells: Cells = { rows: 1, columns: counts.length },
): Routine<Arithmetic<128>> {
  const small = backend.low(counts)
  const size = counts.length
  const below = (bound: number): Arithmetic<64> => backend.shift(small, wordsOfIntegers(64, [-bound]))
  const flags = yield* backend.inject(yield* isNegative(backend, backend.concat(below(least), below(1))), 64)
  const [few, none] = [backend.slice(flags, 0, size), backend.slice(flags, size, 2 * size)]
  let withheld = backend.subtract(few, none)
  const table = { counts: small, positive: not(backend, none) }
  const lines = linesOf(cells)
  if (size > 1) {
    for (let pass = 0; pass < (lines.length === 1 ? 1 : 2); pass++) {
      for (const each of lines)
        withheld = yield* complete(backend, withheld, table, each, { least, list: lines.length === 1 })
    }
  }
  if (lines.length > 1) withheld = yield* failSafe(backend, withheld, table, lines, least)
  return yield* backend.widen(not(backend, withheld))
}

/** All cells, where a line is still short. */
function* failSafe(
  backend: Backend,
  withheld: Arithmetic<64>,
  table: Counts,
  lines: readonly Lines[],
  least: number,
): Routine<Arithmetic<64>> {
  const short = yield* backend.join(
    ...lines.map((each) => (branch: Backend) => shortOf(branch, withheld, table, each, least)),
  )
  const all = backend.concat(...short.map((each) => each.short))
  const total = backend.sum(all, all.length)
  const clean = yield* backend.inject(
    yield* isNegative(backend, backend.shift(total, wordsOfIntegers(64, [-1])), 33),
    64,
  )
  return not(backend, yield* backend.multiply(not(backend, withheld), clean))
}

/** More than counts and bases have together. */
const quotientBits = 44

/** Counts to the nearest multiple of a base, halves up. About 12 rounds. */
export function* roundTo(backend: Backend, counts: Arithmetic<128>, base: number): Routine<Arithmetic<128>> {
  // ⌊x ⌈2^k / base⌉ / 2^k⌋ is ⌊x / base⌋ for x base < 2^k (Granlund and Montgomery, PLDI 1994).
  const moved = backend.shift(counts, wordsOfIntegers(128, [Math.floor(base / 2)]))
  const scaled = backend.scale(moved, wordsOfIntegers(128, [Math.ceil(2 ** quotientBits / base)]))
  return backend.scale(yield* floor(backend, scaled, quotientBits), wordsOfIntegers(128, [base]))
}
