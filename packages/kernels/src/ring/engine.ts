/**
 * `ring64/*`, `ring128/*` and `bits/*` in WebAssembly, in tiles of 64 KiB a vector. Key streams come from the engine's
 * AES. Memory is fixed; what a call used is wiped after it.
 */
import type { Engine } from '@tallystick/protocol'
import { setKey, loadModule } from '../aes/module.ts'
import { arenaOf, type ArenaExports } from '../arena.ts'
import { beaverEngine, type BeaverExports } from '../beaver/engine.ts'
import type { AndInput, ExpandInput, PermutationInput, SliceInput, UnsliceInput } from '../bits/kernels.ts'
import * as bitsReference from '../bits/reference.ts'
import { checkAnd, checkExpand, checkPermutation, checkSlice, checkUnslice, planeWords } from '../bits/shapes.ts'
import type { CrossTermsInput, MatrixProductInput } from './kernels.ts'
import { checkCrossTerms, checkMatrixProduct } from './shapes.ts'
import { base64 } from './simd.wasm.ts'

type Address = WebAssembly.Global<'i32'>
interface Exports extends ArenaExports, Omit<BeaverExports, 'memory'> {
  readonly X0: Address
  readonly X1: Address
  readonly Y0: Address
  readonly Y1: Address
  readonly OWN: Address
  readonly NEXT: Address
  readonly OUT: Address
  readonly PLANE: Address
  readonly terms64: (bytes: number) => void
  readonly terms128: (bytes: number) => void
  readonly termsBits: (bytes: number) => void
  readonly sum64: (bytes: number) => void
  readonly sum128: (bytes: number) => void
  readonly dots64: (rows: number, columns: number, stride: number) => void
  readonly dots128: (rows: number, columns: number, stride: number) => void
  readonly scatter: (blocks: number, step: number, offset: number) => void
  readonly gather: (blocks: number, step: number, offset: number) => void
  readonly wipe: (bytes: number) => void
}

/** Fills the next bytes of a key stream into memory; at most a tile at once, whole blocks but the last. */
export type Stream = (target: Uint8Array) => void
export type StreamOf = (key: Uint8Array, at: number) => Stream

const tileWords = 16_384

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
const round = (bytes: number): number => Math.ceil(bytes / 16) * 16

/** The tiles of `total` words: [from, to). */
function* tiles(total: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < total; from += tileWords) yield [from, Math.min(from + tileWords, total)]
}

const termsOf =
  (exports: Exports, streamOf: StreamOf, terms: (bytes: number) => void) =>
  ({ x0, x1, y0, y1, ownKey, nextKey, at }: CrossTermsInput | AndInput): Uint32Array => {
    const out = new Uint32Array(x0.length)
    const words = new Uint32Array(exports.memory.buffer)
    const bytes = new Uint8Array(exports.memory.buffer)
    const [own, next] = [streamOf(ownKey, at), streamOf(nextKey, at)]
    const place = ({ value }: Address): number => value / 4
    for (const [from, to] of tiles(x0.length)) {
      const size = 4 * (to - from)
      words.set(x0.subarray(from, to), place(exports.X0))
      words.set(x1.subarray(from, to), place(exports.X1))
      words.set(y0.subarray(from, to), place(exports.Y0))
      words.set(y1.subarray(from, to), place(exports.Y1))
      own(bytes.subarray(exports.OWN.value, exports.OWN.value + size))
      next(bytes.subarray(exports.NEXT.value, exports.NEXT.value + size))
      terms(round(size))
      out.set(words.subarray(place(exports.OUT), place(exports.OUT) + to - from), from)
    }
    exports.wipe(round(4 * Math.min(tileWords, x0.length)))
    return out
  }

interface Blocks {
  readonly limbs: number
  /** Words of a row of a tile: `depth` elements and zeros up to whole vectors. */
  readonly stride: number
  readonly depth: number
  readonly rows: number
  readonly columns: number
}

/** Tiles of a product: as many rows and columns as a tile takes. */
const blocksOf = ({ rows, inner, columns }: MatrixProductInput, limbs: number): Blocks => {
  // Deep tiles for few rows and columns, else rows of 8 KiB.
  const deepest = Math.max(2048, Math.floor(tileWords / Math.max(rows, columns) / 16) * 16)
  const depth = Math.max(1, Math.min(inner, deepest / limbs))
  const stride = Math.ceil((depth * limbs) / 4) * 4
  const most = Math.floor(tileWords / stride)
  const wide = Math.max(1, Math.min(columns, most, Math.floor(tileWords / limbs)))
  return { limbs, stride, depth, columns: wide, rows: Math.min(rows, most, Math.floor(tileWords / limbs / wide)) }
}

