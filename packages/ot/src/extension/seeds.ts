/**
 * All-but-one transfer of 16 leaves by GGM trees and base transfers, for each chunk of Delta (SoftSpokenOT, ia.cr/2022/192;
 * the trees as in Boyle et al., ia.cr/2019/1159). Against malice each leaf gives, besides its key, 32 bytes t; the maker
 * sends the sum of the t of each tree and a hash of all t: whatever point the other end holds, it completes the t and
 * compares, so the maker is bound to one set of leaves, up to guesses of chunks of Delta that end in an abort.
 */
import { equalBytes, taggedDigest, TallyError } from '@tallystick/core'
import { aesExpand, ggmGrow, ggmPuncture } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { addInto, blockBytes, chosen, sumOf } from '../bytes.ts'
import type { BaseSent } from '../base/index.ts'
import { chunkBits, chunkLeaves, chunkOf, chunks } from './columns.ts'
import type { CorrelatedMessages } from './messages.ts'
import type { Adversary } from '../interface.ts'

type Wire = Context<CorrelatedMessages<'each', 'each'>, string>

const bindBytes = 32
const derivedBytes = blockBytes + bindBytes

/** Bytes of `otSeeds` for so many Deltas. */
export const seedBytes = (deltas: number, security: Adversary): number =>
  deltas * 128 * 32 + (security === 'malicious' ? bindBytes * (deltas * chunks + 1) : 0)

/** The choices of the base transfers: the complement of the path to the unknown leaf, from the root. */
export const baseChoices = (deltas: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(16 * deltas.length)
  deltas.forEach((delta, d) => {
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (let level = 0; level < chunkBits; level++) {
        const bit = ((chunkOf(delta, chunk) >> (chunkBits - 1 - level)) & 1) ^ 1
        const i = chunkBits * (chunks * d + chunk) + level
        out[i >> 3]! |= bit << (i & 7)
      }
    }
  })
  return out
}

/** Splits what was derived from the leaves into keys and binders. */
const split = (derived: Uint8Array): { keys: Uint8Array; binders: Uint8Array } => {
  const leaves = derived.length / derivedBytes
  const keys = new Uint8Array(blockBytes * leaves)
  const binders = new Uint8Array(bindBytes * leaves)
  for (let i = 0; i < leaves; i++) {
    keys.set(derived.subarray(derivedBytes * i, derivedBytes * i + blockBytes), blockBytes * i)
    binders.set(derived.subarray(derivedBytes * i + blockBytes, derivedBytes * (i + 1)), bindBytes * i)
  }
  return { keys, binders }
}

const bound = (binders: Uint8Array): Uint8Array => taggedDigest('tallystick/ot/extension/bind/v1', binders)

/** The sum of each tree's binders. */
const binderSums = (binders: Uint8Array): Uint8Array => {
  const trees = binders.length / (bindBytes * chunkLeaves)
  const out = new Uint8Array(bindBytes * trees)
  for (let tree = 0; tree < trees; tree++) {
    for (let leaf = 0; leaf < chunkLeaves; leaf++) {
      const at = bindBytes * (tree * chunkLeaves + leaf)
      addInto(out.subarray(bindBytes * tree, bindBytes * (tree + 1)), binders.slice(at, at + bindBytes))
    }
  }
  return out
}

/** The maker of the trees: the key of every leaf. */
export function* makeSeeds(
  wire: Wire,
  peer: string,
  roots: Uint8Array,
  pads: BaseSent,
  security: Adversary,
): Routine<Uint8Array> {
  const { leaves, sums } = yield* wire.compute(ggmGrow, { roots, leaves: chunkLeaves })
  const masked = sums.slice()
  for (let i = 0; i < masked.length / 32; i++) {
    addInto(masked.subarray(32 * i, 32 * i + 16), pads.zero.slice(16 * i, 16 * i + 16))
    addInto(masked.subarray(32 * i + 16, 32 * i + 32), pads.one.slice(16 * i, 16 * i + 16))
  }
  if (security === 'semi-honest') {
    yield* wire.send('otSeeds', masked, peer)
    return leaves
  }
  const { keys, binders } = split(yield* wire.compute(aesExpand, { keys: leaves, width: derivedBytes }))
  const body = new Uint8Array(seedBytes(roots.length / (16 * chunks), security))
  body.set(masked)
  body.set(binderSums(binders), masked.length)
  body.set(bound(binders), body.length - bindBytes)
  yield* wire.send('otSeeds', body, peer)
  return keys
}

/**
 * The other end: the key of every leaf but that of Delta's chunk, which is an arbitrary value.
 * @throws TallyError peer/misbehaved for another length, and where the trees are not those that their maker is bound to.
 */
export function* takeSeeds(
  wire: Wire,
  peer: string,
  deltas: readonly Uint8Array[],
  pads: Uint8Array,
  security: Adversary,
): Routine<Uint8Array> {
  const body = yield* wire.receive('otSeeds', peer)
  const refuse = (message: string): TallyError =>
    new TallyError('peer/misbehaved', { peer }, `seeds of ${peer}: ${message}`, {
      remedy: `ask ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
    })
  const expected = seedBytes(deltas.length, security)
  if (body.length !== expected) throw refuse(`expected ${expected} bytes, found ${body.length}`)
  const points = Uint32Array.from({ length: chunks * deltas.length }, (_, tree) =>
    chunkOf(deltas[Math.floor(tree / chunks)]!, tree % chunks),
  )
  const pairs = 128 * deltas.length
  const [zero, one] = [0, 16].map((half) => {
    const out = new Uint8Array(16 * pairs)
    for (let i = 0; i < pairs; i++) out.set(body.subarray(32 * i + half, 32 * i + half + 16), 16 * i)
    return out
  })
  const sums = sumOf(chosen(zero!, one!, baseChoices(deltas)), pads)
  const { leaves } = yield* wire.compute(ggmPuncture, { points, sums, leaves: chunkLeaves })
  if (security === 'semi-honest') return leaves
  const { keys, binders } = split(yield* wire.compute(aesExpand, { keys: leaves, width: derivedBytes }))
  // The binder of the unknown leaf is what completes the tree's sum.
  points.forEach((point, tree) => {
    const at = bindBytes * (tree * chunkLeaves + point)
    binders.fill(0, at, at + bindBytes)
  })
  const missing = sumOf(binderSums(binders), body.slice(32 * pairs, body.length - bindBytes))
  points.forEach((point, tree) => {
    binders.set(missing.subarray(bindBytes * tree, bindBytes * (tree + 1)), bindBytes * (tree * chunkLeaves + point))
  })
  if (!equalBytes(bound(binders), body.subarray(body.length - bindBytes))) {
    throw refuse('the trees are not those that their digest binds to: a cheating attempt, or damage on the way')
  }
  return keys
}
