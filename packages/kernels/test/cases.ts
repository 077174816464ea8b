/** The table of inputs by which every engine, in Node and in browsers, is compared with the references. */
import { hexToBytes } from '@noble/hashes/utils.js'
import { utf8ToBytes } from '@tallystick/core'
import { kernels, okvsShape, okvsSize, type OkvsShape } from '../src/index.ts'
import { gaussTable } from '../src/pir/gauss.ts'
import { productCases } from './cases-bgv.ts'
import { latticeCases } from './cases-lattice.ts'
import { transferCases } from './cases-ot.ts'
import { p256Cases } from './cases-p256.ts'
import { shareCases } from './cases-shares.ts'
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
  ...transferCases,
  ...p256Cases,
  ...latticeCases,
  ...productCases,
  ...shareCases,
  'blake3/ids': () => [
    { key: bytes(1, 32), bytes: bytes(2, 40), offsets: Uint32Array.of(5) },
    ...[1, 2, 3, 4, 5, 33].map((n) => ({
      key: bytes(n, 32),
      ...messages(Array.from({ length: n }, (_, i) => bytes(i + 1, 18))),
    })),
    // All numbers of blocks of a chunk, in any order; then trees of chunks, and rows that fill a tile.
    { key: bytes(3, 32), ...messages(lengths.map((length) => bytes(length, length))) },
    { key: bytes(4, 32), ...messages(lengths.map((_, i) => bytes(i + 1, (i * 389) % 1025))) },
    { key: bytes(5, 32), ...messages([1023, 1024, 1025, 0, 70_000, 5, 2048, 2049].map((length) => bytes(7, length))) },
    { key: bytes(6, 32), ...messages(Array.from({ length: 2100 }, (_, i) => bytes(i + 1, i % 70))) },
  ],
  'blake3/masks': () =>
    [0, 1, 2, 3, 4, 5, 100, 2049].flatMap((n) =>
      (n === 5 ? [1, 9, 10, 15, 16, 17, 31, 32] : [10]).map((width) => ({
        key: bytes(n + 1, 32),
        values: bytes(n + 2, 16 * n),
        first: bytes(n + 3, 16 * n),
        second: bytes(n + 4, 16 * n),
        tweak: n % 2 === 0 ? new Uint8Array(16) : bytes(n + 5, 16),
        width,
      })),
    ),
  'merkle/tiles': () => [
    { key: bytes(1, 32), first: 0, bytes: bytes(2, 40), offsets: Uint32Array.of(5) },
    ...[1, 2, 3, 4, 5, 7, 8, 33].map((n) => ({
      key: bytes(n, 32),
      first: 1024 * n,
      ...messages(Array.from({ length: n }, (_, i) => bytes(i + 1, 18))),
    })),
    // Every place where the padding of a leaf may fall, lanes of unequal length, indices over 32 bits, two tiles.
    { key: bytes(3, 32), first: 2 ** 40 + 1024, ...messages(lengths.map((length) => bytes(length, length))) },
    { key: bytes(4, 32), first: 2 ** 32 - 1024, ...messages([bytes(7, 70_000), bytes(8, 5), dst, bytes(9, 300)]) },
    { key: bytes(6, 32), first: 0, ...messages(Array.from({ length: 2100 }, (_, i) => bytes(i + 1, i % 70))) },
  ],
  'cuckoo/place': () => tables(),
  'cuckoo/simple': () => tables(),
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
  'curve25519/scale-each': () => [
    ...[0, 1, 2, 3, 33].map((n) => ({ scalars: bytes(n + 5, 32 * n), points: points(n + 1, n) })),
    { scalars: concat(hostile.map((_, i) => scalars[i % scalars.length]!)), points: concat(hostile) },
  ],
  'curve25519/hash-scale': () => [
    ...[0, 1, 2, 3, 33].map((n) => ({
      scalar: scalars[0],
      dst,
      ...messages(Array.from({ length: n }, (_, i) => bytes(i + 1, 11))),
    })),
    ...scalars.map((scalar) => ({ scalar, dst, ...messages([dst, bytes(1, 18), bytes(2, 200)]) })),
  ],
  'garble/evaluate': () =>
    garbled().map(({ delta: _, ...input }, i) => ({ ...input, tables: bytes(i + 31, garbleTableBytes(input)) })),
  'garble/garble': () => garbled(),
  'chacha/seal': () =>
    [
      [0, 0, 0],
      [1, 0, 0],
      [3, 1, 12],
      [5, 64, 12],
      [4, 300, 0],
      [2, 15, 33],
    ].map(([rows, width, associatedWidth]) => ({
      keys: bytes(1, 32 * rows!),
      nonces: bytes(2, 12 * rows!),
      plain: bytes(3, width! * rows!),
      width,
      associated: bytes(4, associatedWidth! * rows!),
      associatedWidth,
    })),
  'oprf/blind': () => oprfMessages().flatMap((input) => oprfScalars(input.offsets.length - 1, input)),
  'oprf/combine': () => [
    ...[0, 1, 2, 3, 33].map((n) => ({ points: elements(n), scalars: scalarsBelowOrder(n) })),
    // The same point in both lanes and in a row, and one that cancels: P and (ℓ - 1)·P.
    { points: concat(Array.from({ length: 4 }, () => elements(1))), scalars: scalarsBelowOrder(4).fill(1, 0, 1) },
    { points: concat([elements(1), elements(1)]), scalars: concat([encode(1n), encode(groupOrder - 1n)]) },
    ...hostileElements.map((bad) => ({ points: concat([elements(3), bad]), scalars: scalarsBelowOrder(4) })),
  ],
  'oprf/evaluate': () => oprfMessages().flatMap((input) => oprfScalars(input.offsets.length - 1, input)),
  'oprf/finalize': () =>
    oprfMessages().flatMap(({ bytes, offsets }) =>
      oprfScalars(offsets.length - 1, { bytes, offsets, points: elements(offsets.length - 1) }),
    ),
  'oprf/hash': () => oprfMessages(),
  'oprf/scale': () => [
    ...[0, 1, 2, 3, 33, 257].flatMap((n) => oprfScalars(n, { points: elements(n) })),
    ...[1n, 2n, 8n, groupOrder - 1n, 2n ** 252n, 0x8888888888888888n].map((k) => ({
      points: elements(3),
      scalars: encode(k),
    })),
    ...hostileElements.flatMap((bad) => [
      { points: concat([elements(2), bad, elements(1)]), scalars: encode(7n) },
      { points: concat([bad, elements(2)]), scalars: scalarsBelowOrder(3) },
    ]),
  ],
  'pir/expand': () => [
    ...[0, 1, 2].map((blocks) => ({ seed: bytes(1, 32), from: 3 * blocks, blocks })),
    { seed: bytes(2, 32), from: 65_535, blocks: 1 },
  ],
  'pir/gauss': () => [
    ...[0, 1, 2, 333].map((n) => ({ coins: bytes(n + 1, 16 * n) })),
    { coins: new Uint8Array(48) },
    { coins: new Uint8Array(48).fill(255) },
    { coins: gaussEdges() },
  ],
  'pir/multiply': () =>
    [
      [0, 8, 1],
      [1, 8, 0],
      [3, 8, 1],
      [5, 40, 3],
      [130, 256, 4],
      [4, 65_536, 2],
    ].map(([rows, inner, count]) => ({
      matrix: words(rows! + 1, rows! * inner!),
      inner,
      vectors: words(9, count! * inner!),
    })),
  'pir/patch': () =>
    [
      [0, 4, 0],
      [1, 4, 1],
      [3, 8, 2],
      [92, 64, 5],
      [2, 1024, 300],
    ].map(([width, inner, count]) => ({
      words: words(width! + 2, width! * inner!),
      inner,
      // Every eleventh line stays as it is.
      differences: Int16Array.from(bytes(5, width! * count!), (x, i) =>
        (i % width!) % 11 === 1 ? 0 : i % 7 === 0 ? -255 : i % 5 === 0 ? 255 : x,
      ),
      matrix: words(6, (count! + 3) * inner!),
      columns: Uint32Array.from({ length: count! }, (_, i) => (7 * i) % (count! + 3)),
    })),
  'pir/scan': () => [
    ...[
      [0, 16, 1],
      [1, 16, 0],
      [1, 16, 1],
      [7, 48, 1],
      [70, 4112, 3],
      [70, 4096, 1],
      [133, 64, 17],
      [4, 2 ** 18, 9],
    ].map(([rows, columns, count]) => ({
      matrix: bytes(rows! + 3, rows! * columns!),
      columns,
      queries: words(4, count! * columns!),
    })),
    // Extremes: every product at its bound, and halves that carry.
    ...[0xffffffff, 0x80008000, 0x7fff8000, 0x00008000].map((word) => ({
      matrix: new Uint8Array(8 * 4096).fill(255),
      columns: 4096,
      queries: new Uint32Array(2 * 4096).fill(word),
    })),
  ],
  'okvs/encode': () => stores().map(({ shape, rows, values, fill }) => ({ shape, rows, values, fill })),
  'okvs/decode': () =>
    stores().map(({ shape, rows, seed }) => ({ shape, rows, vector: bytes(seed, 16 * okvsSize(shape)) })),
  'table/intersect': () => [
    { left: bytes(1, 64), right: new Uint8Array(), width: 32 },
    { left: new Uint8Array(), right: bytes(1, 64), width: 32 },
    ...[1, 2, 3, 32, 33, 1024].map((width) => ({ left: bytes(5, 96 * width), right: bytes(6, 99 * width), width })),
    // One-byte alphabet: many duplicates on both sides. Equal rows. Equal prefixes, then equal suffixes.
    { left: bytes(5, 4000).map((x) => x & 1), right: bytes(6, 4000).map((x) => x & 1), width: 8 },
    { left: new Uint8Array(3200), right: new Uint8Array(6400), width: 32 },
    { left: bytes(5, 16 * 20_000), right: bytes(5, 16 * 30_000), width: 16 },
    ...[0, 28].map((at) => ({ left: counters(500, 0, at), right: counters(700, 250, at), width: 32 })),
  ],
  'table/duplicate': () => [
    { bytes: bytes(1, 9), offsets: Uint32Array.of(0) },
    { bytes: bytes(1, 9), offsets: Uint32Array.of(2, 7) },
    { bytes: bytes(1, 9), offsets: Uint32Array.of(3, 3, 3) },
    messages(lengths.map((length) => bytes(length + 1, length))),
    messages(lengths.flatMap((length) => [bytes(length + 1, length), bytes(7, 24)])),
    messages([...lengths, 17, 300, 9, 17].map((length) => bytes(5, length)).toReversed()),
    ...[1, 2, 3].map((step) => messages(Array.from({ length: 9000 }, (_, i) => encode(BigInt((i * step) % 20_000))))),
    ...[5000, 8999].map((at) => messages(Array.from({ length: 9000 }, (_, i) => encode(BigInt(i >= at ? i - 77 : i))))),
  ],
  'table/sort': () => [
    ...[1, 3, 4, 5, 10, 32].map((width) => ({ rows: bytes(5, 200 * width), width })),
    { rows: new Uint8Array(), width: 7 },
    { rows: bytes(5, 4000).map((x) => x & 1), width: 8 },
    { rows: new Uint8Array(3200), width: 32 },
    ...[0, 28].map((at) => ({ rows: counters(500, 65_300, at), width: 32 })),
  ],
}

