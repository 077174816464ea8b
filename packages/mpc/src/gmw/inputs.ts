/**
 * Bits that a computing party brings, shared by exclusive or: component i + 2 is zero, i + 1 comes from a seed that p(i)
 * gives to p(i+1), and i is the rest, sent to p(i+2). One round.
 */
import { bitsExpand } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { after, computing, roleOf, type Components, type Ctx, type Index } from '../rep3/party.ts'
import { transfer, vector } from '../rep3/transfer.ts'

export const seedBytes = 32

const expandSeed = (step: Ctx, seed: Uint8Array, words: number): Routine<Uint32Array> =>
  step.compute(bitsExpand, { key: seed.slice(0, 16), at: 0, words })

export function* giveBits(step: Ctx, index: Index, planes: Uint32Array): Routine<Components> {
  const seed = step.rng.bytes(seedBytes)
  yield* step.send('seed', seed, roleOf(index, 1))
  const mask = yield* expandSeed(step, seed, planes.length)
  const rest = planes.map((word, i) => word ^ mask[i]!)
  yield* transfer({ ctx: step, count: () => 0 }, 'share', rest.length, [vector(roleOf(index, 2), rest)], [])
  return { own: rest, next: mask }
}

export function* takeBits(step: Ctx, index: Index, owner: Index, words: number): Routine<Components> {
  const from = computing[owner]
  if (index === after(owner, 1)) {
    return { own: yield* expandSeed(step, yield* step.receive('seed', from), words), next: new Uint32Array(words) }
  }
  const [share] = yield* transfer({ ctx: step, count: () => 0 }, 'share', words, [], [{ from, words }])
  return { own: new Uint32Array(words), next: share! }
}
