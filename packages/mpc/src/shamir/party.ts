/** One party of `shamir`: its point, and a key with every other. */
import { taggedDigest, taggedMac } from '@tallystick/core'
import { fixedBytes } from '@tallystick/core'
import { message, type Context, type Routine } from '@tallystick/protocol'
import type { Ctx as Rep3Ctx, Place } from '../rep3/party.ts'
import { messages as rep3 } from '../rep3/messages.ts'

export const messages = {
  /** A contribution to the key of a pair. */
  key: message('each', 'each', fixedBytes(32)),
  /** Points of the polynomials of an owner's inputs. */
  share: rep3.share,
  /** Points of the polynomials by which products are shared again. */
  reshare: rep3.reshare,
  /** A point of an output's polynomial. */
  result: rep3.result,
} as const
export type Messages = typeof messages
export type Ctx = Context<Messages, string>

export interface Setting {
  /** 3 to 64. */
  readonly parties: number
  /** Most corrupt parties, below half; (parties - 1) / 2 unless told. */
  readonly threshold?: number
}

export const thresholdOf = ({ parties, threshold = Math.floor((parties - 1) / 2) }: Setting): number => threshold
export const computingOf = ({ parties }: Setting): readonly string[] =>
  Array.from({ length: parties }, (_, i) => `p${i}`)

export interface Party {
  readonly ctx: Rep3Ctx
  readonly work: Rep3Ctx
  readonly setting: Setting
  readonly index: number
  /** By peer; undefined at one's own index. */
  readonly keys: readonly (Uint8Array | undefined)[]
  readonly branch: string
  /** The next `words` of the stream that a peer and this party have for what `owner`, one of the two, shares. */
  readonly stream: (peer: number, owner: number, words: number) => Place
  readonly count: () => number
}

export const partyOf = (ctx: Ctx, setting: Setting, index: number, keys: Party['keys'], branch: string): Party => {
  const places = new Map<string, { readonly key: Uint8Array; at: number }>()
  let calls = 0
  return {
    ctx,
    work: ctx.narrow('work'),
    setting,
    index,
    keys,
    branch,
    stream(peer, owner, words) {
      const name = `${peer}/${owner}`
      let place = places.get(name)
      if (place === undefined) {
        const key = taggedMac(keys[peer]!, 'tallystick/shamir/stream/v1', branch, `p${owner}`).slice(0, 16)
        places.set(name, (place = { key, at: 0 }))
      }
      const { key, at } = place
      place.at += Math.ceil(words / 4)
      return { key, at }
    },
    count: () => calls++,
  }
}

export const keyCoins = ({ parties }: Setting): number => 32 * (parties - 1)

/** A key for each pair: the hash of one contribution of either side. One round. */
export function* agreeKeys(ctx: Ctx, setting: Setting, index: number): Routine<Party['keys']> {
  const step = ctx.narrow('keys')
  const roles = computingOf(setting)
  const own = roles.map((_, i) => (i === index ? undefined : step.rng.bytes(32)))
  for (const [i, mine] of own.entries()) if (mine !== undefined) yield* step.send('key', mine, roles[i]!)
  const keys: (Uint8Array | undefined)[] = []
  for (const [i, mine] of own.entries()) {
    if (mine === undefined) {
      keys.push(undefined)
      continue
    }
    const theirs = yield* step.receive('key', roles[i]!)
    const [first, second] = index < i ? [mine, theirs] : [theirs, mine]
    keys.push(
      taggedDigest('tallystick/shamir/pair/v1', roles[Math.min(i, index)]!, roles[Math.max(i, index)]!, first, second),
    )
  }
  return keys
}
