/** What the engine costs when nothing is computed: a large stream and many small rounds, beside bare `node:tls`. */
import os from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { bareTls, ballBytes, directWrite, plainWrite, streamWork } from './bare.ts'
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
  readonly cpuSeconds: number
  readonly peak: number
}

interface Limits {
  readonly bareSeconds: number
  /** What the design itself takes: the bare loop with all that it asks for, and nothing of our code around it. */
  readonly floorSeconds: number
}

/** Ours and the limits in turn, so that a drift of the machine hits all. */
const compare = async (ours: () => Promise<Ours>, limits: () => Promise<Limits>) => {
  const pairs: (Ours & Limits)[] = []
  for (let i = 0; i < runs; i++) pairs.push({ ...(await limits()), ...(await ours()) })
  return {
    seconds: median(pairs.map((p) => p.seconds)),
    runSeconds: median(pairs.map((p) => p.runSeconds)),
    cpuSeconds: median(pairs.map((p) => p.cpuSeconds)),
    bareSeconds: median(pairs.map((p) => p.bareSeconds)),
    floorSeconds: median(pairs.map((p) => p.floorSeconds)),
    // The run against the loop; the whole session stands beside it, with its fixed costs of signatures and syncs.
    timesBare: median(pairs.map((p) => p.runSeconds / p.bareSeconds)),
    sessionTimesBare: median(pairs.map((p) => p.seconds / p.bareSeconds)),
    floorTimesBare: median(pairs.map((p) => p.floorSeconds / p.bareSeconds)),
    timesFloor: median(pairs.map((p) => p.runSeconds / p.floorSeconds)),
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
        cpuSeconds: parties.reduce((sum, p) => sum + p.cpuSeconds, 0),
        peak: Math.max(...parties.map((p) => p.peakMebibytes)),
      }
    }
    // Received frames are written down before they are used: the file is a limit as the wire is. Both that file and the
    // journal are written into memory that has been idle, which a virtual machine may have to get back from its host.
    const writes: number[] = []
    const cores = Math.min(2, os.availableParallelism())
    const streamed = await compare(
      () => pair('stream', { chunks: gibibyte / streamChunkBytes }),
      async () => {
        await setTimeout(idleMilliseconds)
        const written = plainWrite(gibibyte)
        writes.push(written.seconds)
        const work = streamWork(gibibyte) + (directWrite(gibibyte) ?? written.cpuSeconds)
        const bare = await bareTls('stream', gibibyte)
        await setTimeout(idleMilliseconds)
        // No schedule does better than all cores at work to the end; nor is a stream faster than its wire.
        const floorSeconds = Math.max(bare.seconds, (bare.cpuSeconds + work) / cores)
        return { bareSeconds: bare.seconds, floorSeconds }
      },
    )
    const plainWriteSeconds = median(writes)
    report({
      what: 'stream',
      bytes: gibibyte,
      ...streamed,
      shareOfBareThroughput: 1 / streamed.timesBare,
      floorShareOfBareThroughput: 1 / streamed.floorTimesBare,
      plainWriteSeconds,
      shareOfBareTlsThenPlainWrite: (streamed.bareSeconds + plainWriteSeconds) / streamed.runSeconds,
    })
    const bounced = await compare(
      () => pair('ping-pong', { rounds }),
      async () => ({
        bareSeconds: (await bareTls('ping-pong', rounds * ballBytes)).seconds,
        floorSeconds: (await bareTls('journaled', rounds * ballBytes)).seconds,
      }),
    )
    report({ what: 'ping-pong', rounds, bytes: rounds * ballBytes, ...bounced })
  },
}
