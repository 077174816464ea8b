/** Approximate plans on random vectors: how far the results are off, beside the bound that the plan has computed. */
import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import type { Engine } from '@tallystick/protocol'
import { runKernel } from '@tallystick/protocol'
import { computeInClear } from '../src/operators/clear.ts'
import * as h from '../src/operators/expression.ts'
import { createKeys, decrypt, encrypt, evaluateEncrypted } from '../src/pool/operators.ts'
import { planOf } from '../src/plan/index.ts'

const pair = (length: number) => ({
  x: h.vector(length, { range: [-100, 100] }),
  y: h.vector(length, { range: [-3, 3] }),
})
const matrix = Array.from({ length: 12 }, (_, i) => Array.from({ length: 16 }, (_, j) => ((i * j) % 7) / 2 - 1))

/** Each takes another part of the bounds. */
export const jobs: Readonly<Record<string, { readonly program: h.Program; readonly precision: number }>> = {
  arithmetic: {
    program: h.program(pair(2048), ({ x, y }) => ({
      sum: h.add(x, 1.5),
      product: h.multiply(x, y),
      score: h.logisticScore([x, y], [0.01, 2], -0.5),
    })),
    precision: 1e-3,
  },
  totals: {
    program: h.program(pair(3000), ({ x, y }) => ({ mean: h.mean(x), total: h.sum(h.add(y, 2)), dot: h.dot(x, y) })),
    precision: 1e-2,
  },
  covariance: { program: h.program(pair(100), ({ x, y }) => h.covariance(x, y)), precision: 1 },
  polynomial: {
    program: h.program(pair(16), ({ y }) => h.polynomial(y, [1, 0.5, 0.1, 0.01, 0, 0.001])),
    precision: 1e-3,
  },
  matrix: {
    program: h.program({ x: h.vector(16, { range: [-100, 100] }) }, ({ x }) => h.matrixVector(matrix, x)),
    precision: 1,
  },
}

/** `vectors` of a job: the largest error over its bound, of all outputs. */
export const worstRatio = async (name: string, vectors: number, engine: Engine, seed: number): Promise<number> => {
  const { program, precision } = jobs[name]!
  const runner = {
    run: <I, O>(kernel: { name: string; run: (input: I) => O }, input: I) =>
      Promise.resolve(runKernel(engine, kernel, input)),
  }
  const rng = createRng(taggedDigest('precision', utf8ToBytes(`${name} ${seed}`)))
  const plan = planOf(program, { precision })
  const keys = await createKeys(plan, rng, runner)
  const fine = {
    ...program,
    inputs: Object.fromEntries(
      Object.entries(program.inputs).map(([key, column]) => [key, { ...column, decimals: 12 }]),
    ),
  }
  let worst = 0
  for (let i = 0; i < vectors; i++) {
    const columns = Object.fromEntries(
      Object.entries(program.inputs).map(
        ([
          key,
          {
            length,
            range: [least, greatest],
          },
        ]) => {
          const words = new Uint32Array(rng.bytes(4 * length).slice().buffer)
          // Uniform, and every fourth vector at the ends of its range.
          const at = (word: number): number => (i % 4 === 3 ? word % 2 : word / 2 ** 32)
          return [key, Float64Array.from(words, (word) => least + (greatest - least) * at(word))]
        },
      ),
    )
    const frames = await encrypt(plan, keys, columns, runner)
    const results = await decrypt(plan, keys, await evaluateEncrypted(plan, keys.published, frames, runner), runner)
    const ideal = computeInClear(fine, columns)
    for (const [output, values] of Object.entries(ideal)) {
      for (const [place, value] of values.entries()) {
        worst = Math.max(worst, Math.abs(value - results[output]![place]!) / plan.errors[output]!)
      }
    }
  }
  return worst
}
