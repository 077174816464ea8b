/** Vectors to all other computing parties, and from the dealer to one. */
import type { Routine } from '@tallystick/protocol'
import { transfer, vector, type VectorMessage } from '../rep3/transfer.ts'
import { computingOf, deals, helper, type Party } from './party.ts'

/** Everybody's vector, in the order of the parties; one round. `combine` folds those of the others into this party's. */
export function* exchange(
  party: Party,
  name: VectorMessage,
  own: Uint32Array,
  combine: (a: Uint32Array, b: Uint32Array) => Uint32Array,
): Routine<Uint32Array> {
  const others = computingOf(party.setting).filter((_, i) => i !== party.index)
  const received = yield* transfer(
    party,
    name,
    own.length,
    others.map((role) => vector(role, own)),
    others.map((role) => ({ from: role, words: own.length })),
  )
  return received.reduce(combine, own)
}

/**
 * `words` that the dealer makes, for the party `to`: what it gets, or undefined at the others. One round, of the dealer's
 * alone; no message where p0 deals to itself.
 */
export function* receiveDeal(
  party: Party,
  to: number,
  words: number,
  make: (from: number, to: number) => Routine<Uint32Array>,
): Routine<Uint32Array | undefined> {
  const { index, setting } = party
  const dealer = setting.triples === 'helper' ? helper : 'p0'
  const receiver = `p${to}`
  if (dealer === receiver) return deals(party) ? yield* make(0, words) : undefined
  const outgoing = deals(party) ? [{ to: receiver, words, make }] : []
  const incoming = index === to ? [{ from: dealer, words }] : []
  const [received] = yield* transfer(party.deal, 'deal', words, outgoing, incoming)
  return received
}
