/** What a program costs under `semi2k`, by running its text over shapes: see `../counting.ts`. */
import { transfersCost } from '@tallystick/ot'
import { TallyError } from '@tallystick/core'
import type { Cost, Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type Ring } from '../backend.ts'
import { runClear } from '../clear.ts'
import { isStated, requireStated } from '../leakage.ts'
import { add } from '../operators/adder.ts'
import { lessThan } from '../operators/compare.ts'
import { learnsOf, type Program } from '../program.ts'
import { expectedComparisons, levelBound } from '../quicksort.ts'
import { checkShift, compareBatch } from '../rep3/backend.ts'
import { seedBytes, wordsOfSpecs } from '../rep3/inputs.ts'
import { shapeOf, wordsOfShape, type OutputShape } from '../rep3/outputs.ts'
import { deepest, depthOf, localShapes, now, planes, round, shares, type Message } from '../tally.ts'
import { limbsOf, oneRing, pairLength } from '../words.ts'
import { deal, exchange, knownBits, matrices, products, turns } from './counting-correlations.ts'
import type { SettingTally, Turn } from './counting-correlations.ts'
import { givenBy } from './inputs.ts'
import { computingOf, dealerless, dealtWith, helper, keyCoins, workingOf, type Setting } from './party.ts'
import { unsupported } from './triples.ts'

type Talking = Pick<
  Backend,
  | 'multiply'
  | 'matrixProduct'
  | 'truncate'
  | 'multiplyTruncate'
  | 'matrixProductTruncate'
  | 'widen'
  | 'reveal'
  | 'and'
  | 'summands'
  | 'inject'
  | 'compose'
  | 'revealBits'
>

/** What differs between two parties and more. */
const conversions = (tally: SettingTally, turn: Turn) => {
  const isPair = tally.setting.parties === 2
  const masked = (openedWords: number, dealtWords: number): void => {
    deal(tally, turn(), dealtWords)
    exchange(tally, openedWords)
  }
  return {
    shiftRight(from: Ring, to: Ring, by: number, length: number): void {
      if (!isPair) return masked(limbsOf(from) * length, 2 * limbsOf(to) * length)
      if (from === to) return knownBits(tally, turn, from, 1, length, by)
      return knownBits(tally, turn, 64, 1, length, 64)
    },
    inject(ring: Ring, width: number, length: number): void {
      if (isPair) return knownBits(tally, turn, ring, width, length, ring - 1)
      return masked(width * planeWords(length), limbsOf(ring) * width * length)
    },
    summands(ring: Ring, length: number): void {
      if (!isPair) masked(limbsOf(ring) * length, ring * planeWords(length))
    },
    *compose(backend: Backend, ring: Ring, length: number): Routine<void> {
      const words = ring * planeWords(length)
      if (!isPair) deal(tally, turn(), words)
      const part = planes(ring, length)
      yield* add(backend, part, part)
      if (isPair) round(tally, [['p1', 'p0', words]])
      else exchange(tally, words)
    },
  }
}

const talking = (tally: SettingTally, turn: Turn): Talking => {
  const convert = conversions(tally, turn)
  const truncated = <R extends Ring>(ring: R, by: number, length: number): Arithmetic<R> => {
    checkShift(ring, by)
    if (by > 0) convert.shiftRight(ring, ring, by, length)
    return shares(ring, length)
  }
  const product = <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>): number => {
    const length = pairLength(x.length, y.length)
    products(tally, turn, oneRing(x.ring, y.ring), limbsOf(x.ring) * length)
    return length
  }
  return {
    *multiply(x, y) {
      return yield* now(shares(x.ring, product(x, y)))
    },
    *matrixProduct(x, y, shape) {
      matrices(tally, turn, oneRing(x.ring, y.ring), shape)
      return yield* now(shares(x.ring, shape.rows * shape.columns))
    },
    *truncate(x, by) {
      return yield* now(truncated(x.ring, by, x.length))
    },
    *multiplyTruncate(x, y, by, terms = 1) {
      return yield* now(truncated(x.ring, by, product(x, y) / terms))
    },
    *matrixProductTruncate(x, y, shape, by) {
      matrices(tally, turn, oneRing(x.ring, y.ring), shape)
      return yield* now(truncated(x.ring, by, shape.rows * shape.columns))
    },
    *widen(x) {
      convert.shiftRight(64, 128, 0, x.length)
      return yield* now(shares(128, x.length))
    },
    *reveal(x) {
      requireStated(tally.stated, 'reveal')
      exchange(tally, limbsOf(x.ring) * x.length)
      return yield* now(new Uint32Array(limbsOf(x.ring) * x.length))
    },
    *and(x: Bits) {
      products(tally, turn, 1, x.width * planeWords(x.length))
      return yield* now(planes(x.width, x.length))
    },
    *summands(x, width = x.ring) {
      convert.summands(x.ring, x.length)
      const part = planes(width, x.length)
      return yield* now([part, part] as const)
    },
    *inject(x, ring) {
      convert.inject(ring, x.width, x.length)
      return yield* now(shares(ring, x.width * x.length))
    },
    *compose(x, ring) {
      yield* convert.compose(counting(tally, turn), ring, x.length)
      return shares(ring, x.length)
    },
    *revealBits(x) {
      requireStated(tally.stated, 'revealBits')
      const words = x.width * planeWords(x.length)
      exchange(tally, words)
      return yield* now(new Uint32Array(words))
    },
  }
}

