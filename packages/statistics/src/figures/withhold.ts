/**
 * Disclosure control of counts, under sharing: what is withheld is zero before it is opened.
 *
 * Counts from 1 to below the minimum are withheld (primary suppression; Willenborg and de Waal, Elements of Statistical
 * Disclosure Control, 2001, chapter 6). Totals are known, or may be, so one of them alone would follow by subtraction, and
 * others go with it. Which ones is usually chosen cell by cell until the bounds that an attacker can compute for each
 * withheld cell are wide (Cox, JASA 1980; Fischetti and Salazar, Management Science 2001). Two things speak against that
 * here: the linear programs would have to run on secret counts; and those bounds assume an attacker who does not know the
 * rule. One who does asks which counts would have been withheld so, and reads counts off the choice itself ("minimality":
 * Wong, Fu, Wang, Pei, VLDB 2007). Both rules below are so coarse that this can be proven away instead.
 *
 *   list    {@link keepCells}: if any count is small, all small ones and all that are equal to the smallest count of the
 *           minimum or more; every cell, zeros too, where there is none such
 *   table   {@link keepWhole}: if any count is small, every cell
 *
 * What is opened of a list is the places withheld, the other counts, and (known anyway) the total. The rule does not look at
 * places, so whoever exchanges two withheld counts gets a list of which the same is opened. A withheld count can therefore
 * be what any other withheld one is; where a count of the minimum or more is among them, as there is unless all cells are
 * withheld, no cell can be told to be small. Where all are, and all alike (c, c, c, ...), the list c - 1, c + 1, c, ... is
 * withheld whole as well, for a minimum of 3 and more. A minimum of 2 does not give that (1, 1 of 2), and is refused.
 *
 * Of a table with known margins all that is opened is that some count is small. Every count that the margins leave open
 * (Fréchet: from max(0, r + c - n) to min(r, c); Dobra and Fienberg, PNAS 2000) stays open: let x be small and the table
 * another where it is one less or one more, which a move along a cycle of cells gives (Diaconis and Sturmfels, Annals of
 * Statistics 1998). From 1 < x < minimum - 1 it stays small. From 1 it goes to 2, which is small, or, where 1 is the whole
 * row or column, to 0, and another cell there becomes 1. From minimum - 1 it goes to one less, or, where that is the least,
 * all cells outside of its row and column are 0, and one of these becomes 1. Each time a small count is left, and the new
 * table is withheld too. So no small count is told that the margins do not tell. (That one is small is told.)
 *
 * What neither is: an audit over several tables of a plan or of several plans; a protection from who knows a part of a count,
 * like an owner of some of the rows in it; a bound on what is likely (three cells withheld of sum 7 at a minimum of 5 are
 * 1, 1, 5 in some order); a look at what large values do to a sum (dominance).
 */
import {
  floor,
  isNegative,
  isZero,
  select,
  tournament,
  wordsOfIntegers,
  type Arithmetic,
  type Backend,
} from '@tallystick/mpc'
import type { Routine } from '@tallystick/protocol'

/** Above all counts, and bits of what may differ from it by a count. */
const beyond = 2 ** 40
const width = 42

const one = wordsOfIntegers(64, [1])
const not = (backend: Backend, x: Arithmetic<64>): Arithmetic<64> => backend.shift(backend.negate(x), one)
const repeat = (backend: Backend, x: Arithmetic<64>, times: number): Arithmetic<64> =>
  backend.gather(x, new Uint32Array(times))

/** 1 for counts below the minimum (`few`), and for those of 1 and more among them (`small`). */
function* smallOf(backend: Backend, counts: Arithmetic<64>, least: number) {
  const size = counts.length
  const below = (bound: number): Arithmetic<64> => backend.shift(counts, wordsOfIntegers(64, [-bound]))
  const flags = yield* backend.inject(yield* isNegative(backend, backend.concat(below(least), below(1))), 64)
  const few = backend.slice(flags, 0, size)
  return { few, small: backend.subtract(few, backend.slice(flags, size, 2 * size)) }
}

/** For each count of a list 0 where it is withheld, 1 elsewhere; counts below 2^40. About 40 + 12 log2 of the cells rounds. */
export function* keepCells(backend: Backend, counts: Arithmetic<128>, least: number): Routine<Arithmetic<128>> {
  const low = backend.low(counts)
  const size = counts.length
  const { few, small } = yield* smallOf(backend, low, least)
  if (size === 1) return yield* backend.widen(not(backend, small))
  const far = backend.constant(64, wordsOfIntegers(64, new Float64Array(size).fill(beyond)))
  // Where no count is large enough all are beyond, and so is the smallest: all cells are like it.
  const value = yield* select(backend, few, far, low)
  const { value: smallest } = yield* tournament(backend, { value, carried: [] }, size, false, width)
  const gaps = backend.subtract(value, repeat(backend, smallest, size))
  const zeros = yield* isZero(backend, backend.concat(gaps, backend.sum(small, size)), width)
  const flags = yield* backend.inject(zeros, 64)
  const next = backend.slice(flags, 0, size)
  const clean = repeat(backend, backend.slice(flags, size, size + 1), size)
  const other = yield* backend.multiply(not(backend, small), not(backend, next))
  const both = yield* backend.multiply(other, clean)
  return yield* backend.widen(backend.subtract(backend.add(other, clean), both))
}

/** 1 where no count is from 1 to below the minimum, else 0: one number. Counts below 2^40; about 20 rounds. */
export function* keepWhole(backend: Backend, counts: Arithmetic<128>, least: number): Routine<Arithmetic<128>> {
  const { small } = yield* smallOf(backend, backend.low(counts), least)
  const total = backend.sum(small, counts.length)
  return yield* backend.widen(yield* backend.inject(yield* isZero(backend, total, width), 64))
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
