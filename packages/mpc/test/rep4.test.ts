/** Four parties, one malicious: right results at the counted cost, and no unchecked value is used. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRng, taggedDigest, TallyError } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate, type FrameTrace } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import {
  fixed,
  floor,
  logisticFixed,
  numbersOfWords,
  rep4Program,
  sort,
  unverified,
  verified,
  wordsOfIntegers,
  wordsOfNumbers,
  type Arithmetic,
  type Program,
  type Vectors,
} from '@tallystick/mpc'
import { integers, runShared, shared, type ProtocolOf } from './harness.ts'
import { agree } from './random-programs.ts'

const engine = await nodeEngine()
const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
const protocolOf: ProtocolOf = (program) => rep4Program(program)
const edges = [0n, 1n, -1n, 5n, -5n, 12_345_678_901n, 2n ** 62n - 1n, 1n - 2n ** 62n, 2n ** 61n + 3n, -(2n ** 61n)]

describe('rep4', () => {
  it('random programs', () => agree(40, protocolOf, engine))

  it('truncates to the floor or one more, widens, sorts and evaluates functions', () => {
    const keys = [5, -3, 9, 0, 7, 7, -8, 2, 1]
    const points = [-4.5, -0.1, 0, 0.75, 3]
    const run = runShared(
      {
        e: shared(edges),
        k: shared(keys),
        w: shared(edges, 128),
        x: { ring: 64, words: wordsOfNumbers(64, points, 16) },
      },
      function* (b, { e, k, w, x }) {
        const square = yield* b.multiply(w!, w!)
        return {
          low: yield* b.truncate(e!, 7),
          most: yield* b.truncate(e!, 62),
          wide: yield* b.widen(e!),
          sorted: (yield* sort(b, k as Arithmetic<64>, [], { bits: 8 })).keys,
          floor: yield* floor(b, square, 40),
          logistic: (yield* logisticFixed(b, fixed(x!, 16, 2 ** 36))).share,
        }
      },
      engine,
      protocolOf,
    )
    for (const [output, by] of [
      ['low', 7n],
      ['most', 62n],
    ] as const) {
      integers(run, output).forEach((found, i) =>
        expect([0n, 1n], `${output} ${i}`).toContain(found - (edges[i]! >> by)),
      )
    }
    expect(integers(run, 'wide', 128)).toEqual(edges)
    expect(integers(run, 'sorted')).toEqual(keys.toSorted((a, b) => a - b).map(BigInt))
    expect(integers(run, 'floor', 128)).toEqual(edges.map((x) => (x * x) >> 40n))
    const found = numbersOfWords(64, run.opened['logistic']!, 16)
    points.forEach((x, i) => expect(Math.abs(found[i]! - 1 / (1 + Math.exp(-x)))).toBeLessThan(2 ** -14))
    expect(run.rounds).toBeLessThanOrEqual(run.cost.rounds)
    expect(run.bytes).toBeLessThanOrEqual(run.cost.bytes)
  })
})

type Rows = Readonly<Record<string, readonly bigint[]>>
const program: Program<{ readonly length: number }, Rows, Vectors> = {
  id: 'mpc/rep4-test',
  version: 1,
  parameters: (value) => value as { readonly length: number },
  inputs: ({ length }) => [
    { name: 'x', owner: 'p0', ring: 64, length },
    { name: 'y', owner: 'p3', ring: 64, length },
  ],
  receivers: () => ['p1'],
  encode: (_, role, rows) =>
    role === 'p0' ? { x: wordsOfIntegers(64, rows['x']!) } : { y: wordsOfIntegers(64, rows['y']!) },
  *compute(b, { length }, inputs) {
    const [x, y] = [inputs['x'] as Arithmetic<64>, inputs['y'] as Arithmetic<64>]
    const product = yield* b.multiply(x, y)
    return { product, dot: b.sum(product, length) }
  },
  decode: (_, opened) => opened,
}
const inputs = (salt: bigint) => ({ p0: { x: [salt, 0n] }, p1: {}, p2: {}, p3: { y: [-1n, salt] } })
const parameters = { length: 2 }
const test = { name: 'two rows', parameters, inputs: inputs(1n), alternative: inputs(-1n) }
conformance(rep4Program(program), [test], { engine, hash, schedules: 10, sample: 60, verifiable: true })

/** A corrupt party adds an error to a frame: its sender's, or the wire's, which is the same. */
const attack = (insecureDigestBits: number, place: number, error: number) => {
  const protocol = rep4Program(program, { insecureDigestBits })
  const rng = (role: string) => createRng(taggedDigest('tallystick/test/rep4/v1', role, `${place} ${error}`))
  let at = -1
  let attacked: FrameTrace | undefined
  const mutate = (frame: FrameTrace & { readonly body: Uint8Array }) => {
    if (++at !== place) return [frame.body]
    attacked = frame
    const body = frame.body.slice()
    body[(7 * error) % body.length]! ^= 1 + (error % 255)
    return [body]
  }
  const result = simulate(protocol, { parameters, inputs: inputs(1n), rng, engine, fault: { mutate, close: false } })
  return { ...result, attacked }
}

