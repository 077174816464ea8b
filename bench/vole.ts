/** The silent vector OLE between two processes over TLS, against semi-honest and against malicious ends. */
import { voleCost, type VoleOptions } from '@tallystick/ot'
import type { Bench } from './main.ts'
import { runPair } from './pair.ts'

/** What `psi/rr22` asks for with 2^20 rows. */
const size = Math.ceil(1.3 * 2 ** 20)

export const bench: Bench = {
  about: 'silent vector OLE over GF(2^128), 1.3 · 2^20 elements, semi-honest and malicious',
  async run({ sizes = [size], report }) {
    for (const n of sizes) {
      for (const security of ['semi-honest', 'malicious'] as const) {
        const parameters: VoleOptions & { readonly to?: string } = { n, security }
        const parties = await runPair('vole', parameters)
        const cpuSeconds = parties.reduce((sum, party) => sum + party.cpuSeconds, 0)
        report({
          n,
          security,
          seconds: Math.max(...parties.map((party) => party.runSeconds)),
          cpuSeconds,
          cpuSecondsParty: cpuSeconds / 2,
          elementsPerCoreSecondParty: n / (cpuSeconds / 2),
          bytes: voleCost({ n, security }).bytes,
          wireBytes: parties.reduce((sum, party) => sum + party.wireBytes, 0),
          peakMebibytes: Math.max(...parties.map((party) => party.peakMebibytes)),
        })
      }
    }
  },
}
