/** The table of inputs by which every engine, in Node and in browsers, is compared with the references. */
import { utf8ToBytes } from '@tallystick/core'
import { kernels } from '../src/index.ts'
import { bytes, concat, encode, extremes, malformed, messages, points, smallOrder } from './samples.ts'

export type Name = keyof typeof kernels
export const names = Object.keys(kernels) as Name[]

export const dst = utf8ToBytes('tallystick kernels test')
const scalars = [
  bytes(1, 32),
  new Uint8Array(32),
  new Uint8Array(32).fill(255),
  encode(1n),
  encode(8n),
  encode(2n ** 255n),
]
/** Rows that are bad whatever the scalar 8·k. */
export const hostile = [...smallOrder, ...malformed].map(encode)
/** Every residue modulo the block of SHA-512, so that padding falls in every place. */
const lengths = [...Array.from({ length: 130 }, (_, i) => i), 239, 240, 256, 1000]

/** Inputs by kernel name: the one table that equality is driven by. */
export const cases: Record<keyof typeof kernels, () => unknown[]> = {
  'curve25519/hash': () => [
    ...[0, 1, 2, 3, 33].map((n) => ({ dst, ...messages(Array.from({ length: n }, (_, i) => bytes(i + 1, 18))) })),
    { dst, ...messages(lengths.map((length) => bytes(length, length))) },
    { dst, ...messages([bytes(3, 70_000), bytes(4, 5), bytes(5, 65_536), bytes(6, 65_537), bytes(7, 60_000)]) },
    ...[1, 45, 46, 47, 173, 174, 175, 255, 256, 300].map((length) => ({ dst: bytes(9, length), ...messages([dst]) })),
    { dst, bytes: bytes(8, 40), offsets: Uint32Array.of(5, 5, 9, 33) },
  ],
  'curve25519/scale': () => [
    ...[0, 1, 2, 3, 4, 5, 33].map((n) => ({ scalar: scalars[0], points: points(n + 1, n) })),
    ...scalars.map((scalar) => ({ scalar, points: concat([...hostile, points(7, 2), ...hostile.toReversed()]) })),
    { scalar: bytes(2, 32), points: concat(extremes().map(encode)) },
  ],
  'curve25519/hash-scale': () => [
    ...[0, 1, 2, 3, 33].map((n) => ({
      scalar: scalars[0],
      dst,
      ...messages(Array.from({ length: n }, (_, i) => bytes(i + 1, 11))),
    })),
    ...scalars.map((scalar) => ({ scalar, dst, ...messages([dst, bytes(1, 18), bytes(2, 200)]) })),
  ],
  'table/intersect': () => [
    { left: bytes(1, 64), right: new Uint8Array(), width: 32 },
    { left: new Uint8Array(), right: bytes(1, 64), width: 32 },
    ...[1, 2, 3, 32, 33, 1024].map((width) => ({ left: bytes(5, 96 * width), right: bytes(6, 99 * width), width })),
    // One-byte alphabet: many duplicates on both sides. Equal rows. Equal prefixes, then equal suffixes.
    { left: bytes(5, 4000).map((x) => x & 1), right: bytes(6, 4000).map((x) => x & 1), width: 8 },
    { left: new Uint8Array(3200), right: new Uint8Array(6400), width: 32 },
    ...[0, 28].map((at) => ({ left: counters(500, 0, at), right: counters(700, 250, at), width: 32 })),
  ],
}

/** Rows of 32 zero bytes but for a counter at one place. */
function counters(n: number, first: number, at: number): Uint8Array {
  const out = new Uint8Array(32 * n)
  const view = new DataView(out.buffer)
  for (let i = 0; i < n; i++) view.setUint32(32 * i + at, first + i)
  return out
}

const outputs = new Map<Name, unknown[]>()

/** What the reference gives for each case of a kernel. */
export function expected(name: Name): unknown[] {
  if (!outputs.has(name)) {
    outputs.set(
      name,
      cases[name]().map((input) => kernels[name].run(input as never)),
    )
  }
  return outputs.get(name)!
}