/** Stores of every number of bins, roomy and tight, with rows outside of the triangle, overfull and contradictory ones. */
function stores() {
  const store = (seed: number, n: number, shape: OkvsShape, rows = bytes(seed, 16 * n)) => ({
    seed,
    shape,
    rows,
    values: bytes(seed + 1, 16 * n),
    fill: seed % 2 === 0 ? new Uint8Array() : bytes(seed + 2, 16 * okvsSize(shape)),
  })
  const equal = concat([bytes(5, 160), bytes(5, 160)])
  const same = { ...store(31, 20, okvsShape(20), equal), values: equal }
  return [
    ...[0, 1, 2, 3, 40, 500].map((n) => store(n + 1, n, okvsShape(n))),
    ...[2, 3, 7].map((bins) => store(bins, 300, { bins, load: 200, sparse: 260, dense: 48 })),
    // At 1.0 and 1.15 slots a row a core stays; with dense columns enough it is solved, with few it is not.
    ...[200, 230].flatMap((sparse) =>
      [48, 20, 1, 0].map((dense) => store(dense + 9, 200, { bins: 1, load: 200, sparse, dense })),
    ),
    store(21, 40, { bins: 1, load: 40, sparse: 3, dense: 48 }),
    store(22, 300, { bins: 4, load: 60, sparse: 400, dense: 48 }),
    store(23, 20, okvsShape(20), equal),
    same,
  ]
}

