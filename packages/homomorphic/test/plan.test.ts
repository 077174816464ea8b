/** Plans: what is refused before encryption, what a frame must be, and that worst-case bounds are bounds. */
import { createRng } from '@tallystick/core'
import { rlweDecrypt, type RlweDecryptInput } from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import * as h from '../src/operators/expression.ts'
import type { Runner } from '../src/pool/operators.ts'
import { createKeys, decrypt, encrypt, evaluateEncrypted, type Frames } from '../src/pool/operators.ts'
import { interpolate, productsOf } from '../src/operators/polynomial.ts'
import { bitLength, largestModulus } from '../src/parameters.ts'
import { planOf, type Plan } from '../src/plan/index.ts'
import { sealEngine } from '../src/seal/engine.ts'

const portable = await wasmEngine()
const engine = { ...portable, ...(await sealEngine()) }
const runnerOf = (on: typeof engine): Runner => ({
  run: (kernel, input) => Promise.resolve(runKernel(on, kernel, input)),
})
const runner = runnerOf(engine)
const seeded = (byte: number) => createRng(new Uint8Array(32).fill(byte))

const pair = { x: h.vector(100, { range: [0, 255] }), y: h.vector(100, { range: [0, 255] }) }
const product = h.program(pair, ({ x, y }) => h.sum(h.multiply(x, y)))
const columns = { x: new Float64Array(100).fill(255), y: Float64Array.from({ length: 100 }, (_, i) => i) }

const bitsOf = ({ rings }: Plan): number => bitLength(rings[0]!.moduli.reduce((all, q) => all * q, 1n))

test('rings have 128 bits of security by the standard, and only the keys that are needed', () => {
  const x = h.vector(1000, { range: [0, 15] })
  const deep = planOf(h.program({ x }, ({ x }) => h.count(h.less(x, 7))))
  for (const plan of [planOf(product), deep]) expect(bitsOf(plan)).toBeLessThanOrEqual(largestModulus[plan.slots]!)
  expect([...planOf(h.program(pair, ({ x, y }) => h.sum(h.add(x, y)))).targets]).toEqual([])
  expect([...planOf(product).targets]).toEqual([0])
  expect([...planOf(h.program(pair, ({ x }) => h.rotate(x, 3))).targets]).toHaveLength(2)
})

const refused = (expected: string) =>
  expect.objectContaining({ code: 'terms/unsupported', message: expect.stringContaining(expected) })

test('what no ring has room for is refused before encryption, with what to change', () => {
  const wide = h.vector(10, { range: [0, 1e9] })
  expect(() => planOf(h.program({ wide }, ({ wide }) => h.less(wide, 5)))).toThrow(refused('at most 2048 integers'))
  const power = (x: h.Expression, times: number): h.Expression => (times === 0 ? x : power(h.multiply(x, x), times - 1))
  const small = h.vector(10, { range: [-1, 1] })
  expect(() => planOf(h.program({ small }, ({ small }) => power(small, 30)))).toThrow(refused('degree 32768'))
  const cents = h.vector(10, { range: [0, 1], decimals: 2 })
  expect(() => planOf(h.program({ cents }, ({ cents }) => h.equal(cents, 1)))).toThrow(refused('integers'))
  expect(() => planOf(h.program({ wide, other: pair.x }, ({ wide, other }) => h.add(wide, other)))).toThrow(
    refused('length'),
  )
  expect(() => planOf({ inputs: { wide }, outputs: { a: ['frobnicate', 'wide'] } })).toThrow(
    expect.objectContaining({ code: 'terms/malformed' }),
  )
})

test('values that were not declared are not encrypted', async () => {
  const plan = planOf(product)
  const keys = await createKeys(plan, seeded(1), runner)
  const with256 = { ...columns, x: new Float64Array(100).fill(256) }
  await expect(encrypt(plan, keys, with256, runner)).rejects.toMatchObject({ code: 'input/invalid-value' })
  const half = { ...columns, x: new Float64Array(100).fill(0.5) }
  await expect(encrypt(plan, keys, half, runner)).rejects.toMatchObject({ code: 'input/invalid-value' })
  await expect(encrypt(plan, keys, { x: columns.x }, runner)).rejects.toMatchObject({ code: 'input/malformed' })
})

