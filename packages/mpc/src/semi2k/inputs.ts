/**
 * Inputs and outputs. An owner sends a seed to every party but one, whose share is the rest: itself where it computes, else
 * p0, which gets one vector. A computing receiver gets the shares of all others; one that does not compute gets all, blinded
 * by a share of zero from the common key, so that it learns their sum alone.
 */
import { bitsExpand } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Shared, Words } from '../backend.ts'
import { trimPlanes } from '../bits-words.ts'
import { minusMask, seedBytes, wordsOfSpecs, type InputSpec } from '../rep3/inputs.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { combine, cut, minus, pick, plus, shapeOf, wordsOfShape, type OutputShape } from '../rep3/outputs.ts'
import { transfer, vector, type Incoming } from '../rep3/transfer.ts'
import { concatWords, limbsOf } from '../words.ts'
import { openBits, openPart } from './local.ts'
import { arithmetic, computingOf, wire, type Ctx, type Party, type Setting } from './party.ts'

/** Who gets seeds of an owner's inputs, and who the rest. */
export const givenBy = (setting: Setting, owner: string) => {
  const computing = computingOf(setting)
  const rest = computing.includes(owner) ? owner : 'p0'
  return { seeds: computing.filter((role) => role !== rest), rest }
}

const expandSeed = (step: Ctx, seed: Uint8Array, words: number): Routine<Words> =>
  step.compute(bitsExpand, { key: seed.slice(0, 16), at: 0, words })

/** The owner's side; its share if it computes. */
export function* give(step: Ctx, setting: Setting, specs: readonly InputSpec[], value: Words): Routine<Words> {
  const { seeds, rest } = givenBy(setting, step.role)
  let left = value
  for (const role of seeds) {
    const seed = step.rng.bytes(seedBytes)
    yield* step.send('seed', seed, role)
    left = minusMask(specs, left, yield* expandSeed(step, seed, value.length))
  }
  if (rest === step.role) return left
  yield* transfer({ ctx: wire(step), count: () => 0 }, 'share', value.length, [vector(rest, left)], [])
  return left
}

/** A computing party's share of the inputs of another role. */
export function* take(step: Ctx, setting: Setting, owner: string, specs: readonly InputSpec[]): Routine<Words> {
  const words = wordsOfSpecs(specs)
  if (givenBy(setting, owner).seeds.includes(step.role)) {
    return yield* expandSeed(step, yield* step.receive('seed', owner), words)
  }
  const [share] = yield* transfer({ ctx: wire(step), count: () => 0 }, 'share', words, [], [{ from: owner, words }])
  return share!
}

/** The vectors of an owner by name. */
export const sharesByName = (specs: readonly InputSpec[], part: Words): readonly (readonly [string, Arithmetic])[] => {
  let at = 0
  return specs.map(({ name, ring, length }) => {
    const from = at
    at += limbsOf(ring) * length
    return [name, arithmetic(ring, part.subarray(from, at))]
  })
}

const partOf = (value: Shared): Words =>
  value.kind === 'arithmetic' ? openPart(value).part : trimPlanes(openBits(value).part, value.length)

/** A computing party's side, after the checkpoint: the values where it is a receiver, of those that `learns` says. */
export function* openTo(
  party: Party,
  receivers: readonly string[],
  values: readonly Shared[],
  learns: (receiver: string, i: number) => boolean = () => true,
): Routine<readonly Words[] | undefined> {
  const { index, setting, ctx } = party
  const computing = computingOf(setting)
  const role = computing[index]!
  const shapes = values.map(shapeOf)
  const part = concatWords(values.map(partOf))
  const words = part.length
  const place = party.common(words)
  let blinded = part
  if (index < 2 && receivers.some((receiver) => !computing.includes(receiver))) {
    blinded = combine(shapes, index === 0 ? plus : minus, part, yield* expandPlace(party, place, words))
  }
  const toldTo = (receiver: string, all: Words): Words => pick(shapes, all, (i) => learns(receiver, i))
  const outgoing = receivers
    .filter((receiver) => receiver !== role)
    .map((receiver) => vector(receiver, toldTo(receiver, computing.includes(receiver) ? part : blinded)))
  const receives = receivers.includes(role)
  const own = toldTo(role, part)
  const mine = shapes.filter((_, i) => learns(role, i))
  const incoming: Incoming[] = receives
    ? computing.filter((other) => other !== role).map((from) => ({ from, words: own.length }))
    : []
  const step = ctx.narrow('results')
  const others = yield* transfer({ ctx: step, count: () => 0 }, 'result', words, outgoing, incoming)
  if (!receives) return undefined
  return cut(
    mine,
    others.reduce((sum, other) => combine(mine, plus, sum, other), own),
  )
}

/** The side of a receiver that does not compute; `largest` are the words of all values, of which it learns some. */
export function* receiveOutputs(
  ctx: Ctx,
  setting: Setting,
  shapes: readonly OutputShape[],
  largest: number,
): Routine<readonly Words[]> {
  const words = shapes.reduce((sum, shape) => sum + wordsOfShape(shape), 0)
  const incoming = computingOf(setting).map((from) => ({ from, words }))
  const step = wire(ctx.narrow('results'))
  const parts = yield* transfer({ ctx: step, count: () => 0 }, 'result', largest, [], incoming)
  return cut(
    shapes,
    parts.reduce((sum, part) => combine(shapes, plus, sum, part)),
  )
}
