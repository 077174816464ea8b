/** `psi/ecdh` between two processes over TLS, journal and signatures on, beside `@openmined/psi.js` in the same run. */
import type { Bench } from './main.ts'
import { openminedPsi } from './openmined.ts'
import { runPair } from './pair.ts'
import { identifiers, psiParameters } from './tasks.ts'

/** psi.js takes 5 minutes of CPU for 100,000 rows a side, and ten times that for ten times as many. */
const mostPeerItems = 100_000

const peerFigures = async (items: number, cpuSeconds: number) => {
  const peer = await openminedPsi(identifiers('receiver', items), identifiers('sender', items))
  return {
    peer: '@openmined/psi.js 2.0.6',
    peerSeconds: peer.seconds,
    peerCpuSeconds: peer.cpuSeconds,
    peerPairsPerCpuSecond: items / peer.cpuSeconds,
    peerBytes: peer.bytes,
    timesPeer: peer.cpuSeconds / cpuSeconds,
  }
}

export const bench: Bench = {
  about: 'set intersection of 10 k and 100 k rows a side, and psi.js on the same sets (100 k takes it minutes)',
  async run({ sizes = [10_000, 100_000], report }) {
    for (const items of sizes) {
      const parties = await runPair('psi-ecdh', psiParameters(items))
      const cpuSeconds = parties.reduce((sum, p) => sum + p.cpuSeconds, 0)
      const seconds = Math.max(...parties.map((p) => p.seconds))
      const peer = items > mostPeerItems ? undefined : await peerFigures(items, cpuSeconds)
      report({
        items,
        seconds,
        cpuSeconds,
        pairsPerCpuSecond: items / cpuSeconds,
        itemsPerCoreSecondParty: items / (cpuSeconds / 2),
        wireBytes: parties.reduce((sum, p) => sum + p.wireBytes, 0),
        peakMebibytes: Math.max(...parties.map((p) => p.peakMebibytes)),
        ...(peer ?? { peer: `not run above ${mostPeerItems} items` }),
      })
    }
  },
}
