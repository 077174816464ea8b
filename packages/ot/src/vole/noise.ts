/** Regular noise, and its value as a polynomial. */
import type { Rng } from '@tallystick/core'
import { gf128Multiply } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { blockBytes } from '../bytes.ts'
import type { VoleShape } from './parameters.ts'
import { block, type VoleContext } from './shares.ts'

export interface Noise {
  /** The place within each block. */
  readonly points: Uint32Array
  /** The places in the whole vector, ascending. */
  readonly places: Uint32Array
  /** An element for each: uniform, so zero with probability 2^-128. */
  readonly values: Uint8Array
}

/** Coins of one place: 64 bits modulo the size of a block, a bias below 2^-40. */
const placeCoins = 8
export const noiseCoins = ({ weight }: VoleShape): number => weight * (placeCoins + blockBytes)

export const drawNoise = (rng: Rng, { weight, leaves }: VoleShape): Noise => {
  const coins = new Uint32Array(rng.bytes(placeCoins * weight).buffer)
  const points = new Uint32Array(weight)
  for (let i = 0; i < weight; i++) {
    points[i] = ((coins[2 * i]! % leaves) * 2 ** 32 + coins[2 * i + 1]!) % leaves
  }
  const places = points.map((point, i) => i * leaves + point)
  return { points, places, values: rng.bytes(blockBytes * weight) }
}

/** point^(2^j) below the length, all exponents' bits: 16 bytes each. */
const one = Uint8Array.of(1, ...new Uint8Array(15))

/**
 * point^place for each place, by squaring and multiplying over all places at once: one kernel call a bit of the places,
 * and factors chosen by mask, so nothing depends on the places.
 */
export function* powersAt(
  ctx: VoleContext,
  point: Uint8Array,
  places: Uint32Array,
  length: number,
): Routine<Uint8Array> {
  let powers = new Uint8Array(blockBytes * places.length)
  for (let i = 0; i < places.length; i++) powers.set(one, blockBytes * i)
  let square: Uint8Array = point
  for (let bit = 0; 2 ** bit < length; bit++) {
    const factors = new Uint8Array(powers.length)
    for (let i = 0; i < places.length; i++) {
      const mask = -((places[i]! >>> bit) & 1)
      const factor = block(factors, i)
      for (let k = 0; k < blockBytes; k++) factor[k] = (square[k]! & mask) | (one[k]! & ~mask)
    }
    powers = (yield* ctx.compute(gf128Multiply, { left: powers, right: factors })) as Uint8Array<ArrayBuffer>
    square = yield* ctx.compute(gf128Multiply, { left: square, right: square })
  }
  return powers
}
