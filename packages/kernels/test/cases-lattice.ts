/** Inputs of the kernels of ring learning with errors: rings of every number of moduli, extreme residues among them. */
import { bytes } from './samples.ts'

const seeds = { publicSeed: bytes(3, 32), coins: bytes(4, 32) }
/** The largest primes below 2^50, a small one, and those of a ring in use. */
const rings = [
  { degree: 8, moduli: BigUint64Array.of(2147483713n) },
  { degree: 16, moduli: BigUint64Array.of(1125899906842273n, 1125899906842177n, 2147483713n) },
  { degree: 1024, moduli: BigUint64Array.of(8796092792833n, 17592186028033n) },
]

function residuesOf({ degree, moduli }: (typeof rings)[number], level: number, size: number): BigUint64Array {
  const out = new BigUint64Array(size * level * degree)
  for (let i = 0; i < out.length; i++) {
    const q = moduli[Math.floor(i / degree) % level]!
    out[i] = i % 3 === 0 ? q - 1n : (BigInt(i) * 1_000_000_007_000_003n) % q
  }
  return out
}

function secretOf(degree: number): Int8Array {
  return Int8Array.from(bytes(degree, degree), (byte) => (byte % 3) - 1)
}

export const latticeCases = {
  'rlwe/decrypt': () =>
    rings.slice(1).flatMap((ring) =>
      [0n, 65537n].map((plainModulus) => ({
        ...ring,
        plainModulus,
        secret: secretOf(ring.degree),
        ciphertexts: [1, 2].map((level) => ({
          level,
          size: level + 1,
          correction: 5n,
          scale: 2 ** 20,
          residues: residuesOf(ring, level, level + 1),
        })),
      })),
    ),
  'rlwe/encode': () =>
    [8, 1024].map((degree) => ({
      ...{ degree, plainModulus: 65537n },
      values: BigInt64Array.from({ length: 2 * degree }, (_, i) => BigInt((i * 7919) % 65537) - 32768n),
    })),
  'rlwe/encode-reals': () =>
    rings.map((ring) => ({
      ...ring,
      scale: 2 ** 30,
      values: Float64Array.from({ length: ring.degree }, (_, i) => i / 3 - 7),
    })),
  'rlwe/evaluate': () =>
    rings.slice(1).flatMap((ring) =>
      [0n, 97n].map((plainModulus) => {
        const [level, targets] = [ring.moduli.length - 1, Uint32Array.of(0, 3)]
        const key = (): BigUint64Array =>
          Array.from({ length: 2 * level }, () => residuesOf(ring, level + 1, 1)).reduce((all, part) =>
            BigUint64Array.of(...all, ...part),
          )
        const input = { level, size: 2, correction: 1n, scale: 1, residues: residuesOf(ring, level, 2) }
        return {
          ...{ ...ring, plainModulus, inputs: [input, input], outputs: [2, 3, 4] },
          plains: [
            {
              scale: 2,
              residues: plainModulus === 0n ? residuesOf(ring, level, 1) : new BigUint64Array(ring.degree).fill(96n),
            },
          ],
          keys: { id: 'key', targets, first: key(), second: key() },
          program: [
            ['add', 2, 0, 1],
            ['negate', 2, 2],
            ['multiply', 3, 2, 1],
            ['relinearise', 3, 3],
            ['rotate', 3, 3, 3],
            ...(level > 1 ? [['rescale', 3, 3]] : []),
            ['multiply-plain', 4, 2, 0],
            ['add-plain', 4, 4, 0],
            ['subtract', 4, 4, 0],
          ],
        }
      }),
    ),
  'rlwe/encrypt': () =>
    rings.flatMap((ring) =>
      [0n, 97n].map((plainModulus) => {
        const residues = 3 * (plainModulus === 0n ? ring.moduli.length : 1) * ring.degree
        const plain = new BigUint64Array(residues).map((_, i) => BigInt(i * i) % 97n)
        return { ...ring, ...seeds, first: 7, rows: 3, secret: secretOf(ring.degree), plainModulus, plain }
      }),
    ),
  'rlwe/expand': () => rings.map((ring) => ({ ...ring, publicSeed: bytes(3, 32), first: 5, rows: 3 })),
  'rlwe/interpolate': () =>
    [
      { degree: 8, plainModulus: 65537n, most: 1, rows: 0 },
      { degree: 8, plainModulus: 4_293_918_721n, most: 9, rows: 3 },
      { degree: 16, plainModulus: 4_293_918_721n, most: 4, rows: 1 },
    ].map(({ degree, plainModulus, most, rows }) => {
      const residue = (i: number): number =>
        i % 5 === 0 ? Number(plainModulus) - 1 - (i % 3) : (i * 2_654_435) % 65_537
      return {
        ...{ degree, plainModulus, most },
        counts: Uint32Array.from({ length: degree }, (_, slot) => slot % (most + 1)),
        // Distinct within a slot, extremes among them.
        points: Uint32Array.from({ length: degree * most }, (_, i) => (i % 2 === 0 ? i : Number(plainModulus) - i)),
        labels: Uint32Array.from({ length: rows * degree * most }, (_, i) => residue(i)),
        masks: Uint32Array.from({ length: (rows + 1) * degree }, (_, i) => residue(i + 1)),
      }
    }),
  'rlwe/mask': () =>
    rings.flatMap((ring) =>
      [1, 29, 30, 31, 80].map((bits) => {
        const [q] = ring.moduli
        const publicKey = new BigUint64Array(2 * ring.moduli.length * ring.degree).map(
          (_, i) => (q! - 1n) / BigInt(i + 1),
        )
        return {
          ...ring,
          publicKey,
          coins: bytes(bits, 32),
          plainModulus: bits % 2 === 0 ? 0n : 97n,
          bits,
          plain: new BigUint64Array(bits === 31 ? ring.degree : 0).fill(90n),
        }
      }),
    ),
  'rlwe/switch-keys': () =>
    rings.slice(1).map((ring) => ({
      ...{ ...ring, ...seeds, secret: secretOf(ring.degree), plainModulus: 97n },
      targets: Uint32Array.of(0, 3, 2 * ring.degree - 1),
    })),
} satisfies Record<string, () => unknown[]>
