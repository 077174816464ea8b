/**
 * Errors of approximate plans on 10,000 random vectors, a fifth of them to each program. Prints the largest error over its
 * bound, by program, and ends with 1 where one is beyond.
 *
 *   node packages/homomorphic/test/precision-campaign.ts [vectors]
 */
import { wasmEngine } from '@tallystick/kernels/engine'
import { sealEngine } from '../src/seal/engine.ts'
import { jobs, worstRatio } from './precision.ts'

const vectors = Number(process.argv[2] ?? 10_000)
const engine = { ...(await wasmEngine()), ...(await sealEngine()) }
const names = Object.keys(jobs)
for (const [seed, name] of names.entries()) {
  const ratio = await worstRatio(name, Math.ceil(vectors / names.length), engine, seed)
  process.stdout.write(
    `${JSON.stringify({ program: name, vectors: Math.ceil(vectors / names.length), errorOverBound: ratio })}\n`,
  )
  if (!(ratio <= 1)) process.exitCode = 1
}
