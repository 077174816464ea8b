/**
 * `expand-convolute/encode` in WebAssembly. Time is what memory takes: a row of the two vectors is one cache line, each
 * output reads seven of them at random. Which ones is public, so nothing here depends on the elements, except that the
 * places of the sparse vector are written to as they are.
 */
import type { Engine } from '@tallystick/protocol'
import { type Arena, type ArenaExports, arenaOf } from '../arena.ts'
import { codeKeys } from '../aes/keys.ts'
import { loadModule, setKey } from '../aes/module.ts'
import type { EncodeInput, EncodeOutput } from './kernels.ts'
import { checkEncode } from './shapes.ts'
import { base64 } from './simd.wasm.ts'

export interface Exports extends ArenaExports {
  readonly begin: () => void
  readonly convolute: (rows: number, lanes: number, from: number, to: number, random: number) => void
  readonly wrap: (rows: number, lanes: number, count: number, random: number) => void
  readonly expand: (
    rows: number,
    lanes: number,
    count: number,
    n: number,
    random: number,
    first: number,
    second: number,
  ) => void
  readonly spread: (source: number, target: number, elements: number) => void
}

/** The next bytes of AES-128-CTR under a key; at most 64 KiB a call, a multiple of 16 but for the last. */
export type KeyStream = (key: Uint8Array) => (length: number) => Uint8Array

/** Rows of the convolution, and outputs, in one go; randomness of 64 KiB at most. */
const convoluteRows = 16_384
const expandRows = 2048

interface Place {
  readonly exports: Exports
  readonly memory: Uint8Array
  readonly lanes: 1 | 2
  readonly k: number
  /** k rows of `lanes` elements. */
  readonly rows: number
  readonly random: number
  /** Two areas of expandRows elements. */
  readonly first: number
  readonly second: number
}

/** The first place that is not below `bound`. */
const lowerBound = (places: Uint32Array, bound: number): number => {
  let low = 0
  for (let high = places.length; low < high;) {
    const middle = (low + high) >>> 1
    if (places[middle]! < bound) low = middle + 1
    else high = middle
  }
  return low
}

/** memory[at] ^= element i. */
const add = (memory: Uint8Array, at: number, elements: Uint8Array, i: number): void => {
  for (let k = 0; k < 16; k++) memory[at + k]! ^= elements[16 * i + k]!
}

/** Puts the second half of both vectors into rows. */
function load(place: Place, { dense, places, values, fills }: EncodeInput): void {
  const { exports, memory, lanes, k, rows, first } = place
  if (lanes === 1) return memory.set(dense.subarray(16 * k), rows)
  for (let from = 0; from < k; from += expandRows) {
    const n = Math.min(expandRows, k - from)
    memory.set(dense.subarray(16 * (k + from), 16 * (k + from + n)), first)
    exports.spread(first, rows + 32 * from, n)
  }
  for (let i = lowerBound(places, k); i < places.length; i++) {
    const row = rows + 32 * (places[i]! - k)
    memory.set(values.subarray(16 * i, 16 * i + 16), row + 16)
    if (fills.length > 0) add(memory, row, fills, i)
  }
}

function convolute({ exports, memory, lanes, k, rows, random }: Place, next: (length: number) => Uint8Array): void {
  exports.begin()
  for (let from = 0; from < k; from += convoluteRows) {
    const to = Math.min(k, from + convoluteRows)
    memory.set(next(4 * (to - from)), random)
    exports.convolute(rows, lanes, from, to, random)
  }
  memory.set(next(4 * 25), random)
  exports.wrap(rows, lanes, k, random)
}

function expand(place: Place, input: EncodeInput, next: (length: number) => Uint8Array): EncodeOutput {
  const { exports, memory, lanes, k, rows, random, first, second } = place
  const { dense, places, values, fills, outputs } = input
  const out = new Uint8Array(16 * outputs)
  const sparse = new Uint8Array(lanes === 2 ? 16 * outputs : 0)
  let at = 0
  for (let from = 0; from < outputs; from += expandRows) {
    const n = Math.min(expandRows, outputs - from)
    memory.set(next(28 * n), random)
    memory.set(dense.subarray(16 * from, 16 * (from + n)), first)
    memory.fill(0, second, second + 16 * n)
    for (; at < places.length && places[at]! < from + n; at++) {
      const row = 16 * (places[at]! - from)
      memory.set(values.subarray(16 * at, 16 * at + 16), second + row)
      if (fills.length > 0) add(memory, first + row, fills, at)
    }
    exports.expand(rows, lanes, k, n, random, first, second)
    out.set(memory.subarray(first, first + 16 * n), 16 * from)
    if (lanes === 2) sparse.set(memory.subarray(second, second + 16 * n), 16 * from)
  }
  return { dense: out, sparse }
}

export function expandConvoluteEngine(arena: Arena<Exports>, keyStream: KeyStream): Engine {
  const encode = (input: EncodeInput): EncodeOutput => {
    const { dense, places } = checkEncode(input)
    const lanes = places.length === 0 ? 1 : 2
    const k = dense.length / 32
    const rowBytes = 16 * lanes * k
    // 16 bytes to spare: each lane of a row pair stays within one cache line.
    return arena.run(rowBytes + 4 * convoluteRows + 32 * expandRows, (exports, base) => {
      const random = base + rowBytes
      const first = random + 4 * convoluteRows
      const memory = new Uint8Array(exports.memory.buffer)
      const place = { exports, memory, lanes, k, rows: base, random, first, second: first + 16 * expandRows } as const
      load(place, input)
      for (const key of codeKeys.convolutions) convolute(place, keyStream(key))
      return expand(place, input, keyStream(codeKeys.expander))
    })
  }
  return { 'expand-convolute/encode': encode }
}

export const loadArena = (): Promise<Arena<Exports>> => arenaOf<Exports>(base64)

export async function loadExpandConvolute(): Promise<Engine> {
  const aes = await loadModule()
  const keyStream: KeyStream = (key) => {
    let block = 0
    return (length) =>
      aes.run(65_536, (exports, base) => {
        const blocks = Math.ceil(length / 16)
        setKey(exports, 1, key, base)
        exports.stream(1, base, block, blocks)
        block += blocks
        return new Uint8Array(exports.memory.buffer, base, length).slice()
      })
  }
  return expandConvoluteEngine(await loadArena(), keyStream)
}
