/** The three forms in which the server's points travel: as they are, Golomb-coded, in a Bloom filter. */
import { sha256 } from '@noble/hashes/sha2.js'
import { compareBytes, concatBytes, invariant, TallyError, utf8ToBytes } from '@tallystick/core'
import { p256PointBytes as width, tableIntersect } from '@tallystick/kernels'
import { runKernel, type Engine } from '@tallystick/protocol'
import { decodeGolomb, encodeGolomb } from './golomb.ts'

export type Structure = 'raw' | 'gcs' | 'bloom-filter'

/** A setup message, decoded; points are rows of 33 bytes. */
export type Setup =
  | { readonly kind: 'raw'; readonly points: readonly Uint8Array[] }
  | { readonly kind: 'gcs'; readonly div: number; readonly range: bigint; readonly bits: Uint8Array }
  | { readonly kind: 'bloom-filter'; readonly hashes: number; readonly bits: Uint8Array }

export const rowsOf = (points: Uint8Array): Uint8Array[] =>
  Array.from({ length: points.length / width }, (_, i) => points.subarray(width * i, width * i + width))

export const sortRows = (points: Uint8Array): Uint8Array => concatBytes(...rowsOf(points).sort(compareBytes))

const integerOf = (bytes: Uint8Array): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let value = 0n
  for (let i = 0; i < bytes.length; i += 8) value = (value << 64n) | view.getBigUint64(i)
  return value
}

const gcsHash = (point: Uint8Array, range: bigint): bigint => integerOf(sha256(point)) % range

/** The hash counts from 0 on in steps: (h1 + i h2) mod bits, each a position of a bit. */
const bloomPositions = (point: Uint8Array, hashes: number, bits: number): number[] => {
  const half = (prefix: string): number =>
    Number(integerOf(sha256(concatBytes(utf8ToBytes(prefix), point))) % BigInt(bits))
  const [h1, h2] = [half('1'), half('2')]
  return Array.from({ length: hashes }, (_, i) => (h1 + i * h2) % bits)
}

const misuse = (text: string): TallyError => new TallyError('api/misuse', 'self', `openmined: ${text}`)

/** More hashes than any rate that a double can say needs; a peer that asks for more wants only to keep us busy. */
export const mostHashes = 1074

/**
 * @param rate probability that any of the client's rows outside of the intersection is taken for common; in (0, 1)
 * @param clientRows how many rows the client will ask about
 * @throws TallyError api/misuse for a rate out of bounds, or one that needs numbers of more than 63 bits
 */
export const setupOf = (kind: Structure, points: Uint8Array, rate: number, clientRows: number): Setup => {
  if (kind === 'raw') return { kind, points: rowsOf(sortRows(points)) }
  const each = rate / clientRows
  if (!(each > 0 && each < 1)) throw misuse('expected a false-positive rate a row between 0 and 1')
  const rows = rowsOf(points)
  const most = Math.max(clientRows, rows.length)
  if (kind === 'gcs') {
    if (!(most / each < 2 ** 63)) throw misuse('a Golomb-coded set of this rate needs more than 63 bits: take another')
    const range = BigInt(Math.trunc(most / each))
    const hashes = BigUint64Array.from(rows, (row) => gcsHash(row, range)).sort()
    return { kind, range, ...encodeGolomb(hashes) }
  }
  const hashes = Math.ceil(-Math.log2(each))
  const bits = new Uint8Array(Math.ceil((-most * Math.log2(each)) / Math.log(2) / 8))
  for (const row of rows) {
    for (const at of bloomPositions(row, hashes, 8 * bits.length)) bits[Math.floor(at / 8)]! |= 1 << (at % 8)
  }
  return { kind, hashes, bits }
}

/** Whether an ascending table holds a value. */
const holds = (sorted: BigUint64Array, value: bigint): boolean => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return sorted[low] === value
}

/** For each point whether the setup has it, up to its rate of false positives. */
export const members = (setup: Setup, points: Uint8Array, engine: Engine): boolean[] => {
  if (setup.kind === 'raw') {
    const right = concatBytes(...setup.points)
    return Array.from(runKernel(engine, tableIntersect, { left: points, right, width }), (found) => found >= 0)
  }
  if (setup.kind === 'gcs') {
    const values = decodeGolomb(setup, setup.range)
    return rowsOf(points).map((row) => holds(values, gcsHash(row, setup.range)))
  }
  const { hashes, bits } = setup
  invariant(bits.length > 0 && hashes > 0, 'a Bloom filter has bits and hashes: its decoder sees to it')
  return rowsOf(points).map((row) =>
    bloomPositions(row, hashes, 8 * bits.length).every((at) => (bits[Math.floor(at / 8)]! >> (at % 8)) & 1),
  )
}