/** Rows from … to of a matrix of `width` columns, elements k … k + depth of each, into memory. */
const loadRows = (
  words: Uint32Array,
  target: number,
  matrix: Uint32Array,
  [from, to]: readonly [number, number],
  width: number,
  [k, end]: readonly [number, number],
  { limbs, stride }: Blocks,
): void => {
  const run = limbs * (end - k)
  if (end - k === width && run === stride) {
    words.set(matrix.subarray(limbs * from * width, limbs * to * width), target)
    return
  }
  for (let row = from, at = target; row < to; row++, at += stride) {
    const start = limbs * (row * width + k)
    words.set(matrix.subarray(start, start + run), at)
    if (run < stride) words.fill(0, at + run, at + stride)
  }
}

/** Columns from … to, elements k … end of each, transposed into rows. */
const loadColumns = (
  words: Uint32Array,
  target: number,
  matrix: Uint32Array,
  [from, to]: readonly [number, number],
  width: number,
  [k, end]: readonly [number, number],
  { limbs, stride }: Blocks,
): void => {
  if (width === 1) {
    words.set(matrix.subarray(limbs * k, limbs * end), target)
    if (limbs * (end - k) < stride) words.fill(0, target + limbs * (end - k), target + stride)
    return
  }
  words.fill(0, target, target + stride * (to - from))
  for (let row = k, column = target; row < end; row++, column += limbs) {
    for (let c = from, at = column, source = limbs * (row * width + from); c < to; c++, at += stride) {
      for (let limb = 0; limb < limbs; limb++) words[at + limb] = matrix[source++]!
    }
  }
}

const matrixProductOf =
  (exports: Exports, ring: 64 | 128) =>
  (given: MatrixProductInput): Uint32Array => {
    const input = checkMatrixProduct(given, ring)
    const { rows, inner, columns, transposed, x0, x1, y0, y1 } = input
    const limbs = ring / 32
    const out = new Uint32Array(limbs * rows * columns)
    if (out.length === 0) return out
    const blocks = blocksOf(input, limbs)
    const { stride, depth } = blocks
    const words = new Uint32Array(exports.memory.buffer)
    const place = ({ value }: Address): number => value / 4
    const [sum, dots] = ring === 64 ? [exports.sum64, exports.dots64] : [exports.sum128, exports.dots128]
    const result = place(exports.OUT)
    for (let c = 0; c < columns; c += blocks.columns) {
      const wide = [c, Math.min(c + blocks.columns, columns)] as const
      for (let k = 0; k < inner; k += depth) {
        const deep = [k, Math.min(k + depth, inner)] as const
        const load = transposed ? loadRows : loadColumns
        const width = transposed ? inner : columns
        load(words, place(exports.Y0), y0, wide, width, deep, blocks)
        load(words, place(exports.Y1), y1, wide, width, deep, blocks)
        sum(4 * stride * (wide[1] - c))
        for (let r = 0; r < rows; r += blocks.rows) {
          const tall = [r, Math.min(r + blocks.rows, rows)] as const
          loadRows(words, place(exports.X0), x0, tall, inner, deep, blocks)
          loadRows(words, place(exports.X1), x1, tall, inner, deep, blocks)
          const run = limbs * (wide[1] - c)
          const cell = (row: number): number => limbs * (row * columns + c)
          for (let row = r, at = result; row < tall[1]; row++, at += run) {
            words.set(out.subarray(cell(row), cell(row) + run), at)
          }
          dots(tall[1] - r, wide[1] - c, 4 * stride)
          for (let row = r, at = result; row < tall[1]; row++, at += run) {
            out.set(words.subarray(at, at + run), cell(row))
          }
        }
      }
    }
    exports.wipe(4 * tileWords)
    return out
  }

/** Lanes of a tile and the halves of an element: low and high 64 bits apart. */
const lanesOf = (ring: number): number => (64 * tileWords) / 2 / ring

const sliceOf =
  (exports: Exports) =>
  (input: SliceInput): Uint32Array => {
    const { words: source, ring } = checkSlice(input)
    const limbs = ring / 32
    const length = source.length / limbs
    const plane = planeWords(length)
    const out = new Uint32Array(ring * plane)
    const words = new Uint32Array(exports.memory.buffer)
    const [from, to, step] = [exports.X0.value / 4, exports.OUT.value / 4, exports.PLANE.value / 4]
    for (let lane = 0; lane < length; lane += lanesOf(ring)) {
      const count = Math.min(lanesOf(ring), length - lane)
      const padded = Math.ceil(count / 64) * 64
      words.set(source.subarray(limbs * lane, limbs * (lane + count)), from)
      words.fill(0, from + limbs * count, from + limbs * padded)
      for (let half = 0; half < ring / 64; half++) {
        exports.scatter(padded / 64, ring / 8, 8 * half)
        for (let bit = 0; bit < 64; bit++) {
          const at = to + bit * step
          out.set(words.subarray(at, at + padded / 32), (64 * half + bit) * plane + lane / 32)
        }
      }
    }
    exports.wipe(4 * tileWords)
    return out
  }

