/** One computing party of `semi2k`, or its dealer: places in key streams, and where correlations come from. */
import { taggedDigest, taggedMac } from '@tallystick/core'
import type { Transfers } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import type { Arithmetic, Bits, Ring, Words } from '../backend.ts'
import type { Session } from '../bgv/session.ts'
import type { Ctx as Rep3Ctx, Place } from '../rep3/party.ts'
import type { Messages } from './messages.ts'

/**
 * Where correlations come from: a helper of its own that sees nothing; oblivious transfers between two parties; ciphertexts
 * of BGV between two parties, with transfers for bits; or, which is not secure against that party, p0.
 */
export type Triples = 'helper' | 'transfers' | 'bgv' | 'insecure-first-party-deals'

export const sources: readonly Triples[] = ['helper', 'transfers', 'bgv', 'insecure-first-party-deals']

/** Whether two parties make their correlations themselves, one call after the other in one order on both ends. */
export const dealerless = (triples: Triples): boolean => triples === 'transfers' || triples === 'bgv'

export interface Setting {
  /** Computing parties, 2 to 8; 2 without a dealer. */
  readonly parties: number
  readonly triples: Triples
}

export const helper = 'helper'
export const computingOf = ({ parties }: Pick<Setting, 'parties'>): readonly string[] =>
  Array.from({ length: parties }, (_, i) => `p${i}`)
/** Who computes, and who deals. */
export const workingOf = (setting: Setting): readonly string[] => [
  ...computingOf(setting),
  ...(setting.triples === 'helper' ? [helper] : []),
]

export type Ctx = Context<Messages, string>
/** Messages of vectors are those of `rep3`: its transfers serve here. */
export const wire = (ctx: Ctx): Rep3Ctx => ctx

export interface Semi2kArithmetic<R extends Ring = Ring> extends Arithmetic<R> {
  readonly part: Words
}
export interface Semi2kBits extends Bits {
  readonly part: Uint32Array
}

export const arithmetic = <R extends Ring>(ring: R, part: Words): Semi2kArithmetic<R> => ({
  kind: 'arithmetic',
  ring,
  length: part.length / (ring / 32),
  part,
})
export const bits = (width: number, length: number, part: Uint32Array): Semi2kBits => ({
  kind: 'bits',
  width,
  length,
  part,
})

export interface Keys {
  /** With the dealer; of the dealer one for each party. One's own at the party that deals. */
  readonly dealt: readonly Uint8Array[]
  /** Of all computing parties; not the helper's. */
  readonly common: Uint8Array
  /** This party's alone. */
  readonly alone: Uint8Array
  readonly transfers?: Transfers
  readonly ciphertexts?: Session
}

/** Where the same place of every party's stream with the dealer starts: blocks of 16 bytes. */
export interface Places {
  readonly at: number
  /** Of this party, or of all. */
  readonly keys: readonly Uint8Array[]
}

export interface Party {
  /** Of vectors. */
  readonly ctx: Rep3Ctx
  /** For kernels: they also run while `ctx` waits for a join of transfers. */
  readonly work: Rep3Ctx
  readonly setting: Setting
  /** The place among the computing parties; -1 of the helper. */
  readonly index: number
  readonly keys: Keys
  readonly branch: string
  /** `words` of the stream with the dealer, in whole blocks. */
  readonly dealt: (words: number) => Places
  readonly orders: (words: number) => Places
  readonly common: (words: number) => Place
  readonly alone: (words: number) => Place
  readonly count: () => number
  /** Of the dealer's messages, which not all parties get: steps and numbers of their own. */
  readonly deal: { readonly ctx: Rep3Ctx; readonly count: () => number }
  /** Whose correction it is; with p0 as the dealer its own, so that it sends nothing. */
  readonly turn: () => number
  /** A context of its own for an exchange of oblivious transfers or ciphertexts. */
  readonly transfer: () => Ctx
}

/** Whether this party knows all masks. */
export const deals = ({ index, setting }: Pick<Party, 'index' | 'setting'>): boolean =>
  index === -1 || (index === 0 && setting.triples === 'insecure-first-party-deals')

const derive = (key: Uint8Array, branch: string, use: string): Uint8Array =>
  taggedMac(key, 'tallystick/semi2k/stream/v1', branch, use).slice(0, 16)