/** Roomy tables, one at 1.27 n, full ones, ones too small; equal rows, rows whose functions agree. */
function tables(): unknown[] {
  const random = [0, 1, 2, 3, 100, 5000].map((n) => ({ digests: bytes(n + 1, 16 * n), bins: Math.ceil(1.27 * n) + 1 }))
  const tight = [1, 7, 40].map((bins) => ({ digests: bytes(9, 16 * 40), bins }))
  const equal = { digests: new Uint8Array(16 * 9).fill(255), bins: 1000 }
  const agreeing = { digests: bytes(8, 16 * 30).map((_, i) => (i >> 4) * 7), bins: 50 }
  return [...random, ...tight, equal, agreeing]
}

export const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n

/** Scalars of ristretto255, n rows. */
function scalarsBelowOrder(n: number): Uint8Array {
  const out = bytes(77, 32 * n)
  for (let i = 31; i < out.length; i += 32) out[i]! &= 15
  return out
}

/** An input with one scalar, and with one for each row. */
function oprfScalars<T extends object>(n: number, input: T): (T & { scalars: Uint8Array })[] {
  return [scalarsBelowOrder(1), scalarsBelowOrder(n)].map((scalars) => ({ ...input, scalars }))
}

function oprfMessages(): { dst: Uint8Array; bytes: Uint8Array; offsets: Uint32Array }[] {
  return [
    ...[0, 1, 2, 3, 33].map((n) => ({ dst, ...messages(Array.from({ length: n }, (_, i) => bytes(i + 1, 18))) })),
    { dst, ...messages([0, 1, 53, 54, 55, 72, 73, 86, 87, 88, 111, 112, 127, 128, 300].map((n) => bytes(n + 1, n))) },
    { dst, ...messages([bytes(1, 65_535), bytes(2, 10), bytes(3, 40_000), bytes(4, 30_000)]) },
    ...[1, 62, 63, 64, 255].map((length) => ({ dst: bytes(9, length), ...messages([bytes(5, 20)]) })),
  ]
}

