/**
 * Computing on shares: three processes, each figure per CPU second of one party (the mean of the three parties and of
 * all repetitions but the first). `plain` is bare TCP without TLS, journal, chains; `session` all of it.
 */
import type { Bench, Row } from './main.ts'
import { jiffFigures, jiffOperations } from './jiff.ts'
import { operations, shareProgram } from './shares.ts'
import { runTrio } from './trio.ts'

interface Case {
  readonly operation: string
  readonly length: number
  readonly repeat: number
  /** Millions of units a CPU second of a party that are aimed at, by mode; or the seconds of the whole. */
  readonly target?: { readonly plain?: number; readonly session?: number; readonly seconds?: number }
  /** MP-SPDZ, replicated ring, C++, three local processes, measured before on such a machine when it was quiet. */
  readonly mpspdz?: string
}

const cases: readonly Case[] = [
  { operation: 'multiply', length: 1_000_000, repeat: 15, target: { plain: 30, session: 15 }, mpspdz: '32 M' },
  { operation: 'fixed-product', length: 1_000_000, repeat: 8, target: { plain: 8 }, mpspdz: '10 M' },
  { operation: 'less-than', length: 100_000, repeat: 30, target: { plain: 2.5 }, mpspdz: '4.2 M' },
  { operation: 'less-than', length: 1_000_000, repeat: 5, target: { plain: 2.5 }, mpspdz: '2.4 M' },
  { operation: 'less-than-32', length: 100_000, repeat: 30 },
  { operation: 'equal', length: 100_000, repeat: 30, target: { plain: 2 }, mpspdz: '2.2 M' },
  { operation: 'and', length: 1_000_000, repeat: 8, target: { plain: 300 } },
  { operation: 'dot', length: 10_000_000, repeat: 4, target: { seconds: 0.3 }, mpspdz: '1.9 s' },
  { operation: 'shuffle', length: 1_000_000, repeat: 3, mpspdz: '0.47 s' },
  { operation: 'sort', length: 100_000, repeat: 3, target: { seconds: 2 }, mpspdz: '2.9 CPU s' },
  { operation: 'group-by', length: 100_000, repeat: 2, target: { seconds: 4 } },
  { operation: 'divide', length: 100_000, repeat: 4, mpspdz: '350 k' },
  { operation: 'sqrt', length: 100_000, repeat: 4 },
  { operation: 'exp', length: 100_000, repeat: 4 },
  { operation: 'logistic', length: 100_000, repeat: 4, mpspdz: '180 k' },
  { operation: 'multiply', length: 1, repeat: 1000, mpspdz: '0.15 ms a round' },
]

const measure = async (
  { operation, length, repeat, target, mpspdz }: Case,
  mode: 'plain' | 'session',
): Promise<Row> => {
  const parameters = { operation, length, repeat }
  const parties = await runTrio(parameters, mode)
  const cpuSeconds = parties.reduce((sum, party) => sum + party.cpuSeconds, 0) / 3
  const [two, one] = [2, 1].map((times) => {
    const cost = shareProgram.cost({ ...parameters, repeat: times })
    return cost.expected ?? cost
  })
  const units = (operations[operation]!.units ?? 1) * length
  const wanted = target?.[mode]
  return {
    operation,
    length,
    mode,
    millionPerCpuSecond: units / cpuSeconds / 1e6,
    ...(wanted !== undefined && { target: wanted }),
    ...(target?.seconds !== undefined && { targetSeconds: target.seconds }),
    cpuSecondsParty: cpuSeconds,
    slowestPartyCpuSeconds: Math.max(...parties.map((party) => party.cpuSeconds)),
    seconds: Math.max(...parties.map((party) => party.seconds)),
    rounds: two!.rounds - one!.rounds,
    bytesPerElementParty: (two!.bytes - one!.bytes) / 3 / length,
    peakMebibytes: Math.max(...parties.map((party) => party.peakMebibytes)),
    ...(mpspdz !== undefined && { mpspdz }),
  }
}

export const bench: Bench = {
  about:
    'three parties on shares: products, comparisons, sort …; beside MP-SPDZ as published here, and JIFF where given',
  async run({ sizes, report }) {
    const jiff = await jiffFigures()
    for (const test of cases) {
      if (sizes !== undefined && !sizes.includes(test.length)) continue
      for (const mode of ['plain', 'session'] as const) {
        const row = await measure(test, mode)
        const name = jiffOperations[test.operation]
        const peer = name === undefined ? undefined : jiff.perSecond[name]
        const times =
          peer === undefined
            ? {}
            : { jiffPerSecond: peer, timesJiff: (Number(row['millionPerCpuSecond']) * 1e6) / peer }
        report({ ...row, ...(name !== undefined && { jiff: jiff.note }), ...times })
      }
    }
  },
}
