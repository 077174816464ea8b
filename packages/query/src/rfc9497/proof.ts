/**
 * Proofs of equal discrete logarithms over a batch: RFC 9497, section 2.2. One proof of 64 bytes (challenge, response)
 * for up to 65,535 pairs.
 */
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, invariant, utf8ToBytes } from '@tallystick/core'
import { oprfCombine, oprfScale } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { decodeScalar, elementBytes, encodeScalar, generator, hashToScalar, mod, order } from './group.ts'
import { contextString, type Computing, type KeyPair, type Mode } from './suite.ts'

export const proofBytes = 64
/** The index of a pair has two bytes. */
export const maxBatch = 65_535

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value)
const sized = (bytes: Uint8Array): Uint8Array => concatBytes(u16(bytes.length), bytes)
const rowOf = (rows: Uint8Array, i: number): Uint8Array => rows.subarray(elementBytes * i, elementBytes * (i + 1))

/** The scalars d_i of ComputeComposites, which both sides compute. */
const weights = (publicKey: Uint8Array, blinded: Uint8Array, evaluated: Uint8Array, mode: Mode): Uint8Array => {
  const context = contextString(mode)
  const seedTag = concatBytes(utf8ToBytes('Seed-'), context)
  const seed = sha512(concatBytes(sized(publicKey), sized(seedTag)))
  const dst = concatBytes(utf8ToBytes('HashToScalar-'), context)
  const rows = blinded.length / elementBytes
  invariant(rows <= maxBatch && evaluated.length === blinded.length, 'a proof is over at most 65,535 pairs')
  const out = new Uint8Array(blinded.length)
  for (let i = 0; i < rows; i++) {
    const transcript = concatBytes(
      sized(seed),
      u16(i),
      sized(rowOf(blinded, i)),
      sized(rowOf(evaluated, i)),
      utf8ToBytes('Composite'),
    )
    out.set(encodeScalar(hashToScalar(transcript, dst)), elementBytes * i)
  }
  return out
}

const challenge = (elements: readonly Uint8Array[], mode: Mode): bigint => {
  const dst = concatBytes(utf8ToBytes('HashToScalar-'), contextString(mode))
  return hashToScalar(concatBytes(...elements.map(sized), utf8ToBytes('Challenge')), dst)
}

/** a·P + b·Q */
function* sum(ctx: Computing, a: bigint, p: Uint8Array, b: bigint, q: Uint8Array): Routine<Uint8Array> {
  const scalars = concatBytes(encodeScalar(a), encodeScalar(b))
  const { point, bad } = yield* ctx.compute(oprfCombine, { scalars, points: concatBytes(p, q) })
  invariant(bad < 0, 'elements of a proof were checked before')
  return point
}

/** GenerateProof that evaluated = k · blinded, with the random scalar in `nonce` (32 bytes, in [1, ℓ)). */
export function* prove(
  ctx: Computing,
  { secretKey, publicKey }: KeyPair,
  blinded: Uint8Array,
  evaluated: Uint8Array,
  nonce: Uint8Array,
  mode: Mode = 'voprf',
): Routine<Uint8Array> {
  const scalars = weights(publicKey, blinded, evaluated, mode)
  const { point: m, bad } = yield* ctx.compute(oprfCombine, { scalars, points: blinded })
  invariant(bad < 0, 'blinded elements were checked before')
  const points = concatBytes(m, generator, m)
  const three = concatBytes(secretKey, nonce, nonce)
  const { points: made } = yield* ctx.compute(oprfScale, { scalars: three, points })
  const c = challenge([publicKey, m, rowOf(made, 0), rowOf(made, 1), rowOf(made, 2)], mode)
  const s = mod(decodeScalar(nonce) - c * decodeScalar(secretKey))
  return concatBytes(encodeScalar(c), encodeScalar(s))
}

/** VerifyProof. False for anything that is no proof, or of another key. */
export function* verify(
  ctx: Computing,
  publicKey: Uint8Array,
  blinded: Uint8Array,
  evaluated: Uint8Array,
  proof: Uint8Array,
  mode: Mode = 'voprf',
): Routine<boolean> {
  const [c, s] = [decodeScalar(proof, 0), decodeScalar(proof, 1)]
  // Zero comes from no prover but with probability 2^-252.
  if (c === 0n || s === 0n || c >= order || s >= order) return false
  const scalars = weights(publicKey, blinded, evaluated, mode)
  const composite = yield* ctx.compute(oprfCombine, { scalars, points: blinded })
  const image = yield* ctx.compute(oprfCombine, { scalars, points: evaluated })
  const key = yield* ctx.compute(oprfScale, { scalars: encodeScalar(1n), points: publicKey })
  const neutral = new Uint8Array(elementBytes)
  const unusable = [composite.point, image.point].some((point) => equalBytes(point, neutral))
  if (composite.bad >= 0 || image.bad >= 0 || key.bad >= 0 || unusable) return false
  const t2 = yield* sum(ctx, s, generator, c, publicKey)
  const t3 = yield* sum(ctx, s, composite.point, c, image.point)
  return challenge([publicKey, composite.point, image.point, t2, t3], mode) === c
}
