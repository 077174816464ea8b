/** What a program costs under `rep4`, by running its text over shapes: see `../counting.ts`. */
import { TallyError } from '@tallystick/core'
import type { Cost, Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Ring } from '../backend.ts'
import { runClear } from '../clear.ts'
import { countOrder } from '../counting.ts'
import { isStated, requireStated } from '../leakage.ts'
import { add } from '../operators/adder.ts'
import type { Program } from '../program.ts'
import { checkShift } from '../rep3/backend.ts'
import { wordsOfSpecs } from '../rep3/inputs.ts'
import { shapeOf, wordsOfShape, type OutputShape } from '../rep3/outputs.ts'
import { deepest, localShapes, now, planes, round, shares, type Message, type Tally } from '../tally.ts'
import { limbsOf, oneRing, pairLength } from '../words.ts'
import { sentBy } from './inputs.ts'
import { computing, indices, keyCoins } from './party.ts'
import { halves, pairs, type Pair } from './products.ts'
import { sharersOf } from './shuffle.ts'

const digestWords = 8

/** A vector from a to g and its digest from b, of each pair. */
const share = (tally: Tally, of: readonly Pair[], words: number): void =>
  round(
    tally,
    of.flatMap(({ a, b, g }): Message[] => [
      [computing[a]!, computing[g]!, words],
      [computing[b]!, computing[g]!, digestWords],
    ]),
  )

const handings = (receivers: readonly number[]): readonly Pair[] =>
  receivers.map((g) => ({ a: (g + 1) % 4, b: (g + 2) % 4, g, h: (g + 3) % 4 }))

const products = (tally: Tally, words: number): void => share(tally, pairs, words)

const counting = (tally: Tally): Backend => {
  const shifted = <R extends Ring>(to: R, length: number): Arithmetic<R> => {
    share(tally, halves, 2 * limbsOf(to) * length)
    products(tally, limbsOf(to) * length)
    return shares(to, length)
  }
  const truncated = <R extends Ring>(ring: R, by: number, length: number): Arithmetic<R> => {
    checkShift(ring, by)
    return by === 0 ? shares(ring, length) : shifted(ring, length)
  }
  const product = <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>, length: number): number => {
    products(tally, limbsOf(oneRing(x.ring, y.ring)) * length)
    return length
  }
  const backend: Backend = {
    ...localShapes,
    *multiply(x, y) {
      return yield* now(shares(x.ring, product(x, y, pairLength(x.length, y.length))))
    },
    *matrixProduct(x, y, { rows, columns }) {
      return yield* now(shares(x.ring, product(x, y, rows * columns)))
    },
    *truncate(x, by) {
      return yield* now(truncated(x.ring, by, x.length))
    },
    *multiplyTruncate(x, y, by, terms = 1) {
      return yield* now(truncated(x.ring, by, product(x, y, pairLength(x.length, y.length)) / terms))
    },
    *matrixProductTruncate(x, y, { rows, columns }, by) {
      return yield* now(truncated(x.ring, by, product(x, y, rows * columns)))
    },
    *widen(x) {
      return yield* now(shifted(128, x.length))
    },
    *reveal(x) {
      requireStated(tally.stated, 'reveal')
      const words = limbsOf(x.ring) * x.length
      share(tally, handings(indices), words)
      return yield* now(new Uint32Array(words))
    },
    *and(x) {
      products(tally, x.width * planeWords(x.length))
      return yield* now(planes(x.width, x.length))
    },
    *summands(x, width = x.ring) {
      share(tally, halves, width * planeWords(x.length))
      const part = planes(width, x.length)
      return yield* now([part, part] as const)
    },
    *inject(x, ring) {
      const length = x.width * x.length
      share(tally, halves, limbsOf(ring) * length)
      products(tally, limbsOf(ring) * length)
      return yield* now(shares(ring, length))
    },
    *compose(x, ring) {
      const words = ring * planeWords(x.length)
      share(tally, [halves[0]], words)
      const part = planes(ring, x.length)
      yield* add(backend, part, part)
      share(tally, handings([2, 3]), words)
      share(tally, [halves[1]], limbsOf(ring) * x.length)
      return shares(ring, x.length)
    },
    *revealBits(x) {
      requireStated(tally.stated, 'revealBits')
      const words = x.width * planeWords(x.length)
      share(tally, handings(indices), words)
      return yield* now(new Uint32Array(words))
    },
    *shuffle(columns) {
      if (columns.length === 0 || columns[0]!.length === 0) return yield* now(columns)
      for (const m of indices) {
        for (const ring of [64, 128] as const) {
          const same = columns.filter((column) => column.ring === ring)
          const words = same.reduce((sum, { length }) => sum + limbsOf(ring) * length, 0)
          if (same.length > 0) share(tally, sharersOf(m), words)
        }
      }
      return yield* now(columns)
    },
    order: (keys, options) => countOrder(backend, tally, keys, options?.width),
    *join(...branches) {
      return (yield* countBranches(tally, branches)) as never
    },
  }
  return backend
}

