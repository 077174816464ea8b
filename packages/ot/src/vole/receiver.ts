/** The end that gets a and c. */
import { equalBytes, TallyError } from '@tallystick/core'
import { aesTweakedHash, expandConvoluteEncode, gf128Evaluate, gf128Inner, ggmPuncture } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { addInto, blockBytes, chosen, sumOf } from '../bytes.ts'
import { correlateReceive } from '../extension/correlate.ts'
import type { VoleOptions, VoleReceived } from '../interface.ts'
import type { VoleMessages } from './messages.ts'
import { shapeOf, type VoleShape } from './parameters.ts'
import { drawNoise, type Noise, powersAt } from './noise.ts'
import { batchesOf, block, elementsOf, proofOf, type VoleContext } from './shares.ts'

const misbehaved = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `trees of ${peer}: ${message}`, {
    remedy: `ask ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/** For each level of each tree, from the root, the complement of the path's bit: the side whose sum is asked for. */
const sidesOf = (points: Uint32Array, depth: number): Uint8Array => {
  const out = new Uint8Array(Math.ceil((points.length * depth) / 8))
  points.forEach((point, tree) => {
    for (let level = 0; level < depth; level++) {
      const i = tree * depth + level
      out[i >> 3]! |= (((point >> (depth - 1 - level)) & 1) ^ 1) << (i & 7)
    }
  })
  return out
}

/** All leaves; the one of each noise place is the sender's plus Delta times the noise value. */
function* takeTrees(
  wire: VoleContext,
  peer: string,
  { weight, leaves, depth }: VoleShape,
  points: Uint32Array,
  rows: Uint8Array,
  shares: Uint8Array,
): Routine<Uint8Array> {
  const keys = yield* wire.compute(aesTweakedHash, { blocks: rows, tweak: 0 })
  const body = yield* wire.receive('voleTrees', peer)
  const count = weight * depth
  const expected = blockBytes * (2 * count + weight)
  if (body.length !== expected) throw misbehaved(peer, `expected ${expected} bytes, found ${body.length}`)
  const sides = [0, 1].map((side) => {
    const out = new Uint8Array(blockBytes * count)
    for (let i = 0; i < count; i++) out.set(block(body, 2 * i + side), blockBytes * i)
    return out
  })
  const sums = sumOf(chosen(sides[0]!, sides[1]!, sidesOf(points, depth)), keys)
  const trees = yield* wire.compute(ggmPuncture, { points, sums, leaves })
  const missing = sumOf(trees.totals, body.slice(2 * blockBytes * count))
  addInto(missing, shares.slice(0, missing.length))
  // In place, though a kernel gave them: the same values whenever it is done, and no copy of all leaves.
  points.forEach((point, tree) => trees.leaves.set(block(missing, tree), blockBytes * (tree * leaves + point)))
  return trees.leaves
}

/** The value that masks the check: the noise at a point, as a polynomial over all places. */
function* noiseAt(wire: VoleContext, noise: Noise, point: Uint8Array, length: number): Routine<Uint8Array> {
  const powers = yield* powersAt(wire, point, noise.places, length)
  return yield* wire.compute(gf128Inner, { left: noise.values, right: powers })
}

/**
 * n elements a, pseudorandom, and c = b + a·Delta; the peer's end is `voleSend`.
 * @throws TallyError peer/misbehaved where a frame has another length or a check fails.
 */
export function* voleReceive<M extends VoleMessages<string, R | 'each'>, R extends string>(
  ctx: Context<M, R>,
  peer: string,
  options: VoleOptions,
): Routine<VoleReceived> {
  const shape = shapeOf(options)
  const { n, security } = options
  if (n === 0) return { a: new Uint8Array(), c: new Uint8Array() }
  const wire = ctx as unknown as VoleContext
  const noise = drawNoise(wire.narrow('noise').rng, shape)
  const malicious = security === 'malicious'
  const point = malicious ? wire.narrow('point').rng.bytes(blockBytes) : new Uint8Array()
  const masked = malicious ? yield* noiseAt(wire.narrow('mask'), noise, point, shape.noise) : new Uint8Array()
  const values = new Uint8Array(noise.values.length + masked.length)
  values.set(noise.values)
  values.set(masked, noise.values.length)
  const [trees, shared] = batchesOf(options)
  const [rows, bits] = yield* correlateReceive(
    wire.narrow('transfers'),
    peer,
    [
      { ...trees, choices: sidesOf(noise.points, shape.depth) },
      { ...shared, choices: values },
    ],
    security,
  )
  const shares = elementsOf(bits!)
  const dense = yield* takeTrees(wire, peer, shape, noise.points, rows!, shares)
  if (malicious) {
    yield* wire.send('voleChallenge', point, peer)
    const value = yield* wire.compute(gf128Evaluate, { point, elements: dense, polynomials: 1 })
    const proof = yield* wire.receive('voleProof', peer)
    if (!equalBytes(proof, proofOf(sumOf(value, block(shares, shape.weight))))) {
      throw misbehaved(peer, 'they do not fit what was shared: a cheating attempt, or damage on the way')
    }
  }
  const { places, values: sparse } = { places: noise.places, values: noise.values }
  const encoded = yield* wire.compute(expandConvoluteEncode, { dense, places, values: sparse, outputs: n })
  return { a: encoded.sparse, c: encoded.dense }
}
