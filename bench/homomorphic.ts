/**
 * Encrypted scoring and statistics: whole protocols in one thread, and batches of products on pools of one and two SEAL
 * workers beside bare node-seal in one thread, in the same run. CPU seconds of the process; of the pools wall seconds
 * too, which say how they scale and which other load on the machine spoils.
 */
import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import {
  computeInClear,
  equal,
  explainPlan,
  explainScoring,
  histogram,
  less,
  applyTable,
  matrixProduct,
  matrixVector,
  mean,
  planOf,
  program,
  ringFor,
  scoring,
  statisticsOf,
  variance,
  vector,
  type PlanOptions,
  type Program,
  type Ring,
} from '@tallystick/homomorphic'
import { sealEngine } from '@tallystick/homomorphic/engine'
import { createKeys, decrypt, encrypt, evaluateEncrypted } from '@tallystick/homomorphic/operators'
import { sealPool } from '@tallystick/homomorphic/pool'
import { rlweEvaluate, type Instruction, type RingCiphertext, type RlweEvaluateInput } from '@tallystick/kernels'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { runKernel, simulate, type Engine, type Kernel } from '@tallystick/protocol'
import { initialize } from 'node-seal/allows'
import type { Pool } from '@tallystick/kernels/pool'
import type { Bench, Row } from './main.ts'

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Of this thread alone. */
const ownSeconds = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

const rngOf = (role: string) => createRng(taggedDigest('bench', utf8ToBytes(role)))

/** The engine, and what each of its kernels has taken so far. */
const metered = (engine: Engine) => {
  const taken = new Map<string, number>()
  const timed = Object.entries(engine).map(([name, run]) => {
    const measured = (input: never): unknown => {
      const before = cpuSeconds()
      try {
        return run(input)
      } finally {
        taken.set(name, (taken.get(name) ?? 0) + cpuSeconds() - before)
      }
    }
    return [name, measured] as const
  })
  return {
    engine: Object.fromEntries(timed),
    of: (...names: readonly string[]): number => names.reduce((sum, name) => sum + (taken.get(`rlwe/${name}`) ?? 0), 0),
    reset: () => taken.clear(),
  }
}

const scoringRow = (meter: ReturnType<typeof metered>, rows: number, evaluator: string): Row => {
  const features = 32
  const parameters = { sizes: { client: rows }, features, featureBits: 16, weightBits: 16 }
  const inputs = {
    client: { features: Int32Array.from({ length: rows * features }, (_, i) => (i * 40_503) % 65_536) },
    server: { weights: Int32Array.from({ length: features }, (_, i) => 2000 * i - 32_000), intercept: 12_345 },
  }
  const run = () => simulate(scoring, { parameters, inputs, engine: meter.engine, rng: rngOf })
  run()
  meter.reset()
  const before = cpuSeconds()
  const { outputs } = run()
  const whole = cpuSeconds() - before
  const ideal = scoring.ideal(parameters, inputs).client.scores!
  const exact = outputs.client!.scores?.every((score, row) => score === ideal[row]) === true
  const [evaluate, server, client] = [
    meter.of('evaluate'),
    meter.of('evaluate', 'expand', 'mask'),
    meter.of('encode', 'encrypt', 'decrypt'),
  ]
  return {
    what: 'scoring',
    evaluator,
    ...{ rows, features, exact, degree: explainScoring(parameters).degree },
    bytes: scoring.cost(parameters).bytes,
    scoresPerCoreSecondEvaluating: rows / evaluate,
    scoresPerCoreSecondServerKernels: rows / server,
    clientKernelSeconds: client,
    bothPartiesCpuSeconds: whole,
    scoresPerCoreSecondBothParties: rows / whole,
  }
}

const statisticsRow = (meter: ReturnType<typeof metered>, rows: number): Row => {
  const protocol = statisticsOf(1)
  const parameters = { sizes: { 'owner-1': rows }, columns: 1, bits: 12 }
  const values = Int32Array.from({ length: rows }, (_, i) => ((i * 2_654_435) % 8191) - 4095)
  const inputs = { receiver: null, compute: null, 'owner-1': { values } } as never
  meter.reset()
  const before = cpuSeconds()
  const { outputs } = simulate(protocol, { parameters, inputs, engine: meter.engine, rng: rngOf })
  const whole = cpuSeconds() - before
  const { sums, squares } = outputs['receiver']!
  const mean = Number(sums![0]!) / rows
  const plain = values.reduce((sum, x) => sum + x, 0) / rows
  return {
    what: 'mean and variance',
    ...{ rows, exact: mean === plain, mean, variance: (Number(squares![0]!) - rows * mean * mean) / (rows - 1) },
    bytes: protocol.cost(parameters).bytes,
    computeKernelSeconds: meter.of('evaluate'),
    allPartiesCpuSeconds: whole,
    rowsPerCoreSecond: rows / whole,
  }
}

