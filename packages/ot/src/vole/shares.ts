/** What both ends compute alike. */
import { taggedDigest } from '@tallystick/core'
import type { Context } from '@tallystick/protocol'
import { blockBytes, wordsOf } from '../bytes.ts'
import type { Batch } from '../extension/correlate.ts'
import type { VoleMessages } from './messages.ts'
import { type ShapedOptions, shapeOf } from './parameters.ts'

export type VoleContext = Context<VoleMessages<'each', 'each'>, string>

/** Transfers for the trees; bits of the shares, of the noise values and, against malice, of one more that masks a check. */
export const batchesOf = (options: ShapedOptions): readonly [trees: Batch, shares: Batch] => {
  const { weight, depth } = shapeOf(options)
  return [{ rows: weight * depth }, { rows: 128 * (weight + (options.security === 'malicious' ? 1 : 0)) }]
}

/**
 * Correlated rows of bits to elements: the sum of row 128 i + k times x^k. Rows of the two ends differ by bit · Delta, so
 * elements differ by (the element of these bits) · Delta. Constant-time: shifts and masks.
 */
export const elementsOf = (rows: Uint8Array): Uint8Array => {
  const from = wordsOf(rows)
  const out = new Uint8Array(rows.length / 128)
  const to = wordsOf(out)
  for (let element = 0; element < to.length / 4; element++) {
    let [w0, w1, w2, w3] = [0, 0, 0, 0]
    for (let k = 127; k >= 0; k--) {
      const at = 4 * (128 * element + k)
      const carry = -(w3 >>> 31) & 0x87
      w3 = ((w3 << 1) | (w2 >>> 31)) ^ from[at + 3]!
      w2 = ((w2 << 1) | (w1 >>> 31)) ^ from[at + 2]!
      w1 = ((w1 << 1) | (w0 >>> 31)) ^ from[at + 1]!
      w0 = (w0 << 1) ^ carry ^ from[at]!
    }
    to.set([w0, w1, w2, w3], 4 * element)
  }
  return out
}

/** Block i of a vector. */
export const block = (blocks: Uint8Array, i: number): Uint8Array =>
  blocks.subarray(blockBytes * i, blockBytes * (i + 1))

export const proofOf = (value: Uint8Array): Uint8Array => taggedDigest('tallystick/ot/vole/proof/v1', value)
