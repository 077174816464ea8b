/**
 * Inputs and outputs. An owner that computes, p(i), knows its data: component i + 2 is zero, i + 1 comes from a seed
 * that it gives to p(i+1), and i is the difference, sent to p(i+2): one vector. An owner that does not compute gives the
 * seed of component 0 to p2 and p0, that of component 1 to p0 and p1, and component 2 to p1 and p2: two vectors.
 * Keys and inputs of all owners together are one round.
 */
import { bitsExpand } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Ring, Words } from '../backend.ts'
import { limbsOf, subtractFrom } from '../words.ts'
import { arithmetic, computing, roleOf, type Components, type Ctx, type Index } from './party.ts'
import { transfer, vector, type Incoming } from './transfer.ts'

/** One vector that a role brings. */
export interface InputSpec {
  readonly name: string
  readonly owner: string
  readonly ring: Ring
  /** Elements. */
  readonly length: number
}

export const wordsOfSpecs = (specs: readonly InputSpec[]): number =>
  specs.reduce((sum, { ring, length }) => sum + limbsOf(ring) * length, 0)

/**
 * value - mask, in the place of the value: these vectors are the largest of a run, and fresh memory costs more than the
 * subtraction. Vectors over both rings lie in one message: each is masked in its own ring.
 */
export const minusMask = (specs: readonly InputSpec[], value: Words, mask: Words): Words => {
  let at = 0
  for (const { ring, length } of specs) {
    const [from, to] = [at, (at += limbsOf(ring) * length)]
    subtractFrom(ring, value.subarray(from, to), mask.subarray(from, to))
  }
  return value
}

const indexOf = (role: string): number => (computing as readonly string[]).indexOf(role)

/** Which seeds an owner sends: by role, the components that come from one. */
export const seedsOf = (owner: string): readonly (readonly [to: string, component: Index])[] => {
  const i = indexOf(owner)
  if (i >= 0) return [[roleOf(i, 1), ((i + 1) % 3) as Index]]
  return [
    ['p0', 0],
    ['p0', 1],
    ['p1', 1],
    ['p2', 0],
  ]
}
/** Who gets the component that no seed gives, and which that is. */
export const sharesOf = (owner: string): { readonly component: Index; readonly to: readonly string[] } => {
  const i = indexOf(owner)
  return i >= 0 ? { component: i as Index, to: [roleOf(i, 2)] } : { component: 2, to: ['p1', 'p2'] }
}

export const seedBytes = 32

const expandSeed = (ctx: Ctx, seed: Uint8Array, words: number): Routine<Words> =>
  ctx.compute(bitsExpand, { key: seed.slice(0, 16), at: 0, words })

/** The owner's side; what it keeps if it computes. Takes the value for its own: its place is that of a component. */
export function* give(step: Ctx, specs: readonly InputSpec[], value: Words): Routine<Components> {
  const { role } = step
  const seeds = new Map<Index, Uint8Array>()
  for (const [, component] of seedsOf(role)) {
    if (!seeds.has(component)) seeds.set(component, step.rng.bytes(seedBytes))
  }
  for (const [to, component] of seedsOf(role)) yield* step.send('seed', seeds.get(component)!, to)
  const masks: Words[] = []
  for (const seed of seeds.values()) masks.push(yield* expandSeed(step, seed, value.length))
  const rest = masks.reduce((left, mask) => minusMask(specs, left, mask), value)
  const outgoing = sharesOf(role).to.map((to) => vector(to, rest))
  yield* transfer({ ctx: step, count: () => 0 }, 'share', value.length, outgoing, [])
  return { own: rest, next: masks[0]! }
}

/** A computing party's side of the inputs of another role. */
export function* take(step: Ctx, index: Index, owner: string, specs: readonly InputSpec[]): Routine<Components> {
  const words = wordsOfSpecs(specs)
  const role = computing[index]
  const parts = new Map<number, Words>()
  for (const [to, component] of seedsOf(owner)) {
    if (to !== role) continue
    parts.set(component, yield* expandSeed(step, yield* step.receive('seed', owner), words))
  }
  const { component, to } = sharesOf(owner)
  const incoming: Incoming[] = to.includes(role) ? [{ from: owner, words }] : []
  const [share] = yield* transfer({ ctx: step, count: () => 0 }, 'share', words, [], incoming)
  if (share !== undefined) parts.set(component, share)
  const nothing = new Uint32Array(words)
  return { own: parts.get(index) ?? nothing, next: parts.get((index + 1) % 3) ?? nothing }
}

/** The vectors of an owner by name, from their components one after the other. */
export const sharesByName = (
  specs: readonly InputSpec[],
  { own, next }: Components,
): readonly (readonly [string, Arithmetic])[] => {
  let at = 0
  return specs.map(({ name, ring, length }) => {
    const [from, to] = [at, (at += limbsOf(ring) * length)]
    return [name, arithmetic(ring, own.subarray(from, to), next.subarray(from, to))]
  })
}
