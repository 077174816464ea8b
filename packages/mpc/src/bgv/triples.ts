/** Beaver triples over Z_2^64 and Z_2^128 in slots: tiles of 8192, of which either party encrypts every other one. */
import { bgvProducts, bgvResultBytes, bgvRowBytes } from '@tallystick/kernels'
import { invariant } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Ring, Words } from '../backend.ts'
import { addWords, concatWords, limbsOf, multiplyWords, subtractWords } from '../words.ts'
import { bothWays } from './both-ways.ts'
import { checkCounts, degree, keep, parameters, slotsOf, type Kind } from './parameters.ts'
import { checkAbove, openAnswer, ownKey, peerKey, receiveBytes, sendAnswer, sendRows } from './session.ts'
import type { Ctx, Session, Store } from './session.ts'

/** Tiles of one exchange: what waits for an answer stays within 8 MB a party. */
export const mostTiles = 8
const noPlaces = new Uint32Array(0)

/** Bytes of a tile, its answer with it. */
export const tileBytes = (kind: Kind): number =>
  2 * bgvRowBytes(parameters[kind].ring) + bgvResultBytes(parameters[kind].ring, keep, 0)

/** The tiles that an end encrypts. */
const tilesOf = (tiles: number, first: boolean): readonly number[] =>
  Array.from({ length: tiles }, (_, i) => i).filter((tile) => (tile % 2 === 0) === first)

/** Low limbs of numbers. */
export const lowLimbs = (words: Words, from: number, to: number): Words => {
  const out = new Uint32Array((words.length / from) * to)
  for (let i = 0, at = 0; at < out.length; i += from, at += to) {
    for (let k = 0; k < to; k++) out[at + k] = words[i + k]!
  }
  return out
}

/** Encrypts both factors of each tile; what the peer's answers say. */
function* ask(ctx: Ctx, session: Session, kind: Kind, factors: readonly Words[]): Routine<readonly Words[]> {
  if (factors.length === 0) return []
  const own = yield* ownKey(ctx, session, kind)
  for (const words of factors) yield* sendRows(ctx, session, kind, own, words)
  const expected = bgvResultBytes(parameters[kind].ring, keep, 0)
  const shares: Words[] = []
  for (const _ of factors) {
    const packed = yield* receiveBytes(ctx, session, 'answers', expected)
    shares.push(yield* openAnswer(ctx, session, kind, own, packed, 1, noPlaces))
  }
  return shares
}

/** Multiplies the peer's factors by own ones, the second by the first and the first by the second; own shares. */
function* reply(ctx: Ctx, session: Session, kind: Kind, factors: readonly Words[]): Routine<readonly Words[]> {
  const { ring, limbs, maskLimbs } = parameters[kind]
  const shares: Words[] = []
  for (const words of factors) {
    const theirs = yield* peerKey(ctx, session, kind)
    const packed = yield* receiveBytes(ctx, session, 'ciphertexts', 2 * bgvRowBytes(ring))
    const half = words.length / 2
    const crossed = concatWords([words.subarray(half), words.subarray(0, half)])
    const first = theirs.rows
    theirs.rows += 2
    const { publicSeed } = theirs
    const input = { ...ring, publicSeed, first, packed, rows: 1, columns: 1, factors: crossed, limbs }
    const { sums, above } = yield* ctx.compute(bgvProducts, { ...input, sums: new BigUint64Array(0) })
    checkAbove(session.peer, above)
    const masks = yield* session.random(ctx, `masks/${kind}`, degree * maskLimbs)
    yield* sendAnswer(ctx, session, kind, sums, masks, noPlaces)
    shares.push(lowLimbs(masks, maskLimbs, limbs))
  }
  return shares
}

/** So many tiles: random factors of either party, shares of the products of their sums. */
function* makeTiles(ctx: Ctx, session: Session, ring: Ring, tiles: number): Routine<Store> {
  const kind = slotsOf(ring)
  const words = limbsOf(ring) * degree
  const factors: Words[] = []
  for (let tile = 0; tile < tiles; tile++) {
    factors.push(yield* session.random(ctx, `factors/${kind}`, 2 * words))
  }
  const mine = tilesOf(tiles, session.first)
  const theirs = tilesOf(tiles, !session.first)
  const pick = (of: readonly number[]): readonly Words[] => of.map((tile) => factors[tile]!)
  const [asked, replied] = yield* bothWays(
    ctx,
    session.first,
    (branch) => ask(branch, session, kind, pick(mine)),
    (branch) => reply(branch, session, kind, pick(theirs)),
  )
  const a = concatWords(factors.map((both) => both.subarray(0, words)))
  const b = concatWords(factors.map((both) => both.subarray(words)))
  const own = multiplyWords(ring, a, b)
  const c = new Uint32Array(own.length)
  const put = (tile: number, share: Words): void => c.set(share, tile * words)
  mine.forEach((tile, i) => put(tile, addWords(ring, own.subarray(tile * words, (tile + 1) * words), asked[i]!)))
  theirs.forEach((tile, i) =>
    put(tile, subtractWords(ring, own.subarray(tile * words, (tile + 1) * words), replied[i]!)),
  )
  return { a, b, c }
}

const empty = (): Store => ({ a: new Uint32Array(0), b: new Uint32Array(0), c: new Uint32Array(0) })
const parted = (store: Store, part: (words: Words) => Words): Store => ({
  a: part(store.a),
  b: part(store.b),
  c: part(store.c),
})

/** Tiles of the exchanges that so many more numbers need. */
export const exchangesFor = (missing: number): readonly number[] => {
  const tiles = Math.ceil(Math.max(0, missing) / degree)
  return Array.from({ length: Math.ceil(tiles / mostTiles) }, (_, i) => Math.min(mostTiles, tiles - i * mostTiles))
}

/** So many triples: what is left over from before, and new tiles. `narrow` gives a context for each exchange. */
export function* takeTriples(narrow: () => Ctx, session: Session, ring: Ring, count: number): Routine<Store> {
  const kind = slotsOf(ring)
  const words = limbsOf(ring) * count
  session.counts.triples += count
  checkCounts(session.counts)
  const left = session.stores.get(kind) ?? empty()
  const parts = [left]
  const missing = count - left.a.length / limbsOf(ring)
  for (const tiles of exchangesFor(missing)) parts.push(yield* makeTiles(narrow(), session, ring, tiles))
  const all: Store = {
    a: concatWords(parts.map(({ a }) => a)),
    b: concatWords(parts.map(({ b }) => b)),
    c: concatWords(parts.map(({ c }) => c)),
  }
  invariant(all.a.length >= words, 'there are as many triples as are taken')
  session.stores.set(
    kind,
    parted(all, (part) => part.slice(words)),
  )
  return parted(all, (part) => part.subarray(0, words))
}
