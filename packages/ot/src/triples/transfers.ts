/** The state that two ends share after their base transfers, and the rows of transfers that it is stretched to. */
import { concatBytes, TallyError } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import { baseCost, baseReceive, baseSend } from '../base/index.ts'
import { blockBytes } from '../bytes.ts'
import { chunks } from '../extension/columns.ts'
import { baseChoices, makeSeeds, seedBytes, takeSeeds } from '../extension/seeds.ts'
import type { BaseKind } from '../interface.ts'
import { maxFrameWords, type TripleMessages } from './messages.ts'

const frameBytes = 4 * maxFrameWords

export type TripleContext = Context<TripleMessages, string>

/** Transfers of one call of a kernel, which starts 512 key streams: 8 MiB of corrections, 0.1 s of one core. */
export const batchTransfers = 2 ** 21

interface Direction {
  /** States of the 512 leaves; the sender's at its Delta's chunks are arbitrary values. */
  seeds: Uint8Array
}

/** Both directions of an extension that goes on for a whole run. Its calls are made one after the other, never side by side. */
export interface Transfers {
  readonly peer: string
  /** Exactly one of the two ends is the first; it fixes who adds the public terms. */
  readonly first: boolean
  readonly delta: Uint8Array
  readonly sending: Direction
  readonly receiving: Direction
}

/** How {@link openTransfers} starts. */
export interface TransfersOptions {
  readonly peer: string
  readonly first: boolean
  readonly base?: BaseKind
}

/** By end: both do the same. Coins are of each end. */
export interface PairCost {
  readonly rounds: number
  /** Of both ends together. */
  readonly bytes: number
  readonly coins: number
}

export const transfersCost = (base?: BaseKind): PairCost => {
  const once = baseCost(128, base)
  return {
    rounds: once.rounds + 1,
    bytes: 2 * (once.bytes + seedBytes(1, 'semi-honest')),
    coins: once.coins.sender + once.coins.receiver + blockBytes * (1 + chunks),
  }
}

/** Both directions side by side. Branch 0 is the one in which the first end sends, so that steps are alike on both ends. */
export function* bothWays<S, T>(
  ctx: TripleContext,
  first: boolean,
  send: (branch: TripleContext) => Routine<S>,
  receive: (branch: TripleContext) => Routine<T>,
): Routine<[sent: S, received: T]> {
  if (first) return yield* ctx.join(send, receive)
  const [received, sent] = yield* ctx.join(receive, send)
  return [sent, received]
}

/**
 * Base transfers both ways, 128 each: the start of everything in this folder. Semi-honest.
 * @throws TallyError peer/misbehaved for frames of another length and keys that are none.
 */
export function* openTransfers<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  { peer, first, base }: TransfersOptions,
): Routine<Transfers> {
  const wire = ctx as unknown as TripleContext
  const delta = wire.narrow('delta').rng.bytes(blockBytes)
  function* send(branch: TripleContext): Routine<Uint8Array> {
    const pads = yield* baseReceive(branch.narrow('base'), peer, 128, baseChoices([delta]), base)
    return yield* takeSeeds(branch, peer, [delta], pads, 'semi-honest')
  }
  function* receive(branch: TripleContext): Routine<Uint8Array> {
    const roots = branch.narrow('seeds').rng.bytes(blockBytes * chunks)
    const pads = yield* baseSend(branch.narrow('base'), peer, 128, base)
    return yield* makeSeeds(branch, peer, roots, pads, 'semi-honest')
  }
  const [sending, receiving] = yield* bothWays(wire, first, send, receive)
  return {
    peer,
    first,
    delta,
    sending: { seeds: sending },
    receiving: { seeds: receiving },
  }
}

export const widthOf = (transfers: number): number => 16 * Math.ceil(transfers / 128)
/** Bytes of corrections for so many transfers, cut into frames. */
export const correctionBytes = (n: number): number =>
  batchesOf(n).reduce((sum, transfers) => sum + chunks * widthOf(transfers), 0)

export const batchesOf = (n: number, most = batchTransfers): readonly number[] =>
  Array.from({ length: Math.ceil(n / most) }, (_, i) => Math.min(most, n - i * most))

/** The peer's corrections of n transfers, with what the kernels of the sending end need beside. */
export function* known(
  ctx: TripleContext,
  { sending, delta, peer }: Transfers,
  n: number,
): Routine<{ readonly seeds: Uint8Array; readonly delta: Uint8Array; readonly corrections: Uint8Array }> {
  const corrections = yield* receiveFrames(ctx, 'otCorrections', chunks * widthOf(n), peer)
  return { seeds: sending.seeds, delta, corrections }
}

/** What the kernels of the choosing end need for n transfers: states, and choices up to whole blocks. */
export const chosen = ({ receiving }: Transfers, n: number, choices: Uint8Array) => {
  const padded = new Uint8Array(widthOf(n))
  padded.set(choices.subarray(0, Math.ceil(n / 8)))
  if (n % 8 !== 0) padded[n >> 3]! &= 2 ** (n % 8) - 1
  return { seeds: receiving.seeds, choices: padded }
}

type Framed = 'otCorrections' | 'otProducts'

/** The output of a kernel call in frames of at most 4 MiB. */
export function* sendFrames(ctx: TripleContext, name: Framed, bytes: Uint8Array, peer: string): Routine<void> {
  for (let from = 0; from < bytes.length; from += frameBytes) {
    yield* ctx.send(name, bytes.subarray(from, from + frameBytes), peer)
  }
}

export function* receiveFrames(ctx: TripleContext, name: Framed, total: number, peer: string): Routine<Uint8Array> {
  const frames: Uint8Array[] = []
  for (let from = 0; from < total; from += frameBytes) {
    const frame = yield* ctx.receive(name, peer)
    const expected = Math.min(frameBytes, total - from)
    if (frame.length !== expected) {
      throw misbehaved(peer, `expected ${expected} bytes of ${name}, found ${frame.length}`)
    }
    frames.push(frame)
  }
  return frames.length === 1 ? frames[0]! : concatBytes(...frames)
}

export const misbehaved = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `transfers of ${peer}: ${message}`, {
    remedy: `ask ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })
