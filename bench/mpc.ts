/**
 * Computing on shares: a process a party, each figure per CPU second of one party (the mean of the computing parties and of
 * all repetitions but the first; the helper's stands beside). `plain` is bare TCP without TLS, journal, chains; `session` all of it.
 */
import type { Bench, Row } from './main.ts'
import { jiffFigures, jiffOperations } from './jiff.ts'
import { operations, shareProtocols } from './shares.ts'
import { runTrio } from './trio.ts'

interface Case {
  /** `rep3` unless told. */
  readonly backend?: string
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
  {
    backend: 'semi2k, helper',
    operation: 'multiply',
    length: 1_000_000,
    repeat: 8,
    target: { plain: 6 },
    mpspdz: '8 M',
  },
  { backend: 'semi2k, helper', operation: 'fixed-product', length: 1_000_000, repeat: 5 },
  { backend: 'semi2k, helper', operation: 'less-than', length: 100_000, repeat: 15, mpspdz: '2 M' },
  { backend: 'semi2k, helper', operation: 'equal', length: 100_000, repeat: 15 },
  {
    backend: 'semi2k, transfers',
    operation: 'multiply',
    length: 65_536,
    repeat: 4,
    target: { plain: 0.2 },
    mpspdz: '0.2 M',
  },
  { backend: 'semi2k, transfers', operation: 'less-than', length: 100_000, repeat: 4, mpspdz: '62 k' },
  { backend: 'semi2k, bgv', operation: 'multiply', length: 65_536, repeat: 4, target: { plain: 0.2 } },
  { backend: 'semi2k, bgv', operation: 'dot', length: 1_048_576, repeat: 2 },
  { backend: 'rep4', operation: 'multiply', length: 1_000_000, repeat: 8, target: { plain: 4 }, mpspdz: '6.5 M' },
  { backend: 'rep4', operation: 'fixed-product', length: 1_000_000, repeat: 4 },
  { backend: 'rep4', operation: 'less-than', length: 100_000, repeat: 15, mpspdz: '1.0 M' },
  { backend: 'shamir', operation: 'multiply', length: 1_000_000, repeat: 8, mpspdz: '2.9 M' },
  { backend: 'shamir', operation: 'dot', length: 1_000_000, repeat: 8 },
]

const measure = async (
  { backend = 'rep3', operation, length, repeat, target, mpspdz }: Case,
  mode: 'plain' | 'session',
): Promise<Row> => {
  const parameters = { operation, length, repeat }
  const all = await runTrio(parameters, mode, backend)
  const protocol = shareProtocols[backend]!
  const dealer = (protocol.roles as readonly string[]).indexOf('helper')
  const parties = all.filter((_, i) => i !== dealer)
  const cpuSeconds = parties.reduce((sum, party) => sum + party.cpuSeconds, 0) / parties.length
  const [two, one] = [2, 1].map((times) => {
    const cost = protocol.cost({ ...parameters, repeat: times })
    return cost.expected ?? cost
  })
  const units = (operations[operation]!.units ?? 1) * length
  const wanted = target?.[mode]
  return {
    backend,
    operation,
    length,
    mode,
    millionPerCpuSecond: units / cpuSeconds / 1e6,
    ...(wanted !== undefined && { target: wanted }),
    ...(target?.seconds !== undefined && { targetSeconds: target.seconds }),
    cpuSecondsParty: cpuSeconds,
    ...(dealer >= 0 && { cpuSecondsHelper: all[dealer]!.cpuSeconds }),
    slowestPartyCpuSeconds: Math.max(...parties.map((party) => party.cpuSeconds)),
    seconds: Math.max(...parties.map((party) => party.seconds)),
    rounds: two!.rounds - one!.rounds,
    bytesPerElementParty: (two!.bytes - one!.bytes) / parties.length / length,
    peakMebibytes: Math.max(...parties.map((party) => party.peakMebibytes)),
    ...(mpspdz !== undefined && { mpspdz }),
  }
}

/** The cases of a length; for one that no case has, each operation of each backend once at that length. */
const casesOf = (length: number): readonly Case[] => {
  const found = cases.filter((test) => test.length === length)
  if (found.length > 0) return found
  const first = (test: Case): boolean =>
    test === cases.find(({ backend, operation }) => backend === test.backend && operation === test.operation)
  return cases.filter(first).map(({ backend, operation }) => ({
    ...(backend !== undefined && { backend }),
    ...{ operation, length, repeat: 8 },
  }))
}

export const bench: Bench = {
  about:
    'parties on shares under every backend: products, comparisons, sort …; beside MP-SPDZ as published here, and JIFF where given',
  async run({ sizes, report }) {
    const jiff = await jiffFigures()
    for (const test of sizes === undefined ? cases : sizes.flatMap(casesOf)) {
      for (const mode of ['plain', 'session'] as const) {
        const row = await measure(test, mode)
        const name = test.backend === undefined ? jiffOperations[test.operation] : undefined
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