/** n elements of ristretto255. */
function elements(n: number): Uint8Array {
  return kernels['oprf/hash'].run({ dst, ...messages(Array.from({ length: n }, (_, i) => bytes(i + 40, 9))) })
}

/** RFC 9496, appendix A.3: not canonical, negative, no square, negative xy, s = -1; and the neutral element. */
const hostileElements = [
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20',
  '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
  '3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
].map((hex) => hexToBytes(hex))

/** Words of Z_2^32. */
function words(seed: number, length: number): Uint32Array {
  return new Uint32Array(bytes(seed, 4 * length).buffer)
}

/** Coins at, just below and just above entries of the table. */
function gaussEdges(): Uint8Array {
  const edges = gaussTable().flatMap((entry) => [entry - 1n, entry, entry + 1n])
  const out = new BigUint64Array(2 * edges.length)
  edges.forEach((u, i) => {
    out[2 * i] = u >> 63n
    out[2 * i + 1] = (u & ((1n << 63n) - 1n)) | (BigInt(i & 1) << 63n)
  })
  return new Uint8Array(out.buffer)
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

/** Layers with AND gates around the batch of 64, free gates of every kind, slots read and written again. */
function garbled() {
  const layer = (seed: number, slots: number, free: number, and: number): number[] => {
    const any = bytes(seed, 4 * free + 2 * and)
    const freeGates = Array.from({ length: free }, (_, i) => {
      const [kind, a, b, out] = any.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
      const code = [0, 2, 3][kind % 3]!
      return [code, code === 3 ? a & 1 : a % slots, b % slots, out % slots]
    })
    // Results go to the upper half, which no AND gate reads.
    const andGates = Array.from({ length: and }, (_, i) => {
      const [a, b] = any.subarray(4 * free + 2 * i) as unknown as [number, number]
      return [a % (slots / 2), b % (slots / 2), slots / 2 + i]
    })
    return [free, and, ...freeGates.flat(), ...andGates.flat()]
  }
  const codes: [slots: number, code: number[]][] = [
    [4, []],
    [2, [0, 1, 0, 0, 1]],
    [200, [...layer(1, 200, 50, 63), ...layer(2, 200, 20, 64), ...layer(3, 200, 7, 65), ...layer(4, 200, 3, 0)]],
    [16, [...layer(5, 16, 9, 5), ...layer(6, 16, 0, 8), ...layer(7, 16, 12, 1)]],
  ]
  return codes.flatMap(([slots, code], i) =>
    (i === 2 ? [1] : [1, 3, 33]).map((instances) => ({
      code: Int32Array.from(code),
      instances,
      labels: i === 1 ? new Uint8Array(16 * slots * instances).fill(255) : bytes(i + 11, 16 * slots * instances),
      start: i === 3 ? new Uint8Array(16).fill(255) : bytes(i + 21, 16),
      tweak: i === 3 ? 2 ** 52 - 2 ** 20 : 130 * i,
      stride: 2 * [0, 1, 192, 2 ** 13][i]!,
      delta: i === 1 ? new Uint8Array(16).fill(255) : bytes(i + 41, 16).map((x, at) => (at === 0 ? x | 1 : x)),
    })),
  )
}

function garbleTableBytes({ code, instances }: { code: Int32Array; instances: number }): number {
  let gates = 0
  for (let at = 0; at < code.length; at += 2 + 4 * code[at]! + 3 * code[at + 1]!) gates += code[at + 1]!
  return 32 * gates * instances
}
