/**
 * Polynomials of degree t through a value at 0. The next t parties' points come from the keys that they have with the owner,
 * so that they need no message, and the value and these fix the rest: n - 1 - t elements are sent.
 */
import { field61Combine } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { transfer, vector, type Outgoing } from '../rep3/transfer.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { concatWords } from '../words.ts'
import { elementsOfStream, lagrange } from './field.ts'
import { computingOf, thresholdOf, type Party, type Setting } from './party.ts'

/** The parties whose points of an owner's polynomial come from keys. */
const seededBy = (setting: Setting, owner: number): readonly number[] =>
  Array.from({ length: thresholdOf(setting) }, (_, k) => (owner + 1 + k) % setting.parties)
/** Those to whom it sends theirs. */
export const sentBy = (setting: Setting, owner: number): readonly number[] =>
  computingOf(setting)
    .map((_, i) => i)
    .filter((i) => i !== owner && !seededBy(setting, owner).includes(i))

const streamOf = function* (party: Party, peer: number, owner: number, words: number): Routine<Uint32Array> {
  return elementsOfStream(yield* expandPlace(party, party.stream(peer, owner, words), words))
}

/** The points of this party's polynomials, by party. */
function* pointsOf(party: Party, value: Uint32Array): Routine<readonly Uint32Array[]> {
  const { setting, index } = party
  const seeded = seededBy(setting, index)
  const known = [value]
  for (const peer of seeded) known.push(yield* streamOf(party, peer, index, value.length))
  const points = [0, ...seeded.map((peer) => peer + 1)]
  const vectors = concatWords(known)
  const out: Uint32Array[] = []
  for (let i = 0; i < setting.parties; i++) {
    const at = seeded.indexOf(i)
    out.push(
      at >= 0
        ? known[at + 1]!
        : yield* party.work.compute(field61Combine, { vectors, factors: lagrange(points, i + 1) }),
    )
  }
  return out
}

/** This party's points of the polynomials of every owner named; `value` is this party's own. One round. */
export function* shareAll(
  party: Party,
  name: 'share' | 'reshare',
  owners: readonly { readonly owner: number; readonly words: number }[],
  value: Uint32Array | undefined,
): Routine<readonly Uint32Array[]> {
  const { index, setting } = party
  const roles = computingOf(setting)
  const own = value === undefined ? undefined : yield* pointsOf(party, value)
  const outgoing: Outgoing[] = own === undefined ? [] : sentBy(setting, index).map((i) => vector(roles[i]!, own[i]!))
  const senders = owners.filter(({ owner }) => owner !== index && sentBy(setting, owner).includes(index))
  const largest = owners.reduce((most, { words }) => Math.max(most, words), 0)
  const incoming = senders.map(({ owner, words }) => ({ from: roles[owner]!, words }))
  const received = yield* transfer(party, name, largest, outgoing, incoming)
  const points: Uint32Array[] = []
  for (const { owner, words } of owners) {
    if (owner === index) points.push(own![index]!)
    else if (senders.some((sender) => sender.owner === owner)) {
      points.push(elementsOfStream(received[senders.findIndex((sender) => sender.owner === owner)]!))
    } else points.push(yield* streamOf(party, owner, owner, words))
  }
  return points
}

/** Who shares products again: 2t + 1 parties, as many as a product's polynomial has coefficients. */
export const resharersOf = (setting: Setting): readonly number[] =>
  Array.from({ length: 2 * thresholdOf(setting) + 1 }, (_, i) => i)

/** Points of degree 2t to points of degree t: everybody's polynomial through its point, weighed by Lagrange. One round. */
export function* reduceDegree(party: Party, product: Uint32Array): Routine<Uint32Array> {
  const { setting, index } = party
  const resharers = resharersOf(setting)
  const owners = resharers.map((owner) => ({ owner, words: product.length }))
  const points = yield* shareAll(party, 'reshare', owners, resharers.includes(index) ? product : undefined)
  const factors = lagrange(
    resharers.map((i) => i + 1),
    0,
  )
  return yield* party.work.compute(field61Combine, { vectors: concatWords(points), factors })
}