const placesOf = (keys: readonly Uint8Array[], branch: string, use: string): ((words: number) => Places) => {
  let derived: readonly Uint8Array[] | undefined
  let at = 0
  return (words) => {
    derived ??= keys.map((key) => derive(key, branch, use))
    const place = { keys: derived, at }
    at += Math.ceil(words / 4)
    return place
  }
}

const placeOf = (key: Uint8Array, branch: string, use: string): ((words: number) => Place) => {
  const places = placesOf([key], branch, use)
  return (words) => {
    const { keys, at } = places(words)
    return { key: keys[0]!, at }
  }
}

/** This party's own key with the dealer. */
export const ownKey = ({ index, setting }: Pick<Party, 'index' | 'setting'>, { keys }: Places): Uint8Array =>
  keys[deals({ index, setting }) ? index : 0]!

export const partyOf = (ctx: Ctx, setting: Setting, index: number, keys: Keys, branch: string): Party => {
  let calls = 0
  let turns = 0
  let transfers = 0
  let dealt = 0
  const { parties, triples } = setting
  return {
    ctx: wire(ctx),
    work: wire(ctx.narrow('work')),
    setting,
    index,
    keys,
    branch,
    dealt: placesOf(keys.dealt, branch, 'dealt'),
    orders: placesOf(keys.dealt, branch, 'orders'),
    common: placeOf(keys.common, branch, 'common'),
    alone: placeOf(keys.alone, branch, 'alone'),
    count: () => calls++,
    deal: { ctx: wire(ctx.narrow('dealt')), count: () => dealt++ },
    turn: () => (triples === 'helper' ? turns++ % parties : 0),
    transfer: () => ctx.narrow(`transfers/${transfers++}`),
  }
}

const contribution = 32

/** Bytes of private coins of a party for its keys; those of the oblivious transfers come on top. */
export const keyCoins = ({ parties, triples }: Setting, role: string): number => {
  if (role === helper) return contribution * parties
  const withDealer = dealerless(triples) ? 0 : role === 'p0' && triples !== 'helper' ? parties - 1 : 1
  return contribution * (withDealer + 2)
}

/** Whom a role shares a key with to deal or be dealt to. */
export const dealtWith = (setting: Setting, role: string): readonly string[] => {
  const { triples } = setting
  if (dealerless(triples)) return []
  const dealer = triples === 'helper' ? helper : 'p0'
  if (role !== dealer) return [dealer]
  return computingOf(setting).filter((other) => other !== dealer)
}

/** One round: contributions of both sides to each key with the dealer, and of all computing parties to the common one. */
export function* agreeKeys(ctx: Ctx, setting: Setting): Routine<Omit<Keys, 'transfers'>> {
  const { role } = ctx
  const pair = ctx.narrow('dealer')
  const all = ctx.narrow('common')
  const partners = dealtWith(setting, role)
  const dealer = setting.triples === 'helper' ? helper : 'p0'
  const mine = partners.map(() => pair.rng.bytes(contribution))
  for (const [i, partner] of partners.entries()) yield* pair.send('key', mine[i]!, partner)
  const computing = computingOf(setting)
  const peers = computing.filter((other) => other !== role)
  const shared = role === helper ? new Uint8Array(0) : all.rng.bytes(contribution)
  if (role !== helper) for (const peer of peers) yield* all.send('key', shared, peer)
  const dealt = new Map<string, Uint8Array>()
  for (const [i, partner] of partners.entries()) {
    const theirs = yield* pair.receive('key', partner)
    const [first, second] = role === dealer ? [mine[i]!, theirs] : [theirs, mine[i]!]
    const name = role === dealer ? partner : role
    dealt.set(name, taggedDigest('tallystick/semi2k/dealt/v1', name, first, second))
  }
  if (role === helper) return { dealt: computing.map((name) => dealt.get(name)!), common: shared, alone: shared }
  const contributions: Uint8Array[] = []
  for (const name of computing) contributions.push(name === role ? shared : yield* all.receive('key', name))
  const alone = ctx.narrow('alone').rng.bytes(contribution)
  if (role === dealer && partners.length > 0) dealt.set(role, taggedDigest('tallystick/semi2k/own/v1', alone))
  return {
    dealt: computing.flatMap((name) => dealt.get(name) ?? []),
    common: taggedDigest('tallystick/semi2k/common/v1', ...contributions),
    alone,
  }
}
