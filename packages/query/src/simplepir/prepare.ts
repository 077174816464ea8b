/**
 * The part of a query that does not depend on what is asked, made ahead of time and used once:
 *
 *     s <- Z_q^n, e <- discrete Gaussian^m        b = A·s + e        h = H·s
 *
 * Used twice, b would show the difference of two queries and with it where they ask. Units are therefore handed out by
 * a correlation store, which burns each durably before the first frame that depends on it. The terms name the root of
 * a Merkle tree over the digests of all units of a store; a unit brings its place and path, so that an auditor sees
 * that it is one of them.
 */
import {
  concatBytes,
  equalBytes,
  fromHex,
  invariant,
  readU32,
  taggedDigest,
  toHex,
  u32,
  type Hex,
  type Rng,
} from '@tallystick/core'
import { pirGauss, pirMultiply } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Computing } from '../rfc9497/suite.ts'
import { linesOf, secretWords, type Shape } from './shape.ts'

/** Name of the correlation. */
export const preparedQuery = 'query/prepared'
/** Levels of the tree: up to 16,384 units a store. */
const depth = 14
export const maxUnits = 2 ** depth
const digestBytes = 32
const headBytes = 4 + depth * digestBytes

/** Bytes of b and h. */
const bodyBytes = (shape: Shape): number => 4 * (shape.columns + linesOf(shape))

export const unitBytesOf = (shape: Shape): number => headBytes + bodyBytes(shape)

/** Coins that a unit takes. */
export const unitCoins = (shape: Shape): number => 4 * secretWords + 16 * shape.columns

const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(new Uint8Array(bytes).buffer)
const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** b ‖ h for `count` units. */
export function* makeUnits(
  ctx: Computing,
  shape: Shape,
  a: Uint32Array,
  hint: Uint32Array,
  rng: Rng,
  count: number,
): Routine<Uint8Array[]> {
  const lines = linesOf(shape)
  const { columns } = shape
  const secrets = wordsOf(rng.bytes(4 * secretWords * count))
  const errors = yield* ctx.compute(pirGauss, { coins: rng.bytes(16 * columns * count) })
  const masks = yield* ctx.compute(pirMultiply, { matrix: a, inner: secretWords, vectors: secrets })
  const shares = yield* ctx.compute(pirMultiply, { matrix: hint, inner: secretWords, vectors: secrets })
  for (let i = 0; i < masks.length; i++) masks[i]! += errors[i]!
  return Array.from({ length: count }, (_, k) =>
    concatBytes(
      bytesOf(masks.subarray(k * columns, (k + 1) * columns)),
      bytesOf(shares.subarray(k * lines, (k + 1) * lines)),
    ),
  )
}

const leafOf = (position: number, body: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/query/unit/v1', u32(position), body)
const nodeOf = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/query/units/v1', left, right)

/** Digests of subtrees without a unit, by level. */
const emptyAt = ((): readonly Uint8Array[] => {
  const out: Uint8Array[] = [new Uint8Array(digestBytes)]
  for (let level = 0; level < depth; level++) out.push(nodeOf(out[level]!, out[level]!))
  return out
})()

export interface Prepared {
  /** What the terms name. */
  readonly root: Hex
  readonly units: readonly Uint8Array[]
}

/** Gives units their places and paths. At most {@link maxUnits}. */
export const bindUnits = (bodies: readonly Uint8Array[]): Prepared => {
  invariant(bodies.length <= maxUnits, `a store holds at most ${maxUnits} units`)
  const levels: Uint8Array[][] = [bodies.map((body, i) => leafOf(i, body))]
  for (let level = 0; level < depth; level++) {
    const below = levels[level]!
    levels.push(
      Array.from({ length: Math.ceil(below.length / 2) }, (_, i) =>
        nodeOf(below[2 * i]!, below[2 * i + 1] ?? emptyAt[level]!),
      ),
    )
  }
  const units = bodies.map((body, i) => {
    const path = Array.from({ length: depth }, (_, level) => levels[level]![(i >> level) ^ 1] ?? emptyAt[level]!)
    return concatBytes(u32(i), ...path, body)
  })
  return { root: toHex(levels[depth]![0] ?? emptyAt[depth]!), units }
}

/** Whether bytes are whole units of the store behind `root`, no place twice. For an auditor. */
export const areUnits = (root: Hex, unitBytes: number, bytes: Uint8Array): boolean => {
  if (bytes.length % unitBytes !== 0 || unitBytes <= headBytes) return false
  const places = new Set<number>()
  for (let at = 0; at < bytes.length; at += unitBytes) {
    const unit = bytes.subarray(at, at + unitBytes)
    const position = readU32(unit)
    if (position >= maxUnits || places.has(position)) return false
    places.add(position)
    let node = leafOf(position, unit.subarray(headBytes))
    for (let level = 0; level < depth; level++) {
      const sibling = unit.subarray(4 + level * digestBytes, 4 + (level + 1) * digestBytes)
      node = (position >> level) & 1 ? nodeOf(sibling, node) : nodeOf(node, sibling)
    }
    if (!equalBytes(node, fromHex(root, digestBytes))) return false
  }
  return true
}

export interface Unit {
  /** A·s + e, columns words. */
  readonly mask: Uint32Array
  /** H·s, lines words. */
  readonly share: Uint32Array
}

/** Unit `i` of what a store handed out. */
export const unitAt = (bytes: Uint8Array, shape: Shape, i: number): Unit => {
  const size = unitBytesOf(shape)
  const start = i * size + headBytes
  return {
    mask: wordsOf(bytes.subarray(start, start + 4 * shape.columns)),
    share: wordsOf(bytes.subarray(start + 4 * shape.columns, (i + 1) * size)),
  }
}