test('keys encrypt one table: two would tell their difference to anybody', async () => {
  const plan = planOf(product)
  const keys = await createKeys(plan, seeded(1), runner)
  await encrypt(plan, keys, columns, runner)
  await expect(encrypt(plan, keys, columns, runner)).rejects.toMatchObject({ code: 'api/misuse' })
})

test('noise stays within the bound of the plan; beyond its room is an error, never a number', async () => {
  const x = h.vector(4096, { range: [0, 3] })
  const plan = planOf(h.program({ x }, ({ x }) => h.sum(h.applyTable(x, [0, 1, 4, 9]))))
  const keys = await createKeys(plan, seeded(2), runner)
  const frames = await encrypt(plan, keys, { x: Float64Array.from({ length: 4096 }, (_, i) => i % 4) }, runner)
  const answer = await evaluateEncrypted(plan, keys.published, frames, runner)
  let least = Infinity
  const measuring = runnerOf({
    ...engine,
    'rlwe/decrypt': (input: RlweDecryptInput) => {
      const opened = runKernel(portable, rlweDecrypt, input)
      least = Math.min(least, opened.roomBits - opened.noiseBits)
      return opened
    },
  })
  await decrypt(plan, keys, answer, measuring)
  expect(least).toBeGreaterThanOrEqual(Math.floor(plan.roomBits) - 1)
  const noisy = answer.map((ring) =>
    ring.map((frame) => {
      const out = frame.slice()
      // Other residues: a phase that is uniform modulo the whole ring.
      for (let i = 40; i < 4000; i += 7) out[i] = (out[i]! + 1) % 8
      return out
    }),
  )
  await expect(decrypt(plan, keys, noisy, runner)).rejects.toMatchObject({
    code: 'peer/misbehaved',
    blame: { peer: 'evaluator' },
  })
})

test('frames of another key, place, kind or length are refused; keys too', async () => {
  const plan = planOf(product)
  const [keys, others] = [await createKeys(plan, seeded(3), runner), await createKeys(plan, seeded(4), runner)]
  const [frames, foreign] = [await encrypt(plan, keys, columns, runner), await encrypt(plan, others, columns, runner)]
  const evaluated = (published: Frames, table: Frames) => evaluateEncrypted(plan, published, table, runner)
  const owner = { code: 'peer/misbehaved', blame: { peer: 'owner' } }
  await expect(evaluated(keys.published, foreign)).rejects.toMatchObject(owner)
  await expect(evaluated(keys.published, [[frames[0]![1]!, frames[0]![0]!]])).rejects.toMatchObject(owner)
  await expect(evaluated(keys.published, [[frames[0]![0]!.subarray(1), frames[0]![1]!]])).rejects.toMatchObject(owner)
  await expect(evaluated(keys.published, [[]])).rejects.toMatchObject(owner)
  const [seeds, publicKey, ...switching] = keys.published[0]!
  const mixed = [seeds!, publicKey!, ...others.published[0]!.slice(2)]
  await expect(evaluated([mixed], frames)).rejects.toMatchObject(owner)
  await expect(evaluated([[seeds!, publicKey!, ...switching.toReversed()]], frames)).rejects.toMatchObject(owner)
  const answer = await evaluated(keys.published, frames)
  await expect(decrypt(plan, others, answer, runner)).rejects.toMatchObject({ code: 'peer/misbehaved' })
})

test('SEAL and the reference compute the same frames', async () => {
  const plan = planOf(product)
  const keys = await createKeys(plan, seeded(3), runner)
  const frames = await encrypt(plan, keys, columns, runner)
  const slow = runnerOf(portable)
  expect(await evaluateEncrypted(plan, keys.published, frames, slow)).toEqual(
    await evaluateEncrypted(plan, keys.published, frames, runner),
  )
})

test('interpolation goes through its points, and takes about two roots of the degree in products', () => {
  const [xs, ys, t] = [[-3n, 0n, 1n, 4n, 10n], [5n, 0n, 65_536n, 7n, 1n], 65_537n]
  const coefficients = interpolate(xs, ys, t)
  for (const [i, x] of xs.entries()) {
    const value = coefficients.reduceRight((sum, c) => (((sum * x + c) % t) + t) % t)
    expect(value).toBe(ys[i])
  }
  expect(productsOf(1023)).toBeLessThan(2.2 * 32)
})
