/** `cuckoo/*` in WebAssembly. Memory: digests and table for `place`; table, entries and a tile of rows for `simple`. */
import type { Engine } from '@tallystick/protocol'
import { align, arenaOf, type ArenaExports } from '../arena.ts'
import { maxEvictions } from './kernels.ts'
import type { CuckooInput, CuckooTable, SimpleTable } from './kernels.ts'
import { base64 } from './cuckoo.wasm.ts'
import { checkBins } from './shapes.ts'

interface Exports extends ArenaExports {
  readonly cuckoo: (rows: number, n: number, table: number, bins: number, left: number, steps: number) => number
  readonly count: (rows: number, n: number, offsets: number, bins: number) => void
  readonly accumulate: (offsets: number, bins: number) => void
  readonly distribute: (rows: number, n: number, first: number, offsets: number, entries: number, bins: number) => void
}

const tileRows = 4096

export async function loadCuckoo(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)

  const place = (input: CuckooInput): CuckooTable => {
    const { digests, bins } = checkBins('cuckoo/place', input)
    const rows = digests.length / 16
    const bytes = digests.length + align(4 * bins) + 4 * rows
    return arena.run(bytes, ({ memory, cuckoo }, base) => {
      const table = base + digests.length
      const left = table + align(4 * bins)
      new Uint8Array(memory.buffer).set(digests, base)
      const lost = cuckoo(base, rows, table, bins, left, maxEvictions)
      return {
        table: new Uint32Array(memory.buffer, table, bins).slice(),
        unplaced: new Uint32Array(memory.buffer, left, lost).slice(),
      }
    })
  }

  const simple = (input: CuckooInput): SimpleTable => {
    const { digests, bins } = checkBins('cuckoo/simple', input)
    const rows = digests.length / 16
    const tile = 16 * tileRows
    const table = align(4 * (bins + 2))
    return arena.run(tile + table + 12 * rows, ({ memory, count, accumulate, distribute }, base) => {
      const offsets = base + tile
      const entries = offsets + table
      const tiles = (work: (n: number, first: number) => void): void => {
        for (let first = 0; first < rows; first += tileRows) {
          const part = digests.subarray(16 * first, 16 * Math.min(rows, first + tileRows))
          new Uint8Array(memory.buffer).set(part, base)
          work(part.length / 16, first)
        }
      }
      tiles((n) => count(base, n, offsets, bins))
      accumulate(offsets, bins)
      tiles((n, first) => distribute(base, n, first, offsets, entries, bins))
      return {
        offsets: new Uint32Array(memory.buffer, offsets, bins + 1).slice(),
        entries: new Uint32Array(memory.buffer, entries, 3 * rows).slice(),
      }
    })
  }

  return { 'cuckoo/place': place, 'cuckoo/simple': simple }
}
