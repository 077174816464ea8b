/** Inputs of `p256/*`: scalars at both ends, rows that need several tries, rows that are no points between good ones. */
import { bytes, messages } from './samples.ts'

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const bigEndian = (value: bigint, width = 32): Uint8Array =>
  Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * (width - 1 - i))) & 255n))
const scalars = [1n, 2n, order - 2n, order - 1n, order / 3n].map((value) => bigEndian(value))
const generator = bigEndian(0x036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n, 33)

/** Wrong prefix, an x without a point, an x beyond the field, the point at infinity padded. */
const strangers = [
  Uint8Array.of(4, ...generator.subarray(1)),
  Uint8Array.of(2, ...bigEndian(1n)),
  Uint8Array.of(3, ...new Uint8Array(32).fill(255)),
  new Uint8Array(33),
]
const flat = (rows: readonly Uint8Array[]): Uint8Array => Uint8Array.from(rows.flatMap((row) => [...row]))

export const p256Cases = {
  'p256/hash-scale': () => [
    ...scalars.map((scalar, i) => ({ scalar, ...messages([bytes(i + 1, i), bytes(i + 2, 18), bytes(i + 3, 200)]) })),
    { scalar: scalars[4]!, bytes: bytes(1, 9), offsets: Uint32Array.of(3) },
  ],
  'p256/scale': () => [
    ...scalars.map((scalar) => ({ scalar, points: flat([generator, Uint8Array.of(2, ...generator.subarray(1))]) })),
    { scalar: scalars[4]!, points: flat([generator, ...strangers, generator]) },
    { scalar: scalars[4]!, points: new Uint8Array() },
  ],
}
