/** What a job will cost, before it starts: traffic as the protocol declares it, time as this machine computes. */
import type { Json } from '@tallystick/core'
import { blake3Ids, curve25519HashScale, curve25519Scale, oprfBlind } from '@tallystick/kernels'
import type { Pool } from '@tallystick/kernels/pool'
import { limbBits, referenceRates, type Policy, type Rates, type Request, type SumValues } from '@tallystick/psi'
import type { Terms } from '@tallystick/session'

/** Rows of a sample; enough for all workers to have a part. */
const sampleRows = 4096
const idBytes = 18

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return 1000 * (performance.now() - start)
}

/** Microseconds of BLAKE3 for an id of 18 bytes on the machine that the planner's constants come from. */
const referenceDigest = 0.067

/** Prices of this machine by the kernels that the set protocols spend their time in: about a second of measuring. */
export const measureRates = async (pool: Pool): Promise<Rates> => {
  const rows = (count: number) => ({
    bytes: Uint8Array.from({ length: idBytes * count }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24),
    offsets: Uint32Array.from({ length: count + 1 }, (_, i) => idBytes * i),
  })
  const scalar = new Uint8Array(32).fill(0x58)
  const dst = new Uint8Array([1])
  const sample = rows(sampleRows)
  const scalars = Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 0 : 0x58))
  // The first call starts the workers and compiles.
  const { points } = await pool.run(curve25519HashScale, { scalar, dst, ...sample })
  const hashScale = await timed(() => pool.run(curve25519HashScale, { scalar, dst, ...sample }))
  const scale = await timed(() => pool.run(curve25519Scale, { scalar, points }))
  await pool.run(oprfBlind, { scalars, dst, ...rows(8) })
  const oprf = await timed(() => pool.run(oprfBlind, { scalars, dst, ...sample }))
  const many = { key: scalar, ...rows(16 * sampleRows) }
  await pool.run(blake3Ids, many)
  const digest = (await timed(() => pool.run(blake3Ids, many))) / (16 * sampleRows)
  return {
    hashScale: hashScale / sampleRows,
    scale: scale / sampleRows,
    oprf: oprf / sampleRows,
    // The bulk work of the other protocols runs in one thread, mostly; one that is busy is no slower machine.
    symmetric: Math.min(8, Math.max(referenceRates.symmetric / 4, digest / referenceDigest)),
  }
}

/** The column of a role in the parameters of circuit PSI, which says the width of all values in bits. */
const circuitValues = (asked: Readonly<Record<string, Json>>, role: 'receiver' | 'sender'): SumValues | undefined => {
  const { columns, bits } = asked as { columns?: Record<string, { column: string; decimals: number }[]>; bits?: number }
  const column = columns?.[role]?.[0]
  return column === undefined || bits === undefined ? undefined : { ...column, bits, limbs: Math.ceil(bits / limbBits) }
}

/** What the terms of a set operation ask of a protocol. */
export const requestOf = ({ parameters, parties, minimum }: Terms, policy?: Policy): Request => {
  const asked = parameters as Readonly<Record<string, Json>> & Pick<Request, 'output' | 'list'>
  const { limbs, values, threshold, idBytes } = asked as {
    limbs?: number
    values?: { column: string; decimals: number }
    threshold?: number
    idBytes?: number
  }
  const [own, theirs] = [circuitValues(asked, 'receiver'), circuitValues(asked, 'sender')]
  const sizes = asked['sizes'] as Request['sizes']
  return {
    sizes: asked.list === undefined ? sizes : { ...sizes, sender: asked.list.rows },
    output: (asked.output as string) === 'fewer' ? 'difference' : asked.output,
    threshold,
    idBytes,
    to: asked['to'] === 'both' || asked['to'] === 'all' ? 'both' : 'receiver',
    parties: parties.length,
    list: asked.list,
    values: limbs === undefined ? own : { column: '', decimals: 0, ...values, limbs },
    senderValues: theirs,
    minimum: minimum?.result,
    policy,
  }
}
