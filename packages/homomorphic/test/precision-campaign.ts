/**
 * Errors of approximate plans on random vectors, so many of each program. Prints the largest error over its bound, by
 * program, and ends with 1 where one is beyond. 10,000 of each take about an hour of a core: half a minute each for
 * arithmetic and polynomial, some ten for totals and for matrix, 35 for covariance.
 *
 *   node packages/homomorphic/test/precision-campaign.ts [vectors] [program] [seed]
 */
import { wasmEngine } from '@tallystick/kernels/engine'
import { sealEngine } from '../src/seal/engine.ts'
import { jobs, worstRatio } from './precision.ts'

const vectors = Number(process.argv[2] ?? 10_000)
const engine = { ...(await wasmEngine()), ...(await sealEngine()) }
const seed = Number(process.argv[4] ?? 0)
for (const name of Object.keys(jobs)) {
  if ((process.argv[3] ?? name) !== name) continue
  const ratio = await worstRatio(name, vectors, engine, seed, (done, worst) =>
    process.stderr.write(`${name}: ${done} vectors, ${worst} of the bound\n`),
  )
  const { user, system } = process.cpuUsage()
  process.stdout.write(
    `${JSON.stringify({ program: name, vectors, seed, errorOverBound: ratio, cpuSeconds: Math.round((user + system) / 1e6) })}\n`,
  )
  if (!(ratio <= 1)) process.exitCode = 1
}
