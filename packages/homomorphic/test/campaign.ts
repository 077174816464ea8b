/**
 * 10,000 products on a pool: memory must not grow. Prints megabytes of resident memory every 1,000 calls, and ends with 1
 * where the last thousand needs more than a tenth above the second (the first fills the heaps).
 *
 *   node packages/homomorphic/test/campaign.ts [calls]
 */
import { rlweEvaluate, type RingCiphertext } from '@tallystick/kernels'
import { noKeys } from '../src/keys.ts'
import { ringFor } from '../src/parameters.ts'
import { sealPool } from '../src/pool/node.ts'

const calls = Number(process.argv[2] ?? 10_000)
const { degree, moduli, data, plainModulus } = ringFor(17, 60, 4096)!
const residues = new BigUint64Array(2 * data.length * degree).fill(12_345n)
const input: RingCiphertext = { level: data.length, size: 2, correction: 1n, scale: 1, residues }
await using pool = sealPool({ workers: 2 })
const megabytes: number[] = []
for (let done = 0; done < calls; done += 1000) {
  for (let i = 0; i < 500; i++) {
    const program = [['multiply', 0, 0, 1] as const]
    const call = () =>
      pool.run(rlweEvaluate, {
        ...{ degree, moduli, plainModulus, program, outputs: [0], plains: [], keys: noKeys },
        inputs: [input, input],
      })
    await Promise.all([call(), call()])
  }
  megabytes.push(Math.round(process.memoryUsage().rss / 1e6))
  process.stdout.write(`${JSON.stringify({ calls: done + 1000, megabytes: megabytes.at(-1) })}\n`)
}
process.exitCode = (megabytes.at(-1) ?? 0) > 1.1 * (megabytes[1] ?? 0) ? 1 : 0