const unsliceOf =
  (exports: Exports) =>
  (input: UnsliceInput): Uint32Array => {
    const { planes, ring, length } = checkUnslice(input)
    const limbs = ring / 32
    const plane = planeWords(length)
    const out = new Uint32Array(limbs * length)
    const words = new Uint32Array(exports.memory.buffer)
    const [source, target, step] = [exports.OUT.value / 4, exports.X0.value / 4, exports.PLANE.value / 4]
    for (let lane = 0; lane < length; lane += lanesOf(ring)) {
      const count = Math.min(lanesOf(ring), length - lane)
      const padded = Math.ceil(count / 64) * 64
      for (let half = 0; half < ring / 64; half++) {
        for (let bit = 0; bit < 64; bit++) {
          const at = (64 * half + bit) * plane + lane / 32
          words.set(planes.subarray(at, at + padded / 32), source + bit * step)
        }
        exports.gather(padded / 64, ring / 8, 8 * half)
      }
      out.set(words.subarray(target, target + limbs * count), limbs * lane)
    }
    exports.wipe(4 * tileWords)
    return out
  }

const expandBy =
  (streamOf: StreamOf) =>
  (input: ExpandInput): Uint32Array => {
    const { key, at, words } = checkExpand(input)
    const out = new Uint32Array(words)
    const bytes = bytesOf(out)
    const next = streamOf(key, at)
    for (const [from, to] of tiles(words)) next(bytes.subarray(4 * from, 4 * to))
    return out
  }

/** The reference without bigints: a product of two 32-bit numbers in two halves that a double holds. */
const permutationBy =
  (streamOf: StreamOf) =>
  (input: PermutationInput): Uint32Array => {
    const { key, at, length } = checkPermutation(input)
    const out = Uint32Array.from({ length }, (_, i) => i)
    const words = new Uint32Array(tileWords)
    const refill = streamOf(key, at)
    let drawn = words.length
    for (let i = length - 1; i > 0; i--) {
      const range = i + 1
      let least = -1
      for (;;) {
        if (drawn === words.length) {
          refill(bytesOf(words))
          drawn = 0
        }
        const word = words[drawn++]!
        const low = (word & 0xffff) * range
        const middle = (word >>> 16) * range + Math.floor(low / 0x10000)
        const rest = ((middle % 0x10000) * 0x10000 + (low % 0x10000)) % 2 ** 32
        if (rest < range) {
          if (least < 0) least = 2 ** 32 % range
          if (rest < least) continue
        }
        const j = Math.floor(middle / 0x10000)
        const value = out[i]!
        out[i] = out[j]!
        out[j] = value
        break
      }
    }
    words.fill(0)
    return out
  }

/** The group over any AES: the portable one, or that of the platform. */
export async function ringEngine(streamOf: StreamOf): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)
  return arena.run(0, (exports) => {
    const crossTerms = (ring: 64 | 128) => {
      const terms = termsOf(exports, streamOf, ring === 64 ? exports.terms64 : exports.terms128)
      return (input: CrossTermsInput) => terms(checkCrossTerms(input, ring))
    }
    const and = termsOf(exports, streamOf, exports.termsBits)
    return {
      'ring64/cross-terms': crossTerms(64),
      'ring128/cross-terms': crossTerms(128),
      'ring64/matrix-product': matrixProductOf(exports, 64),
      'ring128/matrix-product': matrixProductOf(exports, 128),
      'bits/and': (input: AndInput) => and(checkAnd(input)),
      'bits/slice': sliceOf(exports),
      'bits/unslice': unsliceOf(exports),
      'bits/expand': expandBy(streamOf),
      'bits/permutation': permutationBy(streamOf),
      ...beaverEngine(exports, streamOf),
    }
  })
}

/** Blocks that the counter of the WebAssembly AES reaches. */
const lastBlock = 2 ** 31

export const loadShares = async (): Promise<Engine> => {
  const aes = await loadModule()
  return ringEngine((key, first) => {
    let at = first
    return (target) => {
      const blocks = Math.ceil(target.length / 16)
      if (at + blocks > lastBlock)
        target.set(bytesOf(bitsReference.expand({ key, at, words: 4 * blocks })).subarray(0, target.length))
      else {
        aes.run(16 * blocks + 16, (exports, base) => {
          setKey(exports, 0, key, base + 16 * blocks)
          exports.stream(0, base, at, blocks)
          target.set(new Uint8Array(exports.memory.buffer, base, target.length))
          exports.wipeSlots()
        })
      }
      at += blocks
    }
  })
}
