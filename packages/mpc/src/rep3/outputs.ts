/**
 * Outputs, after the checkpoint, one round. A computing receiver lacks one component, which the party before it sends.
 * A receiver that does not compute gets two additive shares: z_0 + z_1 + a from p0 and z_2 - a from p1, a from the key
 * that these two have, so it learns nothing of the components but their sum.
 */
import type { Routine } from '@tallystick/protocol'
import type { Ring, Shared, Words } from '../backend.ts'
import { trimPlanes } from '../bits-words.ts'
import { addWords, concatWords, limbsOf, subtractWords } from '../words.ts'
import { planeWords } from '../backend.ts'
import { open64, openBits } from './local.ts'
import { expandPlace } from './multiply.ts'
import { computing, roleOf, type Components, type Ctx, type Party } from './party.ts'
import { transfer, vector, type Incoming, type Outgoing } from './transfer.ts'

/** What an output is, without its value. */
export type OutputShape =
  | { readonly kind: 'arithmetic'; readonly ring: Ring; readonly length: number }
  | { readonly kind: 'bits'; readonly width: number; readonly length: number }

export const shapeOf = (value: Shared): OutputShape =>
  value.kind === 'arithmetic'
    ? { kind: value.kind, ring: value.ring, length: value.length }
    : { kind: value.kind, width: value.width, length: value.length }

export const wordsOfShape = (shape: OutputShape): number =>
  shape.kind === 'arithmetic' ? limbsOf(shape.ring) * shape.length : shape.width * planeWords(shape.length)

/** Combines vectors of one shape: in its ring, or by exclusive or. */
type Combine = (shape: OutputShape, a: Words, b: Words) => Words

const xor = (a: Words, b: Words): Words => {
  const out = new Uint32Array(a.length)
  for (let i = 0; i < out.length; i++) out[i] = a[i]! ^ b[i]!
  return out
}
export const plus: Combine = (shape, a, b) => (shape.kind === 'bits' ? xor(a, b) : addWords(shape.ring, a, b))
export const minus: Combine = (shape, a, b) => (shape.kind === 'bits' ? xor(a, b) : subtractWords(shape.ring, a, b))

export const combine = (shapes: readonly OutputShape[], f: Combine, a: Words, b: Words): Words => {
  let at = 0
  return concatWords(
    shapes.map((shape) => {
      const [from, to] = [at, (at += wordsOfShape(shape))]
      return f(shape, a.subarray(from, to), b.subarray(from, to))
    }),
  )
}

/** Both components; nothing but zeros after the last element of a plane. */
const componentsOf = (value: Shared): Components => {
  if (value.kind === 'arithmetic') return open64(value)
  const { own, next, length } = openBits(value)
  return { own: trimPlanes(own, length), next: trimPlanes(next, length) }
}

/** The values in the order of the shapes. */
export const cut = (shapes: readonly OutputShape[], all: Words): readonly Words[] => {
  let at = 0
  return shapes.map((shape) => {
    const from = at
    at += wordsOfShape(shape)
    return shape.kind === 'bits' ? trimPlanes(all.subarray(from, at), shape.length) : all.subarray(from, at)
  })
}

const isComputing = (role: string): boolean => (computing as readonly string[]).includes(role)

/** The parts of a vector of all values that `of` says yes to. */
export const pick = (shapes: readonly OutputShape[], all: Words, of: (i: number) => boolean): Words => {
  let at = 0
  const parts = shapes.map((shape) => all.subarray(at, (at += wordsOfShape(shape))))
  return parts.every((_, i) => of(i)) ? all : concatWords(parts.filter((_, i) => of(i)))
}

/** A computing party's side: the values where it is a receiver, of those that `learns` says. */
export function* openTo(
  party: Party,
  receivers: readonly string[],
  values: readonly Shared[],
  learns: (receiver: string, i: number) => boolean = () => true,
): Routine<readonly Words[] | undefined> {
  const { index, shared } = party
  const role = computing[index]
  const shapes = values.map(shapeOf)
  const parts = values.map(componentsOf)
  const own = concatWords(parts.map((part) => part.own))
  const next = concatWords(parts.map((part) => part.next))
  const words = own.length
  const partOf = (receiver: string, all: Words): Words => pick(shapes, all, (i) => learns(receiver, i))
  const outside = receivers.filter((receiver) => !isComputing(receiver))
  const outgoing: Outgoing[] = []
  if (outside.length > 0 && index < 2) {
    const mask = yield* expandPlace(party, index === 0 ? shared.next(words) : shared.own(words), words)
    const sum = index === 0 ? combine(shapes, plus, own, next) : next
    const share = combine(shapes, index === 0 ? plus : minus, sum, mask)
    outgoing.push(...outside.map((receiver) => vector(receiver, partOf(receiver, share))))
  }
  const after = roleOf(index, 1)
  if (receivers.includes(after)) outgoing.push(vector(after, partOf(after, own)))
  const receives = receivers.includes(role)
  const mine = shapes.filter((_, i) => learns(role, i))
  const size = mine.reduce((sum, shape) => sum + wordsOfShape(shape), 0)
  const incoming: Incoming[] = receives ? [{ from: roleOf(index, -1), words: size }] : []
  const step = party.ctx.narrow('results')
  const [previous] = yield* transfer({ ctx: step, count: () => 0 }, 'result', words, outgoing, incoming)
  if (!receives) return undefined
  const both = combine(mine, plus, partOf(role, own), partOf(role, next))
  return cut(mine, combine(mine, plus, both, previous!))
}

/** The side of a receiver that does not compute; `largest` are the words of all values, of which it learns some. */
export function* receiveOutputs(ctx: Ctx, shapes: readonly OutputShape[], largest: number): Routine<readonly Words[]> {
  const words = shapes.reduce((sum, shape) => sum + wordsOfShape(shape), 0)
  const incoming = ['p0', 'p1'].map((from) => ({ from, words }))
  const step = ctx.narrow('results')
  const [a, b] = yield* transfer({ ctx: step, count: () => 0 }, 'result', largest, [], incoming)
  return cut(shapes, combine(shapes, plus, a!, b!))
}
