/**
 * Boolean circuits: AND gates for each second of CPU, in the clear, under replicated shares, and garbled. Protocols run in
 * memory, all parties in one process, without TLS, journal and signatures: what they compute and hash, not what they send.
 */
import { createRng, taggedDigest } from '@tallystick/core'
import { evaluatePlanes, libraryCircuit, planeWords, scheduleOf, statistics, type Aim } from '@tallystick/circuits'
import { bitsAnd, garbleEvaluate, garbleGarble } from '@tallystick/kernels'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { rep3Circuit, rowBytesOf, zre15, type CircuitParameters } from '@tallystick/mpc'
import { runKernel, simulate, type AnyProtocol } from '@tallystick/protocol'
import type { Bench, Row } from './main.ts'
import { runPair } from './pair.ts'

/**
 * AND gates a second of both parties of emp-wasm, a figure that was measured elsewhere and not in this run. It does more for
 * them: authenticated garbling, against malicious parties, which nothing here offers.
 */
const peer = { peer: 'emp-wasm (malicious security; not run here)', peerAndPerSecond: 5700 }

const cpuSeconds = (work: () => void): number => {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** The best of three runs after one that warms up. */
const best = (work: () => void): number => {
  work()
  return Math.min(...[0, 1, 2].map(() => cpuSeconds(work)))
}

const bytes = (label: string, length: number): Uint8Array =>
  createRng(taggedDigest('tallystick/bench/v1', label)).bytes(length)

const engine = await nodeEngine()

const clear = (name: string, aim: Aim, instances: number): Row => {
  const schedule = scheduleOf(libraryCircuit(name, aim))
  const words = planeWords(instances)
  const inputs = new Uint32Array(bytes(name, 4 * words * schedule.inputs.length).buffer)
  const seconds = best(() => void evaluatePlanes(schedule, inputs, words))
  return {
    what: 'clear, bit-sliced',
    circuit: name,
    aim,
    instances,
    andPerCpuSecond: (schedule.and * instances) / seconds,
  }
}

const run = (protocol: AnyProtocol, parameters: CircuitParameters, roles: readonly string[]): number => {
  const inputs = Object.fromEntries(
    roles.map((role) => [role, { rows: bytes(role, rowBytesOf(parameters, role) * (parameters.sizes[role] ?? 0)) }]),
  )
  return best(() => {
    const { errors } = simulate(protocol, {
      parameters,
      inputs,
      rng: (role) => createRng(taggedDigest('tallystick/bench/v1', role)),
      engine,
    })
    for (const error of Object.values(errors)) throw error
  })
}

const parametersOf = (roles: readonly string[], name: string, aim: Aim, instances: number): CircuitParameters => ({
  circuit: { library: name, aim },
  owners: libraryCircuit(name, aim).inputs.map((_, i) => roles[i % 2]!),
  sizes: Object.fromEntries(roles.slice(0, 2).map((role) => [role, instances])),
  to: roles[1]!,
})

const shared = (name: string, aim: Aim, instances: number): Row => {
  const roles = ['p0', 'p1', 'p2']
  const parameters = parametersOf(roles, name, aim, instances)
  const { and } = statistics(libraryCircuit(name, aim))
  const { rounds, bytes: sent } = rep3Circuit.cost(parameters)
  const seconds = run(rep3Circuit, parameters, roles) / roles.length
  const perSecond = (and * instances) / seconds
  return {
    what: 'rep3-circuit, one party',
    circuit: name,
    aim,
    instances,
    rounds,
    bytes: sent,
    andPerCpuSecond: perSecond,
  }
}

/** The AND layer alone, with its zero shares: what the protocol could at most reach. */
const layer = (words: number): Row => {
  const [x0, x1, y0, y1] = [0, 1, 2, 3].map((i) => new Uint32Array(bytes(`and/${i}`, 4 * words).buffer)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  const [ownKey, nextKey] = [bytes('own', 16), bytes('next', 16)]
  const calls = 50
  const seconds = best(() => {
    for (let i = 0; i < calls; i++) runKernel(engine, bitsAnd, { x0, x1, y0, y1, ownKey, nextKey, at: i * words })
  })
  return { what: 'kernel bits/and', instances: 32 * words, andPerCpuSecond: (32 * words * calls) / seconds }
}

/** One side of garbling alone: no transfers, no hashing of what is sent. */
const garblingKernels = (name: string, aim: Aim, instances: number): Row => {
  const schedule = scheduleOf(libraryCircuit(name, aim))
  const code = Int32Array.from(
    schedule.layers.flatMap(({ free, and }) => [free.length / 4, and.length / 3, ...free, ...and]),
  )
  const delta = bytes('delta', 16)
  delta[0]! |= 1
  const input = {
    code,
    instances,
    labels: bytes('labels', 16 * schedule.slots * instances),
    tweak: 0,
    stride: 2 * schedule.and,
  }
  const start = bytes('start', 16)
  const { tables } = runKernel(engine, garbleGarble, { ...input, start, delta })
  const garble = best(() => void runKernel(engine, garbleGarble, { ...input, start, delta }))
  const evaluate = best(() => void runKernel(engine, garbleEvaluate, { ...input, start, tables }))
  const gates = schedule.and * instances
  return {
    what: 'kernels garble/*',
    circuit: name,
    aim,
    instances,
    garbledPerCpuSecond: gates / garble,
    evaluatedPerCpuSecond: gates / evaluate,
  }
}

const garbled = (name: string, aim: Aim, instances: number): Row => {
  const roles = ['garbler', 'evaluator']
  const parameters = parametersOf(roles, name, aim, instances)
  const { and } = statistics(libraryCircuit(name, aim))
  const { rounds, bytes: sent } = zre15.cost(parameters)
  const seconds = run(zre15, parameters, roles)
  return {
    what: 'zre15, both parties',
    circuit: name,
    aim,
    instances,
    rounds,
    bytes: sent,
    andPerCpuSecond: (and * instances) / seconds,
    ...peer,
    timesPeer: (and * instances) / seconds / peer.peerAndPerSecond,
  }
}

/** In two processes over TLS, with disk journal, chains and signatures: what a party of a session uses. */
const session = async (name: string, aim: Aim, instances: number): Promise<Row> => {
  const parameters = parametersOf(['garbler', 'evaluator'], name, aim, instances)
  const { and } = statistics(libraryCircuit(name, aim))
  const parties = await runPair('zre15', parameters)
  const [garbler, evaluator] = parties.map(({ cpuSeconds }) => cpuSeconds) as [number, number]
  return {
    what: 'zre15, two processes over TLS',
    circuit: name,
    aim,
    instances,
    seconds: Math.max(...parties.map(({ seconds }) => seconds)),
    garblerCpuSeconds: garbler,
    evaluatorCpuSeconds: evaluator,
    andPerCpuSecond: (and * instances) / (garbler + evaluator),
    wireBytes: parties.reduce((sum, party) => sum + party.wireBytes, 0),
    peakMebibytes: Math.max(...parties.map(({ peakMebibytes }) => peakMebibytes)),
  }
}

export const bench: Bench = {
  about: 'AND gates for each second of CPU: circuits in the clear, on shares of three parties, garbled for two',
  async run({ sizes = [1024], report }) {
    report(layer(2 ** 15))
    for (const instances of sizes) {
      for (const aim of ['size', 'depth'] as const) {
        report(clear('aes-128', aim, instances))
        report(clear('sha-256-compress', aim, instances))
      }
      report(shared('aes-128', 'depth', instances))
      report(shared('aes-128', 'depth', 16 * instances))
      report(shared('sha-256-compress', 'depth', instances))
      report(garblingKernels('aes-128', 'size', Math.min(instances, 64)))
      report(garblingKernels('sha-256-compress', 'size', Math.min(instances, 16)))
      report(garbled('aes-128', 'size', Math.min(instances, 256)))
      report(garbled('sha-256-compress', 'size', Math.min(instances, 64)))
      report(garbled('aes-128', 'size', 1))
      report(await session('aes-128', 'size', instances))
    }
  },
}
