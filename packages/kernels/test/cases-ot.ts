/** Inputs of the kernels of oblivious transfer: empty, one row, around pieces and groups, extreme values. */
import { mlkemKeys, softspokenProductBytes } from '../src/index.ts'
import { bytes } from './samples.ts'

const ones = (length: number): Uint8Array => new Uint8Array(length).fill(255)
const rows = [0, 1, 2, 7, 8, 9, 15, 16, 17, 33]
const pairs = (n: number, seed: number) => ({ left: bytes(seed, 16 * n), right: bytes(seed + 1, 16 * n) })
/** 1, x, x^127 and all ones: what reduction and carries meet. */
const special = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(0x87), [...new Uint8Array(15), 128], ones(16)].map(
  (head) => Uint8Array.from([...head, ...new Uint8Array(16 - head.length)]),
)
const flat = (elements: readonly Uint8Array[]): Uint8Array => Uint8Array.from(elements.flatMap((e) => [...e]))
const left = flat(special.flatMap((a) => special.map(() => a)))
const right = flat(special.flatMap(() => special))

/** For each level the sum of the nodes beside the path, from all sums. */
const beside = (sums: Uint8Array, points: readonly number[], leaves: number): Uint8Array => {
  const depth = Math.ceil(Math.log2(leaves))
  return flat(
    points.flatMap((point, tree) =>
      Array.from({ length: depth }, (_, level) => {
        const path = (point >> (depth - level - 1)) & 1
        const at = 32 * (tree * depth + level) + 16 * (path ^ 1)
        return sums.slice(at, at + 16)
      }),
    ),
  )
}
const punctures = [
  { leaves: 2, points: [0, 1] },
  { leaves: 5, points: [0, 1, 2, 3, 4] },
  { leaves: 8, points: [7, 0, 3] },
  { leaves: 1000, points: [0, 999, 512] },
]

const sparse = (k: number, places: readonly number[]) => ({
  dense: bytes(k, 32 * k),
  places: Uint32Array.from(places),
  values: bytes(k + 1, 16 * places.length),
  fills: bytes(k + 2, k % 8 === 0 ? 0 : 16 * places.length),
})

const states = bytes(77, 8192)
/** Up to whole blocks. */
const blocks = (n: number, bits: number): number => 16 * Math.ceil((n * bits) / 128)
/** None, few, products that begin in one part of a tile and end in the next, several tiles. */
const products = [
  { n: 0, bits: 64 },
  { n: 1, bits: 64 },
  { n: 2, bits: 64 },
  { n: 3, bits: 33 },
  { n: 65, bits: 64 },
  { n: 171, bits: 48 },
  { n: 4100, bits: 1 },
]
const widths = [0, 48, 1040]
const values = (n: number): Uint32Array => {
  const out = new Uint32Array(bytes(n + 3, 8 * n).buffer.slice(0, 8 * n))
  if (n === 2) out.fill(0xffff_ffff)
  return out
}

