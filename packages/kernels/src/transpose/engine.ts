/** `transpose/bits` in WebAssembly, in tiles of columns; tiles have rows of an odd number of blocks, for the cache. */
import type { Engine } from '@tallystick/protocol'
import { arenaOf, type ArenaExports } from '../arena.ts'
import type { BitsInput } from './kernels.ts'
import { checkBits } from './shapes.ts'
import { base64 } from './simd.wasm.ts'

interface Exports extends ArenaExports {
  readonly transpose: (input: number, stride: number, output: number, step: number, columns: number) => void
  readonly wipe: () => void
}

/** Most bytes of a row in a tile, and of a tile's result. */
const mostTileBytes = 1024
const mostResultBytes = 2 ** 20

export async function loadTranspose(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)
  const bits = (input: BitsInput): Uint8Array => {
    const { rows, height } = checkBits(input)
    const width = rows.length / height
    const step = height / 8
    const out = new Uint8Array(rows.length)
    const fitting = 16 * Math.max(1, Math.floor(mostResultBytes / (128 * step)))
    const tileBytes = Math.min(width, mostTileBytes, fitting)
    const stride = tileBytes + 16
    return arena.run(128 * stride + 8 * tileBytes * step, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      const result = base + 128 * stride
      for (let from = 0; from < width; from += tileBytes) {
        const length = Math.min(tileBytes, width - from)
        for (let top = 0; top < height; top += 128) {
          for (let row = 0; row < 128; row++) {
            const at = (top + row) * width + from
            memory.set(rows.subarray(at, at + length), base + row * stride)
          }
          exports.transpose(base, stride, result + top / 8, step, 8 * length)
        }
        out.set(memory.subarray(result, result + 8 * length * step), 8 * from * step)
      }
      exports.wipe()
      return out
    })
  }
  return { 'transpose/bits': bits }
}
