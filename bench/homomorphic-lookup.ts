/**
 * Encrypted lookup: the whole protocol in one thread, CPU seconds by kernel; then both parties over a pool of SEAL workers
 * in one process, as they would share the machine, for the wall clock.
 */
import { createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { lookup, type LookupParameters } from '@tallystick/homomorphic'
import { sealEngine } from '@tallystick/homomorphic/engine'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate, type Engine } from '@tallystick/protocol'
import type { Bench, Row } from './main.ts'

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const rngOf = (role: string) => createRng(taggedDigest('bench', utf8ToBytes(role)))

const itemsOf = (texts: readonly string[]) => {
  const offsets = new Uint32Array(texts.length + 1)
  texts.forEach((text, i) => (offsets[i + 1] = offsets[i]! + text.length))
  return { bytes: utf8ToBytes(texts.join('')), offsets }
}

/** Variants as the command line writes them, and values that fill their bytes. */
const inputsOf = ({ sizes, valueBytes }: LookupParameters) => {
  const variant = (i: number): string => `${1 + (i % 22)}:${10_000 + i * 37}:${'ACGT'[i % 4]!}:${'ACGT'[(i + 1) % 4]!}`
  const rows = Array.from({ length: sizes.holder }, (_, i) => i)
  return {
    // Every other one is held.
    client: { keys: itemsOf(Array.from({ length: sizes.client }, (_, i) => variant(i % 2 === 0 ? i * 53 : -i))) },
    holder: {
      keys: itemsOf(rows.map(variant)),
      values: itemsOf(rows.map((i) => `${i} alleles, annotation`.padEnd(valueBytes, '.').slice(0, valueBytes))),
    },
  }
}

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
  const inputs = inputsOf(parameters)
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

export const bench: Bench = {
  about: 'encrypted lookup in a table of variants',
  async run({ sizes = [100_000], report }) {
    const portable = await nodeEngine()
    for (const holder of sizes) {
      const parameters = { sizes: { client: 100, holder }, valueBytes: 64 }
      report(simulated({ ...portable, ...(await sealEngine()) }, 'SEAL', parameters))
    }
  },
}
