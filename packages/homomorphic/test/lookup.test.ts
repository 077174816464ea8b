import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import { lookup, type LookupParameters } from '../src/index.ts'
import { sealEngine } from '../src/seal/engine.ts'

const portable = await wasmEngine()
const engine = { ...portable, ...(await sealEngine()) }

const itemsOf = (texts: readonly string[]) => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), offsets }
}

const inputsOf = ({ sizes, valueBytes }: LookupParameters, shift: number) => ({
  client: { keys: itemsOf(Array.from({ length: sizes.client }, (_, i) => `key ${(i * 3 + shift) % 50}`)) },
  holder: {
    keys: itemsOf(Array.from({ length: sizes.holder }, (_, i) => `key ${i * 2}`)),
    values: itemsOf(
      Array.from({ length: sizes.holder }, (_, i) => 'annotation '.repeat(9).slice(0, (i + shift) % (valueBytes + 1))),
    ),
  },
})

const asked = (parameters: LookupParameters, shift: number, on = engine) =>
  simulate(lookup, {
    ...{ parameters, inputs: inputsOf(parameters, shift), engine: on },
    rng: (role) => createRng(taggedDigest('test', utf8ToBytes(role), Uint8Array.of(shift))),
  })

test('answers what a table holds, for keys that come twice too', () => {
  const parameters = { sizes: { client: 40, holder: 3000 }, valueBytes: 30 }
  const { outputs, errors } = asked(parameters, 1)
  expect(errors).toEqual({})
  expect(outputs).toEqual(lookup.ideal(parameters, inputsOf(parameters, 1)))
})
