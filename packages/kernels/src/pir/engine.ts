/**
 * The WebAssembly engine of the PIR kernels. Resident matrices (module.ts) are worked on where they lie; others are
 * copied through 8 MiB. Scratch is wiped of secrets (queries' halves, coins, secrets of vectors) after each call.
 */
import { gaussTable } from './gauss.ts'
import type { ExpandInput, GaussInput, MultiplyInput, PatchInput, ScanInput } from './kernels.ts'
import {
  commonInstance,
  inScratch,
  isWide,
  layout,
  ownScratch as own,
  residentIn,
  type Instance,
  type Scratch,
} from './module.ts'
import * as reference from './reference.ts'
import { checkExpand, checkGauss, checkMultiply, checkPatch, checkScan } from './shapes.ts'

const bytesOf = (view: Uint8Array | Uint32Array | Int16Array): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

const wipe = ({ bytes }: Instance, from: number, length: number): void => void bytes.fill(0, from, from + length)

/** Calls `each` with the address of every block of rows of a matrix: where it lies, or where it is copied to. */
const eachBlock = (
  matrix: Uint8Array,
  rowBytes: number,
  most: number,
  each: (instance: Instance, address: number, from: number, rows: number) => void,
): void => {
  const rows = matrix.length / rowBytes
  const home = residentIn(matrix)
  if (home !== undefined) {
    for (let from = 0; from < rows; from += most) {
      each(home, matrix.byteOffset + from * rowBytes, from, Math.min(most, rows - from))
    }
    return
  }
  const common = commonInstance()
  // Rows of the last block are filled up to a multiple of 4: there is room for them.
  const fitting = Math.min(most, Math.max(4, 4 * Math.floor(common.room / rowBytes / 4)))
  for (let from = 0; from < rows; from += fitting) {
    const count = Math.min(fitting, rows - from)
    common.bytes.set(matrix.subarray(from * rowBytes, (from + count) * rowBytes), common.free)
    each(common, common.free, from, count)
  }
}

/** Rows are worked off in fours; what remains of a matrix that ends elsewhere is done here. */
const tail = (matrix: Uint8Array | Uint32Array, width: number, vector: Uint32Array, row: number): number => {
  let sum = 0
  for (let j = 0; j < width; j++) sum = (sum + Math.imul(matrix[row * width + j]!, vector[j]!)) | 0
  return sum
}

const scan = (input: ScanInput): Uint32Array => {
  const home = residentIn(checkScan(input).matrix) ?? commonInstance()
  return inScratch(home, (scratch) => scanIn(scratch, input))
}

const scanIn = (scratch: Scratch, { matrix, columns, queries }: ScanInput): Uint32Array => {
  const rows = matrix.length / columns
  const count = queries.length / columns
  const out = new Uint32Array(count * rows)
  const most = Math.max(2, 2 * Math.floor(layout.halvesBytes / (4 * columns) / 2))
  for (let first = 0; first < count; first += most) {
    const group = Math.min(most, count - first)
    const even = group + (group & 1)
    const wide = isWide() && group === 1 && columns % 32 === 0
    const rowsAtOnce = 4 * Math.floor(layout.outBytes / (16 * even))
    let loaded: Instance | undefined
    eachBlock(matrix, columns, rowsAtOnce, (instance, address, from, height) => {
      const { exports, bytes, memory } = instance
      if (loaded !== instance) {
        for (let k = 0; k < even; k++) {
          const query = queries.subarray((first + k) * columns, (first + k + 1) * columns)
          if (k < group) bytes.set(bytesOf(query), scratch.raw)
          else wipe(instance, scratch.raw, 4 * columns)
          const split = wide ? exports.splitWide : exports.split
          split(scratch.raw, columns, scratch.halves + 4 * columns * k)
        }
        loaded = instance
      }
      const whole = height & -4
      if (wide) exports.scanWide(address, columns, whole, scratch.halves, scratch.out, scratch.raw)
      else if (group === 1) exports.scan(address, columns, whole, scratch.halves, scratch.out)
      else exports.scanBatch(address, columns, whole, scratch.halves, scratch.out, even)
      const answers = new Uint32Array(memory.buffer, scratch.out, even * whole)
      for (let k = 0; k < group; k++) {
        out.set(answers.subarray(k * whole, (k + 1) * whole), (first + k) * rows + from)
        const query = queries.subarray((first + k) * columns, (first + k + 1) * columns)
        for (let r = whole; r < height; r++) out[(first + k) * rows + from + r] = tail(matrix, columns, query, from + r)
      }
    })
    if (loaded !== undefined) wipe(loaded, scratch.raw, 4 * columns)
    if (loaded !== undefined) wipe(loaded, scratch.halves, 4 * columns * even)
  }
  return out
}

/** Rows of a block that stays in the second cache while all vectors pass over it. */
const cachedBytes = 1 << 17

const multiply = (input: MultiplyInput): Uint32Array => {
  const home = residentIn(checkMultiply(input).matrix) ?? commonInstance()
  return inScratch(home, (scratch) => multiplyIn(scratch, input))
}

