/** References of the PIR kernels: the definitions written down. Slow; the sampler is not constant-time. */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { gaussTable } from './gauss.ts'
import {
  expandRows,
  expandWords,
  type ExpandInput,
  type GaussInput,
  type MultiplyInput,
  type PatchInput,
  type ScanInput,
} from './kernels.ts'

/** a × bᵀ over Z_2^32, rows of `inner`: b.rows × a.rows. */
const product = (a: Uint8Array | Uint32Array, b: Uint32Array, inner: number): Uint32Array => {
  const rows = a.length / inner
  const count = b.length / inner
  const out = new Uint32Array(count * rows)
  for (let k = 0; k < count; k++) {
    for (let r = 0; r < rows; r++) {
      let sum = 0
      for (let j = 0; j < inner; j++) sum = (sum + Math.imul(a[r * inner + j]!, b[k * inner + j]!)) | 0
      out[k * rows + r] = sum
    }
  }
  return out
}

export const scan = ({ matrix, columns, queries }: ScanInput): Uint32Array => product(matrix, queries, columns)

export const multiply = ({ matrix, inner, vectors }: MultiplyInput): Uint32Array => product(matrix, vectors, inner)

export const patch = ({ words, inner, differences, matrix, columns }: PatchInput): Uint32Array => {
  const out = words.slice()
  const width = words.length / inner
  for (let b = 0; b < width; b++) {
    for (const [p, column] of columns.entries()) {
      const difference = differences[p * width + b]!
      for (let k = 0; k < inner; k++) out[b * inner + k]! += Math.imul(difference, matrix[column * inner + k]!)
    }
  }
  return out
}

export const gauss = ({ coins }: GaussInput): Int32Array => {
  const table = gaussTable()
  const view = new DataView(coins.buffer, coins.byteOffset, coins.byteLength)
  const low63 = (1n << 63n) - 1n
  return Int32Array.from({ length: coins.length / 16 }, (_, i) => {
    const first = view.getBigUint64(16 * i, true) & low63
    const second = view.getBigUint64(16 * i + 8, true)
    const u = (first << 63n) | (second & low63)
    let magnitude = 0
    for (const entry of table) if (entry <= u) magnitude++
    return second >> 63n === 1n ? -magnitude | 0 : magnitude
  })
}

export const expand = ({ seed, from, blocks }: ExpandInput): Uint8Array => {
  const bytes = 4 * expandRows * expandWords
  const out = new Uint8Array(blocks * bytes)
  for (let i = 0; i < blocks; i++) {
    const nonce = new Uint8Array(12)
    new DataView(nonce.buffer).setUint32(8, from + i)
    const block = out.subarray(i * bytes, (i + 1) * bytes)
    chacha20(seed, nonce, block, block)
  }
  return out
}
