/** What garbling is for: labels decode to the gates' values, splitting changes nothing, and the hash is that of the paper. */
import { createCipheriv } from 'node:crypto'
import type { Kernel } from '@tallystick/protocol'
import { expect, it } from 'vitest'
import { loadGarble } from '../src/garble/engine.ts'
import { evaluate, garble, type EvaluateInput, type GarbleInput, type Garbled } from '../src/garble/kernels.ts'
import { cases } from './cases.ts'
import { bytes } from './samples.ts'

const engine = await loadGarble()

const sum = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => parts.reduce((all, part) => all ^ part[i]!, 0))

/** Slots 0 and 1 are inputs; 2 is their AND, 3 its negation, 4 the AND of 3 and 0, 5 the constant 1. */
const code = Int32Array.from([0, 1, 0, 1, 2, 2, 1, 2, 2, 0, 3, 3, 1, 0, 5, 3, 0, 4])
const slots = 6

it('gives labels of the values of the gates, for every input', () => {
  const instances = 4
  const delta = bytes(1, 16).map((x, i) => (i === 0 ? x | 1 : x))
  const start = bytes(2, 16)
  const labels = bytes(3, 16 * slots * instances)
  const common = { code, instances, start, tweak: 6, stride: 4 }
  for (const run of [garble.run, engine['garble/garble']!] as ((input: GarbleInput) => Garbled)[]) {
    const garbled = run({ ...common, labels, delta })
    const active = labels.slice()
    for (let i = 0; i < instances; i++) {
      for (const slot of [0, 1]) {
        if (((i >> slot) & 1) === 0) continue
        for (let k = 0; k < 16; k++) active[16 * (slot * instances + i) + k]! ^= delta[k]!
      }
    }
    const ended = evaluate.run({ ...common, labels: active, tables: garbled.tables })
    for (let i = 0; i < instances; i++) {
      const [a, b] = [i & 1, i >> 1] as [number, number]
      const values = [a, b, a & b, 1 - (a & b), (1 - (a & b)) & a, 1]
      values.forEach((value, slot) => {
        const at = 16 * (slot * instances + i)
        const label = sum(garbled.labels.subarray(at, at + 16), ended.subarray(at, at + 16))
        expect(label, `slot ${slot} of instance ${i}`).toEqual(value === 1 ? delta : new Uint8Array(16))
      })
    }
  }
})

it('makes of one gate what the papers say, by the AES of OpenSSL', () => {
  const [a, b, start] = [bytes(4, 16), bytes(5, 16), bytes(6, 16)] as [Uint8Array, Uint8Array, Uint8Array]
  const delta = bytes(7, 16).map((x, i) => (i === 0 ? x | 1 : x))
  const sigma = (x: Uint8Array): Uint8Array => Uint8Array.from([...x.slice(8), ...x.slice(8).map((v, i) => v ^ x[i]!)])
  const hash = (x: Uint8Array, tweak: number): Uint8Array => {
    const key = sum(
      start,
      Uint8Array.from({ length: 16 }, (_, i) => (i < 2 ? (tweak >> (8 * i)) & 255 : 0)),
    )
    const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    return sum(cipher.update(sigma(x)), sigma(x))
  }
  const where = (bit: number, x: Uint8Array): Uint8Array => (bit === 1 ? x : new Uint8Array(16))
  const [pa, pb] = [a[0]! & 1, b[0]! & 1]
  const tweak = 770
  const tg = sum(hash(a, tweak), hash(sum(a, delta), tweak), where(pb, delta))
  const te = sum(hash(b, tweak + 1), hash(sum(b, delta), tweak + 1), a)
  const out = sum(hash(a, tweak), where(pa, tg), hash(b, tweak + 1), where(pb, sum(te, a)))
  const labels = Uint8Array.from([...a, ...b, ...new Uint8Array(16)])
  const input = { code: Int32Array.from([0, 1, 0, 1, 2]), instances: 1, labels, start, tweak, stride: 2, delta }
  const expected = { labels: Uint8Array.from([...a, ...b, ...out]), tables: Uint8Array.from([...tg, ...te]) }
  expect(garble.run(input)).toEqual(expected)
  expect(engine['garble/garble']!(input as never)).toEqual(expected)
})

it.each([
  ['garble/garble', garble],
  ['garble/evaluate', evaluate],
] as const)('%s split by instances is the same', (name, kernel) => {
  const { rows, slice, join } = (kernel as Kernel<unknown, unknown>).batch!
  const run = engine[name] as (input: unknown) => unknown
  for (const input of cases[name]() as (GarbleInput & EvaluateInput)[]) {
    expect(rows(input)).toBe(input.instances)
    const bounds = [0, Math.floor(input.instances / 3), input.instances].filter(
      (at, i, all) => i === 0 || at > all[i - 1]!,
    )
    const parts = bounds.slice(1).map((to, i) => run(slice(input, bounds[i]!, to)))
    const sizes = bounds.slice(1).map((to, i) => to - bounds[i]!)
    expect(join(parts, sizes)).toEqual(run(input))
  }
})

it('refuses what does not fit together', () => {
  const delta = Uint8Array.of(1, ...new Uint8Array(15))
  const good = {
    code,
    instances: 2,
    labels: new Uint8Array(16 * slots * 2),
    start: new Uint8Array(16),
    tweak: 0,
    stride: 4,
    delta,
  }
  const wrong: readonly Partial<GarbleInput>[] = [
    { delta: new Uint8Array(16) },
    { start: new Uint8Array(15) },
    { tweak: 1 },
    { stride: 2 },
    { tweak: 2 ** 52 - 6 },
    { instances: 0 },
    { labels: new Uint8Array(16 * slots * 2 - 1) },
    { labels: new Uint8Array(16 * 2 * 2) },
    { code: code.slice(0, -1) },
    { code: Int32Array.of(1, 0, 1, 0, 0, 0) },
    { code: Int32Array.of(-1, 0) },
  ]
  expect(() => garble.run(good)).not.toThrow()
  for (const change of wrong) {
    for (const run of [garble.run, engine['garble/garble']!] as ((input: GarbleInput) => unknown)[]) {
      expect(() => run({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'api/misuse' }))
    }
  }
  expect(() => evaluate.run({ ...good, tables: new Uint8Array(32) })).toThrow(
    expect.objectContaining({ code: 'api/misuse' }),
  )
})
