/** Faults are data: a plan says in JSON what goes wrong in a run, so a failure prints what reproduces it. */
import { concatBytes, createRng, taggedDigest } from '@tallystick/core'

/** A change to what arrives in place of one frame, named by `from>to:step#ordinal`. */
export type Mutation =
  | { readonly kind: 'flip'; readonly frame: string; readonly byte: number; readonly mask: number }
  /** Cut to `length` bytes. */
  | { readonly kind: 'truncate'; readonly frame: string; readonly length: number }
  /** Followed by `length` bytes of its own from the start (zero where it has none). */
  | { readonly kind: 'extend'; readonly frame: string; readonly length: number }
  | { readonly kind: 'duplicate'; readonly frame: string }
  | { readonly kind: 'drop'; readonly frame: string }
  /** Changes places with another frame of the same link. */
  | { readonly kind: 'swap'; readonly frame: string; readonly with: string }
  /** The frame of the same place in a run with other private coins. */
  | { readonly kind: 'replay-session'; readonly frame: string }
  /** A frame of another step of the same run. */
  | { readonly kind: 'replay-step'; readonly frame: string; readonly of: string }

export interface FaultPlan {
  /** Seed of the random schedule; without one the first party that can move does. */
  readonly schedule?: string
  readonly crash?: { readonly role: string; readonly at: number }
  readonly mutation?: Mutation
  /** False leaves the closing comparison out, to see what it is good for. */
  readonly close?: boolean
}

/** Whole runs' frames by `from>to:step#ordinal`. */
export interface Material {
  readonly bodies: ReadonlyMap<string, Uint8Array>
  readonly foreign: ReadonlyMap<string, Uint8Array>
}

/** Seeded choices. */
export interface Dice {
  /** In [0, sides). The bias of a 32-bit remainder does not matter here. */
  readonly pick: (sides: number) => number
}

export const dice = (seed: string): Dice => {
  const rng = createRng(taggedDigest('tallystick/conformance/dice/v1', seed))
  return {
    pick(sides) {
      const word = rng.bytes(4)
      return new DataView(word.buffer).getUint32(0) % sides
    },
  }
}

/**
 * At most `most` of the items, in their order: first, in a seeded order, each that stands for a group that none before
 * it does, then the others in that order. Groups are kept whole beyond `most`: what is left out is repetition.
 */
export const sampleOf = <T>(
  items: readonly T[],
  most: number,
  groupsOf: (item: T) => readonly string[],
  { pick }: Dice,
): readonly T[] => {
  if (items.length <= most) return items
  const shuffled = items.map((_, i) => i)
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = pick(i + 1)
    ;[shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!]
  }
  const groups = new Set<string>()
  const chosen = new Set<number>()
  for (const i of shuffled) {
    const own = groupsOf(items[i]!)
    if (own.some((group) => !groups.has(group))) chosen.add(i)
    for (const group of own) groups.add(group)
  }
  for (const i of shuffled) if (chosen.size < most) chosen.add(i)
  return items.filter((_, i) => chosen.has(i))
}

export const scheduler = (seed: string): ((runnable: number) => number) => {
  const { pick } = dice(seed)
  return (runnable) => (runnable === 1 ? 0 : pick(runnable))
}

const flip = (body: Uint8Array, byte: number, mask: number): Uint8Array => {
  const out = Uint8Array.from(body)
  out[byte]! ^= mask
  return out
}

const extend = (body: Uint8Array, length: number): Uint8Array =>
  concatBytes(
    body,
    Uint8Array.from({ length }, (_, i) => body[i % body.length] ?? 0),
  )

const arrivalsOf = (mutation: Mutation, { bodies, foreign }: Material, body: Uint8Array): readonly Uint8Array[] => {
  switch (mutation.kind) {
    case 'flip':
      return [flip(body, mutation.byte, mutation.mask)]
    case 'truncate':
      return [body.subarray(0, mutation.length)]
    case 'extend':
      return [extend(body, mutation.length)]
    case 'duplicate':
      return [body, body]
    case 'drop':
      return []
    case 'swap':
      return [bodies.get(mutation.with)!]
    case 'replay-session':
      return [foreign.get(mutation.frame) ?? body]
    default:
      return [bodies.get(mutation.of)!]
  }
}

/** What arrives in place of the frame `key`, or undefined where the mutation leaves it alone. */
export const mutator =
  (mutation: Mutation, material: Material) =>
  (key: string, body: Uint8Array): readonly Uint8Array[] | undefined => {
    if (mutation.kind === 'swap' && key === mutation.with) return [material.bodies.get(mutation.frame)!]
    return key === mutation.frame ? arrivalsOf(mutation, material, body) : undefined
  }

const linkOf = (key: string): string => key.slice(0, key.indexOf(':'))
const wireOf = (key: string): string => key.slice(0, key.lastIndexOf('#'))

/** Every kind of mutation of the frame `key`, with seeded places. */
export const mutationsOf = (key: string, material: Material, { pick }: Dice): readonly Mutation[] => {
  const keys = [...material.bodies.keys()]
  const { length } = material.bodies.get(key)!
  const places = length === 0 ? [] : [0, length - 1, pick(length), pick(length)]
  const flips = places.map((byte) => ({ kind: 'flip', frame: key, byte, mask: 1 << pick(8) }) as const)
  const cuts = length === 0 ? [] : [...new Set([0, length - 1, pick(length)])]
  const later = keys.slice(keys.indexOf(key) + 1)
  const neighbours = new Set([
    later.find((other) => linkOf(other) === linkOf(key)),
    later.find((other) => wireOf(other) === wireOf(key)),
  ])
  const others = keys.filter((other) => wireOf(other) !== wireOf(key))
  return [
    ...flips,
    ...cuts.map((length) => ({ kind: 'truncate', frame: key, length }) as const),
    ...[1, 1 + pick(64), Math.max(1, length)].map((length) => ({ kind: 'extend', frame: key, length }) as const),
    { kind: 'duplicate', frame: key },
    { kind: 'drop', frame: key },
    ...[...neighbours].flatMap((other) =>
      other === undefined ? [] : [{ kind: 'swap', frame: key, with: other } as const],
    ),
    { kind: 'replay-session', frame: key },
    ...(others.length === 0 ? [] : [{ kind: 'replay-step', frame: key, of: others[pick(others.length)]! } as const]),
  ]
}
