/** Approximate plans on random vectors: how far the results are off, beside the bound that the plan has computed. */
import { createRng, taggedDigest, toHex, utf8ToBytes, type Rng } from '@tallystick/core'
import { rlweEncodeReals } from '@tallystick/kernels'
import type { Engine, Kernel } from '@tallystick/protocol'
import { runKernel } from '@tallystick/protocol'
import { contextOf } from '../src/frames.ts'
import { drawKeys } from '../src/keys.ts'
import { computeInClear } from '../src/operators/clear.ts'
import { resultsOf, type Columns } from '../src/operators/columns.ts'
import * as h from '../src/operators/expression.ts'
import { ground } from '../src/operators/ground.ts'
import { receiveKeys, type PublicKeys, type RingKeys } from '../src/operators/keys.ts'
import { encryptSeeded, evaluate, openResults, receiveTile, sendResult } from '../src/operators/run.ts'
import { createKeys, runIn, type Runner } from '../src/pool/operators.ts'
import { planOf, type Plan } from '../src/plan/index.ts'

const pair = (length: number, most: number) => ({
  x: h.vector(length, { range: [-most, most] }),
  y: h.vector(length, { range: [-3, 3] }),
})
const matrix = Array.from({ length: 12 }, (_, i) => Array.from({ length: 16 }, (_, j) => ((i * j) % 7) / 2 - 1))

interface Job {
  readonly program: h.Program
  readonly precision: number
  /** Vectors in a run: where places do not meet, several stand one after the other in one ciphertext. */
  readonly vectors: number
}

/** Each takes another part of the bounds. */
export const jobs: Readonly<Record<string, Job>> = {
  arithmetic: {
    program: h.program(pair(4096, 100), ({ x, y }) => ({
      sum: h.add(x, 1.5),
      product: h.multiply(x, y),
      score: h.logisticScore([x, y], [0.01, 2], -0.5),
    })),
    precision: 1e-3,
    vectors: 16,
  },
  polynomial: {
    program: h.program(pair(4096, 100), ({ y }) => h.polynomial(y, [1, 0.5, 0.1, 0.01, 0, 0.001])),
    precision: 1e-3,
    vectors: 16,
  },
  totals: {
    program: h.program(pair(3000, 100), ({ x, y }) => ({
      mean: h.mean(x),
      total: h.sum(h.add(y, 2)),
      dot: h.dot(x, y),
    })),
    precision: 1e-2,
    vectors: 1,
  },
  matrix: {
    program: h.program({ x: h.vector(16, { range: [-100, 100] }) }, ({ x }) => h.matrixVector(matrix, x)),
    precision: 1,
    vectors: 1,
  },
  covariance: { program: h.program(pair(100, 10), ({ x, y }) => h.covariance(x, y)), precision: 10, vectors: 1 },
}

/** Kernels in this thread; plaintexts of a program are the same in each run, and encoded once. */
const runnerOf = (engine: Engine): Runner => {
  const encoded = new Map<string, unknown>()
  return {
    run: <I, O>(kernel: Kernel<I, O>, input: I) => {
      if (kernel.name !== rlweEncodeReals.name) return Promise.resolve(runKernel(engine, kernel, input))
      const { values, scale, moduli } = input as { values: Float64Array; scale: number; moduli: BigUint64Array }
      const digest = taggedDigest('plaintext', new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
      const key = `${scale}/${moduli.join()}/${toHex(digest)}`
      const known = encoded.get(key) ?? runKernel(engine, kernel, input)
      encoded.set(key, known)
      return Promise.resolve(known as O)
    },
  }
}

/** Uniform in the ranges, and every fourth vector at their ends. */
const drawColumns = (program: h.Program, vectors: number, first: number, rng: Rng): Columns =>
  Object.fromEntries(
    Object.entries(program.inputs).map(
      ([
        name,
        {
          length,
          range: [least, greatest],
        },
      ]) => {
        const words = new Uint32Array(rng.bytes(4 * length).slice().buffer)
        const at = (word: number, vector: number): number => (vector % 4 === 3 ? word % 2 : word / 2 ** 32)
        const each = length / vectors
        return [
          name,
          Float64Array.from(words, (w, i) => least + (greatest - least) * at(w, first + Math.floor(i / each))),
        ]
      },
    ),
  )

/** One table under the secret of `own`, with errors and second components that no other table has. */
const runOnce = async (
  plan: Plan,
  own: RingKeys,
  keys: PublicKeys,
  columns: Columns,
  [memory, plain]: readonly [Runner, Runner],
  rng: Rng,
) => {
  const [ring] = plan.rings
  const owner = { ...drawKeys(rng, ring!.degree), secret: own.owner.secret }
  const context = contextOf(ring!, owner.publicSeed)
  const [fresh, published] = [
    { ...own, owner, context },
    { ...keys, context, publicSeed: owner.publicSeed },
  ]
  const frames: Uint8Array[] = []
  for (const position of plan.inputs.keys()) {
    frames.push(await runIn(plain, encryptSeeded(ground, plan, ring!, fresh, position, columns)))
  }
  const tile = (position: number) => receiveTile(ground, plan, published, position, frames[position]!, 'owner')
  const values = await runIn(memory, evaluate(ground, plan, published, tile))
  const results: Uint8Array[] = []
  for (const [position, value] of values.entries()) {
    results.push(await runIn(plain, sendResult(ground, plan, published, position, value, undefined)))
  }
  const opened = await runIn(plain, openResults(ground, plan, ring!, fresh, inOrder(results), 'evaluator', undefined))
  return resultsOf(plan, [opened!])
}

/** One after the other, as if received. */
const inOrder = (frames: readonly Uint8Array[]) => {
  let at = 0
  // oxlint-disable-next-line require-yield
  return function* () {
    return frames[at++]!
  }
}

/** So many runs have one secret and one set of switching keys. */
const runsOfKeys = 500

/** At least `vectors` of a job: the largest error over its bound, of all outputs. `progress` is told of so many so far. */
export const worstRatio = async (
  name: string,
  vectors: number,
  engine: Engine,
  seed: number,
  progress: (done: number, worst: number) => void = () => undefined,
): Promise<number> => {
  const { program, precision, vectors: each } = jobs[name]!
  const plain: Runner = { run: (kernel, input) => Promise.resolve(runKernel(engine, kernel, input)) }
  const runners = [runnerOf(engine), plain] as const
  const rng = createRng(taggedDigest('precision', utf8ToBytes(`${name} ${seed}`)))
  const plan = planOf(program, { precision })
  const fine = {
    ...program,
    inputs: Object.fromEntries(
      Object.entries(program.inputs).map(([key, column]) => [key, { ...column, decimals: 12 }]),
    ),
  }
  let worst = 0
  let [own, keys]: [RingKeys?, PublicKeys?] = []
  for (let run = 0; run * each < vectors; run++) {
    if (run % runsOfKeys === 0) {
      progress(run * each, worst)
      const made = await createKeys(plan, rng, plain)
      const next = inOrder(made.published[0]!)
      own = made.secret[0]!
      keys = await runIn(plain, receiveKeys(ground, plan.rings[0]!, plan.targets, next, 'owner'))
    }
    const columns = drawColumns(program, each, run * each, rng)
    const results = await runOnce(plan, own!, keys!, columns, runners, rng)
    for (const [output, values] of Object.entries(computeInClear(fine, columns))) {
      for (const [place, value] of values.entries()) {
        worst = Math.max(worst, Math.abs(value - results[output]![place]!) / plan.errors[output]!)
      }
    }
  }
  return worst
}
