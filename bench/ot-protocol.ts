/** Triples alone: each end returns how many it has, and keeps them to itself. */
import {
  bitTriples,
  bitTriplesCost,
  maxRingTriples,
  openTransfers,
  ringTriples,
  ringTriplesCost,
  transfersCost,
  tripleMessages,
  type TripleMessages,
} from '@tallystick/ot'
import { defineProtocol, type Context, type Routine } from '@tallystick/protocol'

type Role = 'first' | 'second'
export interface TripleParameters {
  readonly kind: 'bits' | 'ring'
  readonly n: number
}

/** Calls of so many triples. */
const callsOf = ({ kind, n }: TripleParameters): readonly number[] => {
  const most = kind === 'ring' ? maxRingTriples : n
  return Array.from({ length: Math.ceil(n / most) }, (_, i) => Math.min(most, n - i * most))
}

function* party(ctx: Context<TripleMessages, Role>, parameters: TripleParameters): Routine<number> {
  const first = ctx.role === 'first'
  const transfers = yield* openTransfers(ctx.narrow('open'), { peer: first ? 'second' : 'first', first })
  let made = 0
  for (const [i, n] of callsOf(parameters).entries()) {
    const wire = ctx.narrow(`call-${i}`)
    if (parameters.kind === 'bits') yield* bitTriples(wire, transfers, n)
    else yield* ringTriples(wire, transfers, n)
    made += n
  }
  return made
}

export const triples = defineProtocol<
  Role,
  TripleMessages,
  TripleParameters,
  Record<Role, Uint8Array>,
  Record<Role, number>
>({
  id: 'bench/triples',
  version: 1,
  roles: ['first', 'second'],
  messages: tripleMessages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 121,
    statistical: 128,
    assumptions: ['those of the OT extension'],
    refusal: 'nothing is opened',
  },
  leakage: { first: 'nothing', second: 'nothing' },
  parameters: (value) => value as TripleParameters,
  cost: (parameters) => {
    const one = parameters.kind === 'bits' ? bitTriplesCost : ringTriplesCost
    const parts = [transfersCost(), ...callsOf(parameters).map((n) => one(n))]
    const sum = (of: (part: (typeof parts)[number]) => number): number => parts.reduce((all, part) => all + of(part), 0)
    const coins = sum((part) => part.coins)
    const [rounds, bytes] = [sum((part) => part.rounds), sum((part) => part.bytes)]
    return { rounds, bytes, coins: { first: coins, second: coins }, correlations: {} }
  },
  ideal: ({ n }) => ({ first: n, second: n }),
  parties: { first: party, second: party },
})
