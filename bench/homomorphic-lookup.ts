/**
 * Encrypted lookup: the whole protocol in one thread, CPU seconds by kernel; then both parties in processes of their own over
 * TLS, pools as `tally lookup` has them, started cold, journals and signatures on, for the wall clock.
 */
import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { lookup, type LookupParameters } from '@tallystick/homomorphic'
import { sealEngine } from '@tallystick/homomorphic/engine'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate, type Engine } from '@tallystick/protocol'
import { lookupInputs } from './lookup-inputs.ts'
import type { Bench, Row } from './main.ts'
import { runPair } from './pair.ts'

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
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
  return { engine: Object.fromEntries(timed), taken }
}

const simulated = (engine: Engine, evaluator: string, parameters: LookupParameters): Row => {
  const meter = metered(engine)
  const inputs = lookupInputs(parameters)
  const before = cpuSeconds()
  const { outputs } = simulate(lookup, { parameters, inputs, engine: meter.engine, rng: rngOf })
  const whole = cpuSeconds() - before
  const { answers } = outputs.client!
  const ideal = lookup.ideal(parameters, inputs).client.answers
  const exact = ideal?.status.every((status, i) => status === answers?.status[i]) === true
  const kernels = [...meter.taken].filter(([, seconds]) => seconds > 0.01).toSorted((a, b) => b[1] - a[1])
  return {
    what: 'lookup in one thread',
    evaluator,
    ...{ keys: parameters.sizes.client, rows: parameters.sizes.holder, valueBytes: parameters.valueBytes, exact },
    bytes: lookup.cost(parameters).bytes,
    bothPartiesCpuSeconds: whole,
    ...Object.fromEntries(kernels.map(([name, seconds]) => [`${name} CPU s`, seconds])),
  }
}

/** The fastest of three by the wall clock: the pools share the cores of this machine. */
const overTls = async (parameters: LookupParameters): Promise<Row> => {
  const runs = []
  for (let i = 0; i < 3; i++) runs.push(await runPair('homomorphic-lookup', parameters))
  const [client, holder] = runs.toSorted(([a], [b]) => a!.seconds - b!.seconds)[0]!
  return {
    what: 'lookup between two processes',
    ...{ keys: parameters.sizes.client, rows: parameters.sizes.holder, valueBytes: parameters.valueBytes },
    sessionSeconds: client!.seconds,
    runSeconds: client!.runSeconds,
    clientCpuSeconds: client!.cpuSeconds,
    holderCpuSeconds: holder!.cpuSeconds,
    wireBytes: client!.wireBytes + holder!.wireBytes,
  }
}

export const bench: Bench = {
  about: 'encrypted lookup in a table of variants',
  async run({ sizes = [100_000], report }) {
    const portable = await nodeEngine()
    for (const holder of sizes) {
      const parameters = { sizes: { client: 100, holder }, valueBytes: 64 }
      report(simulated({ ...portable, ...(await sealEngine()) }, 'SEAL', parameters))
      report(await overTls(parameters))
    }
  },
}