/** Operators on encrypted columns, as a user calls them: CPU seconds of each step, beside what the plan has predicted. */
const planRow = async (name: string, engine: Engine, job: Program, options: PlanOptions = {}): Promise<Row> => {
  const runner = { run: <I, O>(kernel: Kernel<I, O>, input: I) => Promise.resolve(runKernel(engine, kernel, input)) }
  const taken: Record<string, number> = {}
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const before = cpuSeconds()
    const value = await work()
    taken[step] = cpuSeconds() - before
    return value
  }
  const plan = await timed('planCpuSeconds', () => Promise.resolve(planOf(job, options)))
  const columns = Object.fromEntries(
    Object.entries(job.inputs).map(
      (
        [
          column,
          {
            length,
            range: [least, greatest],
          },
        ],
        c,
      ) => {
        const value = (i: number): number => least + ((i * 2_654_435 + c * 977) % (greatest - least + 1))
        return [column, Float64Array.from({ length }, (_, i) => value(i))]
      },
    ),
  )
  const keys = await timed('keysCpuSeconds', () => createKeys(plan, rngOf(name), runner))
  const table = await timed('encryptCpuSeconds', () => encrypt(plan, keys, columns, runner))
  const answer = await timed('evaluateCpuSeconds', () => evaluateEncrypted(plan, keys.published, table, runner))
  const results = await timed('decryptCpuSeconds', () => decrypt(plan, keys, answer, runner, rngOf('flood')))
  const ideal = computeInClear(job, columns)
  const error = Object.entries(ideal).reduce(
    (most, [output, values]) => values.reduce((all, x, i) => Math.max(all, Math.abs(x - results[output]![i]!)), most),
    0,
  )
  const { scheme, degree, bytes, seconds, plainBits, rotationKeys } = explainPlan(plan)
  return {
    what: name,
    ...{
      scheme,
      degree,
      planes: plainBits.length,
      rotationKeys,
      error,
      bound: Math.max(...Object.values(plan.errors)),
    },
    ...{ keyBytes: bytes.keys, inputBytes: bytes.inputs, resultBytes: bytes.results, predictedSeconds: seconds },
    ...taken,
  }
}

const plannedRows = (engine: Engine): readonly (() => Promise<Row>)[] => {
  const million = { x: vector(1_000_000, { range: [0, 4095] }) }
  const small = { x: vector(16_384, { range: [0, 15] }), y: vector(16_384, { range: [0, 15] }) }
  const square = Array.from({ length: 256 }, (_, i) => Array.from({ length: 256 }, (_, j) => ((i * j) % 17) - 8))
  const table = Array.from({ length: 16 }, (_, i) => (i * 37) % 101)
  return [
    () =>
      planRow(
        'operators: mean and variance',
        engine,
        program(million, ({ x }) => ({ mean: mean(x), variance: variance(x) })),
      ),
    () =>
      planRow(
        'operators: 256 × 256 matrix by a vector',
        engine,
        program({ x: vector(256, { range: [-100, 100] }) }, ({ x }) => matrixVector(square, x)),
      ),
    () =>
      planRow(
        'operators: equality of 16,384 pairs of 4 bits',
        engine,
        program(small, ({ x, y }) => equal(x, y)),
      ),
    () =>
      planRow(
        'operators: order of 16,384 pairs of 4 bits',
        engine,
        program(small, ({ x, y }) => less(x, y)),
      ),
    () =>
      planRow(
        'operators: a table of 16 entries at 16,384 places',
        engine,
        program({ x: small.x }, ({ x }) => applyTable(x, table)),
      ),
    () =>
      planRow(
        'operators: a histogram of 16 bins of 16,384 rows',
        engine,
        program({ x: small.x }, ({ x }) => ({
          each: histogram(
            x,
            Array.from({ length: 16 }, (_, i) => i),
          ),
        })),
      ),
    () =>
      planRow(
        'operators: product of encrypted 8 × 8 matrices',
        engine,
        program({ x: vector(64, { range: [-100, 100] }), y: vector(64, { range: [-100, 100] }) }, ({ x, y }) =>
          matrixProduct(x, y, [8, 8, 8]),
        ),
      ),
    () =>
      planRow(
        'operators: mean of 16,384 reals, flooded to be handed on',
        engine,
        program({ x: vector(16_384, { range: [-100, 100] }) }, ({ x }) => mean(x)),
        { precision: 1e-2, releases: 1 },
      ),
    () =>
      planRow(
        'operators: products of 16,384 reals',
        engine,
        program({ x: vector(16_384, { range: [-100, 100] }) }, ({ x }) => ['multiply', x, x]),
        { precision: 1e-2 },
      ),
  ]
}