export const transferCases = {
  'aes/hash': () => [...rows, 4096, 4097].map((n) => ({ blocks: bytes(n + 1, 16 * n) })),
  'aes/tweaked-hash': () => [
    ...rows.map((n) => ({ blocks: bytes(n + 1, 16 * n), tweak: n })),
    { blocks: ones(16 * 4100), tweak: 2 ** 32 - 4098 },
    { blocks: new Uint8Array(160), tweak: Number.MAX_SAFE_INTEGER - 10 },
  ],
  'aes/expand': () => [
    { keys: new Uint8Array(), width: 32 },
    { keys: bytes(1, 48), width: 0 },
    { keys: bytes(2, 16), width: 16 },
    { keys: bytes(3, 80), width: 144 },
    { keys: bytes(4, 32), width: 65_552 },
    { keys: flat([ones(16), new Uint8Array(16)]), width: 131_072 },
  ],
  'ggm/grow': () => [
    { roots: new Uint8Array(), leaves: 9 },
    ...[2, 3, 4, 5, 7, 8, 9, 1023, 1024, 1025].map((leaves) => ({ roots: bytes(leaves, 48), leaves })),
    { roots: bytes(5, 16 * 300), leaves: 17 },
    { roots: bytes(6, 16 * 3), leaves: 40_001 },
  ],
  'ggm/puncture': () =>
    punctures.flatMap(({ leaves, points }) => {
      const depth = Math.ceil(Math.log2(leaves))
      const sums = beside(bytes(leaves, 32 * depth * points.length), points, leaves)
      return [
        { points: Uint32Array.from(points), sums, leaves },
        { points: new Uint32Array(), sums: new Uint8Array(), leaves },
      ]
    }),
  'gf128/scale': () => [
    ...rows.map((n) => ({ factor: bytes(9, 16), elements: bytes(n + 1, 16 * n) })),
    ...special.map((factor) => ({ factor, elements: flat(special) })),
    { factor: bytes(2, 16), elements: bytes(3, 65_552) },
  ],
  'gf128/multiply': () => [...rows.map((n) => pairs(n, n + 1)), { left, right }, pairs(4099, 5)],
  'gf128/inner': () => [...rows.map((n) => pairs(n, n + 1)), { left, right }, pairs(4099, 5)],
  'gf128/evaluate': () => [
    ...rows.map((n) => ({ point: bytes(9, 16), elements: bytes(n + 1, 16 * n), polynomials: 1 })),
    ...special.map((point) => ({ point, elements: right, polynomials: 5 })),
    { point: bytes(2, 16), elements: bytes(3, 16 * 8195), polynomials: 1 },
    { point: bytes(2, 16), elements: bytes(3, 16 * 130 * 17), polynomials: 130 },
  ],
  'mlkem/keys': () => [0, 1, 2].map((n) => ({ seeds: bytes(n + 1, 64 * n) })),
  'mlkem/encapsulate': () =>
    [0, 2].map((n) => ({
      publicKeys: mlkemKeys.run({ seeds: bytes(5, 64 * n) }).publicKeys,
      messages: bytes(6, 32 * n),
    })),
  'mlkem/decapsulate': () => [
    { secretKeys: mlkemKeys.run({ seeds: bytes(5, 128) }).secretKeys, ciphertexts: bytes(7, 2 * 1088) },
  ],
  'mlkem/uniform': () => [0, 1, 3].map((n) => ({ seeds: bytes(n + 1, 32 * n) })),
  'softspoken/receive-bits': () => widths.map((width) => ({ seeds: states, choices: bytes(width + 2, width) })),
  'softspoken/send-bits': () =>
    widths.map((width) => ({
      seeds: states,
      delta: width === 48 ? ones(16) : bytes(width + 3, 16),
      corrections: bytes(width + 2, 32 * width),
    })),
  'softspoken/receive-products': () =>
    products.map(({ n, bits }) => ({
      ...{ seeds: states, n, bits },
      choices: n === 3 ? ones(blocks(n, bits)) : bytes(n + 4, blocks(n, bits)),
    })),
  'softspoken/send-products': () =>
    products.map(({ n, bits }) => ({
      ...{ seeds: states, delta: bytes(n + 2, 16), bits },
      corrections: bytes(n + 1, 32 * blocks(n, bits)),
      values: values(n),
    })),
  'softspoken/select-products': () =>
    products.map(({ n, bits }) => ({
      ...{ n, bits },
      choices: n === 3 ? ones(Math.ceil((n * bits) / 8)) : bytes(n + 4, Math.ceil((n * bits) / 8)),
      products: n === 2 ? ones(n * softspokenProductBytes(bits)) : bytes(n + 5, n * softspokenProductBytes(bits)),
    })),
  'transpose/bits': () =>
    [
      [128, 16],
      [128, 48],
      [256, 32],
      [512, 16],
      [128, 1040],
      [128, 0],
    ].map(([height, width]) => ({ rows: bytes(height! + width!, height! * width!), height: height! })),
  'expand-convolute/encode': () => [
    { ...sparse(64, []), outputs: 64 },
    { ...sparse(64, [0, 63, 64, 127]), outputs: 64 },
    { ...sparse(100, [5, 150, 199]), outputs: 99 },
    { ...sparse(4100, [0, 1, 2047, 2048, 4099, 4100, 8199]), outputs: 4100 },
    { ...sparse(16_400, [3, 16_399, 32_799]), outputs: 5 },
    { ...sparse(68, [3]), outputs: 0 },
  ],
}

/** What `ggm/grow` gives to the holder of all points, for tests of the pair. */
export { beside }
