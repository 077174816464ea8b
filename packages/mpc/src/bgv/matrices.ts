/**
 * Products of matrices over Z_2^64 without triples: either party encrypts its share of one factor, and the other multiplies
 * it by its own share of the other factor. Coefficients are laid out as in Huang, Lu, Hong, Ding, "Cheetah" (USENIX Security
 * 2022, ia.cr/2022/207): with blocks of r × k numbers X and k × c numbers Y, r k c <= n,
 *
 *     X(x) = sum X[i][j] x^(i k c + k - 1 - j)        Y(x) = sum Y[j][l] x^(l k + j)
 *
 * the coefficient of X Y at i k c + l k + k - 1 is the inner product of row i and column l: other terms meet it neither
 * below x^n, since j' - j is between -k and k, nor after x^n = -1, where they are below k - 1.
 */
import { bgvProducts, bgvResultBytes, bgvRowBytes } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Shape, Words } from '../backend.ts'
import { addWords, subtractWords } from '../words.ts'
import { bothWays } from './both-ways.ts'
import { checkCounts, degree, keep, mostBlocks, parameters } from './parameters.ts'
import { checkAbove, openAnswer, ownKey, peerKey, receiveBytes, sendAnswer, sendRows } from './session.ts'
import type { Ctx, Session } from './session.ts'

/** How a product is cut. */
export interface Layout {
  /** Whether the right factor is encrypted: the transposed product is computed then. */
  readonly swapped: boolean
  /** Of what is computed: the encrypted factor has rows × inner numbers. */
  readonly rows: number
  readonly inner: number
  readonly columns: number
  /** Rows, inner numbers and columns of a block. */
  readonly r: number
  readonly k: number
  readonly c: number
}

const kind = 'coefficients'
const { ring } = parameters[kind]
/** Blocks of rows in a frame, and results that are summed at a time: 42 MB of sums. */
const mostRows = 16
const mostSums = 64

const blocksOf = ({ rows, inner, columns, r, k, c }: Layout) => ({
  /** Blocks of rows, columns and inner numbers. */
  left: Math.ceil(rows / r),
  right: Math.ceil(columns / c),
  inner: Math.ceil(inner / k),
})

/** Inner blocks of each answer. */
const segmentsOf = (layout: Layout): readonly number[] => {
  const { inner } = blocksOf(layout)
  return Array.from({ length: Math.ceil(inner / mostBlocks) }, (_, i) => Math.min(mostBlocks, inner - i * mostBlocks))
}

/** Inner blocks that go in one frame. */
const groupsOf = (layout: Layout, blocks: number): readonly number[] => {
  const most = Math.max(1, Math.floor(mostRows / blocksOf(layout).left))
  return Array.from({ length: Math.ceil(blocks / most) }, (_, i) => Math.min(most, blocks - i * most))
}

/** A multiple of 8: the last one is sent again. */
const paddedPlaces = ({ r, c }: Pick<Layout, 'r' | 'c'>): number => 8 * Math.ceil((r * c) / 8)

/** Bytes of one direction; answers to each frame and segment. */
const bytesOf = (layout: Layout): number => {
  const { left, right, inner } = blocksOf(layout)
  const answers = segmentsOf(layout).length * left * right * bgvResultBytes(ring, keep, paddedPlaces(layout))
  return left * inner * bgvRowBytes(ring) + answers
}

const candidates = (rows: number, inner: number, columns: number, swapped: boolean): readonly Layout[] => {
  const layouts: Layout[] = []
  for (let left = 1; left <= Math.min(mostRows, rows); left++) {
    for (let right = 1; right <= Math.min(mostSums / left, columns); right++) {
      const [r, c] = [Math.ceil(rows / left), Math.ceil(columns / right)]
      const k = Math.min(inner, Math.floor(degree / (r * c)))
      if (k > 0) layouts.push({ swapped, rows, inner, columns, r, k, c })
    }
  }
  return layouts
}

/** The cheapest layout; undefined where there are no numbers, or too many results to sum up at once. */
export const layoutOf = ({ rows, inner, columns }: Shape): Layout | undefined => {
  const all = [...candidates(rows, inner, columns, false), ...candidates(columns, inner, rows, true)]
  let best: Layout | undefined
  let least = Infinity
  for (const layout of inner === 0 ? [] : all) {
    const bytes = bytesOf(layout)
    if (bytes < least) [best, least] = [layout, bytes]
  }
  return best
}

/** Bytes of both directions, without keys, and numbers that each party learns under masks. */
export const matrixExchange = (layout: Layout) => {
  const { left, right } = blocksOf(layout)
  const results = segmentsOf(layout).length * left * right * paddedPlaces(layout)
  return { bytes: 2 * bytesOf(layout), results }
}

const placesOf = ({ r, k, c }: Layout): Uint32Array => {
  const places: number[] = []
  for (let i = 0; i < r; i++) for (let l = 0; l < c; l++) places.push(i * k * c + l * k + k - 1)
  const last = places.at(-1) ?? 0
  return Uint32Array.from({ length: paddedPlaces({ r, c }) }, (_, i) => places[i] ?? last)
}

/** Reads a number of the factor, by its row and column in what is computed. */
type At = (row: number, column: number) => number

/** Block (row block, inner block) of the encrypted factor as coefficients. */
const leftBlock = ({ rows, inner, r, k, c }: Layout, x: Words, at: At, block: number, from: number, out: Words) => {
  for (let i = 0; i < r && block * r + i < rows; i++) {
    for (let j = 0; j < k && from * k + j < inner; j++) {
      const source = 2 * at(block * r + i, from * k + j)
      const place = 2 * (i * k * c + k - 1 - j)
      out[place] = x[source]!
      out[place + 1] = x[source + 1]!
    }
  }
}

