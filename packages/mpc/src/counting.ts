/**
 * What a program costs under `rep3`, by running its text over shapes: every call sends what the real one sends, as a
 * number of bytes from one party to another, and the longest chain of messages is kept for each party.
 */
import { TallyError } from '@tallystick/core'
import type { Cost, Routine } from '@tallystick/protocol'
import { planeWords, type Arithmetic, type Backend, type Bits, type Ring, type Shape } from './backend.ts'
import { runClear } from './clear.ts'
import { add } from './operators/adder.ts'
import { lessThan } from './operators/compare.ts'
import { isStated, requireStated } from './leakage.ts'
import type { Program } from './program.ts'
import { compareBatch } from './rep3/backend.ts'
import { expectedComparisons, levelBound } from './quicksort.ts'
import { seedBytes, seedsOf, sharesOf, wordsOfSpecs } from './rep3/inputs.ts'
import { shapeOf, wordsOfShape, type OutputShape } from './rep3/outputs.ts'
import { computing, keyCoins, roleOf } from './rep3/party.ts'
import { topWords } from './rep3/truncate.ts'
import { deepest, localShapes, now, planes, round, shares, type Message, type Tally } from './tally.ts'
import { limbsOf, oneRing, pairLength } from './words.ts'

/** One vector from every party to its neighbour. */
const toNeighbours = (tally: Tally, words: number, by: 1 | -1): void =>
  round(
    tally,
    computing.map((role, i) => [role, roleOf(i, by), words]),
  )

const talking = (tally: Tally, turn: () => number) => {
  const deal = (dealer: number, words: number): void => round(tally, [[roleOf(dealer), roleOf(dealer, 2), words]])
  const product = (ring: Ring, length: number): void => toNeighbours(tally, limbsOf(ring) * length, -1)
  const shiftRight = <R extends Ring>(from: Ring, to: R, by: number, length: number, threefold: boolean) => {
    const dealer = turn()
    const [d, a, b] = [roleOf(dealer), roleOf(dealer, 1), roleOf(dealer, 2)]
    const [source, target] = [limbsOf(from) * length, limbsOf(to) * length]
    const more = threefold ? source : 0
    round(tally, [
      [d, a, target + topWords({ from, to, by, length }) + more],
      [d, b, more],
      [a, b, source],
      [b, a, source],
    ])
    round(tally, [
      [a, b, target],
      [b, a, target],
    ])
    return shares(to, length)
  }
  const outer = ({ rows, columns }: Shape): number => rows * columns
  return {
    *multiply<R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>): Routine<Arithmetic<R>> {
      const length = pairLength(x.length, y.length)
      product(oneRing(x.ring, y.ring), length)
      return yield* now(shares(x.ring, length))
    },
    *matrixProduct<R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>, shape: Shape): Routine<Arithmetic<R>> {
      product(oneRing(x.ring, y.ring), outer(shape))
      return yield* now(shares(x.ring, outer(shape)))
    },
    truncate: <R extends Ring>(x: Arithmetic<R>, by: number) => now(shiftRight(x.ring, x.ring, by, x.length, false)),
    multiplyTruncate: <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>, by: number, terms = 1) =>
      now(shiftRight(oneRing(x.ring, y.ring), x.ring, by, pairLength(x.length, y.length) / terms, true)),
    matrixProductTruncate: <R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>, shape: Shape, by: number) =>
      now(shiftRight(oneRing(x.ring, y.ring), x.ring, by, outer(shape), true)),
    widen: (x: Arithmetic<64>) => now(shiftRight(64, 128, 0, x.length, false)),
    *reveal(x: Arithmetic): Routine<Uint32Array> {
      requireStated(tally.stated, 'reveal')
      const words = limbsOf(x.ring) * x.length
      toNeighbours(tally, words, 1)
      return yield* now(new Uint32Array(words))
    },
    *and(x: Bits, _: Bits): Routine<Bits> {
      toNeighbours(tally, x.width * planeWords(x.length), -1)
      return yield* now(planes(x.width, x.length))
    },
    *summands(x: Arithmetic, width: number = x.ring): Routine<readonly [Bits, Bits]> {
      deal(turn(), width * planeWords(x.length))
      const part = planes(width, x.length)
      return yield* now([part, part] as const)
    },
    *inject<R extends Ring>(x: Bits, ring: R): Routine<Arithmetic<R>> {
      const length = x.width * x.length
      deal(turn(), limbsOf(ring) * length)
      product(ring, length)
      return yield* now(shares(ring, length))
    },
    *compose<R extends Ring>(x: Bits, ring: R): Routine<Arithmetic<R>> {
      const dealer = turn()
      const words = ring * planeWords(x.length)
      deal(dealer, words)
      const part = planes(ring, x.length)
      yield* add(counting(tally, turn), part, part)
      const [a, b] = [roleOf(dealer, 1), roleOf(dealer, 2)]
      round(tally, [
        [a, b, words],
        [b, a, words],
      ])
      return shares(ring, x.length)
    },
    *revealBits(x: Bits): Routine<Uint32Array> {
      requireStated(tally.stated, 'revealBits')
      const words = x.width * planeWords(x.length)
      toNeighbours(tally, words, 1)
      return yield* now(new Uint32Array(words))
    },
  }
}

const turns = (): (() => number) => {
  let turn = 0
  return () => turn++ % 3
}

