/** What the two roles of `homomorphic/scoring` hold, send and learn. */
import { TallyError } from '@tallystick/core'
import { message, opening } from '@tallystick/protocol'
import type { Codec } from '@tallystick/core'
import type { Parameters } from './plan.ts'

export type Role = 'client' | 'server'

export interface ClientInput {
  /** rows × features integers, row by row. */
  readonly features: Int32Array
}

export interface ServerInput {
  readonly weights: Int32Array
  readonly intercept: number
}

export interface ClientOutput {
  /** intercept + Σ weight·feature of each row, exactly; null where the reply did not decrypt, which only this side knows. */
  readonly scores: Float64Array | null
}

/** 32 bytes of a seed and one component of the widest ring, or two components. */
const maxBytes = 32 + 2 * 32_768 * 18 * 7

const bounded: Codec<Uint8Array> = {
  maxBytes,
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
}

export const messages = {
  /** Public seed, then the first component of the public key. */
  key: message('client', 'server', bounded),
  /** First component of a ciphertext: one tile of one feature a frame, tile by tile. */
  features: message('client', 'server', bounded),
  /** A masked ciphertext of the scores of a tile. */
  scores: opening('server', 'client', bounded),
} as const

const wrong = (message: string): TallyError => new TallyError('input/malformed', 'self', message)

/** @throws TallyError input/malformed, input/invalid-value */
export const checkFeatures = ({ features }: ClientInput, parameters: Parameters): void => {
  const expected = parameters.sizes.client * parameters.features
  if (features.length !== expected) {
    throw wrong(
      `expected ${parameters.sizes.client} rows of ${parameters.features} features, found ${features.length} values`,
    )
  }
  requireBelow(features, parameters.featureBits, 'features')
}

/** @throws TallyError input/malformed, input/invalid-value */
export const checkModel = ({ weights, intercept }: ServerInput, parameters: Parameters): void => {
  if (weights.length !== parameters.features) {
    throw wrong(`expected ${parameters.features} weights, found ${weights.length}`)
  }
  requireBelow(weights, parameters.weightBits, 'weights')
  const most = 2 ** (parameters.weightBits + parameters.featureBits)
  if (!Number.isInteger(intercept) || Math.abs(intercept) >= most) {
    throw new TallyError('input/invalid-value', 'self', `expected an intercept that is whole and below ${most}`)
  }
}

const requireBelow = (values: Int32Array, bits: number, what: string): void => {
  const most = 2 ** bits
  const at = values.findIndex((value) => Math.abs(value) >= most)
  if (at === -1) return
  throw new TallyError('input/invalid-value', 'self', `expected ${what} between ±${most - 1}; value ${at} is not`, {
    remedy: 'declare a wider range in the terms, or correct the value',
  })
}
