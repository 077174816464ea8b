/** References of `p256/*`: noble's curve and SHA-256, row by row. Not constant-time: BigInt. */
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@tallystick/core'
import type { HashScaleInput, ScaleInput, ScaleOutput } from './kernels.ts'
import { integerOf } from './shapes.ts'

const { Point } = p256
type P256Point = InstanceType<typeof Point>
const { Fp } = Point

/** Big endian without leading zeros; nothing for zero. */
const minimalBytes = (value: bigint): Uint8Array => {
  const bytes: number[] = []
  for (; value > 0n; value >>= 8n) bytes.unshift(Number(value & 255n))
  return Uint8Array.from(bytes)
}

const oracle = (message: Uint8Array): bigint => {
  const half = (prefix: number): bigint => integerOf(sha256(concatBytes(Uint8Array.of(prefix), message)))
  return ((half(1) << 256n) | half(2)) % Fp.ORDER
}

const compressed = (x: bigint): Uint8Array => concatBytes(Uint8Array.of(2), Fp.toBytes(x))

/** The first x to try for a message, as the compressed point with an even y that it may be. */
export const candidateOf = (message: Uint8Array): Uint8Array => compressed(oracle(message))

/** The one to try when no point has this x. */
export const nextCandidate = (candidate: Uint8Array): Uint8Array =>
  candidateOf(minimalBytes(integerOf(candidate.subarray(1))))

const hashToCurve = (message: Uint8Array): P256Point => {
  for (let candidate = candidateOf(message); ; candidate = nextCandidate(candidate)) {
    const point = decompress(candidate)
    if (point !== undefined) return point
  }
}

export function hashScale({ scalar, bytes, offsets }: HashScaleInput): Uint8Array {
  const factor = integerOf(scalar)
  const rows = Array.from({ length: offsets.length - 1 }, (_, i) => bytes.subarray(offsets[i], offsets[i + 1]))
  return concatBytes(...rows.map((row) => hashToCurve(row).multiply(factor).toBytes(true)))
}

const decompress = (row: Uint8Array): P256Point | undefined => {
  try {
    return Point.fromBytes(row)
  } catch {
    return undefined
  }
}

export function scale({ scalar, points }: ScaleInput): ScaleOutput {
  const factor = integerOf(scalar)
  const out = new Uint8Array(points.length)
  let bad = -1
  for (let at = 0; at < points.length; at += 33) {
    const point = decompress(points.subarray(at, at + 33))
    if (point !== undefined) out.set(point.multiply(factor).toBytes(true), at)
    else if (bad < 0) bad = at / 33
  }
  return { points: out, bad }
}
