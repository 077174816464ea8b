/**
 * `blake3/*` in WebAssembly, four rows at once, in tiles of up to 2048 rows and 64 KiB. Rows are taken in groups of four
 * with equally many blocks. Rows over 1024 bytes, which have more than one chunk, go to the reference. Memory is fixed,
 * and wiped after a call.
 */
import type { Engine } from '@tallystick/protocol'
import { arenaOf, type ArenaExports } from '../arena.ts'
import { base64 } from './blake3.wasm.ts'
import type { Digests, IdsInput, MasksInput } from './kernels.ts'
import * as reference from './reference.ts'
import { checkIds, checkMasks } from './shapes.ts'

type Address = WebAssembly.Global<'i32'>
interface Exports extends ArenaExports {
  readonly ROWS: Address
  readonly BYTES: Address
  readonly MESSAGES: Address
  readonly OFFSETS: Address
  readonly DIGESTS: Address
  readonly VALUES: Address
  readonly TWEAK: Address
  readonly FIRST: Address
  readonly SECOND: Address
  readonly setKey: () => void
  readonly plan: (rows: number) => number
  readonly hash: (groups: number) => void
  readonly mask: (rows: number) => void
  readonly pack: (rows: number, width: number) => void
  readonly wipe: () => void
}

export async function loadBlake3(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)
  const session = <T>(key: Uint8Array, work: (exports: Exports, memory: Uint8Array) => T): T =>
    arena.run(0, (exports) => {
      const memory = new Uint8Array(exports.memory.buffer)
      try {
        memory.set(key, exports.MESSAGES.value)
        exports.setKey()
        return work(exports, memory)
      } finally {
        exports.wipe()
      }
    })

  const ids = (input: IdsInput): Digests => {
    const { key, bytes, offsets } = checkIds(input)
    const rows = offsets.length - 1
    const first = new Uint8Array(16 * rows)
    const second = new Uint8Array(16 * rows)
    session(key, ({ MESSAGES, OFFSETS, FIRST, SECOND, ROWS, BYTES, plan, hash, memory: { buffer } }, memory) => {
      const positions = new Uint32Array(buffer, OFFSETS.value, ROWS.value + 1)
      let most = ROWS.value
      for (let row = 0; row < rows;) {
        let to = Math.min(rows, row + most)
        while (to > row && offsets[to]! - offsets[row]! > BYTES.value) to = (row + to) >>> 1
        if (to > row) {
          memory.set(bytes.subarray(offsets[row], offsets[to]), MESSAGES.value)
          positions.set(offsets.subarray(row, to + 1))
        }
        const groups = to > row ? plan(to - row) : -1
        if (groups < 0) {
          // A row of several chunks is near: halve the tile until it stands alone.
          if (to - row > 1) {
            most = (to - row) >>> 1
            continue
          }
          const long = reference.ids({ key, bytes, offsets: offsets.subarray(row, row + 2) })
          first.set(long.first, 16 * row)
          second.set(long.second, 16 * row++)
          most = ROWS.value
          continue
        }
        hash(groups)
        most = ROWS.value
        const half = (at: number): Uint8Array => memory.subarray(at, at + 16 * (to - row))
        first.set(half(FIRST.value), 16 * row)
        second.set(half(SECOND.value), 16 * row)
        row = to
      }
    })
    return { first, second }
  }

  const masks = (input: MasksInput): Uint8Array => {
    const { key, values, first, second, tweak, width } = checkMasks(input)
    const rows = values.length / 16
    const out = new Uint8Array(width * rows)
    session(key, ({ VALUES, TWEAK, FIRST, SECOND, DIGESTS, ROWS, mask, pack }, memory) => {
      memory.set(tweak, TWEAK.value)
      for (let from = 0; from < rows; from += ROWS.value) {
        const to = Math.min(rows, from + ROWS.value)
        memory.set(values.subarray(16 * from, 16 * to), VALUES.value)
        memory.set(first.subarray(16 * from, 16 * to), FIRST.value)
        memory.set(second.subarray(16 * from, 16 * to), SECOND.value)
        mask(4 * Math.ceil((to - from) / 4))
        pack(to - from, width)
        out.set(memory.subarray(DIGESTS.value, DIGESTS.value + width * (to - from)), width * from)
      }
    })
    return out
  }

  return { 'blake3/ids': ids, 'blake3/masks': masks }
}
