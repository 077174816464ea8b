/** What both roles do alike: the building blocks below, equality of tags, products by a shared bit. */
import {
  bitTriples,
  equalWords,
  lessShares,
  lessWords,
  productReceive,
  productSend,
  vectorWords,
  type BlockCost,
  type PairCost,
  type Transfers,
  type TransfersOptions,
  type TripleMessages,
  type TripleStore,
  type VoleOptions,
  type VoleReceived,
} from '@tallystick/ot'
import type { Context, Messages, Routine } from '@tallystick/protocol'
import { equalTags } from '../bins/index.ts'
import type { Role } from '../ecdh/messages.ts'
import { addRing, flip, productLimbs, select, subtract } from './elements.ts'
import { counts, limbBits, ownLimbs, ownSums, slotsOf, tagBits, type messages, type Parameters } from './messages.ts'
import { slotBytes } from './points.ts'

export type Wire = typeof messages & TripleMessages
export type Ctx = Context<Wire, any>

/** A vector OLE whose sender is the role `sender`, and transfers both ways. */
export interface Blocks {
  readonly vole: {
    readonly messages: Messages
    readonly send: (ctx: Context<any, any>, peer: Role, options: VoleOptions, delta: Uint8Array) => Routine<Uint8Array>
    readonly receive: (ctx: Context<any, any>, peer: Role, options: VoleOptions) => Routine<VoleReceived>
    readonly cost: (options: VoleOptions) => BlockCost
  }
  readonly transfers: {
    readonly messages: Messages
    readonly open: (ctx: Context<any, any>, options: TransfersOptions) => Routine<Transfers>
    readonly cost: () => PairCost
  }
  /** Bits of statistical security of the tags: 40 but in experiments. */
  readonly statistical?: number
}

/** Bits of the numbers that are compared with the minimum: the low bits of a share of a difference below 2^31. */
export const orderBits = 31

/** Words of triples for the whole run. */
export const tripleWords = (parameters: Parameters, { statistical }: Blocks): number =>
  equalWords(slotsOf(parameters), tagBits(parameters, statistical)) +
  (parameters.minimum > 0 ? lessWords(1, orderBits) : 0)

export interface Opened {
  /** Bits of a tag. */
  readonly tags: number
  readonly transfers: Transfers
  readonly store: TripleStore
}

/** Transfers and all AND triples. */
export function* openBlocks(
  ctx: Context<any, any>,
  blocks: Blocks,
  peer: Role,
  parameters: Parameters,
): Routine<Opened> {
  const transfers = yield* blocks.transfers.open(ctx.narrow('open'), { peer, first: ctx.role === 'receiver' })
  const triples = yield* bitTriples(ctx.narrow('triples'), transfers, 32 * tripleWords(parameters, blocks))
  const tags = tagBits(parameters, blocks.statistical)
  return { transfers, store: { triples, used: 0 }, tags }
}

/** XOR shares of which bins have equal tags: those in the first store's part of the blocks. */
export const members = (ctx: Ctx, opened: Opened, parameters: Parameters, blocks: Uint8Array): Routine<Uint32Array> =>
  equalTags(ctx, opened, blocks.subarray(0, slotBytes(parameters)), opened.tags)

const repeated = (bits: Uint32Array, times: number): Uint8Array => {
  const out = new Uint32Array(bits.length * times)
  for (let i = 0; i < times; i++) out.set(bits, i * bits.length)
  return new Uint8Array(out.buffer)
}

/**
 * Additive shares of b · v for a bit b = b_own + b_peer (over F_2) for each element: of `own` values, which this end has,
 * and of `theirs` many values of the peer. b v = b_own v + b_peer (v - 2 b_own v): one transfer an element (the
 * multiplexer of CrypTFlow2, Rathee et al., CCS 2020, ia.cr/2020/1002; here v is known to one end).
 */
export function* scaleBoth(
  ctx: Ctx,
  { transfers }: Opened,
  bits: Uint32Array,
  own: Uint32Array,
  theirs: number,
): Routine<{ readonly own: Uint32Array; readonly theirs: Uint32Array }> {
  const slots = 32 * bits.length
  const ownBits = new Uint32Array(repeated(bits, own.length / 2 / slots).buffer)
  const send = function* (branch: Ctx): Routine<Uint32Array> {
    const shares = yield* productSend(branch, transfers, flip(own, ownBits), 1)
    addRing(shares, select(own, ownBits))
    return shares
  }
  const receive = (branch: Ctx): Routine<Uint32Array> =>
    productReceive(branch, transfers, repeated(bits, theirs / slots), theirs, 1)
  // Branch 0 is the direction in which the receiver has the values.
  if (transfers.first) {
    const [mine, peers] = yield* ctx.join(send, receive)
    return { own: mine, theirs: peers }
  }
  const [peers, mine] = yield* ctx.join(receive, send)
  return { own: mine, theirs: peers }
}

/** Padded to a whole vector of bits. */
const padded = (elements: Uint32Array): Uint32Array => {
  const out = new Uint32Array(2 * 128 * Math.ceil(elements.length / 256))
  out.set(elements)
  return out
}

/**
 * XOR shares of whether the count, an element of which both have an additive share, is at least the minimum: the sign of
 * count - minimum modulo 2^32 is the sum of the two signs and the carry of the low bits, which is a comparison (as DReLU of
 * CrypTFlow2, ia.cr/2020/1002).
 */
export function* enough(ctx: Ctx, { transfers, store }: Opened, count: Uint32Array, minimum: number): Routine<number> {
  const { first } = transfers
  const share = first ? count : subtract(count, Uint32Array.of(minimum, 0))
  const low = share[0]! & 0x7fff_ffff
  const planes = (value: number): Uint32Array => {
    const out = new Uint32Array(orderBits * vectorWords(1))
    for (let k = 0; k < orderBits; k++) out[k * vectorWords(1)] = (value >>> k) & 1
    return out
  }
  const none = planes(0)
  // 2^31 - 1 minus the second's low bits is less than the first's low bits.
  const [x, y] = first ? [none, planes(low)] : [planes(0x7fff_ffff - low), none]
  const carry = (yield* lessShares(ctx, transfers, store, x, y, orderBits))[0]! & 1
  const sign = (share[0]! >>> 31) ^ carry
  return first ? sign ^ 1 : sign
}

/** Additive shares of b · s for elements s of which both have shares, and one bit b for all. */
export function* scaleShares(ctx: Ctx, opened: Opened, bit: number, shares: Uint32Array): Routine<Uint32Array> {
  const own = padded(shares)
  const bits = new Uint32Array(own.length / 64).fill(-bit)
  const scaled = yield* scaleBoth(ctx, opened, bits, own, own.length / 2)
  addRing(scaled.own, scaled.theirs)
  return scaled.own.slice(0, shares.length)
}

/** For statistics the products of a role's own columns, limb by limb, in the order of the sums. */
export const products = (parameters: Parameters, columns: readonly Uint32Array[]): Uint32Array[] =>
  parameters.output === 'statistics'
    ? columns.flatMap((x, i) =>
        columns.slice(i).flatMap((y) => productLimbs(x, y, limbBits(parameters), ownLimbs(parameters))),
      )
    : []

/** Vectors of the receiver's that are scaled by membership: ones where rows are counted, own values, payloads of the sender. */
export const receiverVectors = (parameters: Parameters): number =>
  (counts(parameters) ? 1 : 0) + ownSums(parameters, 'receiver') + ownSums(parameters, 'sender')
/** Of the sender's: masks of payloads. */
export const senderVectors = (parameters: Parameters): number => ownSums(parameters, 'sender')