function* countOrder(backend: Backend, tally: SettingTally, keys: Arithmetic, width?: number): Routine<Uint32Array> {
  requireStated(tally.stated, 'order')
  const { length } = keys
  tally.decided = true
  const levels = tally.expected ? expectedComparisons(length).levels : levelBound(length)
  const perLevel = tally.expected ? Math.ceil(expectedComparisons(length).pairs / levels) : Math.max(0, length - 1)
  const announce = (): void => {
    if (tally.setting.triples === 'helper') round(tally, [['p0', helper, 1]])
  }
  const compare = function* (pairs: number): Routine<void> {
    announce()
    for (let from = 0; from < pairs; from += compareBatch) {
      const x = shares(keys.ring, Math.min(compareBatch, pairs - from))
      yield* backend.revealBits(yield* lessThan(backend, x, x, width))
    }
  }
  for (let level = 0; level < levels; level++) yield* compare(perLevel)
  // The last level compares all pairs of runs of at most six.
  if (!tally.expected) yield* compare(Math.ceil(2.5 * length))
  announce()
  return Uint32Array.from({ length }, (_, i) => i)
}

/** Runs branches from one state, and leaves every role at its deepest; one after the other with transfers. */
const countJoin = function* (tally: SettingTally, branches: readonly ((branch: Backend) => Routine<unknown>)[]) {
  const after = new Map(tally.depth)
  const before = new Map(tally.depth)
  const results: unknown[] = []
  const inTurn = dealerless(tally.setting.triples)
  for (const branch of branches) {
    if (!inTurn) {
      tally.depth.clear()
      for (const [role, depth] of before) tally.depth.set(role, depth)
    }
    results.push(yield* branch(counting(tally, turns(tally.setting))))
    for (const [role, depth] of tally.depth) after.set(role, Math.max(depth, after.get(role) ?? 0))
  }
  for (const [role, depth] of after) tally.depth.set(role, depth)
  return results
}

const counting = (tally: SettingTally, turn: Turn): Backend => {
  const backend: Backend = {
    ...localShapes,
    ...talking(tally, turn),
    *shuffle(columns) {
      const { setting } = tally
      if (dealerless(setting.triples)) throw unsupported('a shuffle')
      const words = columns.reduce((sum, { ring, length }) => sum + limbsOf(ring) * length, 0)
      for (const to of columns.length === 0 ? [] : computingOf(setting)) {
        const others = computingOf(setting).filter((role) => role !== to)
        round(
          tally,
          others.map((from): Message => [from, to, words]),
        )
        deal(tally, Number(to.slice(1)), words)
      }
      return yield* now(columns)
    },
    order: (keys, options) => countOrder(backend, tally, keys, options?.width),
    *join(...branches) {
      return (yield* countJoin(tally, branches)) as never
    },
  }
  return backend
}

/** Keys, transfers and inputs, side by side. */
const begin = <P>(
  tally: SettingTally,
  setting: Setting,
  program: Program<P, any, any>,
  parameters: P,
  opened: boolean,
): void => {
  const computing = computingOf(setting)
  const keys = workingOf(setting).flatMap((role) => [
    ...dealtWith(setting, role).map((other): Message => [role, other, 8]),
    ...computing
      .filter((other) => other !== role && computing.includes(role))
      .map((other): Message => [role, other, 8]),
  ])
  const specs = program.inputs(parameters)
  const inputs = ownersOf(specs).flatMap((owner): Message[] => {
    const { seeds, rest } = givenBy(setting, owner)
    const words = wordsOfSpecs(specs.filter((spec) => spec.owner === owner))
    return [
      ...seeds.map((to): Message => [owner, to, seedBytes / 4]),
      ...(rest === owner ? [] : [[owner, rest, words] as const]),
    ]
  })
  round(tally, [...keys, ...inputs])
  if (!opened) return
  const { rounds, bytes, coins } = transfersCost()
  tally.otBytes += bytes
  tally.otCoins += coins
  for (const role of computing) tally.depth.set(role, Math.max(depthOf(tally, role), rounds))
}

