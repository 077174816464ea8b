/**
 * P-256 by OpenSSL: decompression by `ECDH.convertKey`, multiplication by `computeSecret`, which gives the x-coordinate
 * of k·P alone. The sign of y follows from the x of (k + 1)·P = k·P + P, the recovery of Okeya and Sakurai (CHES 2001): with
 * P = (x₁, y₁), k·P = (x₂, y₂), (k + 1)·P = (x₃, ·) the addition law gives (y₂ - y₁)² = (x₁ + x₂ + x₃)(x₂ - x₁)², hence
 * 2 y₁ y₂ = y₁² + y₂² - (x₁ + x₂ + x₃)(x₂ - x₁)². One inversion serves all rows.
 *
 * Constant time: the scalar is used by OpenSSL alone, whose multiplication on this curve is; k + 1 is a BigInt, once a
 * call. The recovery is BigInt arithmetic on the points themselves, and the hash tries as often as its row needs: not
 * constant-time in the rows.
 */
import { createECDH, ECDH, hash } from 'node:crypto'
import type { Engine } from '@tallystick/protocol'
import type { HashScaleInput, ScaleInput, ScaleOutput } from '../p256/kernels.ts'
import * as reference from '../p256/reference.ts'
import { checkHashScale, checkScale, integerOf, order } from '../p256/shapes.ts'

/** The field and the constant of y² = x³ - 3x + b (SEC 2, section 2.4.2). */
const p = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
const curve = 'prime256v1'

const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const residue = (value: bigint): bigint => ((value % p) + p) % p
const fixed = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')

/** The affine point as 65 bytes, or undefined where the encoding is none. */
const decompress = (row: Uint8Array): Buffer | undefined => {
  if (row[0] !== 2 && row[0] !== 3) return undefined
  try {
    return ECDH.convertKey(row, curve, undefined, undefined, 'uncompressed') as Buffer
  } catch {
    return undefined
  }
}

const prefixed = (prefix: number, message: Uint8Array): bigint =>
  BigInt(`0x${hash('sha256', Buffer.concat([Uint8Array.of(prefix), message]))}`)
const oracle = (message: Uint8Array): bigint => ((prefixed(1, message) << 256n) | prefixed(2, message)) % p

const hashToCurve = (message: Uint8Array): Buffer => {
  for (let x = oracle(message); ; x = oracle(reference.minimalBytes(x))) {
    const point = decompress(Buffer.concat([Uint8Array.of(2), fixed(x)]))
    if (point !== undefined) return point
  }
}

/** Inverses of all, none of them zero, by one inversion (Montgomery). */
const invertAll = (values: readonly bigint[]): bigint[] => {
  const before: bigint[] = []
  let product = 1n
  for (const value of values) {
    before.push(product)
    product = (product * value) % p
  }
  let inverse = power(product, p - 2n)
  const out = Array.from(values)
  for (let i = values.length - 1; i >= 0; i--) {
    out[i] = (inverse * before[i]!) % p
    inverse = (inverse * values[i]!) % p
  }
  return out
}

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  for (let square = base; exponent > 0n; exponent >>= 1n, square = (square * square) % p) {
    if (exponent & 1n) result = (result * square) % p
  }
  return result
}

const keyOf = (scalar: Uint8Array) => {
  const ecdh = createECDH(curve)
  ecdh.setPrivateKey(scalar)
  return ecdh
}

/** The scalars for which k·P = ±P: the recovery divides by the difference of their x. */
const isUnit = (scalar: Uint8Array): boolean => {
  const value = integerOf(scalar)
  return value === 1n || value === order - 1n
}

/** scalar · P, compressed, for each point of 65 bytes. */
const multiplyAll = (scalar: Uint8Array, points: readonly Buffer[]): Uint8Array => {
  const [own, next] = [keyOf(scalar), keyOf(fixed(integerOf(scalar) + 1n))]
  const out = new Uint8Array(33 * points.length)
  const products: bigint[] = []
  const ordinates: bigint[] = []
  for (const [i, point] of points.entries()) {
    const secret = own.computeSecret(point)
    out.set(secret, 33 * i + 1)
    const [x1, y1] = [big(point.subarray(1, 33)), big(point.subarray(33))]
    const [x2, x3] = [big(secret), big(next.computeSecret(point))]
    const difference = x2 - x1
    const squares = y1 * y1 + ((x2 * x2 - 3n) % p) * x2 + b
    products.push(residue(squares - ((difference * difference) % p) * (x1 + x2 + x3)))
    ordinates.push((2n * y1) % p)
  }
  for (const [i, inverse] of invertAll(ordinates).entries()) {
    out[33 * i] = ((products[i]! * inverse) % p) & 1n ? 3 : 2
  }
  return out
}

function hashScale(input: HashScaleInput): Uint8Array {
  const { scalar, bytes, offsets } = checkHashScale(input)
  if (isUnit(scalar)) return reference.hashScale(input)
  const rows = Array.from({ length: offsets.length - 1 }, (_, i) => bytes.subarray(offsets[i], offsets[i + 1]))
  return multiplyAll(scalar, rows.map(hashToCurve))
}

function scale(input: ScaleInput): ScaleOutput {
  const { scalar, points } = checkScale(input)
  if (isUnit(scalar)) return reference.scale(input)
  const rows = Array.from({ length: points.length / 33 }, (_, i) => decompress(points.subarray(33 * i, 33 * i + 33)))
  const valid = rows.flatMap((point, row) => (point === undefined ? [] : [{ point, row }]))
  const found = multiplyAll(
    scalar,
    valid.map(({ point }) => point),
  )
  if (valid.length === rows.length) return { points: found, bad: -1 }
  const out = new Uint8Array(points.length)
  for (const [i, { row }] of valid.entries()) out.set(found.subarray(33 * i, 33 * i + 33), 33 * row)
  return { points: out, bad: rows.indexOf(undefined) }
}

export const p256: Engine = { 'p256/hash-scale': hashScale, 'p256/scale': scale }
