import { createRng, flatWords32, taggedDigest, TallyError } from '@tallystick/core'
import { type Context } from '@tallystick/protocol'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import {
  bitTriples,
  bitTriplesCost,
  equalCost,
  equalShares,
  equalWords,
  lessCost,
  lessShares,
  lessWords,
  multiplyRing,
  openTransfers,
  productCost,
  productReceive,
  productSend,
  ringTriples,
  ringTriplesCost,
  storeCost,
  type PairCost,
  type Transfers,
  transfersCost,
  type TransfersOptions,
  tripleMessages,
} from '@tallystick/ot'
import { defineProtocol, opening, simulate, type Routine } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dealer, dealerMessages, sha256 } from './dealer.ts'

const engine = await nodeEngine()
const bytes = (label: string, length: number): Uint8Array =>
  createRng(taggedDigest('tallystick/test/v1', label)).bytes(length)

type Ends = 'first' | 'second'
interface Parameters {
  readonly triples: number
  readonly ring: number
  /** Rows that are compared, of 11 bits. */
  readonly rows: number
}
interface Input {
  /** One number below 2^11 a row. */
  readonly numbers: Uint32Array
}
interface Opened {
  /** Bits and elements, sums of both ends' shares. */
  readonly bits: Uint32Array
  readonly ring: Uint32Array
  readonly equal: Uint32Array
  readonly less: Uint32Array
  readonly products: Uint32Array
}

const messages = {
  ...tripleMessages,
  ...dealerMessages,
  opened: opening('each', 'each', flatWords32(2 ** 20)),
} as const

/** How the two ends begin: the real way, or dealt by the first end, whose frames are few. */
interface Opener {
  readonly open: (ctx: Context<any, any>, options: TransfersOptions) => Routine<Transfers>
  readonly cost: () => PairCost
}
const width = 11
const planesOf = (numbers: Uint32Array): Uint32Array => {
  const words = 4 * Math.ceil(numbers.length / 128)
  const out = new Uint32Array(width * words)
  numbers.forEach((value, i) => {
    for (let b = 0; b < width; b++) out[b * words + (i >> 5)]! |= ((value >> b) & 1) << (i & 31)
  })
  return out
}

const partyOver = (opener: Opener) =>
  function* (
    ctx: Context<typeof messages, any>,
    { triples, ring, rows }: Parameters,
    { numbers }: Input,
  ): Routine<Opened> {
    const first = ctx.role === 'first'
    const peer = first ? 'second' : 'first'
    const transfers = yield* opener.open(ctx.narrow('transfers'), { peer, first })
    const bits = yield* bitTriples(ctx.narrow('bits'), transfers, triples)
    const beaver = yield* ringTriples(ctx.narrow('ring'), transfers, ring)
    const gates = equalWords(rows, width) + lessWords(rows, width)
    const store = { triples: yield* bitTriples(ctx.narrow('gates'), transfers, 32 * gates), used: 0 }
    const planes = planesOf(numbers)
    const none = new Uint32Array(planes.length)
    const equal = yield* equalShares(ctx.narrow('equal'), transfers, store, planes, width)
    const [x, y] = first ? [planes, none] : [none, planes]
    const less = yield* lessShares(ctx.narrow('less'), transfers, store, x, y, width)
    // The second end's numbers times the first end's.
    const values = new Uint32Array(2 * rows)
    numbers.forEach((value, i) => (values[2 * i] = values[2 * i + 1] = value))
    const multipliers = new Uint8Array(Math.ceil((rows * width) / 8))
    numbers.forEach((value, i) => {
      for (let b = 0; b < width; b++) multipliers[(i * width + b) >> 3]! |= ((value >> b) & 1) << ((i * width + b) & 7)
    })
    const scaled = ctx.narrow('scaled')
    const products = first
      ? yield* productSend(scaled, transfers, values, width)
      : yield* productReceive(scaled, transfers, multipliers, rows, width)
    yield* ctx.checkpoint()
    const parts = [bits.a, bits.b, bits.c, beaver.a, beaver.b, beaver.c, equal, less, products]
    const all = Uint32Array.from(parts.flatMap((part) => [...part]))
    yield* ctx.send('opened', all, peer)
    const received = yield* ctx.receive('opened', peer)
    if (received.length !== all.length) throw new TallyError('peer/misbehaved', { peer }, 'another length')
    let at = 0
    const theirs = parts.map((part) => received.slice(at, (at += part.length)))
    const xor = (i: number): Uint32Array => parts[i]!.map((word, k) => word ^ theirs[i]![k]!)
    const add = (i: number): Uint32Array => {
      const [own, other] = [parts[i]!, theirs[i]!].map((part) => new BigUint64Array(part.slice().buffer))
      return new Uint32Array(own!.map((value, k) => value + other![k]!).buffer)
    }
    const [a, b, c] = [xor(0), xor(1), xor(2)]
    const wrong = multiplyRing(add(3), add(4)).map((word, k) => word ^ add(5)[k]!)
    const known = (plane: Uint32Array): Uint32Array =>
      Uint32Array.from({ length: rows }, (_, i) => (plane[i >> 5]! >>> (i & 31)) & 1)
    return {
      bits: a.map((word, k) => (word & b[k]!) ^ c[k]!),
      ring: wrong,
      equal: known(xor(6)),
      less: known(xor(7)),
      products: add(8),
    }
  }

