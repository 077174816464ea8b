import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { rlweDecrypt, type RlweDecryptInput, type RlweEncodeInput } from '@tallystick/kernels'
import { scoring, type ScoringParameters } from '../src/index.ts'
import { planOf } from '../src/scoring/index.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { nativeHash } from './hash.ts'

const portable = await wasmEngine()
const engine = { ...portable, ...(await sealEngine()) }

const inputsOf = ({ sizes, features, featureBits, weightBits }: ScoringParameters, shift: number) => {
  const [x, w] = [2 ** featureBits - 1, 2 ** weightBits - 1]
  const values = [x, -x, 0, shift % x, 1]
  return {
    client: {
      features: Int32Array.from({ length: sizes.client * features }, (_, i) => values[(i * 7 + shift) % 5]!),
    },
    server: {
      weights: Int32Array.from({ length: features }, (_, i) => [-w, w, 0][(i + shift) % 3]!),
      intercept: (shift % 2 === 0 ? 1 : -1) * (2 ** (featureBits + weightBits) - 1),
    },
  }
}

const conform = [{ sizes: { client: 3 }, features: 2, featureBits: 12, weightBits: 10 }].map((parameters) => ({
  name: `${parameters.sizes.client} rows of ${parameters.features} features`,
  parameters,
  inputs: inputsOf(parameters, 0),
  alternative: inputsOf(parameters, 5),
}))

conformance(scoring, conform, { engine, hash: nativeHash, schedules: 10, sample: 40 })

const scored = (parameters: ScoringParameters, shift: number, on = engine) =>
  simulate(scoring, {
    ...{ parameters, inputs: inputsOf(parameters, shift), engine: on },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role), Uint8Array.of(shift))),
  })

test('scores are exact over declared ranges, more features than a call takes, and several tiles', () => {
  const sizes = fc.record({
    sizes: fc.record({ client: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(8191, 8192, 8193)) }),
    features: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(17)),
    featureBits: fc.integer({ min: 1, max: 20 }),
    weightBits: fc.integer({ min: 1, max: 18 }),
  })
  fc.assert(
    fc.property(sizes, fc.nat(50), (parameters, shift) => {
      const { client } = scoring.ideal(parameters, inputsOf(parameters, shift))
      expect(scored(parameters, shift).outputs.client).toEqual(client)
    }),
    { numRuns: 6, seed: 7 },
  )
})

test('SEAL and the reference send the same frames', () => {
  const parameters = { sizes: { client: 9 }, features: 3, featureBits: 10, weightBits: 10 }
  expect(scored(parameters, 3).heads).toEqual(scored(parameters, 3, portable).heads)
})

test('a plan keeps 128 bits of security and room for the flood, or is refused before anything is encrypted', () => {
  const { ring, floodBits } = planOf({ sizes: { client: 100_000 }, features: 32, featureBits: 16, weightBits: 16 })
  expect(ring.degree).toBe(8192)
  expect(floodBits).toBeGreaterThan(40 + 21)
  expect(() => planOf({ sizes: { client: 1 }, features: 4096, featureBits: 24, weightBits: 24 })).toThrow(
    expect.objectContaining({ code: 'terms/unsupported' }),
  )
})

test('slots without a row tell nothing, whatever the client puts there', () => {
  const parameters = { sizes: { client: 1 }, features: 2, featureBits: 8, weightBits: 8 }
  const { ring } = planOf(parameters)
  const weights = Int32Array.of(101, -202)
  let slots: BigInt64Array | undefined
  // A client that enters unit vectors as rows 1 and 2, though the terms say one row, and reads all slots of the reply.
  const cheating = {
    ...engine,
    'rlwe/encode': (input: RlweEncodeInput) => {
      const values = input.values.slice()
      const own = values.some((value) => value === 7n)
      if (own) values[1 + units++] = 1n
      return portable['rlwe/encode']!({ ...input, values } as never)
    },
    'rlwe/decrypt': (input: RlweDecryptInput) => {
      const opened = runKernel(portable, rlweDecrypt, input)
      slots = opened.integers
      return opened
    },
  }
  let units = 0
  const { outputs } = simulate(scoring, {
    ...{ parameters, engine: cheating },
    inputs: { client: { features: Int32Array.of(7, 7) }, server: { weights, intercept: 777 } },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role))),
  })
  expect(units).toBe(2)
  expect(outputs.client!.scores).toEqual(Float64Array.of(777 + 7 * (101 - 202)))
  expect(slots![0]).toBe(70n)
  const told = [777n, 777n + 101n, 777n - 202n]
  expect(slots!.subarray(1).filter((slot) => told.includes(slot)).length).toBe(0)
  // Uniform modulo t: half of them above a quarter of it, either way.
  const wide = slots!.subarray(1).filter((slot) => (slot < 0n ? -slot : slot) > ring.plainModulus / 4n).length
  expect(wide / ring.degree).toBeGreaterThan(0.45)
})

test('a reply that does not decrypt changes nothing that the server sees', () => {
  const parameters = { sizes: { client: 2 }, features: 1, featureBits: 8, weightBits: 8 }
  const spoil = {
    ...engine,
    'rlwe/decrypt': (input: RlweDecryptInput) => ({ ...runKernel(portable, rlweDecrypt, input), noiseBits: 1000 }),
  }
  const [good, bad] = [scored(parameters, 1), scored(parameters, 1, spoil)]
  expect(bad.errors).toEqual({})
  expect(bad.outputs.client).toEqual({ scores: null })
  expect(good.outputs.client!.scores).not.toBeNull()
  expect(bad.transcript).toBe(good.transcript)
})
