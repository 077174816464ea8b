/** Our codec for the wire format of `@openmined/psi.js` beside that package itself: the same bytes, both sides, one thread. */
import { randomBytes } from 'node:crypto'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { createClient, createServer, keyFromCoins } from '@tallystick/psi/openmined'
import type { Bench } from './main.ts'
import { openminedPsi } from './openmined.ts'
import { identifiers } from './tasks.ts'

export const bench: Bench = {
  about: 'the wire format of psi.js spoken by us and by psi.js: 2,000 rows a side, Golomb-coded, 1e-6',
  async run({ sizes = [2000], report }) {
    const engine = await nodeEngine()
    for (const items of sizes) {
      const [client, server] = [identifiers('receiver', items), identifiers('sender', items)]
      const key = () => keyFromCoins(randomBytes(64))
      const since = process.cpuUsage()
      const holder = createServer({ key: key(), reveal: true, engine })
      const asker = createClient({ key: key(), reveal: true, engine })
      const setup = holder.setup(server, { structure: 'gcs', falsePositiveRate: 1e-6, clientRows: items })
      const request = asker.request(client)
      const response = holder.respond(request)
      const common = asker.intersection(setup, response).length
      const { user, system } = process.cpuUsage(since)
      const cpuSeconds = (user + system) / 1e6
      const peer = await openminedPsi(client, server)
      report({
        ...{ items, cpuSeconds, pairsPerCpuSecond: items / cpuSeconds, common },
        bytes: setup.length + request.length + response.length,
        ...{ peer: '@openmined/psi.js 2.0.6', peerCpuSeconds: peer.cpuSeconds, peerBytes: peer.bytes },
        ...{ peerCommon: peer.intersection, timesPeer: peer.cpuSeconds / cpuSeconds },
      })
    }
  },
}
