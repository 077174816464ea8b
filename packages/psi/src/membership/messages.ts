/** Sizes, message table and cost of shared membership between one pair of parties. */
import { flatRows } from '@tallystick/core'
import { okvsShape, okvsSize, type OkvsShape } from '@tallystick/kernels'
import {
  bitTriplesCost,
  equalCost,
  equalWords,
  openTransfers,
  transfersCost,
  tripleMessages,
  vectorWords,
  voleCost,
  voleMessages,
  voleReceive,
  voleSend,
  type PairCost,
  type Transfers,
  type TransfersOptions,
} from '@tallystick/ot'
import { message, type Context, type Messages, type Routine } from '@tallystick/protocol'
import { hashes, slotsOf, tagBits as binTagBits } from '../bins/index.ts'
import type { Vole } from '../kmprt17/steps.ts'

export const elementBytes = 16
export const saltBytes = 32
export const seedBytes = 16
/** σ: a false member in any bin, a store or table that cannot be made: 2^-40 each. */
export const statisticalBits = 40
/** 1 MiB a frame. */
export const defaultChunkRows = 65_536
/** 4 MiB a frame. */
export const maxChunkRows = 262_144

const elements = flatRows(elementBytes, maxChunkRows)

export const membershipMessages = {
  /** P + A', a sequence of ⌈elements / chunkRows⌉ frames, all but the last full. */
  encoded: message('each', 'each', elements),
  /** The holder's store of masked targets, in chunks likewise. */
  targets: message('each', 'each', elements),
} as const

/** What it is made of: a vector OLE and correlated transfers, silent and real unless a test deals them. */
export interface Blocks {
  readonly messages: Messages
  readonly vole: Pick<Vole, 'send' | 'receive' | 'cost'>
  readonly open: (ctx: Context<any, any>, options: TransfersOptions) => Routine<Transfers>
  readonly openCost: () => PairCost
  /** Bits of a tag in place of {@link tagBits}: for tests only, of what does not depend on false members. */
  readonly bits?: number
}

export const silentBlocks: Blocks = {
  messages: { ...voleMessages('each', 'each'), ...tripleMessages },
  vole: { send: voleSend, receive: voleReceive, cost: voleCost },
  open: openTransfers,
  openCost: () => transfersCost(),
}

/** What both ends know of a pair. */
export interface Pair {
  /** Rows of the querier, 1 or more: of its table, the same for all holders. */
  readonly rows: number
  /** Rows of the holder, 1 or more. */
  readonly held: number
  /** Bits of a tag, up to 64: see {@link tagBits}. */
  readonly bits: number
  readonly chunkRows: number
  /** Words of AND triples that are wanted for what follows. */
  readonly more: number
}

/** Among the bins of all holders two different tags agree with probability 2^-σ at most. */
export const tagBits = (rows: number, holders: number): number => binTagBits(rows, holders, statisticalBits)

/** The querier's store, of one point a row, and the holder's, of three. */
export const ownShape = ({ rows }: Pair): OkvsShape => okvsShape(rows, statisticalBits)
export const targetShape = ({ held }: Pair): OkvsShape => okvsShape(hashes * held, statisticalBits)
export const ownSize = (pair: Pair): number => okvsSize(ownShape(pair))
export const targetSize = (pair: Pair): number => okvsSize(targetShape(pair))

/** Words of a vector of shares, a bit a slot. */
export const shareWords = (rows: number): number => vectorWords(slotsOf(rows))

/** Words of triples of the pair. */
export const triplesOf = (pair: Pair): number => equalWords(slotsOf(pair.rows), pair.bits) + pair.more

export interface MembershipCost {
  /** Until the holder has its shares. Its first operands leave with its targets, so the two ends take turns in being ahead. */
  readonly rounds: number
  readonly bytes: number
  readonly coins: { readonly querier: number; readonly holder: number }
}

/** Of one pair, without the salt. */
export const membershipCost = ({ vole, openCost }: Blocks, pair: Pair): MembershipCost => {
  const base = vole.cost({ n: ownSize(pair), security: 'semi-honest' })
  const opened = openCost()
  const triples = bitTriplesCost(32 * triplesOf(pair))
  const equal = equalCost(slotsOf(pair.rows), pair.bits)
  const each = opened.coins + triples.coins + elementBytes * slotsOf(pair.rows)
  return {
    rounds: Math.max(base.rounds, opened.rounds + triples.rounds) + 1 + 2 * Math.ceil(equal.rounds / 2),
    bytes: base.bytes + opened.bytes + triples.bytes + equal.bytes + elementBytes * (ownSize(pair) + targetSize(pair)),
    coins: {
      querier: base.coins.receiver + each,
      holder: base.coins.sender + elementBytes + seedBytes + each,
    },
  }
}
