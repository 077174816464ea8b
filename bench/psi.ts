/**
 * Set intersection between two processes over TLS, journal and signatures on: `psi/rr22` in both modes, `psi/ecdh` and
 * `@openmined/psi.js` where they finish. CPU seconds of a party are the measure; wall time depends on what else runs.
 */
import type { Bench, Row } from './main.ts'
import { openminedPsi } from './openmined.ts'
import { runPair } from './pair.ts'
import { bench as parties } from './psi-parties.ts'
import { circuitParameters, identifiers, psiParameters, rr22Parameters, unionParameters } from './tasks.ts'

/** psi.js takes 3 CPU milliseconds a row of either side, `psi/ecdh` one hundredth of that. */
const mostPeerItems = 5000
const mostEcdhItems = 100_000

/** volepsi (C++, RR22 with expand-convolute codes) as measured once on such a machine, both parties on one thread. */
const volepsi: Readonly<Record<string, { readonly cpuSeconds: number; readonly bytes: number } | undefined>> = {
  'psi-rr22/65536': { cpuSeconds: 0.044, bytes: 2.6e6 },
  'psi-rr22/1048576': { cpuSeconds: 0.93, bytes: 33.9e6 },
  'psi-rr22-malicious/1048576': { cpuSeconds: 0.87, bytes: 40.2e6 },
  'psi-rr22/4194304': { cpuSeconds: 4.8, bytes: 138e6 },
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

const runs = (items: number): number => (items > 2 ** 20 ? 1 : 3)

type Name = 'psi-rr22' | 'psi-rr22-malicious' | 'psi-ecdh' | 'psi-czzdl24' | 'psi-psty19'
type Circuit = Parameters<typeof circuitParameters>[1]

/** Circuit PSI takes about 25 times as long as `rr22`. */
const mostCircuitItems = 2 ** 18

const parametersOf = (name: Name, items: number, output: Circuit) => {
  if (name === 'psi-psty19') return circuitParameters(items, output)
  if (name === 'psi-czzdl24') return unionParameters(items)
  return name === 'psi-ecdh' ? psiParameters(items) : rr22Parameters(items)
}

/** Medians over the runs of the larger party; bytes of both on the wire. */
const measure = async (name: Name, items: number, output: Circuit = 'cardinality') => {
  const parameters = parametersOf(name, items, output)
  const all = []
  for (let i = 0; i < runs(items); i++) {
    const parties = await runPair(name, parameters)
    all.push({
      cpuSeconds: Math.max(...parties.map((p) => p.cpuSeconds)),
      seconds: Math.max(...parties.map((p) => p.seconds)),
      wireBytes: parties.reduce((sum, p) => sum + p.wireBytes, 0),
      peakMebibytes: Math.max(...parties.map((p) => p.peakMebibytes)),
    })
  }
  return {
    cpuSecondsParty: median(all.map((run) => run.cpuSeconds)),
    seconds: median(all.map((run) => run.seconds)),
    wireBytes: median(all.map((run) => run.wireBytes)),
    peakMebibytes: Math.max(...all.map((run) => run.peakMebibytes)),
    runs: all.length,
  }
}

const peerOf = (name: Name, items: number): Row => {
  const peer = volepsi[`${name}/${items}`]
  if (peer === undefined) return {}
  return { peer: 'volepsi (C++), measured earlier', peerCpuSecondsParty: peer.cpuSeconds / 2, peerBytes: peer.bytes }
}

const openmined = async (items: number, cpuSecondsParty: number): Promise<Row> => {
  const peer = await openminedPsi(identifiers('receiver', items), identifiers('sender', items))
  return {
    peer: '@openmined/psi.js 2.0.6, in this run',
    peerCpuSecondsParty: peer.cpuSeconds / 2,
    peerBytes: peer.bytes,
    timesPeer: peer.cpuSeconds / 2 / cpuSecondsParty,
  }
}

export const bench: Bench = {
  about:
    'rr22 semi-honest and malicious, circuit PSI, ecdh, union, psi.js, 3 and 5 parties: 4 k, 2^16 and 2^20 rows a side (--sizes for others)',
  async run({ sizes = [4096, 2 ** 16, 2 ** 20], report }) {
    const seconds = new Map<string, number>()
    for (const items of sizes) {
      const semi = await measure('psi-rr22', items)
      seconds.set(`${items}`, semi.cpuSecondsParty)
      const peer = items > mostPeerItems ? peerOf('psi-rr22', items) : await openmined(items, semi.cpuSecondsParty)
      report({ protocol: 'rr22', items, ...semi, ...peer })
      const malicious = await measure('psi-rr22-malicious', items)
      const more = malicious.wireBytes / semi.wireBytes - 1
      report({
        protocol: 'rr22-malicious',
        items,
        ...malicious,
        moreBytes: more,
        ...peerOf('psi-rr22-malicious', items),
      })
      for (const output of items <= mostCircuitItems ? (['cardinality', 'sum', 'statistics'] as const) : []) {
        report({ protocol: 'psty19', output, items, ...(await measure('psi-psty19', items, output)) })
      }
      if (items <= mostEcdhItems) {
        report({ protocol: 'ecdh', items, ...(await measure('psi-ecdh', items)) })
        report({ protocol: 'czzdl24', output: 'union', items, ...(await measure('psi-czzdl24', items)) })
      }
    }
    const [at20, at22] = [seconds.get(`${2 ** 20}`), seconds.get(`${2 ** 22}`)]
    if (at20 !== undefined && at22 !== undefined) report({ protocol: 'rr22', growth2To22Over2To20: at22 / at20 })
    await parties.run({ sizes, report })
  },
}
