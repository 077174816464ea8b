/**
 * `psi/ra18`: preparing a list (a sample of ids is evaluated, the filter is built over the whole length), and sessions of a
 * few queries over TLS with journal and signatures on. The session never sees the list: its length enters only where tags
 * are looked up afterwards.
 */
import { randomFillSync } from 'node:crypto'
import { toHex } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { oprfEvaluate, oprfScale } from '@tallystick/kernels'
import { runKernel } from '@tallystick/protocol'
import { commonRows, encodeList, generator, groupTag, prepareList, type PreparedList } from '@tallystick/psi/unbalanced'
import type { Bench } from './main.ts'
import { runPair } from './pair.ts'
import { identifiers, listKey } from './tasks.ts'

const sampleRows = 8192
const listRows = 10_000_000

const cpuSeconds = <T>(work: () => T): { readonly value: T; readonly seconds: number } => {
  const since = process.cpuUsage()
  const value = work()
  const { user, system } = process.cpuUsage(since)
  return { value, seconds: (user + system) / 1e6 }
}

/** Tags are pseudorandom: those of a list of any length are as good as drawn. */
const drawnTags = (rows: number): Uint8Array => {
  const tags = new Uint8Array(16 * rows)
  for (let from = 0; from < tags.length; from += 2 ** 28) randomFillSync(tags.subarray(from, from + 2 ** 28))
  return tags
}

const evaluationRate = async (): Promise<number> => {
  const engine = await nodeEngine()
  const rows = identifiers('sender', sampleRows)
  const bytes = new TextEncoder().encode(rows.join(''))
  const offsets = Uint32Array.from({ length: sampleRows + 1 }, (_, i) => 18 * i)
  const evaluate = () => runKernel(engine, oprfEvaluate, { dst: groupTag, bytes, offsets, scalars: listKey })
  evaluate()
  return sampleRows / cpuSeconds(evaluate).seconds
}

const parametersOf = async (queries: number, rows: number) => {
  const { points } = runKernel(await nodeEngine(), oprfScale, { scalars: listKey, points: generator })
  const list = { rows, digest: toHex(new Uint8Array(32)), version: 1, key: toHex(points), fingerprint: 32 }
  return { sizes: { receiver: queries, sender: 1 }, list, output: 'intersection', to: 'receiver' }
}

const lookUp = (list: PreparedList, queries: number): number => {
  const tags = drawnTags(queries)
  const found = cpuSeconds(() => commonRows(list, tags))
  if (found.value.length > 0) throw new Error('a stranger is in the filter: one chance in a million')
  return found.seconds
}

export const bench: Bench = {
  about: '1,000 and 10,000 queries against a prepared list of 10 M: preparing, shipping, asking',
  async run({ sizes = [1000, 10_000], report }) {
    const evaluationsPerCoreSecond = await evaluationRate()
    const tags = drawnTags(listRows)
    const { value: list, seconds: filterCpuSeconds } = cpuSeconds(() => prepareList(tags, 32))
    const filterBytes = encodeList(list).length
    report({
      ...{ listRows, evaluationsPerCoreSecond, filterCpuSeconds, filterBytes },
      ...{ bytesAnId: filterBytes / listRows, falsePositiveRate: 2 ** -32 },
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
    })
    for (const queries of sizes) {
      const parties = await runPair('psi-ra18', await parametersOf(queries, listRows))
      report({
        queries,
        seconds: Math.max(...parties.map((p) => p.seconds)),
        runSeconds: Math.max(...parties.map((p) => p.runSeconds)),
        receiverCpuSeconds: parties[0]!.cpuSeconds,
        senderCpuSeconds: parties[1]!.cpuSeconds,
        lookUpCpuSeconds: lookUp(list, queries),
        wireBytes: parties.reduce((sum, p) => sum + p.wireBytes, 0),
      })
    }
  },
}
