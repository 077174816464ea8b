/** One computing party of `rep3`: its place on the ring of three, its neighbours, and the key streams it shares. */
import { taggedDigest, taggedMac } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import type { Arithmetic, Bits, Ring, Words } from '../backend.ts'
import type { Messages } from './messages.ts'

export const computing = ['p0', 'p1', 'p2'] as const
export type Index = 0 | 1 | 2

export type Ctx = Context<Messages, string>

/** v = v_0 + v_1 + v_2: party i holds own = v_i and next = v_(i+1). */
export interface Components {
  readonly own: Uint32Array
  readonly next: Uint32Array
}
export interface Rep3Arithmetic<R extends Ring = Ring> extends Arithmetic<R>, Components {}
export interface Rep3Bits extends Bits, Components {}

export const arithmetic = <R extends Ring>(ring: R, own: Words, next: Words): Rep3Arithmetic<R> => ({
  kind: 'arithmetic',
  ring,
  length: own.length / (ring / 32),
  own,
  next,
})

export const bits = (width: number, length: number, own: Uint32Array, next: Uint32Array): Rep3Bits => ({
  kind: 'bits',
  width,
  length,
  own,
  next,
})

/** Place in a stream that both holders of its key are at. */
export interface Place {
  readonly key: Uint8Array
  readonly at: number
}

/** Streams of one use: a key for each of the two neighbours. Both ends of a pair take the same words in one order. */
export interface Streams {
  /** The next `words` of the stream shared with the previous party. */
  own(words: number): Place
  next(words: number): Place
  /** The same place of both streams. */
  both(words: number): { readonly ownKey: Uint8Array; readonly nextKey: Uint8Array; readonly at: number }
}

export interface Keys {
  /** Shared with the previous party. */
  readonly own: Uint8Array
  /** Shared with the next party. */
  readonly next: Uint8Array
  /** This party's alone. */
  readonly alone: Uint8Array
}

export interface Party {
  readonly ctx: Ctx
  /** For kernels: a context of its own, since they also run while `ctx` waits for a join of transfers. */
  readonly work: Ctx
  readonly index: Index
  readonly keys: Keys
  /** What tells this branch of the program from all others. */
  readonly branch: string
  /** Shares of zero. */
  readonly zero: Streams
  /** Components that two parties know without a message. */
  readonly shared: Streams
  /** Permutations. */
  readonly orders: Streams
  /** Of this party alone. */
  readonly alone: (words: number) => Place
  /** A number that no other call of this branch has. */
  readonly count: () => number
  /** Who deals next: the three take turns, so that they send equally much. */
  readonly turn: () => Index
}

/** The party `by` places after `index`. */
export const after = (index: number, by: number): Index => ((index + by + 3) % 3) as Index
export const roleOf = (index: number, by = 0): string => computing[after(index, by)]

const aesKey = (key: Uint8Array, branch: string, use: string): Uint8Array =>
  taggedMac(key, 'tallystick/rep3/stream/v1', branch, use).slice(0, 16)

const blocks = (words: number): number => Math.ceil(words / 4)

const placesOf = (key: Uint8Array, branch: string, use: string): ((words: number) => Place) => {
  let derived: Uint8Array | undefined
  let at = 0
  return (words) => {
    derived ??= aesKey(key, branch, use)
    const place = { key: derived, at }
    at += blocks(words)
    return place
  }
}

const streamsOf = ({ own, next }: Keys, branch: string, use: string): Streams => {
  const [ownPlaces, nextPlaces] = [placesOf(own, branch, use), placesOf(next, branch, use)]
  const [ownJoint, nextJoint] = [placesOf(own, branch, `${use}/both`), placesOf(next, branch, `${use}/both`)]
  return {
    own: ownPlaces,
    next: nextPlaces,
    both(words) {
      const { key: ownKey, at } = ownJoint(words)
      return { ownKey, nextKey: nextJoint(words).key, at }
    },
  }
}

export const partyOf = (ctx: Ctx, index: Index, keys: Keys, branch: string): Party => {
  let calls = 0
  let turns = 0
  return {
    ctx,
    work: ctx.narrow('work'),
    index,
    keys,
    branch,
    zero: streamsOf(keys, branch, 'zero'),
    shared: streamsOf(keys, branch, 'shared'),
    orders: streamsOf(keys, branch, 'orders'),
    alone: placesOf(keys.alone, branch, 'alone'),
    count: () => calls++,
    turn: () => (turns++ % 3) as Index,
  }
}

/** Bytes of private coins of a computing party: two contributions and a key of its own. */
export const keyCoins = 96

/**
 * A key for each pair: the hash of one contribution of either side. Contributions are private coins of the session,
 * hence a function of the party's seed, to which it was committed before the joint coin was opened, and of that coin:
 * they were fixed before this message, and neither side can choose its own to suit the other's. One round.
 */
export function* agreeKeys(ctx: Ctx, index: Index): Routine<Keys> {
  const step = ctx.narrow('keys')
  const toNext = step.rng.bytes(32)
  const toPrevious = step.rng.bytes(32)
  const alone = step.rng.bytes(32)
  yield* step.send('key', toNext, roleOf(index, 1))
  yield* step.send('key', toPrevious, roleOf(index, -1))
  const fromNext = yield* step.receive('key', roleOf(index, 1))
  const fromPrevious = yield* step.receive('key', roleOf(index, -1))
  const keyOf = (first: Index, ...parts: readonly Uint8Array[]): Uint8Array =>
    taggedDigest('tallystick/rep3/pair/v1', computing[first], ...parts)
  return {
    own: keyOf(after(index, -1), fromPrevious, toPrevious),
    next: keyOf(index, toNext, fromNext),
    alone,
  }
}