const ownersOf = (specs: readonly { readonly owner: string }[]): readonly string[] => [
  ...new Set(specs.map(({ owner }) => owner)),
]

export interface Counted {
  readonly cost: Cost
  readonly outputs: readonly (readonly [name: string, shape: OutputShape])[]
}

const tallyOf = <P, In, Out>(
  program: Program<P, In, Out>,
  setting: Setting,
  parameters: P,
  expected: boolean,
  opened: boolean,
) => {
  const stated = isStated(program.leakage)
  const none = { words: 0, decided: false, otBytes: 0, otCoins: 0, triples: 0, results: 0, bits: false }
  const empty = { ...none, depth: new Map<string, number>(), keys: new Set<string>(), left: new Map<Ring, number>() }
  const tally: SettingTally = { ...empty, expected, stated, setting }
  begin(tally, setting, program, parameters, opened)
  const inputs = Object.fromEntries(
    program.inputs(parameters).map(({ name, ring, length }) => [name, shares(ring, length)]),
  )
  const outputs = Object.entries(runClear(program.compute(counting(tally, turns(setting)), parameters, inputs)))
  const before = deepest(tally)
  const computing = computingOf(setting)
  for (const role of [...workingOf(setting), ...(program.owners ?? [])]) tally.depth.set(role, before)
  const learns = learnsOf(program, parameters)
  const wordsFor = (to: string): number =>
    outputs.reduce((sum, [name, value]) => sum + (learns(to, name) ? wordsOfShape(shapeOf(value)) : 0), 0)
  round(
    tally,
    program
      .receivers(parameters)
      .flatMap((to) => computing.filter((from) => from !== to).map((from): Message => [from, to, wordsFor(to)])),
  )
  return { tally, outputs: outputs.map(([name, value]) => [name, shapeOf(value)] as const) }
}

/** Whether transfers are opened at the start: always where all triples come from them, else where the program uses bits. */
export const opensTransfers = <P, In, Out>(program: Program<P, In, Out>, setting: Setting, parameters: P): boolean => {
  if (setting.triples !== 'bgv') return setting.triples === 'transfers'
  return tallyOf(program, setting, parameters, false, false).tally.bits
}

/**
 * Exact rounds, bytes and coins of a program; a bound, and what is expected, where opened values decide.
 *
 * @throws TallyError api/misuse for a program that opens values in mid-run and states no leakage, terms/unsupported for
 * what the source of the triples does not give.
 */
export const countSemi2k = <P, In, Out>(program: Program<P, In, Out>, setting: Setting, parameters: P): Counted => {
  const opened = opensTransfers(program, setting, parameters)
  const { tally, outputs } = tallyOf(program, setting, parameters, false, opened)
  const working = workingOf(setting)
  const computing = computingOf(setting)
  const roles = [...working, ...(program.owners ?? [])]
  const owners = ownersOf(program.inputs(parameters))
  const stranger = owners.find((owner) => owner === helper || !roles.includes(owner))
  if (stranger !== undefined) {
    throw new TallyError(
      'terms/malformed',
      'self',
      `expected inputs of ${computing.join(', ')}, found some of ${stranger}`,
    )
  }
  const coinsOf = (role: string): number => {
    const seeds = owners.includes(role) ? seedBytes * givenBy(setting, role).seeds.length : 0
    const ot = computing.includes(role) ? tally.otCoins : 0
    const own = program.coins?.(parameters, role) ?? 0
    return (working.includes(role) ? keyCoins(setting, role) : 0) + seeds + ot + own
  }
  const sizes = (of: SettingTally) => ({ rounds: deepest(of), bytes: 4 * of.words + of.otBytes })
  const cost: Cost = {
    ...sizes(tally),
    coins: Object.fromEntries(roles.map((role) => [role, coinsOf(role)])),
    correlations: {},
  }
  if (!tally.decided) return { cost, outputs }
  return { cost: { ...cost, expected: sizes(tallyOf(program, setting, parameters, true, opened).tally) }, outputs }
}