const openedBytes = ({ triples, ring, rows }: Parameters): number => {
  const vectors = 2 * 16 * Math.ceil(rows / 128)
  return 2 * (3 * 16 * Math.ceil(triples / 128) + 24 * ring + vectors + 8 * rows)
}

const protocolOver = (opener: Opener) =>
  defineProtocol<Ends, typeof messages, Parameters, Record<Ends, Input>, Record<Ends, Opened>>({
    id: 'test/triples',
    version: 1,
    roles: ['first', 'second'],
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 121,
      statistical: 128,
      assumptions: [],
      refusal: 'a test',
    },
    leakage: { first: 'everything: a test', second: 'everything: a test' },
    parameters: (value) => value as Parameters,
    cost: (parameters) => {
      const { triples, ring, rows } = parameters
      const gates = equalWords(rows, width) + lessWords(rows, width)
      const scaled = productCost(rows, width)
      const parts = [
        opener.cost(),
        bitTriplesCost(triples),
        ringTriplesCost(ring),
        storeCost(gates),
        equalCost(rows, width),
        lessCost(rows, width),
        { ...scaled, coins: 0 },
      ]
      const sum = (of: (part: (typeof parts)[number]) => number): number =>
        parts.reduce((all, part) => all + of(part), 0)
      const coins = sum((part) => part.coins)
      return {
        rounds: sum((part) => part.rounds) + 1,
        bytes: sum((part) => part.bytes) + openedBytes(parameters),
        coins: { first: coins, second: coins },
        correlations: {},
      }
    },
    ideal: ({ triples, ring, rows }, { first, second }) => {
      const output = {
        bits: new Uint32Array(4 * Math.ceil(triples / 128)),
        ring: new Uint32Array(2 * ring),
        equal: first.numbers.map((x, i) => Number(x === second.numbers[i]!)),
        less: first.numbers.map((x, i) => Number(x < second.numbers[i]!)),
        products: Uint32Array.from({ length: 2 * rows }, (_, i) => first.numbers[i >> 1]! * second.numbers[i >> 1]!),
      }
      return { first: output, second: output }
    },
    parties: { first: partyOver(opener), second: partyOver(opener) },
  })

const protocol = protocolOver({ open: openTransfers, cost: () => transfersCost() })

const numbers = (label: string, n: number): Uint32Array =>
  Uint32Array.from({ length: n }, (_, i) => (bytes(label, 4 * n)[4 * i]! * 8) & 2047)
const inputs = (label: string, n: number) => ({
  first: { numbers: numbers(label, n) },
  second: { numbers: numbers(label, n).map((value, i) => (i % 3 === 0 ? value : (value * 5 + i) & 2047)) },
})

const few = {
  name: 'a few of each',
  parameters: { triples: 130, ring: 3, rows: 5 },
  inputs: inputs('a', 5),
  alternative: inputs('b', 5),
}
conformance(protocolOver(dealer), [few], { engine, schedules: 10, sample: 80, hash: sha256 })

/** The real opening has frames of kilobytes, whose mutations are those of the extension's own tests. */
describe('triples from base transfers', () => {
  const subject = subjectOf(protocol, few, { engine, schedules: 3 })
  it.each(['ideal', 'cost', 'schedules', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})

describe('triples', () => {
  const run = (parameters: Parameters, given: Record<Ends, Input>, label = 'seed') => {
    const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', `${label} ${role}`))
    return simulate(protocol, { parameters, inputs: given, rng, engine })
  }

  it('are right over more than one call, and random', () => {
    const parameters = { triples: 20_000, ring: 700, rows: 300 }
    const given = inputs('more', 300)
    const { outputs, errors, rounds, bytes: sent } = run(parameters, given)
    expect(errors).toEqual({})
    expect(outputs).toEqual(protocol.ideal(parameters, given))
    const { rounds: expected, bytes: bound } = protocol.cost(parameters)
    expect([rounds, sent]).toEqual([expected, bound])
  })

  it('compare any two numbers', () => {
    const number = fc.integer({ min: 0, max: 2047 })
    const pair = fc.oneof(
      fc.tuple(number, number),
      number.map((x) => [x, x]),
      fc.tuple(number, fc.constant(1)),
    )
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 300 }), (pairs) => {
        const given = {
          first: { numbers: Uint32Array.from(pairs, ([x]) => x) },
          second: { numbers: Uint32Array.from(pairs, ([, y]) => y) },
        }
        const parameters = { triples: 0, ring: 0, rows: pairs.length }
        expect(run(parameters, given).outputs).toEqual(protocol.ideal(parameters, given))
      }),
      { numRuns: 5 },
    )
  })
})
