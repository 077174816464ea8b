import { codeKeys } from '../aes/keys.ts'
import { stream } from '../aes/reference.ts'
import type { EncodeInput, EncodeOutput } from './kernels.ts'

/** Words of 32 bits from a key, one after the other. */
function wordsOf(key: Uint8Array, count: number): Uint32Array {
  const bytes = stream(key, 4 * count)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true))
}

const add = (target: Uint8Array, to: number, source: Uint8Array, from: number): void => {
  for (let k = 0; k < 16; k++) target[16 * to + k]! ^= source[16 * from + k]!
}

function convolute(rows: Uint8Array, key: Uint8Array): void {
  const k = rows.length / 16
  const words = wordsOf(key, k + 25)
  /** Adds to row i of k what lies 1 to 25 before place `at`, if it is not before the first row `least`. */
  const collect = (i: number, at: number, least: number): void => {
    if (at - 25 >= least) add(rows, i, rows, at - 25)
    for (let m = 0; m < 24; m++) {
      const from = at - 24 + m
      if (((words[at]! >> m) & 1) === 1 && from >= least && from < k) add(rows, i, rows, from)
    }
  }
  for (let i = 0; i < k; i++) collect(i, i, 0)
  for (let i = 0; i < 25; i++) collect(i, k + i, k - 25)
}

function encodeOne(elements: Uint8Array, outputs: number): Uint8Array {
  const k = elements.length / 32
  const rows = elements.slice(16 * k)
  for (const key of codeKeys.convolutions) convolute(rows, key)
  const words = wordsOf(codeKeys.expander, 7 * outputs)
  const place = (word: number, range: number): number => Number((BigInt(word) * BigInt(range)) >> 32n)
  const out = elements.slice(0, 16 * outputs)
  for (let i = 0; i < outputs; i++) {
    for (let j = 0; j < 7; j++) {
      const word = words[7 * i + j]!
      add(out, i, rows, j < 4 ? (j * k) / 4 + place(word, k / 4) : place(word, k))
    }
  }
  return out
}

export function encode({ dense: given, places, values, fills, outputs }: EncodeInput): EncodeOutput {
  const dense = given.slice()
  if (fills.length > 0) places.forEach((place, i) => add(dense, place, fills, i))
  const second = new Uint8Array(places.length === 0 ? 0 : dense.length)
  places.forEach((place, i) => second.set(values.subarray(16 * i, 16 * i + 16), 16 * place))
  return {
    dense: encodeOne(dense, outputs),
    sparse: places.length === 0 ? new Uint8Array() : encodeOne(second, outputs),
  }
}