const multiplyIn = (scratch: Scratch, { matrix, inner, vectors }: MultiplyInput): Uint32Array => {
  const rows = matrix.length / inner
  const count = vectors.length / inner
  const out = new Uint32Array(count * rows)
  const most = Math.max(1, Math.floor(layout.halvesBytes / (4 * inner)))
  for (let first = 0; first < count; first += most) {
    const group = Math.min(most, count - first)
    const height = group === 1 ? 1 << 16 : Math.max(4, 4 * Math.floor(cachedBytes / inner / 16))
    let loaded: Instance | undefined
    eachBlock(bytesOf(matrix), 4 * inner, height, (instance, address, from, size) => {
      const { exports, bytes, memory } = instance
      if (loaded !== instance) {
        bytes.set(bytesOf(vectors.subarray(first * inner, (first + group) * inner)), scratch.halves)
        loaded = instance
      }
      const whole = size & -4
      for (let k = 0; k < group; k++) {
        exports.multiply(address, inner, whole, scratch.halves + 4 * inner * k, scratch.out)
        out.set(new Uint32Array(memory.buffer, scratch.out, whole), (first + k) * rows + from)
        const vector = vectors.subarray((first + k) * inner, (first + k + 1) * inner)
        for (let r = whole; r < size; r++) out[(first + k) * rows + from + r] = tail(matrix, inner, vector, from + r)
      }
    })
    if (loaded !== undefined) wipe(loaded, scratch.halves, 4 * inner * group)
    if (loaded !== undefined) wipe(loaded, scratch.out, Math.min(layout.outBytes, 4 * rows))
  }
  return out
}

/** Columns of a hint at once, and where their rows of the matrix are put: behind the halves of their pairs. */
const patchColumns = 256
const patchRows = own.halves + (1 << 16)

/** The lines of a hint in which any column changed: those of a tag that stays have not. */
const changedLines = (differences: Int16Array, width: number, count: number): readonly number[] => {
  const changed = new Uint16Array(width)
  for (let p = 0, at = 0; p < count; p++) for (let b = 0; b < width; b++, at++) changed[b]! |= differences[at]!
  return Array.from(changed.keys()).filter((b) => changed[b] !== 0)
}

const patch = (input: PatchInput): Uint32Array => {
  const { words, inner, differences, matrix, columns } = checkPatch(input)
  const width = words.length / inner
  const lines = changedLines(differences, width, columns.length)
  // Lines are worked off in fours; those that fill up have no differences.
  const even = 4 * Math.ceil(lines.length / 4)
  const { exports, memory, free, room } = commonInstance()
  const atOnce = Math.min(patchColumns, 4 * Math.floor((layout.halvesBytes - (1 << 16)) / (16 * inner)))
  if (4 * inner * even > room || 2 * even * patchColumns > layout.rawBytes || atOnce < 4) return reference.patch(input)
  const hint = new Uint32Array(memory.buffer, free, inner * even)
  if (lines.length === width) hint.set(words)
  else lines.forEach((line, i) => hint.set(words.subarray(line * inner, (line + 1) * inner), i * inner))
  const rows = new Uint32Array(memory.buffer, patchRows, inner * atOnce)
  for (let first = 0; first < columns.length; first += atOnce) {
    const group = Math.min(atOnce, columns.length - first)
    const pairs = 2 * Math.ceil(group / 4)
    const part = new Int16Array(memory.buffer, own.raw, even * 2 * pairs).fill(0)
    for (const [i, line] of lines.entries()) {
      const into = 2 * pairs * i
      for (let p = 0, at = first * width + line; p < group; p++, at += width) part[into + p] = differences[at]!
    }
    for (let p = 0; p < group; p++) {
      const column = columns[first + p]!
      rows.set(matrix.subarray(column * inner, (column + 1) * inner), p * inner)
    }
    rows.fill(0, group * inner, 2 * pairs * inner)
    exports.patch(free, inner, even, own.raw, pairs, patchRows, own.halves)
  }
  if (lines.length === width) return hint.slice(0, words.length)
  const out = words.slice()
  lines.forEach((line, i) => out.set(hint.subarray(i * inner, (i + 1) * inner), line * inner))
  return out
}

const gauss = (input: GaussInput): Int32Array => {
  const { coins } = checkGauss(input)
  const count = coins.length / 16
  const out = new Int32Array(count)
  const instance = commonInstance()
  const { exports, bytes, memory } = instance
  const most = layout.rawBytes / 16
  for (let first = 0; first < count; first += most) {
    const group = Math.min(most, count - first)
    bytes.set(coins.subarray(16 * first, 16 * (first + group)), own.raw)
    exports.gauss(own.raw, group + (group & 1), layout.table, gaussTable().length, own.out)
    out.set(new Int32Array(memory.buffer, own.out, group), first)
  }
  const dirty = Math.min(most, count) + 1
  wipe(instance, own.raw, Math.min(layout.rawBytes, 16 * dirty))
  wipe(instance, own.out, 4 * dirty)
  return out
}

export const pirEngine = {
  'pir/scan': scan,
  'pir/multiply': multiply,
  'pir/patch': patch,
  'pir/gauss': gauss,
  'pir/expand': (input: ExpandInput) => reference.expand(checkExpand(input)),
} as const
