/** `field61/*` in WebAssembly. Vectors are copied in tiles, padded with zeros to whole 32 bytes. */
import type { Engine } from '@tallystick/protocol'
import { arenaOf, type ArenaExports } from '../arena.ts'
import {
  checkCombine,
  checkDots,
  checkMultiply,
  type CombineInput,
  type DotsInput,
  type MultiplyInput,
} from './kernels.ts'
import { base64 } from './simd.wasm.ts'

interface Exports extends ArenaExports {
  readonly multiply: (x: number, y: number, to: number, bytes: number) => void
  readonly spread: (from: number, to: number) => void
  readonly scaleAdd: (x: number, factor: number, to: number, bytes: number) => void
  readonly dot: (x: number, y: number, to: number, bytes: number) => void
}

const tileWords = 16_384
const whole = (bytes: number): number => Math.ceil(bytes / 32) * 32

export async function loadField61(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)
  /** A tile of words at an address, zeros up to whole 32 bytes. */
  const put = (words: Uint32Array, at: number, source: Uint32Array): number => {
    const size = whole(4 * source.length)
    words.set(source, at / 4)
    words.fill(0, at / 4 + source.length, (at + size) / 4)
    return size
  }

  const multiply = (input: MultiplyInput): Uint32Array => {
    const { x, y } = checkMultiply(input)
    const out = new Uint32Array(x.length)
    arena.run(12 * tileWords, (exports, base) => {
      const words = new Uint32Array(exports.memory.buffer)
      const [second, result] = [base + 4 * tileWords, base + 8 * tileWords]
      for (let from = 0; from < x.length; from += tileWords) {
        const to = Math.min(from + tileWords, x.length)
        const size = put(words, base, x.subarray(from, to))
        put(words, second, y.subarray(from, to))
        exports.multiply(base, second, result, size)
        out.set(words.subarray(result / 4, result / 4 + to - from), from)
      }
    })
    return out
  }

  const combine = (input: CombineInput): Uint32Array => {
    const { vectors, factors } = checkCombine(input)
    const count = factors.length / 2
    const length = vectors.length / count
    const out = new Uint32Array(length)
    arena.run(8 * tileWords + 64, (exports, base) => {
      const words = new Uint32Array(exports.memory.buffer)
      const result = base + 4 * tileWords
      const factor = result + 4 * tileWords
      for (let from = 0; from < length; from += tileWords) {
        const to = Math.min(from + tileWords, length)
        words.fill(0, result / 4, result / 4 + whole(4 * (to - from)) / 4)
        for (let k = 0; k < count; k++) {
          words.set(factors.subarray(2 * k, 2 * k + 2), factor / 4 + 8)
          exports.spread(factor + 32, factor)
          const size = put(words, base, vectors.subarray(k * length + from, k * length + to))
          exports.scaleAdd(base, factor, result, size)
        }
        out.set(words.subarray(result / 4, result / 4 + to - from), from)
      }
    })
    return out
  }

  const dots = (input: DotsInput): Uint32Array => {
    const { x, y, inner } = checkDots(input)
    const [rows, columns] = [x.length / (2 * inner), y.length / (2 * inner)]
    const out = new Uint32Array(2 * rows * columns)
    const row = whole(8 * inner)
    arena.run((1 + columns) * row + 32, (exports, base) => {
      const words = new Uint32Array(exports.memory.buffer)
      const [right, result] = [base + row, base + (1 + columns) * row]
      for (let c = 0; c < columns; c++) put(words, right + c * row, y.subarray(2 * inner * c, 2 * inner * (c + 1)))
      for (let r = 0, at = 0; r < rows; r++) {
        put(words, base, x.subarray(2 * inner * r, 2 * inner * (r + 1)))
        for (let c = 0; c < columns; c++, at += 2) {
          exports.dot(base, right + c * row, result, row)
          out[at] = words[result / 4]!
          out[at + 1] = words[result / 4 + 1]!
        }
      }
    })
    return out
  }

  return { 'field61/multiply': multiply, 'field61/combine': combine, 'field61/dots': dots }
}
