/** What the engine costs when nothing is computed: a large stream and many small rounds, beside bare `node:tls`. */
import { bareTls, ballBytes } from './bare.ts'
import type { Bench } from './main.ts'
import { runPair } from './pair.ts'
import { streamChunkBytes } from './protocols.ts'

const gibibyte = 2 ** 30
const rounds = 10_000
const runs = 3

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Ours and the limit in turn, so that a drift of the machine hits both. */
const compare = async (ours: () => Promise<{ seconds: number; peak: number }>, limit: () => Promise<number>) => {
  const pairs: { seconds: number; bareSeconds: number; peak: number }[] = []
  for (let i = 0; i < runs; i++) {
    const bareSeconds = await limit()
    pairs.push({ ...(await ours()), bareSeconds })
  }
  return {
    seconds: median(pairs.map((p) => p.seconds)),
    bareSeconds: median(pairs.map((p) => p.bareSeconds)),
    timesBare: median(pairs.map((p) => p.seconds / p.bareSeconds)),
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
        peak: Math.max(...parties.map((p) => p.peakMebibytes)),
      }
    }
    const streamed = await compare(
      () => pair('stream', { chunks: gibibyte / streamChunkBytes }),
      () => bareTls('stream', gibibyte),
    )
    report({ what: 'stream', bytes: gibibyte, ...streamed, shareOfBareThroughput: 1 / streamed.timesBare })
    const bounced = await compare(
      () => pair('ping-pong', { rounds }),
      () => bareTls('ping-pong', rounds * ballBytes),
    )
    report({ what: 'ping-pong', rounds, bytes: rounds * ballBytes, ...bounced })
  },
}