const honest = rep4Program(program).ideal(parameters, inputs(1n))['p1']!
const rightFor = (output: Vectors | undefined): boolean =>
  output !== undefined && JSON.stringify(output) === JSON.stringify(honest)
const frames = simulate(rep4Program(program), {
  parameters,
  inputs: inputs(1n),
  rng: (role) => createRng(taggedDigest('tallystick/test/rep4/v1', role)),
  engine,
}).trace.length

describe('an additive attack', () => {
  it('on any frame is found, and blamed on a party before anything wrong comes out', () => {
    for (let place = 0; place < frames; place++) {
      const { outputs, errors, attacked } = attack(256, place, 3)
      expect('p1' in outputs, `frame ${place} ${attacked!.step}`).toBe(false)
      const found = errors[attacked!.to]
      expect(found, attacked!.step).toBeInstanceOf(TallyError)
      // A party that was misled itself may be the one that is blamed; nobody blames itself.
      expect((found as TallyError).blame).toHaveProperty('peer')
    }
  })

  it('passes at the predicted rate where two bits of a digest are compared', () => {
    const values = Array.from({ length: frames }, (_, place) => place).filter((place) =>
      ['product', 'result'].includes(attack(256, place, 1).attacked!.step.replace(/.*\//, '')),
    )
    expect(values.length).toBe(7)
    let [tried, missed] = [0, 0]
    for (const place of values) {
      for (let error = 0; error < 24; error++, tried++) {
        const { errors, attacked } = attack(2, place, error)
        const found = errors[attacked!.to]
        // What the receiver of the frame itself finds; others may find what it then computes with.
        const caught =
          found instanceof TallyError && found.code === 'peer/misbehaved' && found.message.includes('vouches')
        if (!caught) missed++
      }
    }
    // One in four; five standard deviations.
    expect(Math.abs(missed - tried / 4)).toBeLessThan(5 * Math.sqrt((tried * 3) / 16))
  })

  it('that nobody attempts changes nothing', () => {
    const { outputs } = attack(256, -2, 0)
    expect(rightFor(outputs['p1'] as Vectors)).toBe(true)
  })
})

it('an unverified value cannot be read, only checked', () => {
  const value = unverified(Uint32Array.of(42))
  expect(JSON.stringify(value)).toBe('{}')
  expect(Object.values(value)).toEqual([])
  const digests = { found: Uint8Array.of(1, 2), vouched: Uint8Array.of(1, 3), sender: 'p0', checker: 'p1', what: 'x' }
  expect(verified(value, { ...digests, bits: 8 })).toEqual(Uint32Array.of(42))
  expect(() => verified(value, { ...digests, bits: 16 })).toThrow(expect.objectContaining({ code: 'peer/misbehaved' }))
})
