import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import {
  rlweDecrypt,
  type RlweDecryptInput,
  type RlweEncodeInput,
  type RlweInterpolateInput,
} from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, simulate, type Engine } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { lookup, lookupInput, lookupRows, type LookupParameters } from '../src/index.ts'
import { openValue, sealValue } from '../src/lookup/labels.ts'
import { labelsFor, largestBin, planOf } from '../src/lookup/plan.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { nativeHash } from './hash.ts'

const portable = await wasmEngine()
const engine: Engine = { ...portable, ...(await sealEngine()) }

const itemsOf = (texts: readonly string[]) => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), offsets }
}

const inputsOf = ({ sizes, valueBytes }: LookupParameters, shift: number) => {
  const value = (i: number): string => 'annotation '.repeat(9).slice(0, (i + shift) % (valueBytes + 1))
  return {
    client: { keys: itemsOf(Array.from({ length: sizes.client }, (_, i) => `key ${(i * 3 + shift) % 50}`)) },
    holder: {
      keys: itemsOf(Array.from({ length: sizes.holder }, (_, i) => `key ${i * 2}`)),
      values: itemsOf(Array.from({ length: sizes.holder }, (_, i) => value(i))),
    },
  }
}

const small = { sizes: { client: 2, holder: 3 }, valueBytes: 4 }
// One row: the matrix of crashes and mutations is quadratic in the frames, and each power is one.
const least = { sizes: { client: 2, holder: 1 }, valueBytes: 4 }
const conform = [
  { name: '2 keys, 1 row', parameters: least, inputs: inputsOf(least, 0), alternative: inputsOf(least, 4) },
]
conformance(lookup, conform, { engine, hash: nativeHash, schedules: 5, sample: 40 })

const asked = (parameters: LookupParameters, shift: number, on = engine) =>
  simulate(lookup, {
    ...{ parameters, inputs: inputsOf(parameters, shift), engine: on },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role), Uint8Array.of(shift))),
  })

test('answers what a table holds, in several partitions and calls, for keys that come twice too', () => {
  for (const parameters of [
    { sizes: { client: 40, holder: 1500 }, valueBytes: 9 },
    { sizes: { client: 7, holder: 40 }, valueBytes: 99 },
  ]) {
    const { outputs, errors } = asked(parameters, 1)
    expect(errors).toEqual({})
    expect(outputs).toEqual(lookup.ideal(parameters, inputsOf(parameters, 1)))
  }
  expect(planOf({ sizes: { client: 40, holder: 1500 }, valueBytes: 9 }).partitions).toBeGreaterThan(1)
})

test('SEAL and the reference send the same frames', () => {
  expect(asked(small, 3).heads).toEqual(asked(small, 3, portable).heads)
})

test('a reply that does not decrypt changes nothing that the holder sees', () => {
  const spoil = {
    ...engine,
    'rlwe/decrypt': (input: RlweDecryptInput) => ({ ...runKernel(portable, rlweDecrypt, input), noiseBits: 1000 }),
  }
  const [good, bad] = [asked(small, 1), asked(small, 1, spoil)]
  expect(bad.errors).toEqual({})
  expect(bad.outputs.client).toEqual({ answers: null })
  expect(good.outputs.client!.answers).not.toBeNull()
  expect(bad.transcript).toBe(good.transcript)
})

test('a residue that no row has gets uniform replies, whatever lies in its bin', () => {
  const parameters = { sizes: { client: 1, holder: 1500 }, valueBytes: 4 }
  const { ring } = planOf(parameters)
  const quarter = ring.plainModulus / 4n
  const slots: bigint[] = []
  let loaded: Uint32Array | undefined
  // A client that asks at residues of its choice in every slot, all of them in bins with rows.
  const cheating = {
    ...engine,
    'rlwe/encode': (input: RlweEncodeInput) =>
      portable['rlwe/encode']!({ ...input, values: input.values.slice().fill(1n) } as never),
    'rlwe/interpolate': (input: RlweInterpolateInput) => {
      loaded ??= input.counts
      return portable['rlwe/interpolate']!(input as never)
    },
    'rlwe/decrypt': (input: RlweDecryptInput) => {
      const opened = runKernel(portable, rlweDecrypt, input)
      if (slots.length === 0) slots.push(...opened.integers)
      return opened
    },
  }
  expect(asked(parameters, 0, cheating).errors).toEqual({})
  const filled = [...loaded!.keys()].filter((slot) => loaded![slot]! > 0)
  expect(filled.length).toBeGreaterThan(1000)
  for (const polynomial of [0, 1]) {
    const own = filled.map((slot) => slots[polynomial * ring.degree + slot]!)
    expect(own).not.toContain(0n)
    const wide = own.filter((value) => (value < 0n ? -value : value) > quarter).length
    expect(Math.abs(wide / own.length - 0.5)).toBeLessThan(0.07)
  }
})

test('refuses a frame that is no ciphertext or no group element, and a table with a key twice', () => {
  const inputs = inputsOf(small, 0)
  const twice = { ...inputs, holder: { ...inputs.holder, keys: itemsOf(['a', 'b', 'a']) } }
  const rng = (role: string) => createRng(taggedDigest('test', utf8ToBytes(role)))
  const { errors } = simulate(lookup, { parameters: small, inputs: twice, engine, rng })
  expect(errors.holder).toMatchObject({ code: 'input/invalid-value' })
  for (const [kernel, spoiled] of [
    ['oprf/blind', () => new Uint8Array(64).fill(255)],
    ['rlwe/encrypt', () => new BigUint64Array(3 * 8192).fill((1n << 50n) - 1n)],
  ] as const) {
    const outcome = simulate(lookup, { parameters: small, inputs, engine: { ...engine, [kernel]: spoiled }, rng })
    expect(outcome.errors.holder).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'client' } })
  }
})

test('values come back as they were, rows as they were committed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(9), (value, more) => {
      const output = Uint8Array.from({ length: 64 }, (_, i) => i * more)
      const residues = sealValue(output, value, value.length + more)
      expect(residues).toHaveLength(2 * labelsFor(value.length + more))
      expect(openValue(output, [...residues], value.length + more)).toEqual(value)
    }),
  )
  const { holder, client } = inputsOf(small, 2)
  expect(lookupInput(lookupRows(holder), 'holder')).toEqual(holder)
  expect(lookupInput(client.keys, 'client')).toEqual(client)
  const torn = { bytes: Uint8Array.of(9, 0, 1), offsets: Uint32Array.of(0, 3) }
  expect(() => lookupInput(torn, 'holder')).toThrow(expect.objectContaining({ code: 'input/malformed' }))
})

test('a plan keeps to 128 bits of security and its bounds, or is refused', () => {
  const plan = planOf({ sizes: { client: 1024, holder: 100_000 }, valueBytes: 64 })
  expect(plan).toMatchObject({ bins: 4096, level: 1 })
  expect(plan.ring.degree).toBe(8192)
  // The mean is 73; of 4096 bins with 300,000 in them the fullest has about 105, and 151 once in 2^41.
  expect(plan.degree * plan.partitions).toBeGreaterThan(140)
  expect(largestBin(1, 4096)).toBe(1)
  expect(largestBin(100_000, 4096)).toBeLessThan(160)
  const most = planOf({ sizes: { client: 1024, holder: 1 << 20 }, valueBytes: 64 })
  const met = 1024n * BigInt(most.partitions) * BigInt(most.degree) ** 2n
  expect(met << 40n).toBeLessThanOrEqual(most.ring.plainModulus ** 2n)
})
