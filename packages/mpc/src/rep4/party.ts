/** One of the four parties of `rep4`: the keys that it shares with two others each, and its place. */
import { concatBytes, equalBytes, taggedDigest, taggedMac, TallyError } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import type { Arithmetic, Bits, Ring, Words } from '../backend.ts'
import type { Ctx as Rep3Ctx, Place } from '../rep3/party.ts'
import type { Messages } from './messages.ts'

export const computing = ['p0', 'p1', 'p2', 'p3'] as const
export type Index = 0 | 1 | 2 | 3
export const indices: readonly Index[] = [0, 1, 2, 3]

export type Ctx = Context<Messages, string>
/** Messages of vectors are those of `rep3`: its transfers serve here. */
export const wire = (ctx: Ctx): Rep3Ctx => ctx

/** v = v_0 + v_1 + v_2 + v_3, or by exclusive or: party i holds all components but v_i. */
export type Parts = readonly (Words | undefined)[]
export interface Rep4Arithmetic<R extends Ring = Ring> extends Arithmetic<R> {
  readonly parts: Parts
}
export interface Rep4Bits extends Bits {
  readonly parts: Parts
}

const anyOf = (parts: Parts): Words => parts.find((part) => part !== undefined)!

export const arithmetic = <R extends Ring>(ring: R, parts: Parts): Rep4Arithmetic<R> => ({
  kind: 'arithmetic',
  ring,
  length: anyOf(parts).length / (ring / 32),
  parts,
})
export const bits = (width: number, length: number, parts: Parts): Rep4Bits => ({ kind: 'bits', width, length, parts })

/** By the party that does not have it; undefined at one's own index. */
export type Keys = readonly (Uint8Array | undefined)[]

export interface Party {
  readonly ctx: Rep3Ctx
  readonly work: Rep3Ctx
  readonly index: Index
  readonly keys: Keys
  readonly branch: string
  /** Bits of a digest that are compared. */
  readonly digestBits: number
  /** The next `words` of the stream that all but one party have; undefined at that one. */
  readonly stream: (without: number, words: number) => Place | undefined
  readonly orders: (without: number, words: number) => Place | undefined
  readonly count: () => number
}

const placesOf = (keys: Keys, branch: string, use: string) => {
  const derived: Uint8Array[] = []
  const at = [0, 0, 0, 0]
  return (without: number, words: number): Place | undefined => {
    const root = keys[without]
    if (root === undefined) return undefined
    const key = (derived[without] ??= taggedMac(root, 'tallystick/rep4/stream/v1', branch, use).slice(0, 16))
    const place = { key, at: at[without]! }
    at[without]! += Math.ceil(words / 4)
    return place
  }
}

export const partyOf = (ctx: Ctx, index: Index, keys: Keys, branch: string, digestBits: number): Party => {
  let calls = 0
  return {
    ctx: wire(ctx),
    work: wire(ctx.narrow('work')),
    index,
    keys,
    branch,
    digestBits,
    stream: placesOf(keys, branch, 'shared'),
    orders: placesOf(keys, branch, 'orders'),
    count: () => calls++,
  }
}

/** Bytes of private coins of a party: a contribution to each of its three keys. */
export const keyCoins = 96

/** The parties that lack a key which two have in common. */
const apart = (one: Index, other: Index): readonly Index[] => indices.filter((i) => i !== one && i !== other)

/**
 * A key of every three: the hash of one contribution of each. Two rounds: the three compare digests of what they made, so a
 * party that tells two others different things is found out before anything is computed with it.
 */
export function* agreeKeys(ctx: Ctx, index: Index): Routine<Keys> {
  const step = ctx.narrow('keys')
  const peers = indices.filter((i) => i !== index)
  // By the party that lacks the key.
  const own = indices.map((without) => (without === index ? undefined : step.rng.bytes(32)))
  for (const to of peers) {
    const mine = apart(index, to).map((without) => own[without]!)
    yield* step.send('keys', concatBytes(...mine), computing[to])
  }
  const contributions = indices.map(() => new Map<Index, Uint8Array>())
  for (const from of peers) {
    const theirs = yield* step.receive('keys', computing[from])
    apart(index, from).forEach((without, i) => contributions[without]!.set(from, theirs.slice(32 * i, 32 * (i + 1))))
  }
  const keys = own.map((mine, without) => {
    if (mine === undefined) return undefined
    const all = contributions[without]!.set(index, mine)
    const parts = indices.flatMap((i) => all.get(i) ?? [])
    return taggedDigest('tallystick/rep4/key/v1', computing[without as Index], ...parts)
  })
  const digestWith = (other: Index) =>
    taggedDigest('tallystick/rep4/confirm/v1', ...apart(index, other).map((without) => keys[without]!))
  for (const to of peers) yield* step.send('vouch', digestWith(to), computing[to])
  for (const from of peers) {
    if (equalBytes(yield* step.receive('vouch', computing[from]), digestWith(from))) continue
    const message = `keys of three are not the ones that ${computing[from]} has`
    throw new TallyError('peer/misbehaved', { peer: computing[from] }, message, {
      remedy: 'one of those who have them told the others different things; keep the journal',
    })
  }
  return keys
}
