/** Inputs of the kernels of products under encryption: slots and coefficients, two and four limbs, extremes among them. */
import { keyBytes, resultBytes, rowBytes } from '../src/bgv/shapes.ts'
import { bytes } from './samples.ts'

const seeds = { publicSeed: bytes(3, 32), coins: bytes(4, 32) }
const slots = {
  degree: 16,
  // 33 to 50 bits; the largest below 2^50 among them.
  moduli: BigUint64Array.of(1125899906842273n, 1125899906842177n, 1125899906841377n),
  plainModuli: BigUint64Array.of(562949953420609n, 8589934721n),
}
const coefficients = {
  degree: 8,
  moduli: BigUint64Array.of(1125899906842273n, 8589934721n, 1125899906842177n, 1125899906841377n),
  plainModuli: BigUint64Array.of(0n),
}
const rings = [
  { ring: slots, limbs: 2 },
  { ring: slots, limbs: 4 },
  { ring: coefficients, limbs: 2 },
]
const secretOf = (degree: number): Int8Array => Int8Array.from(bytes(degree, degree), (byte) => (byte % 3) - 1)
const words = (seed: number, count: number): Uint32Array => {
  const out = new Uint32Array(bytes(seed, 4 * count).slice().buffer)
  return out.fill(0xffffffff, 0, count >> 2)
}
const places = Uint32Array.of(7, 0, 3, 3, 3, 3, 3, 3)

export const productCases = {
  'bgv/key': () => rings.map(({ ring }) => ({ ...ring, ...seeds, secret: secretOf(ring.degree) })),
  'bgv/encrypt': () =>
    rings.map(({ ring, limbs }) => ({
      ...{ ...ring, ...seeds, secret: secretOf(ring.degree), limbs, first: 3 },
      words: words(limbs, 2 * limbs * ring.degree),
    })),
  'bgv/products': () =>
    rings.flatMap(({ ring, limbs }) =>
      [0, 1].map((more) => ({
        ...{ ...ring, publicSeed: seeds.publicSeed, limbs, first: 3, rows: 2, columns: 1 + more },
        // Whatever a peer sends: residues above their primes are counted, and what comes out then is compared no less.
        packed: more === 0 ? new Uint8Array(4 * rowBytes(ring)).fill(17) : bytes(9, 4 * rowBytes(ring)).fill(3, 100),
        factors: words(limbs, 2 * (1 + more) * limbs * ring.degree),
        sums: new BigUint64Array(
          more * 2 * (1 + more) * ring.plainModuli.length * 2 * ring.moduli.length * ring.degree,
        ).map((_, i) => 8589934720n - BigInt(i)),
      })),
    ),
  'bgv/answer': () =>
    rings.flatMap(({ ring, limbs }) =>
      [new Uint32Array(0), places].map((picked) => ({
        ...{ ...ring, publicSeed: seeds.publicSeed, coins: bytes(5, 32), keep: 2, places: picked, limbs: limbs + 1 },
        ...{ floodBits: picked.length === 0 ? 97 : 64, lastMask: 0x7ffff },
        key: new Uint8Array(keyBytes(ring)).fill(29),
        sums: new BigUint64Array(2 * ring.plainModuli.length * 2 * ring.moduli.length * ring.degree).map((_, i) =>
          i % 3 === 0 ? 8589934720n : BigInt(i) * 12_345_678n,
        ),
        masks: words(6, 2 * (limbs + 1) * (picked.length === 0 ? ring.degree : picked.length)),
      })),
    ),
  'bgv/open': () =>
    rings.flatMap(({ ring, limbs }) =>
      [new Uint32Array(0), places].map((picked) => ({
        ...{ ...ring, secret: secretOf(ring.degree), keep: 2, places: picked, limbs, results: 2 },
        packed: new Uint8Array(2 * resultBytes(ring, 2, picked.length)).fill(picked.length === 0 ? 23 : 7),
      })),
    ),
} satisfies Record<string, () => unknown[]>