const products = 8

/** Products of pairs, each relinearised or brought down a level. */
const programOf = (relinearised: boolean): readonly Instruction[] =>
  Array.from({ length: products }, (_, i): readonly Instruction[] => [
    ['multiply', 2 * i, 2 * i, 2 * i + 1],
    [relinearised ? 'relinearise' : 'rescale', 2 * i, 2 * i],
  ]).flat()

const uniform = (label: string, components: number, degree: number, moduli: BigUint64Array): BigUint64Array =>
  new BigUint64Array(rngOf(label).bytes(8 * components * moduli.length * degree).buffer).map(
    (word, i) => word % moduli[Math.floor(i / degree) % moduli.length]!,
  )

/** Ciphertexts and keys of uniform residues: what they hold makes no difference to the time. */
const batchOf = ({ degree, moduli, data, plainModulus }: Ring, relinearised: boolean): RlweEvaluateInput => {
  const ciphertext = (i: number): RingCiphertext => ({
    ...{ level: data.length, size: 2, correction: 1n, scale: 1 },
    residues: uniform(`ciphertext ${i}`, 2, degree, data),
  })
  const [first, second] = ['first', 'second'].map((label) => uniform(label, data.length, degree, moduli))
  return {
    ...{ degree, moduli, plainModulus, program: programOf(relinearised), plains: [] },
    inputs: Array.from({ length: 2 * products }, (_, i) => ciphertext(i)),
    outputs: Array.from({ length: products }, (_, i) => 2 * i),
    keys: { id: 'bench', targets: Uint32Array.of(0), first: first!, second: second! },
  }
}

/**
 * The same products by node-seal alone, as well as it can be done by hand: ciphertexts from their serialised form, computed
 * on in place, and back to it. As many different ones as the pools get: one that is loaded again and again would stay in
 * the cache.
 */
const bare = async ({ degree, moduli, plainModulus }: Ring, relinearised: boolean) => {
  const seal = await initialize()
  const parameters = new seal.EncryptionParameters(seal.SchemeType.bgv)
  parameters.setPolyModulusDegree(degree)
  parameters.setCoeffModulus(seal.vecFromArrayModulus(Array.from(moduli, (q) => new seal.Modulus(q))))
  parameters.setPlainModulus(new seal.Modulus(plainModulus))
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128)
  const evaluator = new seal.Evaluator(context)
  const keys = new seal.KeyGenerator(context)
  const encryptor = new seal.Encryptor(context, keys.createPublicKey())
  const relinearisation = keys.createRelinKeys()
  const zero = new seal.Ciphertext()
  const bytes = Array.from({ length: 2 * products }, () => {
    encryptor.encryptZero(zero)
    return zero.saveToArray(seal.ComprModeType.none) as Uint8Array
  })
  return (): readonly Uint8Array[] =>
    Array.from({ length: products }, (_, i) => {
      const [a, b] = [new seal.Ciphertext(), new seal.Ciphertext()]
      a.loadFromArray(context, bytes[2 * i]!)
      b.loadFromArray(context, bytes[2 * i + 1]!)
      evaluator.multiplyInplace(a, b)
      if (relinearised) evaluator.relinearizeInplace(a, relinearisation)
      else evaluator.cipherModSwitchToNextInplace(a)
      const out = a.saveToArray(seal.ComprModeType.none) as Uint8Array
      for (const value of [a, b]) value.delete()
      return out
    })
}

/** One product and one relinearisation in node-seal: the fewest CPU milliseconds of several turns, schemes taking turns. */
const schemeRow = async (): Promise<Row> => {
  const { degree, moduli, plainModulus } = ringFor(17, 120, 8192)!
  const seal = await initialize()
  const works = ([seal.SchemeType.bgv, seal.SchemeType.bfv] as const).map((scheme) => {
    const parameters = new seal.EncryptionParameters(scheme)
    parameters.setPolyModulusDegree(degree)
    parameters.setCoeffModulus(seal.vecFromArrayModulus(Array.from(moduli, (q) => new seal.Modulus(q))))
    parameters.setPlainModulus(new seal.Modulus(plainModulus))
    const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128)
    const [evaluator, keys] = [new seal.Evaluator(context), new seal.KeyGenerator(context)]
    const relinearisation = keys.createRelinKeys()
    const [a, product, out] = [new seal.Ciphertext(), new seal.Ciphertext(), new seal.Ciphertext()]
    new seal.Encryptor(context, keys.createPublicKey()).encryptZero(a)
    return [
      () => evaluator.multiply(a, a, product),
      () => evaluator.relinearize(product, relinearisation, out),
    ] as const
  })
  const least = works.map(() => [Infinity, Infinity])
  const calls = 5
  for (let turn = 0; turn < 10; turn++) {
    for (const [i, steps] of works.entries()) {
      for (const [j, step] of steps.entries()) {
        const before = cpuSeconds()
        for (let call = 0; call < calls; call++) step()
        least[i]![j] = Math.min(least[i]![j]!, ((cpuSeconds() - before) / calls) * 1e3)
      }
    }
  }
  const [bgv, bfv] = least
  return {
    what: `a product in BGV and in BFV, node-seal, degree ${degree}`,
    ...{ bgvMilliseconds: bgv![0]!, bfvMilliseconds: bfv![0]!, times: bfv![0]! / bgv![0]! },
    ...{ bgvRelinearisationMilliseconds: bgv![1]!, bfvRelinearisationMilliseconds: bfv![1]! },
  }
}

