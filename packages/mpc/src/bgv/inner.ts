/**
 * Inner products over Z_2^128 without triples, in slots: a ciphertext holds 8192 numbers of a row, products with the other
 * party's numbers are added up tile by tile, and what comes back under a mask is summed over its slots by either party for
 * itself: no rotation. For long rows; short ones take triples.
 */
import { bgvProducts, bgvResultBytes, bgvRowBytes } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Shape, Words } from '../backend.ts'
import { subtractWords, sumWords } from '../words.ts'
import { bothWays } from './both-ways.ts'
import { checkCounts, degree, keep, mostBlocks, parameters } from './parameters.ts'
import { checkAbove, openAnswer, ownKey, peerKey, receiveBytes, sendAnswer, sendRows } from './session.ts'
import type { Ctx, Session } from './session.ts'
import { lowLimbs, tileBytes } from './triples.ts'

const kind = 'slots128'
const { ring, limbs, maskLimbs } = parameters[kind]
const noPlaces = new Uint32Array(0)
const row = limbs * degree

/** How a product is cut: the rows of the factor with fewer of them are encrypted. */
export interface InnerLayout {
  /** Whether that is the right one: the transposed product is computed then. */
  readonly swapped: boolean
  readonly rows: number
  readonly inner: number
  readonly columns: number
}

const tilesOf = ({ inner }: InnerLayout): number => Math.ceil(inner / degree)
const segmentsOf = (layout: InnerLayout): readonly number[] => {
  const tiles = tilesOf(layout)
  return Array.from({ length: Math.ceil(tiles / mostBlocks) }, (_, i) => Math.min(mostBlocks, tiles - i * mostBlocks))
}

/** Bytes of both directions, without keys, and numbers that each party learns under masks. */
export const innerExchange = (layout: InnerLayout) => {
  const { rows, columns } = layout
  const results = segmentsOf(layout).length * rows * columns
  const bytes = 2 * (rows * tilesOf(layout) * bgvRowBytes(ring) + results * bgvResultBytes(ring, keep, 0))
  return { bytes, results: results * degree }
}

/** Undefined where triples for all products of elements are fewer bytes. */
export const innerLayoutOf = ({ rows, inner, columns }: Shape): InnerLayout | undefined => {
  const swapped = columns < rows
  const layout = swapped ? { swapped, rows: columns, inner, columns: rows } : { swapped, rows, inner, columns }
  const elements = rows * inner * columns
  const opened = 4 * 4 * limbs
  const byTriples = elements * opened + Math.ceil(elements / degree) * tileBytes(kind)
  return elements > 0 && innerExchange(layout).bytes < byTriples ? layout : undefined
}

/** Reads a row of a factor, by the number of its first element and the step to the next. */
export interface Rows {
  readonly words: Words
  readonly first: (row: number) => number
  readonly step: number
}

const tileOf = ({ words, first, step }: Rows, inner: number, of: number, tile: number): Words => {
  const out = new Uint32Array(row)
  const to = Math.min(inner, (tile + 1) * degree)
  for (let j = tile * degree, at = 0; j < to; j++, at += limbs) {
    const from = limbs * (first(of) + j * step)
    for (let k = 0; k < limbs; k++) out[at + k] = words[from + k]!
  }
  return out
}

const summed = (words: Words): Words => sumWords(128, words, degree)

function* ask(ctx: Ctx, session: Session, layout: InnerLayout, left: Rows): Routine<readonly Words[]> {
  const own = yield* ownKey(ctx, session, kind)
  let tile = 0
  for (const segment of segmentsOf(layout)) {
    for (let i = 0; i < segment; i++, tile++) {
      for (let r = 0; r < layout.rows; r++) {
        yield* sendRows(ctx, session, kind, own, tileOf(left, layout.inner, r, tile))
      }
    }
  }
  const shares: Words[] = []
  for (let i = 0; i < segmentsOf(layout).length * layout.rows * layout.columns; i++) {
    const packed = yield* receiveBytes(ctx, session, 'answers', bgvResultBytes(ring, keep, 0))
    shares.push(summed(yield* openAnswer(ctx, session, kind, own, packed, 1, noPlaces)))
  }
  return shares
}

function* reply(ctx: Ctx, session: Session, layout: InnerLayout, right: Rows): Routine<readonly Words[]> {
  const theirs = yield* peerKey(ctx, session, kind)
  const { publicSeed } = theirs
  const { rows, columns } = layout
  const shares: Words[] = []
  let tile = 0
  for (const segment of segmentsOf(layout)) {
    const sums = Array.from({ length: rows }, () => new BigUint64Array(0))
    for (let i = 0; i < segment; i++, tile++) {
      const factors = new Uint32Array(columns * row)
      for (let c = 0; c < columns; c++) factors.set(tileOf(right, layout.inner, c, tile), c * row)
      for (let r = 0; r < rows; r++) {
        const packed = yield* receiveBytes(ctx, session, 'ciphertexts', bgvRowBytes(ring))
        const input = { ...ring, publicSeed, first: theirs.rows++, packed, rows: 1, columns, factors, limbs }
        const made = yield* ctx.compute(bgvProducts, { ...input, sums: sums[r]! })
        checkAbove(session.peer, made.above)
        sums[r] = made.sums as BigUint64Array<ArrayBuffer>
      }
    }
    for (const all of sums) {
      const size = all.length / columns
      for (let c = 0; c < columns; c++) {
        const masks = yield* session.random(ctx, `masks/${kind}`, degree * maskLimbs)
        yield* sendAnswer(ctx, session, kind, all.subarray(c * size, (c + 1) * size), masks, noPlaces)
        shares.push(summed(lowLimbs(masks, maskLimbs, limbs)))
      }
    }
  }
  return shares
}

/** Shares by segment, row and column to a matrix of the shape that was asked for. */
const assemble = ({ rows, columns, swapped }: InnerLayout, parts: readonly Words[]): Words => {
  const out = new Uint32Array(limbs * rows * columns)
  for (let i = 0; i < rows * columns; i++) {
    const [r, c] = [Math.floor(i / columns), i % columns]
    const place = limbs * (swapped ? c * rows + r : i)
    const same = parts.filter((_, part) => part % (rows * columns) === i)
    const all = new Uint32Array(limbs * same.length)
    for (const [k, part] of same.entries()) all.set(part, limbs * k)
    out.set(sumWords(128, all, same.length), place)
  }
  return out
}

/** Shares of X_0 Y_1 + X_1 Y_0 over Z_2^128, where this party's shares are x and y. Two rounds. */
export function* innerProducts(
  ctx: Ctx,
  session: Session,
  layout: InnerLayout,
  x: Words,
  y: Words,
  transposed: boolean,
): Routine<Words> {
  const { swapped, inner } = layout
  session.counts.results += innerExchange(layout).results
  checkCounts(session.counts)
  const width = swapped ? layout.rows : layout.columns
  const ofX: Rows = { words: x, first: (i) => i * inner, step: 1 }
  const ofY: Rows = transposed
    ? { words: y, first: (l) => l * inner, step: 1 }
    : { words: y, first: (l) => l, step: width }
  const [left, right] = swapped ? [ofY, ofX] : [ofX, ofY]
  const [asked, replied] = yield* bothWays(
    ctx,
    session.first,
    (branch) => ask(branch, session, layout, left),
    (branch) => reply(branch, session, layout, right),
  )
  return subtractWords(128, assemble(layout, asked), assemble(layout, replied))
}
