/** `rlwe/interpolate` in WebAssembly. */
import type { Engine } from '@tallystick/protocol'
import { align, arenaOf, layout, type ArenaExports } from '../arena.ts'
import { slotPlaces } from './fourier.ts'
import { base64 } from './interpolate.wasm.ts'
import { checkInterpolate, labelRows, type InterpolateInput } from './interpolate.ts'
import { inversePowers, power } from './ring.ts'

interface Exports extends ArenaExports {
  readonly slot: (
    out: number,
    step: number,
    most: number,
    points: number,
    count: number,
    labels: number,
    labelStep: number,
    rows: number,
    masks: number,
    maskStep: number,
    scratch: number,
    width: number,
    t: bigint,
  ) => void
  readonly inverse: (values: number, powers: number, n: number, inverseDegree: bigint, t: bigint) => void
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array | BigUint64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

export const loadInterpolation = async (): Promise<Engine> => {
  const arena = await arenaOf<Exports>(base64)

  const interpolate = (input: InterpolateInput): BigUint64Array => {
    const { degree: n, plainModulus: t, most, counts, points, labels, masks } = checkInterpolate(input)
    const rows = labelRows(input)
    const plaintexts = (rows + 1) * (most + 1)
    const width = align(4 * (most + 1))
    const regions = layout({
      out: 8 * n * plaintexts,
      points: 4 * points.length,
      labels: 4 * labels.length,
      masks: 4 * masks.length,
      powers: 8 * n,
      scratch: most * (width + 16) + 8 * (most + 1),
    })
    return arena.run(regions.bytes, ({ memory, slot, inverse }, base) => {
      const at = regions.from(base)
      const all = new Uint8Array(memory.buffer)
      all.set(bytesOf(points), at.points)
      all.set(bytesOf(labels), at.labels)
      all.set(bytesOf(masks), at.masks)
      all.set(bytesOf(inversePowers(n, t)), at.powers)
      const places = slotPlaces(n)
      for (let s = 0; s < n; s++) {
        const own = 4 * s * most
        slot(
          ...([at.out + 8 * places[s]!, 8 * n, most, at.points + own, counts[s]!] as const),
          ...([at.labels + own, 4 * n * most, rows, at.masks + 4 * s, 4 * n, at.scratch, width, t] as const),
        )
      }
      const inverseDegree = power(BigInt(n), t - 2n, t)
      for (let i = 0; i < plaintexts; i++) inverse(at.out + 8 * n * i, at.powers, n, inverseDegree, t)
      return new BigUint64Array(memory.buffer, at.out, plaintexts * n).slice()
    })
  }

  return { 'rlwe/interpolate': interpolate }
}