/** Block (inner block, column block) of the other one. */
const rightBlock = ({ columns, inner, k, c }: Layout, y: Words, at: At, from: number, block: number, out: Words) => {
  for (let l = 0; l < c && block * c + l < columns; l++) {
    for (let j = 0; j < k && from * k + j < inner; j++) {
      const source = 2 * at(from * k + j, block * c + l)
      const place = 2 * (l * k + j)
      out[place] = y[source]!
      out[place + 1] = y[source + 1]!
    }
  }
}

const row = 2 * degree

interface Side {
  readonly layout: Layout
  readonly words: Words
  readonly at: At
}

function* ask(ctx: Ctx, session: Session, { layout, words, at }: Side): Routine<readonly Words[]> {
  const own = yield* ownKey(ctx, session, kind)
  const { left, right } = blocksOf(layout)
  const places = placesOf(layout)
  let from = 0
  for (const segment of segmentsOf(layout)) {
    for (const group of groupsOf(layout, segment)) {
      const rows = new Uint32Array(group * left * row)
      for (let g = 0; g < group; g++, from++) {
        for (let block = 0; block < left; block++) {
          const place = (g * left + block) * row
          leftBlock(layout, words, at, block, from, rows.subarray(place, place + row))
        }
      }
      yield* sendRows(ctx, session, kind, own, rows)
    }
  }
  const results = left * right
  const shares: Words[] = []
  for (const _ of segmentsOf(layout)) {
    // One answer of 90 to 180 kB a frame.
    const parts: Words[] = []
    for (let result = 0; result < results; result++) {
      const packed = yield* receiveBytes(ctx, session, 'answers', bgvResultBytes(ring, keep, places.length))
      parts.push(yield* openAnswer(ctx, session, kind, own, packed, 1, places))
    }
    shares.push(...parts)
  }
  return shares
}

function* reply(ctx: Ctx, session: Session, { layout, words, at }: Side): Routine<readonly Words[]> {
  const theirs = yield* peerKey(ctx, session, kind)
  const { left, right } = blocksOf(layout)
  const places = placesOf(layout)
  const shares: Words[] = []
  let from = 0
  for (const segment of segmentsOf(layout)) {
    let sums = new BigUint64Array(0)
    for (const group of groupsOf(layout, segment)) {
      const packed = yield* receiveBytes(ctx, session, 'ciphertexts', group * left * bgvRowBytes(ring))
      const factors = new Uint32Array(group * right * row)
      for (let g = 0; g < group; g++, from++) {
        for (let block = 0; block < right; block++) {
          const place = (g * right + block) * row
          rightBlock(layout, words, at, from, block, factors.subarray(place, place + row))
        }
      }
      const first = theirs.rows
      theirs.rows += group * left
      const input = { ...ring, publicSeed: theirs.publicSeed, first, packed, rows: left, columns: right }
      const made = yield* ctx.compute(bgvProducts, { ...input, factors, limbs: 2, sums })
      checkAbove(session.peer, made.above)
      sums = made.sums as BigUint64Array<ArrayBuffer>
    }
    const size = sums.length / (left * right)
    for (let result = 0; result < left * right; result++) {
      const masks = yield* session.random(ctx, 'masks/coefficients', 2 * places.length)
      // A place that is sent again has its mask again.
      for (let i = layout.r * layout.c; i < places.length; i++) {
        masks.set(masks.subarray(2 * layout.r * layout.c - 2, 2 * layout.r * layout.c), 2 * i)
      }
      const part = sums.subarray(result * size, (result + 1) * size)
      yield* sendAnswer(ctx, session, kind, part, masks, places)
      shares.push(masks)
    }
  }
  return shares
}

/** Shares of results, block by block and segment by segment, to a matrix of the shape that was asked for. */
const assemble = (layout: Layout, parts: readonly Words[]): Words => {
  const { rows, columns, r, c, swapped } = layout
  const { left, right } = blocksOf(layout)
  let total: Words = new Uint32Array(2 * rows * columns)
  for (let from = 0; from < parts.length; from += left * right) {
    const out = new Uint32Array(2 * rows * columns)
    for (let i = 0; i < rows; i++) {
      for (let l = 0; l < columns; l++) {
        const part = parts[from + Math.floor(i / r) * right + Math.floor(l / c)]!
        const source = 2 * ((i % r) * c + (l % c))
        const place = 2 * (swapped ? l * rows + i : i * columns + l)
        out[place] = part[source]!
        out[place + 1] = part[source + 1]!
      }
    }
    total = addWords(64, total, out)
  }
  return total
}

/** Shares of X_0 Y_1 + X_1 Y_0, where this party's shares are x and y. Two rounds. */
export function* crossProducts(
  ctx: Ctx,
  session: Session,
  layout: Layout,
  x: Words,
  y: Words,
  transposed: boolean,
): Routine<Words> {
  const { swapped, rows, inner, columns } = layout
  session.counts.results += matrixExchange(layout).results
  checkCounts(session.counts)
  // The shape as it was asked for.
  const width = swapped ? rows : columns
  const ofX: At = (i, j) => i * inner + j
  const ofY: At = transposed ? (j, l) => l * inner + j : (j, l) => j * width + l
  const [left, right]: [Side, Side] = swapped
    ? [
        { layout, words: y, at: (i, j) => ofY(j, i) },
        { layout, words: x, at: (j, l) => ofX(l, j) },
      ]
    : [
        { layout, words: x, at: ofX },
        { layout, words: y, at: ofY },
      ]
  const [asked, replied] = yield* bothWays(
    ctx,
    session.first,
    (branch) => ask(branch, session, left),
    (branch) => reply(branch, session, right),
  )
  return subtractWords(64, assemble(layout, asked), assemble(layout, replied))
}
