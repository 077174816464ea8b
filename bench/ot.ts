/** AND triples and Beaver triples over Z_2^64 from oblivious transfer, between two processes over TLS. */
import type { Bench } from './main.ts'
import type { TripleParameters } from './ot-protocol.ts'
import { runPair } from './pair.ts'

export const bench: Bench = {
  about: 'AND triples (2^22) and Beaver triples over Z_2^64 (2^16) from OT extension (--sizes: both of that many)',
  async run({ sizes, report }) {
    for (const kind of ['bits', 'ring'] as const) {
      for (const n of sizes ?? [kind === 'bits' ? 2 ** 22 : 2 ** 16]) {
        const parameters: TripleParameters & { readonly to?: string } = { kind, n }
        const parties = await runPair('triples', parameters)
        const one: typeof parameters = { kind, n: 1 }
        const start = await runPair('triples', one)
        const most = (of: (party: (typeof parties)[number]) => number): number => Math.max(...parties.map(of))
        const cpuSeconds = most((party) => party.cpuSeconds)
        const fixed = Math.max(...start.map((party) => party.cpuSeconds))
        const wireBytes = parties.reduce((sum, party) => sum + party.wireBytes, 0)
        report({
          kind,
          n,
          seconds: most((party) => party.runSeconds),
          cpuSecondsParty: cpuSeconds,
          sessionCpuSecondsParty: fixed,
          triplesPerCpuSecondParty: n / cpuSeconds,
          withoutSession: n / (cpuSeconds - fixed),
          wireBytes,
          bytesATriple: wireBytes / n,
          peakMebibytes: most((party) => party.peakMebibytes),
        })
      }
    }
  },
}