interface Rate {
  readonly cpu: number
  /** Of the calling thread alone. */
  readonly own: number
  readonly wall: number
}

/**
 * Seconds a batch, the best of several slices. What is compared takes turns: others use the machine, and what they slow down
 * in one second they let run in the next.
 */
const best = async (
  slices: number,
  batches: number,
  works: readonly (() => Promise<void>)[],
): Promise<readonly Rate[]> => {
  const rates = works.map(() => ({ cpu: Infinity, own: Infinity, wall: Infinity }))
  for (let i = 0; i < slices; i++) {
    for (const [place, work] of works.entries()) {
      const before = [cpuSeconds(), performance.now(), ownSeconds()] as const
      await work()
      const rate = rates[place]!
      rate.own = Math.min(rate.own, (ownSeconds() - before[2]) / batches)
      rate.cpu = Math.min(rate.cpu, (cpuSeconds() - before[0]) / batches)
      rate.wall = Math.min(rate.wall, (performance.now() - before[1]) / 1000 / batches)
    }
  }
  return rates
}

const poolRow = async (relinearised: boolean): Promise<Row> => {
  const ring = ringFor(17, 120, 8192)!
  const input = batchOf(ring, relinearised)
  const batches = 8
  await using one = sealPool({ workers: 1 })
  await using two = sealPool({ workers: 2 })
  const plain = await bare(ring, relinearised)
  const engine = await sealEngine()
  const inTurn = (work: () => unknown) => async (): Promise<void> => {
    for (let i = 0; i < batches; i++) work()
  }
  const pooled = (pool: Pool) => async (): Promise<void> => {
    await Promise.all(Array.from({ length: batches }, () => pool.run(rlweEvaluate, input)))
  }
  const works = [inTurn(plain), inTurn(() => runKernel(engine, rlweEvaluate, input)), pooled(one), pooled(two)]
  for (const work of works) await work()
  const [alone, inline, single, double] = (await best(15, batches, works)) as [Rate, Rate, Rate, Rate]
  return {
    what: `${products} products, each ${relinearised ? 'relinearised' : 'brought down a level'}, degree ${ring.degree}`,
    bareCpuMilliseconds: alone.cpu * 1e3,
    engineCpuMilliseconds: inline.cpu * 1e3,
    oneWorkerCpuMilliseconds: single.cpu * 1e3,
    oneWorkerCallerCpuMilliseconds: single.own * 1e3,
    twoWorkersCpuMilliseconds: double.cpu * 1e3,
    overheadOneWorker: single.cpu / alone.cpu - 1,
    bareWallMilliseconds: alone.wall * 1e3,
    oneWorkerWallMilliseconds: single.wall * 1e3,
    twoWorkersWallMilliseconds: double.wall * 1e3,
    overheadOneWorkerWall: single.wall / alone.wall - 1,
    productsPerSecondOneWorker: products / single.wall,
    productsPerSecondTwoWorkers: products / double.wall,
    scalingWall: single.wall / double.wall,
    scalingCpu: (2 * single.cpu) / double.cpu,
  }
}

export const bench: Bench = {
  about: 'homomorphic scoring, statistics, and pools of SEAL workers beside bare node-seal',
  async run({ sizes = [8192], report }) {
    const portable = await nodeEngine()
    for (const rows of sizes) {
      report(scoringRow(metered({ ...portable, ...(await sealEngine()) }), rows, 'SEAL'))
      report(scoringRow(metered(portable), rows, 'WebAssembly'))
    }
    report(statisticsRow(metered({ ...portable, ...(await sealEngine()) }), 1_000_000))
    for (const row of plannedRows({ ...portable, ...(await sealEngine()) })) report(await row())
    report(await schemeRow())
    for (const relinearised of [false, true]) report(await poolRow(relinearised))
  },
}
