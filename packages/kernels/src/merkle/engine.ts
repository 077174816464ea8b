/** `merkle/tiles` in WebAssembly, four rows at once, a tile at a time; memory as large as the rows of the largest tile. */
import { arenaOf, type ArenaExports } from '../arena.ts'
import { checkTiles, tileRows, type TilesInput } from './kernels.ts'
import { base64 } from './merkle.wasm.ts'
import { leafPrefix } from './reference.ts'

type Address = WebAssembly.Global<'i32'>
interface Exports extends ArenaExports {
  readonly OFFSETS: Address
  readonly KEY: Address
  readonly PREFIX: Address
  readonly NODES: Address
  readonly setKey: () => void
  readonly tile: (rows: number, base: number, high: number, low: number) => void
  readonly wipe: () => void
}

/** A vector is read from the last byte of a row on. */
const slack = 64

export async function loadMerkle(): Promise<{ readonly 'merkle/tiles': (input: TilesInput) => Uint8Array }> {
  const arena = await arenaOf<Exports>(base64)
  const tiles = (input: TilesInput): Uint8Array => {
    const { key, first, bytes, offsets } = checkTiles(input)
    const rows = offsets.length - 1
    const out = new Uint8Array(32 * Math.ceil(rows / tileRows))
    let largest = 0
    const end = (from: number): number => Math.min(rows, from + tileRows)
    for (let from = 0; from < rows; from += tileRows) {
      largest = Math.max(largest, offsets[end(from)]! - offsets[from]!)
    }
    return arena.run(largest + slack, ({ memory: { buffer }, ...exports }, base) => {
      const memory = new Uint8Array(buffer)
      const positions = new Uint32Array(buffer, exports.OFFSETS.value, tileRows + 1)
      try {
        memory.set(key, exports.KEY.value)
        memory.set(leafPrefix, exports.PREFIX.value)
        exports.setKey()
        for (let from = 0; from < rows; from += tileRows) {
          const to = end(from)
          memory.set(bytes.subarray(offsets[from], offsets[to]), base)
          positions.set(offsets.subarray(from, to + 1))
          const index = first + from
          exports.tile(to - from, base, Math.floor(index / 2 ** 32), index % 2 ** 32)
          out.set(memory.subarray(exports.NODES.value, exports.NODES.value + 32), (32 * from) / tileRows)
        }
        return out
      } finally {
        exports.wipe()
      }
    })
  }
  return { 'merkle/tiles': tiles }
}
