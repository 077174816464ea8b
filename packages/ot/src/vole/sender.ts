/** The end that knows Delta. */
import { TallyError } from '@tallystick/core'
import { expandConvoluteEncode, gf128Evaluate, ggmGrow } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { addInto, blockBytes, sumOf } from '../bytes.ts'
import { correlateSend } from '../extension/correlate.ts'
import { hashPair } from '../extension/index.ts'
import type { VoleOptions } from '../interface.ts'
import type { VoleMessages } from './messages.ts'
import { type ShapedOptions, shapeOf } from './parameters.ts'
import { batchesOf, block, elementsOf, proofOf, type VoleContext } from './shares.ts'

/**
 * Trees for the receiver, who knows all leaves but one of each: the sums of the levels under the keys of the transfers,
 * and the sum of all leaves plus the own share of Delta times the noise value.
 */
function* sendTrees(
  wire: VoleContext,
  peer: string,
  options: ShapedOptions,
  keys: { readonly zero: Uint8Array; readonly one: Uint8Array },
  shares: Uint8Array,
): Routine<Uint8Array> {
  const { weight, leaves, depth } = shapeOf(options)
  const roots = wire.narrow('roots').rng.bytes(blockBytes * weight)
  const trees = yield* wire.compute(ggmGrow, { roots, leaves })
  const body = new Uint8Array(blockBytes * weight * (2 * depth + 1))
  body.set(trees.sums)
  for (let i = 0; i < weight * depth; i++) {
    addInto(block(body, 2 * i), block(keys.zero, i))
    addInto(block(body, 2 * i + 1), block(keys.one, i))
  }
  for (let tree = 0; tree < weight; tree++) {
    const last = 2 * (tree * depth + depth - 1)
    const total = block(body, 2 * weight * depth + tree)
    addInto(total, block(trees.sums, last))
    addInto(total, block(trees.sums, last + 1))
    addInto(total, block(shares, tree))
  }
  yield* wire.send('voleTrees', body, peer)
  return trees.leaves
}

/**
 * n elements b with c = b + a·Delta; the peer's end is `voleReceive`.
 * @throws TallyError peer/misbehaved where a frame has another length or a check fails.
 */
export function* voleSend<M extends VoleMessages<R | 'each', string>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  options: VoleOptions,
  delta: Uint8Array,
): Routine<Uint8Array> {
  const { weight } = shapeOf(options)
  if (delta.length !== blockBytes) {
    throw new TallyError('api/misuse', 'self', `expected a Delta of ${blockBytes} bytes, found ${delta.length}`)
  }
  const { n, security } = options
  if (n === 0) return new Uint8Array()
  const wire = ctx as unknown as VoleContext
  const [trees, noise] = batchesOf(options)
  // The transfers for the trees have a Delta of their own: the caller's is known to more than this protocol.
  const own = wire.narrow('delta').rng.bytes(blockBytes)
  const [rows, bits] = yield* correlateSend(
    wire.narrow('transfers'),
    peer,
    [
      { ...trees, delta: own },
      { ...noise, delta },
    ],
    options,
  )
  const shares = elementsOf(bits!)
  const keys = yield* hashPair(wire, rows!, own)
  const leaves = yield* sendTrees(wire, peer, options, keys, shares)
  if (security === 'malicious') {
    const point = yield* wire.receive('voleChallenge', peer)
    const value = yield* wire.compute(gf128Evaluate, { point, elements: leaves, polynomials: 1 })
    yield* wire.send('voleProof', proofOf(sumOf(value, block(shares, weight))), peer)
  }
  const none = { places: new Uint32Array(), values: new Uint8Array(), fills: new Uint8Array() }
  return (yield* wire.compute(expandConvoluteEncode, { dense: leaves, ...none, outputs: n })).dense
}
