/** Real arithmetic: errors within the bounds that a plan computes. 10,000 vectors: `precision-campaign.ts`. */
import { createRng } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import * as h from '../src/operators/expression.ts'
import { createKeys, decrypt, encrypt, evaluateEncrypted, type Runner } from '../src/pool/operators.ts'
import { planOf } from '../src/plan/index.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { jobs, worstRatio } from './precision.ts'

const engine = { ...(await wasmEngine()), ...(await sealEngine()) }
const runner: Runner = { run: (kernel, input) => Promise.resolve(runKernel(engine, kernel, input)) }

test.each(Object.keys(jobs))('%s: errors are within the bound, and not nothing', async (name) => {
  const ratio = await worstRatio(name, 1, engine, 7)
  expect(ratio).toBeLessThanOrEqual(1)
  expect(ratio).toBeGreaterThan(1e-9)
})

const x = h.vector(100, { range: [0, 1000] })

test('precision decides the ring, and what none can keep is refused', () => {
  const squares = h.program({ x }, ({ x }) => h.multiply(x, x))
  const [coarse, fine] = [planOf(squares, { precision: 1 }), planOf(squares, { precision: 1e-2 })]
  expect([coarse.scheme, fine.scheme]).toEqual(['ckks', 'ckks'])
  expect(fine.errors['result']).toBeLessThanOrEqual(1e-2)
  const refused = expect.objectContaining({ code: 'terms/unsupported' })
  expect(() => planOf(squares, { precision: 1e-15 })).toThrow(refused)
  expect(() =>
    planOf(
      h.program({ x }, ({ x }) => h.less(x, 5)),
      { precision: 1 },
    ),
  ).toThrow(refused)
})

test('an approximate result that others see is flooded, and the bound has the flood in it', async () => {
  const job = h.program({ x }, ({ x }) => h.mean(x))
  const [alone, given] = [planOf(job, { precision: 1e-3 }), planOf(job, { precision: 1e-3, releases: 2 })]
  expect([alone.releases, alone.tiles[0]!.flood]).toEqual([0, 0])
  expect(given.errors['result']).toBeLessThanOrEqual(1e-3)
  const [{ flood, scale }, { degree }] = [given.tiles[0]!, given.rings[0]!]
  // Noise of a fresh ciphertext is above 1 in some coefficient; 40 bits wider, for two answers, is no accident of rounding.
  expect(flood).toBeGreaterThan(40 + Math.log2(2 * degree))
  const keys = await createKeys(given, createRng(new Uint8Array(32).fill(1)), runner)
  const values = Float64Array.from({ length: 100 }, (_, i) => 1000 * Math.sin(i) ** 2)
  const answer = await evaluateEncrypted(
    given,
    keys.published,
    await encrypt(given, keys, { x: values }, runner),
    runner,
  )
  const opened = async (seed: number) =>
    (await decrypt(given, keys, answer, runner, createRng(new Uint8Array(32).fill(seed))))['result']!
  const [first, second] = [await opened(2), await opened(3)]
  const off = (a: Float64Array, b: Float64Array): number =>
    a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0)
  const exact = Float64Array.of(values.reduce((sum, value) => sum + value, 0) / values.length)
  expect(off(first, exact)).toBeLessThanOrEqual(given.errors['result']!)
  // Uniform noise of 2^flood values a coefficient is some 2^flood·√(n/24) in a slot; a unit is 1024 (the range) over 100 rows.
  const noise = ((1024 / 100) * 2 ** flood * Math.sqrt(degree / 24)) / scale
  expect(off(first, second)).toBeGreaterThan(noise / 100)
  await expect(opened(4)).rejects.toThrow(expect.objectContaining({ code: 'api/misuse' }))
})

test('between parties approximate plans have room for the flood, or are refused; whole numbers stay exact', () => {
  const column = { x: h.vector(100, { range: [-1, 1] }) }
  const cubic = h.program(column, ({ x }) => h.polynomial(x, [0.5, 0.25, 0, -1 / 48]))
  const plan = planOf(cubic, { precision: 1e-3, parties: true })
  expect([plan.scheme, plan.releases]).toEqual(['ckks', 1])
  expect(plan.tiles[0]!.flood).toBeGreaterThan(60)
  const deep = h.program(column, ({ x }) => h.polynomial(x, [...Array.from({ length: 60 }, () => 0), 1]))
  expect(() => planOf(deep, { precision: 1e-9, parties: true })).toThrow(
    expect.objectContaining({ code: 'terms/unsupported', message: expect.stringContaining('hides the key') }),
  )
  const exact = h.program({ x: { ...x, decimals: 2 } }, ({ x }) => h.mean(x))
  expect(planOf(exact, { precision: 1, parties: true }).scheme).toBe('bgv')
})
