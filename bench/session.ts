/** What the engine costs when nothing is computed: a large stream and many small rounds, beside bare `node:tls`. */
import { setTimeout } from 'node:timers/promises'
import { bareTls, ballBytes, plainWrite } from './bare.ts'
import type { Bench } from './main.ts'
import { runPair } from './pair.ts'
import { streamChunkBytes } from './protocols.ts'

const gibibyte = 2 ** 30
const rounds = 10_000
const runs = 3
const idleMilliseconds = 5000

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

interface Ours {
  readonly seconds: number
  readonly runSeconds: number
  readonly peak: number
}

/** Ours and the limit in turn, so that a drift of the machine hits both. */
const compare = async (ours: () => Promise<Ours>, limit: () => Promise<number>) => {
  const pairs: (Ours & { readonly bareSeconds: number })[] = []
  for (let i = 0; i < runs; i++) {
    const bareSeconds = await limit()
    pairs.push({ ...(await ours()), bareSeconds })
  }
  return {
    seconds: median(pairs.map((p) => p.seconds)),
    runSeconds: median(pairs.map((p) => p.runSeconds)),
    bareSeconds: median(pairs.map((p) => p.bareSeconds)),
    // The run against the loop; the whole session stands beside it, with its fixed costs of signatures and syncs.
    timesBare: median(pairs.map((p) => p.runSeconds / p.bareSeconds)),
    sessionTimesBare: median(pairs.map((p) => p.seconds / p.bareSeconds)),
    peakMebibytes: Math.max(...pairs.map((p) => p.peak)),
  }
}

export const bench: Bench = {
  about: 'a stream of 1 GiB in chunks and 10,000 rounds of 1 KiB over TLS with journal and chains, and bare node:tls',
  async run({ report }) {
    const pair = async (task: 'stream' | 'ping-pong', parameters: object) => {
      const parties = await runPair(task, parameters)
      return {
        seconds: Math.max(...parties.map((p) => p.seconds)),
        runSeconds: Math.max(...parties.map((p) => p.runSeconds)),
        peak: Math.max(...parties.map((p) => p.peakMebibytes)),
      }
    }
    // Received frames are written down before they are used: the file is a limit as the wire is. Both that file and the
    // journal are written into memory that has been idle, which a virtual machine may have to get back from its host.
    const writes: number[] = []
    const streamed = await compare(
      () => pair('stream', { chunks: gibibyte / streamChunkBytes }),
      async () => {
        await setTimeout(idleMilliseconds)
        writes.push(plainWrite(gibibyte))
        const seconds = await bareTls('stream', gibibyte)
        await setTimeout(idleMilliseconds)
        return seconds
      },
    )
    const plainWriteSeconds = median(writes)
    report({
      what: 'stream',
      bytes: gibibyte,
      ...streamed,
      shareOfBareThroughput: 1 / streamed.timesBare,
      plainWriteSeconds,
      shareOfBareTlsThenPlainWrite: (streamed.bareSeconds + plainWriteSeconds) / streamed.runSeconds,
    })
    const bounced = await compare(
      () => pair('ping-pong', { rounds }),
      () => bareTls('ping-pong', rounds * ballBytes),
    )
    report({ what: 'ping-pong', rounds, bytes: rounds * ballBytes, ...bounced })
  },
}
