/** Inputs of the kernels on replicated shares: random and extreme elements, all remainders of tiles and of vectors. */
import { bytes } from './samples.ts'

const words = (seed: number, count: number): Uint32Array => new Uint32Array(bytes(seed, 4 * count).slice().buffer)
const ones = (count: number): Uint32Array => new Uint32Array(count).fill(0xffffffff)
const keys = { ownKey: bytes(1, 16), nextKey: bytes(2, 16) }

const terms = (count: number, seed: number, at: number) => ({
  x0: words(seed, count),
  x1: words(seed + 1, count),
  y0: words(seed + 2, count),
  y1: words(seed + 3, count),
  ...keys,
  at,
})
const extreme = (count: number) => ({
  x0: ones(count),
  x1: ones(count),
  y0: ones(count),
  y1: ones(count),
  ...keys,
  at: 0,
})

/** Elements of `limbs` words. */
const termCases = (limbs: number) => () => [
  ...[0, 1, 2, 3, 5, 64].map((n) => terms(limbs * n, 10 + n, n)),
  extreme(4 * limbs),
  terms(16_384, 3, 2 ** 31 - 8),
  terms(16_384 + limbs, 4, 2 ** 40),
]

const product = (limbs: number, rows: number, inner: number, columns: number, transposed: boolean) => ({
  x0: words(rows, limbs * rows * inner),
  x1: words(rows + 1, limbs * rows * inner),
  y0: words(columns + 2, limbs * inner * columns),
  y1: words(columns + 3, limbs * inner * columns),
  rows,
  inner,
  columns,
  transposed,
})
const productCases = (limbs: number) => () =>
  [
    [1, 1, 1],
    [1, 0, 1],
    [0, 3, 2],
    [1, 7, 1],
    [3, 5, 4],
    [2, 8200, 3],
    [1, 9000, 1],
    [40, 3, 40],
    [2000, 2, 1],
    [1, 2, 300],
  ].flatMap(([rows, inner, columns]) =>
    [false, true].map((transposed) => product(limbs, rows!, inner!, columns!, transposed)),
  )

const domainWords = (limbs: number): number[] => [0, 1, 3, 4, 5].map((n) => limbs * n)

const maskedCases = (limbs: number) => () => [
  ...domainWords(limbs).map((n) => ({ x: words(n + 1, n), key: bytes(n + 2, 16), at: n })),
  { x: ones(16_384 + limbs), key: bytes(3, 16), at: 2 ** 31 - 8 },
]

const beaverCases = (limbs: number) => () =>
  [...domainWords(limbs), 16_384 + limbs].flatMap((n) =>
    [false, true].map((first) => ({
      d: n === 4 * limbs ? ones(n) : words(n + 1, n),
      e: n === 4 * limbs ? ones(n) : words(n + 2, n),
      key: bytes(n + 3, 16),
      a: 0,
      b: n,
      c: first ? words(n + 4, n) : 2 * n,
      first,
    })),
  )

const pairCases = (limbs: number) => () =>
  [...domainWords(limbs), 16_384 + limbs].flatMap((n) =>
    [false, true].map((square) => ({
      ...(n === 4 * limbs ? extreme(n) : terms(n, n, n)),
      key: bytes(n + 5, 16),
      square,
    })),
  )

/** Elements below 2^61 - 1, the greatest among them. */
const elements = (seed: number, count: number): Uint32Array => {
  const out = words(seed, 2 * count)
  for (let i = 0; i < count; i++) {
    out[2 * i + 1]! &= 0x1fffffff
    if ((seed + i) % 3 === 0) out.set([0xfffffffe, 0x1fffffff], 2 * i)
    if ((seed + i) % 7 === 0) out.set([0, 0], 2 * i)
  }
  return out
}

const dealCases = (limbs: number) => () =>
  [...domainWords(limbs), 16_384 + limbs].flatMap((n) =>
    [1, 2, 3].map((parties) => ({
      keys: Array.from({ length: parties }, (_, i) => bytes(i + 1, 16)),
      a: 7,
      b: n,
      c: 2 * n,
      words: n,
      to: n % parties,
    })),
  )

const lengths = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 4096, 4100, 8192, 8193]

export const shareCases = {
  'bits/and': () => [
    ...[0, 1, 3, 4, 5, 1000].map((n) => terms(n, 20 + n, n)),
    extreme(7),
    terms(16_390, 5, 2 ** 31 - 4096),
  ],
  'bits/masked': maskedCases(1),
  'bits/beaver': beaverCases(1),
  'bits/deal': dealCases(1),
  'bits/pair-terms': pairCases(1),
  'ring64/pair-terms': pairCases(2),
  'ring128/pair-terms': pairCases(4),
  'digest/words': () => [0, 1, 3, 100, 5000].map((n) => ({ words: words(n + 1, n) })),
  'ring64/masked': maskedCases(2),
  'ring64/beaver': beaverCases(2),
  'ring64/deal': dealCases(2),
  'ring128/masked': maskedCases(4),
  'ring128/beaver': beaverCases(4),
  'ring128/deal': dealCases(4),
  'field61/multiply': () => [0, 1, 2, 3, 4, 5, 9000].map((n) => ({ x: elements(n, n), y: elements(n + 3, n) })),
  'field61/combine': () =>
    [0, 1, 3, 4, 8200].flatMap((n) =>
      [1, 3, 9].map((count) => ({ vectors: elements(n + 2, n * count), factors: elements(n, count) })),
    ),
  'field61/dots': () =>
    [1, 2, 3, 4, 5, 300].flatMap((inner) =>
      [
        [1, 1],
        [3, 2],
        [0, 2],
      ].map(([rows, columns]) => ({
        x: elements(inner, inner * rows!),
        y: elements(inner + 1, inner * columns!),
        inner,
      })),
    ),
  'bits/expand': () => [
    ...[0, 1, 3, 4, 5, 100, 16_384, 16_387].map((count) => ({ key: bytes(count + 1, 16), at: count, words: count })),
    { key: bytes(9, 16), at: 2 ** 31 - 2, words: 16 },
    { key: bytes(9, 16), at: 2 ** 52, words: 9 },
  ],
  'bits/permutation': () =>
    [0, 1, 2, 3, 100, 20_000].map((length) => ({ key: bytes(length + 1, 16), at: length, length })),
  'bits/slice': () =>
    lengths.flatMap((length) => [
      { words: words(length + 1, 2 * length), ring: 64 },
      { words: words(length + 2, 4 * length), ring: 128 },
    ]),
  'bits/unslice': () =>
    lengths.flatMap((length) =>
      ([64, 128] as const).map((ring) => ({
        planes: words(length + ring, ring * 4 * Math.ceil(length / 128)),
        ring,
        length,
      })),
    ),
  'ring64/cross-terms': termCases(2),
  'ring128/cross-terms': termCases(4),
  'ring64/matrix-product': productCases(2),
  'ring128/matrix-product': productCases(4),
}
