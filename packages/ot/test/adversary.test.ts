/** What the checks against malice catch, and what would happen without them; what the noise looks like. */
import { describe, expect, it } from 'vitest'
import { createRng, taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { voleMessages, voleReceive, voleSend } from '@tallystick/ot'
import type { Adversary, VoleOptions, VoleReceived } from '@tallystick/ot'
import { defineProtocol, simulate, type FrameTrace } from '@tallystick/protocol'
import { drawNoise } from '../src/vole/noise.ts'
import { noiseWeight, shapeOf } from '../src/vole/parameters.ts'
import { correlated, firstDifference, vole, xor } from './wrappers.ts'

const engine = await nodeEngine()
const rng = (role: string) => createRng(taggedDigest('tallystick/test/ot/v1', role))

type Frame = FrameTrace & { readonly body: Uint8Array }
/** Changes the frames of one message. */
const altering =
  (name: string, change: (body: Uint8Array, frame: Frame) => void) =>
  (frame: Frame): readonly Uint8Array[] => {
    if (frame.step.endsWith(`/${name}`)) change(frame.body, frame)
    return [frame.body]
  }

const delta = Uint8Array.from({ length: 16 }, (_, i) => (i === 3 ? 0x50 : 0x11 * (i + 1)))
/** VOLE alone, without a checkpoint, which would find what was altered on the way: here the sender itself sent it. */
const bare = defineProtocol<
  'sender' | 'receiver',
  ReturnType<typeof voleMessages<'sender', 'receiver'>>,
  VoleOptions,
  { sender: Uint8Array; receiver: undefined },
  { sender: Uint8Array; receiver: VoleReceived }
>({
  ...vole,
  id: 'test/bare',
  messages: voleMessages('sender', 'receiver'),
  parameters: (value) => value as VoleOptions,
  ideal: () => {
    throw new Error('outputs are random')
  },
  parties: {
    sender: (ctx, parameters, own) => voleSend(ctx.narrow('vole'), 'receiver', parameters, own),
    receiver: (ctx, parameters) => voleReceive(ctx.narrow('vole'), 'sender', parameters),
  },
})

/** Errors by role, and the first row that is not correlated, where both ended. */
const runVole = (security: Adversary, mutate: (frame: Frame) => readonly Uint8Array[]) => {
  const { outputs, errors } = simulate(bare, {
    parameters: { n: 2300, security },
    inputs: { sender: delta, receiver: undefined },
    rng,
    engine,
    fault: { mutate, close: false },
  })
  if (outputs.sender === undefined || outputs.receiver === undefined) return { errors, wrong: undefined }
  const { a, c } = outputs.receiver
  const product = engine['gf128/scale']!({ factor: delta, elements: a } as never) as Uint8Array
  return { errors, wrong: firstDifference(xor(product, outputs.sender), c) }
}

const misbehaved = (peer: string) => ({ code: 'peer/misbehaved', blame: { peer } })
const shape = shapeOf({ n: 2300, security: 'malicious' })
const pairs = shape.weight * shape.depth

describe('a malicious sender of VOLE', () => {
  const attacks = {
    'both sums of a level': altering('voleTrees', (body) => {
      body[32 * 7]! ^= 1
      body[32 * 7 + 16]! ^= 1
    }),
    'the last level of the last tree': altering('voleTrees', (body) => {
      body[32 * (pairs - 1)]! ^= 128
      body[32 * (pairs - 1) + 16]! ^= 128
    }),
    'the total of a tree': altering('voleTrees', (body) => void (body[32 * pairs + 16 * 100 + 15]! ^= 1)),
    'the proof': altering('voleProof', (body) => void (body[0]! ^= 1)),
  }
  for (const [what, attack] of Object.entries(attacks)) {
    it(`is caught that alters ${what}`, () => {
      expect(runVole('malicious', attack).errors.receiver).toMatchObject(misbehaved('sender'))
    })
  }
  it('would go unnoticed without the check, and break the correlation', () => {
    const { errors, wrong } = runVole('semi-honest', attacks['both sums of a level'])
    expect(errors).toEqual({})
    expect(wrong).toBeGreaterThanOrEqual(0)
  })
  it('learns by an abort whether it guessed a bit of a place, no more', () => {
    // One side of one level only: harmless where the path takes that side, an abort where it does not.
    const sides = [0, 16].map((side) => altering('voleTrees', (body) => void (body[side]! ^= 1)))
    const ends = sides.map((attack) => runVole('malicious', attack))
    expect(ends.filter(({ errors }) => errors.receiver !== undefined)).toHaveLength(1)
    const passed = ends.find(({ errors }) => errors.receiver === undefined)
    expect(passed!.wrong).toBe(-1)
  })
})

describe('a malicious receiver of transfers', () => {
  /** Another choice in row 128 + 5 of the noise values, in one chunk of Delta only. */
  const inChunk = (chunk: number) =>
    altering('otCorrections', (body, { ordinal }) => {
      if (ordinal === 1) body[(body.length / 32) * chunk + 17]! ^= 32
    })
  it('is caught that uses another choice for a chunk of Delta, unless the chunk is zero', () => {
    // delta[3] = 0x50: chunk 6 is zero, chunk 7 is 5.
    expect(runVole('malicious', inChunk(7)).errors.sender).toMatchObject(misbehaved('receiver'))
    const harmless = runVole('malicious', inChunk(6))
    expect(harmless.errors).toEqual({})
    expect(harmless.wrong).toBe(-1)
    expect(runVole('semi-honest', inChunk(7)).wrong).toBeGreaterThanOrEqual(0)
  })
  it('is caught that sends other trees or hashes', () => {
    const run = (mutate: (frame: Frame) => readonly Uint8Array[]) =>
      simulate(correlated, {
        parameters: { n: 200, security: 'malicious' },
        inputs: { sender: {}, receiver: { choices: new Uint8Array(25).fill(0x3c) } },
        rng,
        engine,
        fault: { mutate, close: false },
      }).errors.sender
    const seeds = altering('otSeeds', (body) => {
      body[32 * 9]! ^= 1
      body[32 * 9 + 16]! ^= 1
    })
    const response = altering('otResponse', (body) => void (body[16 + 16 * 40]! ^= 1))
    for (const attack of [seeds, response]) expect(run(attack)).toMatchObject(misbehaved('receiver'))
  })
})

describe('noise', () => {
  it('is regular: one place in each block, each place alike', () => {
    const own = shapeOf({ n: 2208, security: 'malicious' })
    const seen = new Uint32Array(own.leaves)
    for (let run = 0; run < 200; run++) {
      const { points, places, values } = drawNoise(
        createRng(taggedDigest('tallystick/test/noise/v1', String(run))),
        own,
      )
      expect(places.every((place, i) => Math.floor(place / own.leaves) === i && place % own.leaves === points[i])).toBe(
        true,
      )
      expect(places).toHaveLength(own.weight)
      expect(values).toHaveLength(16 * own.weight)
      for (const point of points) seen[point]!++
    }
    const expected = (200 * own.weight) / own.leaves
    let chi = 0
    for (const count of seen) chi += (count - expected) ** 2 / expected
    // 7 degrees of freedom: above 30 with probability 1e-4; the seeds are fixed.
    expect(chi).toBeLessThan(30)
  })
  it('has the weight that 128 bits against linear tests need', () => {
    expect(-noiseWeight * Math.log2(1 - 0.15)).toBeGreaterThan(128)
    expect(() => shapeOf({ n: 2 ** 26 + 1, security: 'malicious' })).toThrow(
      expect.objectContaining({ code: 'api/misuse' }),
    )
  })
})

it('grows full trees only, so that every choice of a receiver leaves it without one leaf', () => {
  // With an unpaired node, a receiver whose path leads past the last leaf is given the sums of what is there, knows all
  // leaves of the tree, and computes Delta from the one noise value that it chose.
  for (const n of [0, 1, 3, 2207, 2208, 2209, 2484, 5000, 65_536, 1_363_149, 2 ** 26]) {
    const { weight, leaves, depth, noise } = shapeOf({ n, security: 'malicious' })
    expect(leaves).toBe(2 ** depth)
    expect(noise).toBe(weight * leaves)
    expect(noise).toBeGreaterThanOrEqual(2 * n)
    expect(weight).toBeGreaterThanOrEqual(noiseWeight)
    expect(weight).toBeLessThan(2 * noiseWeight + 8)
    expect(weight % 8).toBe(0)
  }
})
