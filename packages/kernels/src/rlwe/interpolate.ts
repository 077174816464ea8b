/**
 * A table as polynomials, slot by slot: Chen, Laine and Rindal 2017 (ia.cr/2017/299, section 4: a polynomial that vanishes
 * at the items of a bin, times a random factor) and Chen, Huang, Laine and Rindal 2018 (ia.cr/2018/787, section 5: one that
 * takes the items' labels, plus a random multiple of the first), encoded coefficient by coefficient for BGV.
 */
import { TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import { bigintArithmetic } from './arithmetic.ts'
import { slotPlaces } from './fourier.ts'
import { checkRing, power } from './ring.ts'

export interface InterpolateInput {
  /** n: as many slots. */
  readonly degree: number
  /** t: a prime of less than 2^32, 1 mod 2n. */
  readonly plainModulus: bigint
  /** Most points of a slot. */
  readonly most: number
  /** Points of each slot: n numbers up to `most`. */
  readonly counts: Uint32Array
  /** n × most residues; those of one slot are distinct, those beyond its count are not read. */
  readonly points: Uint32Array
  /** rows × n × most residues: values at the points. */
  readonly labels: Uint32Array
  /** (rows + 1) × n residues. */
  readonly masks: Uint32Array
}

const wrong = (message: string): TallyError => new TallyError('api/misuse', 'self', `rlwe/interpolate: ${message}`)

export const labelRows = ({ masks, degree }: InterpolateInput): number => masks.length / degree - 1

const hasEqual = (points: Uint32Array): boolean => {
  const sorted = points.slice().sort()
  return sorted.some((x, i) => i > 0 && x === sorted[i - 1])
}

/** @throws TallyError api/misuse unless shapes fit, everything is a residue and points are distinct. */
export const checkInterpolate = (input: InterpolateInput): InterpolateInput => {
  const { degree, plainModulus: t, most, counts, points, labels, masks } = input
  checkRing(degree, BigUint64Array.of(t), 16)
  const rows = labelRows(input)
  const whole = Number.isInteger(most) && most >= 1 && most < 65_536 && Number.isInteger(rows) && rows >= 0
  const shaped =
    t < 1n << 32n &&
    counts.length === degree &&
    points.length === degree * most &&
    labels.length === rows * points.length
  if (!whole || !shaped || counts.some((count) => count > most)) {
    throw wrong('expected n counts, n × most points, rows × n × most labels, (rows + 1) × n masks, t below 2^32')
  }
  const above = (values: Uint32Array): boolean => values.some((value) => value >= Number(t))
  if (above(points) || above(labels) || above(masks)) throw wrong(`expected residues below ${t}`)
  for (let slot = 0; slot < degree; slot++) {
    if (hasEqual(points.subarray(slot * most, slot * most + counts[slot]!))) throw wrong('expected distinct points')
  }
  return input
}

/** Coefficients of Π (Y - x), the lowest first. */
const vanishing = (points: readonly bigint[], t: bigint): readonly bigint[] =>
  points.reduce<bigint[]>(
    (product, x) => [0n, ...product].map((shifted, c) => (((shifted - x * (product[c] ?? 0n)) % t) + t) % t),
    [1n],
  )

/** Coefficients of the polynomial of least degree with these values, by Lagrange. */
const through = (points: readonly bigint[], values: readonly bigint[], t: bigint): readonly bigint[] => {
  const sum = points.map(() => 0n)
  for (const [i, x] of points.entries()) {
    const others = points.filter((_, j) => j !== i)
    const slope = others.reduce((product, y) => (product * (x - y + t)) % t, 1n)
    const factor = (values[i]! * power(slope, t - 2n, t)) % t
    vanishing(others, t).forEach((c, place) => (sum[place] = (sum[place]! + c * factor) % t))
  }
  return sum
}

const run = (input: InterpolateInput): BigUint64Array => {
  const { degree: n, plainModulus: t, most, counts, points, labels, masks } = checkInterpolate(input)
  const rows = labelRows(input)
  const on = bigintArithmetic(n)
  const places = slotPlaces(n)
  const out = new BigUint64Array((rows + 1) * (most + 1) * n)
  for (let slot = 0; slot < n; slot++) {
    const count = counts[slot]!
    const own = (from: Uint32Array, row: number): bigint[] =>
      Array.from(from.subarray((row * n + slot) * most, (row * n + slot) * most + count), BigInt)
    const xs = own(points, 0)
    const product = vanishing(xs, t)
    for (let k = 0; k <= rows; k++) {
      const values = k === 0 ? [] : through(xs, own(labels, k - 1), t)
      const mask = BigInt(masks[k * n + slot]!)
      product.forEach((c, i) => {
        out[(k * (most + 1) + i) * n + places[slot]!] = ((values[i] ?? 0n) + mask * c) % t
      })
    }
  }
  for (let at = 0; at < out.length; at += n) on.inverse(out.subarray(at, at + n), t)
  return out
}

/**
 * (rows + 1) × (most + 1) × n coefficients modulo t: polynomial by polynomial and coefficient by coefficient a plaintext
 * whose slots hold that coefficient of each slot's polynomial. The first is mask_0·P, the others are the interpolated
 * labels plus mask·P.
 */
export const interpolate: Kernel<InterpolateInput, BigUint64Array> = { name: 'rlwe/interpolate', run }