/** Runs branches from one state, and leaves every role at its deepest. */
const countBranches = function* (tally: Tally, branches: readonly ((branch: Backend) => Routine<unknown>)[]) {
  const before = new Map(tally.depth)
  const after = new Map(before)
  const results: unknown[] = []
  for (const branch of branches) {
    tally.depth.clear()
    for (const [role, depth] of before) tally.depth.set(role, depth)
    results.push(yield* branch(counting(tally)))
    for (const [role, depth] of tally.depth) after.set(role, Math.max(depth, after.get(role) ?? 0))
  }
  for (const [role, depth] of after) tally.depth.set(role, depth)
  return results
}

/** Keys, their confirmation, and inputs. */
const begin = <P>(tally: Tally, program: Program<P, any, any>, parameters: P): void => {
  const specs = program.inputs(parameters)
  const each = (words: number): readonly Message[] =>
    indices.flatMap((from) =>
      indices.filter((to) => to !== from).map((to): Message => [computing[from], computing[to], words]),
    )
  round(tally, each(16))
  round(tally, each(digestWords))
  const owners = indices.filter((i) => specs.some(({ owner }) => owner === computing[i]))
  const wordsOf = (owner: number) => wordsOfSpecs(specs.filter((spec) => spec.owner === computing[owner]))
  round(
    tally,
    owners.flatMap((owner) =>
      sentBy(owner).to.map((to): Message => [computing[owner], computing[to]!, wordsOf(owner)]),
    ),
  )
  round(
    tally,
    owners.flatMap((owner): Message[] => {
      const [a, b] = sentBy(owner).to.map((to) => computing[to]!) as [string, string]
      return [
        [a, b, digestWords],
        [b, a, digestWords],
      ]
    }),
  )
}

export interface Counted {
  readonly cost: Cost
  readonly outputs: readonly (readonly [name: string, shape: OutputShape])[]
}

const tallyOf = <P, In, Out>(program: Program<P, In, Out>, parameters: P, expected: boolean) => {
  const stated = isStated(program.leakage)
  const tally: Tally = { words: 0, depth: new Map(), decided: false, expected, stated }
  begin(tally, program, parameters)
  const specs = program.inputs(parameters)
  const inputs = Object.fromEntries(specs.map(({ name, ring, length }) => [name, shares(ring, length)]))
  const outputs = Object.entries(runClear(program.compute(counting(tally), parameters, inputs)))
  const before = deepest(tally)
  for (const role of computing) tally.depth.set(role, before)
  const words = outputs.reduce((sum, [, value]) => sum + wordsOfShape(shapeOf(value)), 0)
  const receivers = program.receivers(parameters)
  share(tally, handings(indices.filter((i) => receivers.includes(computing[i]))), words)
  return { tally, outputs: outputs.map(([name, value]) => [name, shapeOf(value)] as const) }
}

/**
 * Exact rounds, bytes and coins of a program; a bound, and what is expected, where opened values decide.
 *
 * @throws TallyError api/misuse for a program that opens values in mid-run and states no leakage, terms/malformed for owners
 * and receivers that do not compute.
 */
export const countRep4 = <P, In, Out>(program: Program<P, In, Out>, parameters: P): Counted => {
  const taking = [...program.inputs(parameters).map(({ owner }) => owner), ...program.receivers(parameters)]
  const stranger = taking.find((role) => !(computing as readonly string[]).includes(role))
  if (stranger !== undefined) {
    const message = `expected owners and receivers among ${computing.join(', ')}, found ${stranger}`
    throw new TallyError('terms/malformed', 'self', message)
  }
  const { tally, outputs } = tallyOf(program, parameters, false)
  const sizes = (of: Tally) => ({ rounds: deepest(of), bytes: 4 * of.words })
  const cost: Cost = {
    ...sizes(tally),
    coins: Object.fromEntries(computing.map((role) => [role, keyCoins])),
    correlations: {},
  }
  if (!tally.decided) return { cost, outputs }
  return { cost: { ...cost, expected: sizes(tallyOf(program, parameters, true).tally) }, outputs }
}