/** The comparisons of a sort: at most, or expected. */
export function* countOrder(backend: Backend, tally: Tally, keys: Arithmetic, width?: number): Routine<Uint32Array> {
  requireStated(tally.stated, 'order')
  const { length } = keys
  tally.decided = true
  const levels = tally.expected ? expectedComparisons(length).levels : levelBound(length)
  const perLevel = tally.expected ? Math.ceil(expectedComparisons(length).pairs / levels) : Math.max(0, length - 1)
  const compare = function* (pairs: number): Routine<void> {
    for (let from = 0; from < pairs; from += compareBatch) {
      const x = shares(keys.ring, Math.min(compareBatch, pairs - from))
      yield* backend.revealBits(yield* lessThan(backend, x, x, width))
    }
  }
  for (let level = 0; level < levels; level++) yield* compare(perLevel)
  // The last level compares all pairs of runs of at most six.
  if (!tally.expected) yield* compare(Math.ceil(2.5 * length))
  return Uint32Array.from({ length }, (_, i) => i)
}

/** Runs branches from one state, and leaves every role at its deepest. */
const countJoin = function* (tally: Tally, branches: readonly ((branch: Backend) => Routine<unknown>)[]) {
  const before = new Map(tally.depth)
  const after = new Map(before)
  const results: unknown[] = []
  for (const branch of branches) {
    tally.depth.clear()
    for (const [role, depth] of before) tally.depth.set(role, depth)
    results.push(yield* branch(counting(tally, turns())))
    for (const [role, depth] of tally.depth) after.set(role, Math.max(depth, after.get(role) ?? 0))
  }
  for (const [role, depth] of after) tally.depth.set(role, depth)
  return results
}

const counting = (tally: Tally, turn: () => number): Backend => {
  const backend: Backend = {
    ...localShapes,
    ...talking(tally, turn),
    *shuffle(columns) {
      const words = columns.reduce((sum, { ring, length }) => sum + limbsOf(ring) * length, 0)
      for (let j = 0; j < 3; j++) {
        round(tally, [
          [roleOf(j), roleOf(j, 1), words],
          [roleOf(j, 1), roleOf(j), words],
        ])
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

export interface Counted {
  readonly cost: Cost
  /** Names and shapes of the outputs, in their order. */
  readonly outputs: readonly (readonly [name: string, shape: OutputShape])[]
}

const tallyOf = <P, In, Out>(program: Program<P, In, Out>, parameters: P, expected: boolean) => {
  const stated = isStated(program.leakage)
  const tally: Tally = { words: 0, depth: new Map(), decided: false, expected, stated }
  const specs = program.inputs(parameters)
  const owners = [...new Set(specs.map(({ owner }) => owner))]
  const opening: Message[] = computing.flatMap((role, i) => [1, -1].map((by): Message => [role, roleOf(i, by), 32 / 4]))
  for (const owner of owners) {
    const words = wordsOfSpecs(specs.filter((spec) => spec.owner === owner))
    for (const [to] of seedsOf(owner)) opening.push([owner, to, seedBytes / 4])
    for (const to of sharesOf(owner).to) opening.push([owner, to, words])
  }
  round(tally, opening)
  const inputs = Object.fromEntries(specs.map(({ name, ring, length }) => [name, shares(ring, length)]))
  const outputs = Object.entries(runClear(program.compute(counting(tally, turns()), parameters, inputs)))
  const before = deepest(tally)
  const receivers = program.receivers(parameters)
  for (const role of [...computing, ...(program.owners ?? [])]) tally.depth.set(role, before)
  const learns = (receiver: string, name: string): boolean => program.learns?.(parameters, receiver, name) ?? true
  const wordsFor = (receiver: string): number =>
    outputs.reduce((sum, [name, value]) => sum + (learns(receiver, name) ? wordsOfShape(shapeOf(value)) : 0), 0)
  round(
    tally,
    receivers.flatMap((receiver): Message[] => {
      const place = (computing as readonly string[]).indexOf(receiver)
      const words = wordsFor(receiver)
      if (place >= 0) return [[roleOf(place, -1), receiver, words]]
      return [
        ['p0', receiver, words],
        ['p1', receiver, words],
      ]
    }),
  )
  return { tally, owners, outputs: outputs.map(([name, value]) => [name, shapeOf(value)] as const) }
}

/**
 * Exact rounds, bytes and coins of a program; a bound, and what is expected, where opened values decide.
 *
 * @throws TallyError api/misuse for a program that opens values in mid-run and states no leakage.
 */
export const count = <P, In, Out>(program: Program<P, In, Out>, parameters: P): Counted => {
  const { tally, owners, outputs } = tallyOf(program, parameters, false)
  const isComputing = (role: string): boolean => (computing as readonly string[]).includes(role)
  const coinsOf = (role: string): number => {
    const seeds = owners.includes(role) ? (isComputing(role) ? 1 : 2) : 0
    return (isComputing(role) ? keyCoins : 0) + seeds * seedBytes + (program.coins?.(parameters, role) ?? 0)
  }
  const roles = [...computing, ...(program.owners ?? [])]
  const stranger = owners.find((owner) => !roles.includes(owner))
  if (stranger !== undefined) {
    throw new TallyError('terms/malformed', 'self', `expected inputs of ${roles.join(', ')}, found some of ${stranger}`)
  }
  const sizes = (of: Tally) => ({ rounds: deepest(of), bytes: 4 * of.words })
  const cost: Cost = {
    ...sizes(tally),
    coins: Object.fromEntries(roles.map((role) => [role, coinsOf(role)])),
    correlations: {},
  }
  if (!tally.decided) return { cost, outputs }
  return { cost: { ...cost, expected: sizes(tallyOf(program, parameters, true).tally) }, outputs }
}
