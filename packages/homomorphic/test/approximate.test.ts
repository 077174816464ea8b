/** Real arithmetic: errors within the bounds that a plan computes. 10,000 vectors: `precision-campaign.ts`. */
import { wasmEngine } from '@tallystick/kernels/engine'
import { expect, test } from 'vitest'
import * as h from '../src/operators/expression.ts'
import { planOf } from '../src/plan/index.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { jobs, worstRatio } from './precision.ts'

const engine = { ...(await wasmEngine()), ...(await sealEngine()) }

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

test('no approximate result is for anybody but the holder of the key, which it would tell of', () => {
  const mean = h.program({ x }, ({ x }) => h.mean(x))
  expect(() => planOf(mean, { precision: 1, parties: true })).toThrow(
    expect.objectContaining({ code: 'terms/unsupported', remedy: expect.stringContaining('of the key') }),
  )
  const exact = h.program({ x: { ...x, decimals: 2 } }, ({ x }) => h.mean(x))
  expect(planOf(exact, { precision: 1, parties: true }).scheme).toBe('bgv')
})
