/** The batched oblivious PRF of KKRT16: code words, the matrix of the transfers, and the final hash. */
import { invariant, taggedDigest } from '@tallystick/core'
import { aesExpand, aesHash, blake3Ids, transposeBits } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Role } from '../ecdh/messages.ts'
import { codeBits, codeBytes, frameBins, matrixRows, type Parameters } from './messages.ts'

type Compute = Pick<Context<any, Role>, 'compute'>

/** Rows that a kernel call takes. */
export const stepRows = 16_384
const blockBytes = 16

const wordsOf = (bytes: Uint8Array): Uint32Array => {
  invariant(bytes.byteOffset % 4 === 0, 'tables lie on word boundaries')
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
}

/** target ^= source. */
export const addInto = (target: Uint8Array, source: Uint8Array): void => {
  const to = wordsOf(target)
  const from = wordsOf(source)
  for (let i = 0; i < to.length; i++) to[i]! ^= from[i]!
}

/** Digests of ids under the session's salt: `places` has the hash functions, `second` the input of the code. */
export function* digestsOf(
  ctx: Compute,
  salt: Uint8Array,
  { bytes, offsets }: Items,
): Routine<{ readonly places: Uint8Array; readonly second: Uint8Array }> {
  const key = taggedDigest('tallystick/psi/kkrt16/ids/v1', salt)
  const rows = offsets.length - 1
  const places = new Uint8Array(blockBytes * rows)
  const second = new Uint8Array(blockBytes * rows)
  for (const [from, to] of chunks(rows, stepRows)) {
    const start = offsets[from]!
    const own = offsets.slice(from, to + 1)
    for (let i = 0; i < own.length; i++) own[i]! -= start
    const part = yield* ctx.compute(blake3Ids, { key, bytes: bytes.subarray(start, offsets[to]), offsets: own })
    places.set(part.first, blockBytes * from)
    second.set(part.second, blockBytes * from)
  }
  return { places, second }
}

/** The bin that hash function k gives a row: what the kernels cuckoo/place and cuckoo/simple do. */
export const binOf = (places: Uint32Array, row: number, k: number, bins: number): number => {
  const word = places[4 * row + k]!
  return Math.floor(((word >>> 16) * bins + Math.floor(((word & 0xffff) * bins) / 65_536)) / 65_536)
}

/** Four blocks digest + (4 k + j) for each entry 4 · row + k. */
const blocksOf = (second: Uint8Array, entries: Uint32Array): Uint8Array => {
  const blocks = new Uint8Array(codeBytes * entries.length)
  const to = wordsOf(blocks)
  const from = wordsOf(second)
  for (let i = 0, block = 0; i < entries.length; i++) {
    const at = 4 * (entries[i]! >>> 2)
    const first = 4 * (entries[i]! & 3)
    for (let j = 0; j < 4; j++, block += 4) {
      to[block] = from[at]! ^ (first + j)
      to[block + 1] = from[at + 1]!
      to[block + 2] = from[at + 2]!
      to[block + 3] = from[at + 3]!
    }
  }
  return blocks
}

/**
 * The pseudorandom code C: 512 bits of a row x and a hash function k, four blocks pi(z) xor z for z = digest + (4 k + j).
 * Entries are 4 · row + k.
 */
export function* codesOf(ctx: Compute, second: Uint8Array, entries: Uint32Array): Routine<Uint8Array> {
  return yield* ctx.compute(aesHash, { blocks: blocksOf(second, entries) })
}

/** The first `width` bytes of rows of 16; byte by byte, since a view a row costs more than its bytes. */
const cut = (rows: Uint8Array, width: number): Uint8Array => {
  const out = new Uint8Array((rows.length / blockBytes) * width)
  for (let from = 0, to = 0; to < out.length; from += blockBytes, to += width) {
    for (let k = 0; k < width; k++) out[to + k] = rows[from + k]!
  }
  return out
}

/** The final hash: `width` bytes of each row of 64 bytes. */
export function* hashRows(ctx: Compute, salt: Uint8Array, rows: Uint8Array, width: number): Routine<Uint8Array> {
  const key = taggedDigest('tallystick/psi/kkrt16/masks/v1', salt)
  const offsets = new Uint32Array(rows.length / codeBytes + 1)
  for (let i = 0; i < offsets.length; i++) offsets[i] = codeBytes * i
  const { first } = yield* ctx.compute(blake3Ids, { key, bytes: rows, offsets })
  return cut(first, width)
}

/** Bounds of the frames of the matrix, whole blocks of 128 bins. */
export const frames = (parameters: Parameters): readonly (readonly [from: number, to: number])[] => [
  ...chunks(matrixRows(parameters), frameBins(parameters)),
]

/** For each frame a key for each column: base keys stretched. */
export function* frameKeys(ctx: Compute, parameters: Parameters, keys: Uint8Array): Routine<Uint8Array[]> {
  const count = frames(parameters).length
  const all = yield* ctx.compute(aesExpand, { keys, width: blockBytes * count })
  return Array.from({ length: count }, (_, frame) => {
    const own = new Uint8Array(blockBytes * codeBits)
    for (let column = 0; column < codeBits; column++) {
      const at = blockBytes * (count * column + frame)
      own.set(all.subarray(at, at + blockBytes), blockBytes * column)
    }
    return own
  })
}

/** 512 columns of `bins` bits from a frame's keys. */
export const columnsOf = (ctx: Compute, keys: Uint8Array, bins: number): Routine<Uint8Array> =>
  ctx.compute(aesExpand, { keys, width: bins / 8 })

/** Columns to rows of 64 bytes. */
export const toRows = (ctx: Compute, columns: Uint8Array): Routine<Uint8Array> =>
  ctx.compute(transposeBits, { rows: columns, height: codeBits })

/** Rows of 64 bytes to columns. */
export const toColumns = (ctx: Compute, rows: Uint8Array): Routine<Uint8Array> =>
  ctx.compute(transposeBits, { rows, height: rows.length / codeBytes })
