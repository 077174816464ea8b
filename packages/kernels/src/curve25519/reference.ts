/**
 * References of the curve25519 kernels: RFC 7748 and RFC 9380 written down in BigInt, to be read and believed rather
 * than to be fast (about 1 k rows/s). Not constant-time.
 */
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js'
import { sha512 } from '@noble/hashes/sha2.js'
import type { HashInput, HashScaleInput, ScaleEachInput, ScaleInput, ScaleOutput } from './kernels.ts'

export const P = 2n ** 255n - 19n
const A = 486662n
const A24 = (A - 2n) / 4n

const mod = (x: bigint): bigint => ((x % P) + P) % P

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * base) % P
    base = (base * base) % P
  }
  return result
}

/** 1/x, and 0 for 0 (inv0 of RFC 9380). */
const invert = (x: bigint): bigint => power(mod(x), P - 2n)

function fromLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!)
  return value
}

const fromBigEndian = (bytes: Uint8Array): bigint => fromLittleEndian(Uint8Array.from(bytes).reverse())

function toLittleEndian(value: bigint, out: Uint8Array): void {
  for (let i = 0; i < 32; i++, value >>= 8n) out[i] = Number(value & 255n)
}

/** A square root of x modulo p, or undefined if x is no square. p = 5 (mod 8): RFC 9380 appendix I.2. */
function squareRoot(x: bigint): bigint | undefined {
  const root = power(x, (P + 3n) / 8n)
  if ((root * root) % P === x) return root
  const other = (root * power(2n, (P - 1n) / 4n)) % P
  return (other * other) % P === x ? other : undefined
}

interface Point {
  readonly x: bigint
  readonly y: bigint
}

/** Elligator 2 for curve25519 (J = 486662, K = 1, Z = 2): RFC 9380 section 6.7.1. */
function mapToCurve(u: bigint): Point {
  const x1 = mod(-A * invert(1n + 2n * u * u))
  const curve = (x: bigint): bigint => mod(x * x * x + A * x * x + x)
  const y1 = squareRoot(curve(x1))
  if (y1 !== undefined) return { x: x1, y: (y1 & 1n) === 1n ? y1 : mod(-y1) }
  const x2 = mod(-x1 - A)
  const y2 = squareRoot(curve(x2))!
  return { x: x2, y: (y2 & 1n) === 0n ? y2 : mod(-y2) }
}

/** Affine sum on y² = x³ + A·x² + x; undefined is the neutral element. */
export function add(p: Point | undefined, q: Point | undefined): Point | undefined {
  if (!p) return q
  if (!q) return p
  if (p.x === q.x && mod(p.y + q.y) === 0n) return undefined
  const slope =
    p.x === q.x
      ? mod((3n * p.x * p.x + 2n * A * p.x + 1n) * invert(2n * p.y))
      : mod((q.y - p.y) * invert(mod(q.x - p.x)))
  const x = mod(slope * slope - A - p.x - q.x)
  return { x, y: mod(slope * (p.x - x) - p.y) }
}

/** The u-coordinate of 8·(map(u0) + map(u1)), 0 for the neutral element: RFC 9380 section 3, hash_to_curve. */
export function fromField(u0: bigint, u1: bigint): bigint {
  let sum = add(mapToCurve(u0), mapToCurve(u1))
  for (let i = 0; i < 3; i++) sum = add(sum, sum)
  return sum?.x ?? 0n
}

/** hash_to_field of RFC 9380 section 5.2 with m = 1, count = 2, L = 48, expand_message_xmd, SHA-512. */
function hashToField(message: Uint8Array, dst: Uint8Array): readonly [bigint, bigint] {
  const uniform = expand_message_xmd(message, dst, 96, sha512)
  return [mod(fromBigEndian(uniform.subarray(0, 48))), mod(fromBigEndian(uniform.subarray(48)))]
}

export function hash({ dst, bytes, offsets }: HashInput): Uint8Array {
  const n = offsets.length - 1
  const out = new Uint8Array(32 * n)
  for (let i = 0; i < n; i++) {
    const [u0, u1] = hashToField(bytes.subarray(offsets[i], offsets[i + 1]), dst)
    toLittleEndian(fromField(u0, u1), out.subarray(32 * i, 32 * i + 32))
  }
  return out
}

/** The ladder of RFC 7748 section 5 over 256 bits: (x : z) of scalar·(u : 1). */
function ladder(scalar: bigint, u: bigint): readonly [x: bigint, z: bigint] {
  let [x2, z2, x3, z3] = [1n, 0n, u, 1n]
  for (let t = 255n; t >= 0n; t--) {
    const bit = (scalar >> t) & 1n
    if (bit) [x2, z2, x3, z3] = [x3, z3, x2, z2]
    const [a, b, c, d] = [x2 + z2, x2 - z2 + P, x3 + z3, x3 - z3 + P]
    const [aa, bb, da, cb] = [(a * a) % P, (b * b) % P, (d * a) % P, (c * b) % P]
    const e = aa - bb + P
    x3 = (da + cb) ** 2n % P
    z3 = (u * (da - cb) ** 2n) % P
    x2 = (aa * bb) % P
    z2 = (e * (aa + A24 * e)) % P
    if (bit) [x2, z2, x3, z3] = [x3, z3, x2, z2]
  }
  return [x2, z2]
}

export function scale({ scalar, points }: ScaleInput): ScaleOutput {
  const n = points.length / 32
  const out = new Uint8Array(32 * n)
  const k = fromLittleEndian(scalar)
  let bad = -1
  for (let i = 0; i < n; i++) {
    const u = fromLittleEndian(points.subarray(32 * i, 32 * i + 32))
    const [x, z] = u < P ? ladder(k, u) : [0n, 0n]
    if (z !== 0n) toLittleEndian((x * invert(z)) % P, out.subarray(32 * i, 32 * i + 32))
    else if (bad < 0) bad = i
  }
  return { points: out, bad }
}

export const hashScale = (input: HashScaleInput): ScaleOutput => scale({ scalar: input.scalar, points: hash(input) })

export function scaleEach({ scalars, points }: ScaleEachInput): ScaleOutput {
  const out = new Uint8Array(points.length)
  let bad = -1
  for (let at = 0; at < points.length; at += 32) {
    const row = scale({ scalar: scalars.subarray(at, at + 32), points: points.subarray(at, at + 32) })
    out.set(row.points, at)
    if (bad < 0 && row.bad >= 0) bad = at / 32
  }
  return { points: out, bad }
}
