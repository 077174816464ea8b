/** The end that gets a and c. */
import { concatBytes, equalBytes, TallyError } from '@tallystick/core'
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

interface Trees {
  /** All leaves but the one at each noise place, which is zero. */
  readonly leaves: Uint8Array
  /** Those of the noise places: the sender's plus Delta times the noise value. */
  readonly missing: Uint8Array
}

function* takeTrees(
  wire: VoleContext,
  peer: string,
  { weight, leaves, depth }: VoleShape,
  points: Uint32Array,
  rows: Uint8Array,
  shares: Uint8Array,
): Routine<Trees> {
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
  return { leaves: trees.leaves, missing }
}

/** Sends the point, and compares the value of all leaves there with the sender's. */
function* checkTrees(
  wire: VoleContext,
  peer: string,
  { leaves, missing }: Trees,
  point: Uint8Array,
  powers: Uint8Array,
  share: Uint8Array,
): Routine<void> {
  yield* wire.send('voleChallenge', point, peer)
  const value = yield* wire.compute(gf128Evaluate, { point, elements: leaves, polynomials: 1 })
  const rest = yield* wire.compute(gf128Inner, { left: missing, right: powers })
  const proof = yield* wire.receive('voleProof', peer)
  if (equalBytes(proof, proofOf(sumOf(sumOf(value, rest), share)))) return
  throw misbehaved(peer, 'they do not fit what was shared: a cheating attempt, or damage on the way')
}

/** For the check: a random point, its powers at the noise places, and the noise as a polynomial at the point. */
function* drawCheck(wire: VoleContext, noise: Noise, length: number) {
  const point = wire.rng.bytes(blockBytes)
  const powers = yield* powersAt(wire, point, noise.places, length)
  return { point, powers, value: yield* wire.compute(gf128Inner, { left: noise.values, right: powers }) }
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
  const check = security === 'malicious' ? yield* drawCheck(wire.narrow('point'), noise, shape.noise) : undefined
  const [trees, shared] = batchesOf(options)
  const [rows, bits] = yield* correlateReceive(
    wire.narrow('transfers'),
    peer,
    [
      { ...trees, choices: sidesOf(noise.points, shape.depth) },
      { ...shared, choices: concatBytes(noise.values, check?.value ?? new Uint8Array()) },
    ],
    options,
  )
  const shares = elementsOf(bits!)
  const taken = yield* takeTrees(wire, peer, shape, noise.points, rows!, shares)
  if (check !== undefined) {
    yield* checkTrees(wire, peer, taken, check.point, check.powers, block(shares, shape.weight))
  }
  const { places, values } = noise
  const input = { dense: taken.leaves, places, values, fills: taken.missing, outputs: n }
  const { dense, sparse } = yield* wire.compute(expandConvoluteEncode, input)
  return { a: sparse, c: dense }
}
