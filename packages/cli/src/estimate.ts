/** What a job will cost, before it starts: traffic as the protocol declares it, time as this machine computes. */
import type { Items } from '@tallystick/psi'
import { curve25519HashScale as hashScale, curve25519Scale as scale } from '@tallystick/kernels'
import type { Pool } from '@tallystick/kernels/pool'
import type { AnyProtocol } from '@tallystick/protocol'

export interface Estimate {
  /** Codec payload of all parties. */
  readonly bytes: number
  /** Of this machine's computing; the partner computes at the same time, and the network adds its own. */
  readonly seconds: number
  readonly rounds: number
}

const sampleRows = 2048

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** Seconds a row of hashing and scaling an own id, and of scaling a row of the partner. */
const calibrate = async (pool: Pool, { bytes, offsets }: Items): Promise<{ own: number; other: number }> => {
  const rows = Math.min(sampleRows, offsets.length - 1)
  const scalar = new Uint8Array(32).fill(0x58)
  const dst = new Uint8Array([1])
  const input = { scalar, dst, bytes: bytes.subarray(0, offsets[rows]), offsets: offsets.subarray(0, rows + 1) }
  // The first call starts the workers and compiles.
  const { points } = await pool.run(hashScale, input)
  const own = await timed(() => pool.run(hashScale, input))
  const other = await timed(() => pool.run(scale, { scalar, points }))
  return { own: own / rows, other: other / rows }
}

export const estimate = async (
  protocol: AnyProtocol,
  parameters: unknown,
  pool: Pool,
  items: Items,
  peerRows: number,
): Promise<Estimate> => {
  const { bytes, rounds } = protocol.cost(protocol.parameters(parameters))
  const { own, other } = await calibrate(pool, items)
  return { bytes, rounds, seconds: (items.offsets.length - 1) * own + peerRows * other }
}
