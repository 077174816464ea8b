/**
 * `blake3/*` in WebAssembly, four rows at once, in tiles of up to 2048 rows and 64 KiB. Rows are taken in groups of four
 * with equally many blocks, so an order by number of blocks is made first: it follows the lengths, which are no secret.
 * Rows over 1024 bytes, which have more than one chunk, go to the reference. Memory is fixed, and wiped after a call.
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
  readonly ORDER: Address
  readonly DIGESTS: Address
  readonly VALUES: Address
  readonly TWEAK: Address
  readonly FIRST: Address
  readonly SECOND: Address
  readonly setKey: () => void
  readonly hash: (groups: number) => void
  readonly mask: (rows: number) => void
  readonly pack: (rows: number, width: number) => void
  readonly wipe: () => void
}

const chunkBytes = 1024
const blocksOf = (length: number): number => Math.max(1, (length + 63) >>> 6)

/** Writes rows [from, to) into ORDER, by number of blocks, each group of four filled up with its last row. */
function order(words: Uint32Array, offsets: Uint32Array, from: number, to: number): number {
  const starts = new Uint32Array(18)
  for (let row = from; row < to; row++) starts[blocksOf(offsets[row + 1]! - offsets[row]!)]!++
  let at = 0
  for (let blocks = 1; blocks <= 16; blocks++) {
    const count = starts[blocks]!
    starts[blocks] = at
    at += 4 * Math.ceil(count / 4)
  }
  words.fill(0xffff_ffff, 0, at)
  for (let row = from; row < to; row++) words[starts[blocksOf(offsets[row + 1]! - offsets[row]!)]!++] = row - from
  for (let i = 1; i < at; i++) if (words[i] === 0xffff_ffff) words[i] = words[i - 1]!
  return at / 4
}

/** The same for rows that all have equally many blocks. */
function orderEven(words: Uint32Array, rows: number): number {
  const all = 4 * Math.ceil(rows / 4)
  for (let i = 0; i < all; i++) words[i] = Math.min(i, rows - 1)
  return all / 4
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
    session(key, ({ MESSAGES, OFFSETS, ORDER, FIRST, SECOND, ROWS, BYTES, hash, memory: { buffer } }, memory) => {
      const positions = new Uint32Array(buffer, OFFSETS.value, ROWS.value + 1)
      const orders = new Uint32Array(buffer, ORDER.value, 4 * ROWS.value + 64)
      for (let row = 0; row < rows;) {
        const start = offsets[row]!
        let [to, longest, shortest] = [row, 0, chunkBytes]
        for (; to < rows && to - row < ROWS.value && offsets[to + 1]! - start <= BYTES.value; to++) {
          const length = offsets[to + 1]! - offsets[to]!
          if (length > chunkBytes) break
          longest = Math.max(longest, length)
          shortest = Math.min(shortest, length)
        }
        if (to === row) {
          const long = reference.ids({ key, bytes, offsets: offsets.subarray(row, row + 2) })
          first.set(long.first, 16 * row)
          second.set(long.second, 16 * row++)
          continue
        }
        memory.set(bytes.subarray(start, offsets[to]), MESSAGES.value)
        for (let i = row; i <= to; i++) positions[i - row] = offsets[i]! - start
        const even = blocksOf(longest) === blocksOf(shortest)
        hash(even ? orderEven(orders, to - row) : order(orders, offsets, row, to))
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
