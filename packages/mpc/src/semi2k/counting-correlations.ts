/** What the correlations of `semi2k` cost, by their source: see `counting.ts`. */
import { bitTriplesCost, maxRingTriples, productCost, ringTriplesCost, type PairCost } from '@tallystick/ot'
import type { Ring, Shape } from '../backend.ts'
import { planeWords } from '../backend.ts'
import { layoutOf, matrixExchange } from '../bgv/matrices.ts'
import { innerExchange, innerLayoutOf } from '../bgv/inner.ts'
import { checkCounts, degree, type Kind } from '../bgv/parameters.ts'
import { keyFrameBytes } from '../bgv/session.ts'
import { exchangesFor, tileBytes } from '../bgv/triples.ts'
import { depthOf, round, type Message, type Tally } from '../tally.ts'
import { limbsOf } from '../words.ts'
import { keptWords } from './pair.ts'
import { computingOf, dealerless, helper, type Setting } from './party.ts'
import { unsupported } from './triples.ts'

export interface SettingTally extends Tally {
  readonly setting: Setting
  /** Bytes that are no words, and coins of either party: of oblivious transfers. */
  otBytes: number
  otCoins: number
  /** Ciphertexts: keys that were sent, triples that are left over, and what there was of both kinds of products. */
  readonly keys: Set<string>
  readonly left: Map<Ring, number>
  triples: number
  results: number
  /** Whether bits were asked of transfers. */
  bits: boolean
}

/** Coins of one branch: whose turn it is. */
export type Turn = () => number

export const turns = ({ triples, parties }: Setting): Turn => {
  let turn = 0
  return () => (triples === 'helper' ? turn++ % parties : 0)
}

/** A vector from every computing party to all others. */
export const exchange = (tally: SettingTally, words: number): void => {
  const computing = computingOf(tally.setting)
  round(
    tally,
    computing.flatMap((from) => computing.filter((to) => to !== from).map((to): Message => [from, to, words])),
  )
}

export const deal = (tally: SettingTally, to: number, words: number): void => {
  const dealer = tally.setting.triples === 'helper' ? helper : 'p0'
  if (dealer !== `p${to}`) round(tally, [[dealer, `p${to}`, words]])
}

const pairDepths = (tally: SettingTally): readonly [number, number] => [depthOf(tally, 'p0'), depthOf(tally, 'p1')]

/** What both ends do with transfers, side by side: each asks and, where `answered`, the other one answers. */
const transfers = (tally: SettingTally, cost: PairCost, answered: boolean): void => {
  const [first, second] = pairDepths(tally)
  const [toFirst, toSecond] = [Math.max(first, second + 1), Math.max(second, first + 1)]
  if (cost.rounds > 0) {
    tally.depth.set('p0', answered ? Math.max(toFirst, toSecond + 1) : toFirst)
    tally.depth.set('p1', answered ? Math.max(toSecond, toFirst + 1) : toSecond)
  }
  tally.otBytes += cost.bytes
  tally.otCoins += cost.coins
}

type Domain = 1 | Ring

/** The key of one end for a kind, before its first ciphertexts. */
const key = (tally: SettingTally, end: 'p0' | 'p1', kind: Kind): void => {
  const name = `${end}/${kind}`
  if (!tally.keys.has(name)) tally.otBytes += keyFrameBytes(kind)
  tally.keys.add(name)
}

/** Tiles of triples: p0 encrypts the first of each exchange, p1 the next … */
const tiles = (tally: SettingTally, ring: Ring, elements: number): void => {
  const kind = ring === 64 ? 'slots64' : 'slots128'
  tally.triples += elements
  checkCounts(tally)
  let left = (tally.left.get(ring) ?? 0) - elements
  for (const count of exchangesFor(-left)) {
    left += count * degree
    key(tally, 'p0', kind)
    if (count > 1) key(tally, 'p1', kind)
    const bytes = count * tileBytes(kind)
    if (count > 1) transfers(tally, { rounds: 2, bytes, coins: 0 }, true)
    else {
      tally.otBytes += bytes
      const asked = Math.max(depthOf(tally, 'p1'), depthOf(tally, 'p0') + 1)
      tally.depth.set('p1', asked)
      tally.depth.set('p0', Math.max(depthOf(tally, 'p0'), asked + 1))
    }
  }
  tally.left.set(ring, left)
}

const ciphertextMatrices = (tally: SettingTally, ring: Ring, shape: Shape): boolean => {
  const [layout, long] = ring === 64 ? [layoutOf(shape)] : [undefined, innerLayoutOf(shape)]
  const exchanged = layout === undefined ? long && innerExchange(long) : matrixExchange(layout)
  if (exchanged === undefined) return false
  const kind = ring === 64 ? 'coefficients' : 'slots128'
  key(tally, 'p0', kind)
  key(tally, 'p1', kind)
  const { bytes, results } = exchanged
  tally.results += results
  checkCounts(tally)
  transfers(tally, { rounds: 2, bytes, coins: 0 }, true)
  return true
}

const triple = (tally: SettingTally, domain: Domain, words: number): void => {
  if (tally.setting.triples === 'bgv' && domain !== 1) return tiles(tally, domain, words / limbsOf(domain))
  tally.bits = true
  if (domain === 128) throw unsupported('a product over Z_2^128')
  if (domain === 1) return transfers(tally, bitTriplesCost(32 * words), false)
  for (let left = words / 2; left > 0; left -= maxRingTriples) {
    transfers(tally, ringTriplesCost(Math.min(left, maxRingTriples)), true)
  }
}

export const products = (tally: SettingTally, turn: Turn, domain: Domain, words: number): void => {
  if (dealerless(tally.setting.triples)) {
    triple(tally, domain, words)
    return exchange(tally, 2 * words)
  }
  exchange(tally, 2 * words)
  deal(tally, turn(), words)
}

export const matrices = (tally: SettingTally, turn: Turn, ring: Ring, { rows, inner, columns }: Shape): void => {
  const limbs = limbsOf(ring)
  if (tally.setting.triples === 'bgv' && ciphertextMatrices(tally, ring, { rows, inner, columns })) return
  if (dealerless(tally.setting.triples)) return products(tally, turn, ring, limbs * rows * inner * columns)
  exchange(tally, limbs * inner * (rows + columns))
  deal(tally, turn(), limbs * rows * columns)
}

/** See `pair.ts`. */
export const knownBits = (
  tally: SettingTally,
  turn: Turn,
  ring: Ring,
  width: number,
  length: number,
  keep: number,
): void => {
  const elements = width * length
  if (tally.setting.triples === 'bgv' && ring === 128 && keep > 64) {
    return products(tally, turn, ring, limbsOf(ring) * elements)
  }
  if (dealerless(tally.setting.triples)) {
    tally.bits = true
    if (ring === 128 && tally.setting.triples === 'transfers') throw unsupported('a truncation or a bit over Z_2^128')
    const { bytes } = productCost(elements, 1)
    tally.otBytes += bytes
    // p1's choices, then p0's products: p1 learns when p0 has answered.
    if (elements === 0) return
    const asked = depthOf(tally, 'p1') + 1
    tally.depth.set('p0', Math.max(depthOf(tally, 'p0'), asked))
    tally.depth.set('p1', Math.max(depthOf(tally, 'p1'), depthOf(tally, 'p0') + 1))
    return
  }
  exchange(tally, width * planeWords(length))
  deal(tally, turn(), keptWords(ring, elements, keep))
}
