/** A protocol that draws on a correlation store: the sum of three vectors, each masked by a reserved share of zero. */
import { createRng, flatWords32, taggedDigest, toHex } from '@tallystick/core'
import { defineProtocol, opening, type Party } from '@tallystick/protocol'
import type { CorrelationStore } from '@tallystick/session'

export const roles = ['p0', 'p1', 'p2'] as const
export type Role = (typeof roles)[number]
export const zeroCorrelation = 'zero32'

interface Parameters {
  readonly length: number
}

const messages = { part: opening('each', 'each', flatWords32(1024)) } as const
const add = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((word, i) => word + b[i]!)

const party: Party<typeof messages, Role, Parameters, Uint32Array, Uint32Array> = function* (ctx, { length }, input) {
  const zeros = new Uint32Array(new Uint8Array(yield* ctx.reserve(zeroCorrelation, length)).buffer)
  const mine = add(input, zeros)
  yield* ctx.checkpoint()
  for (const peer of ctx.peers) yield* ctx.send('part', mine, peer)
  let sum = mine
  for (const peer of ctx.peers) sum = add(sum, yield* ctx.receive('part', peer))
  return sum
}

export const maskedSum = defineProtocol<
  Role,
  typeof messages,
  Parameters,
  Record<Role, Uint32Array>,
  Record<Role, Uint32Array>
>({
  id: 'test/masked-sum',
  version: 1,
  roles,
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 128,
    assumptions: [],
    refusal: 'a party may learn the sum alone',
  },
  leakage: { p0: 'nothing', p1: 'nothing', p2: 'nothing' },
  parameters: (value) => value as Parameters,
  cost: ({ length }) => ({
    rounds: 1,
    bytes: 24 * length,
    coins: { p0: 0, p1: 0, p2: 0 },
    correlations: { [zeroCorrelation]: 3 * length },
  }),
  ideal(_, { p0, p1, p2 }) {
    const sum = add(add(p0, p1), p2)
    return { p0: sum, p1: sum, p2: sum }
  },
  parties: { p0: party, p1: party, p2: party },
})

/** Words at … at + count of a role's shares: those of the three sum to zero. */
export const zeroShares = (role: Role, at: number, count: number): Uint8Array => {
  const stream = (label: string) =>
    new Uint32Array(createRng(taggedDigest('tallystick/test/v1', label)).bytes(4 * (at + count)).buffer).slice(at)
  const [a, b] = [stream('a'), stream('b')]
  const words = role === 'p0' ? a : role === 'p1' ? b : a.map((word, i) => -word - b[i]!)
  return new Uint8Array(words.buffer)
}

export const zeroDigest = toHex(taggedDigest('tallystick/test/zero/v1'))

export const zeroStore = (role: Role, found = zeroDigest): CorrelationStore => {
  const ranges = new Map<string, Uint8Array>()
  let at = 0
  return {
    digest: () => found,
    reserve(_, count, key) {
      if (!ranges.has(key)) ranges.set(key, zeroShares(role, at, count))
      at += count
      return Promise.resolve(ranges.get(key)!)
    },
  }
}
