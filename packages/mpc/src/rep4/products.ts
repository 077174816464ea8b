/**
 * Values that a pair knows, shared (Fantastic Four, section 2.4, "shared input"), and products as six of them (section 3.1,
 * "multiplication"): x y is the sum over the pairs of what each of them can compute, x_g y_h + x_h y_g for the two
 * components g and h that both have, and all x_g y_g. A pair {a, b} shares z with the components
 *
 *     g: -s, s the stream of the key that g lacks;     h: z + s, from a to g, vouched for by b;     a, b: zero
 *
 * so that g sees z masked and h nothing. One element for each pair; six a product, 12 bytes a party.
 */
import { pairTerms1, pairTerms128, pairTerms64 } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Ring, Shape, Words } from '../backend.ts'
import { expandPlace, localProduct } from '../rep3/multiply.ts'
import type { Place } from '../rep3/party.ts'
import { minus, plus, type Domain } from '../semi2k/triples.ts'
import { limbsOf, subtractWords } from '../words.ts'
import { hand, type Handing } from './hand.ts'
import { indices, type Parts, type Party } from './party.ts'

export interface Pair {
  /** Sends to g. */
  readonly a: number
  /** Vouches to g. */
  readonly b: number
  readonly g: number
  readonly h: number
}

/** Every pair once; each component is g of one of the first four. */
export const pairs: readonly Pair[] = [
  { a: 0, b: 1, g: 2, h: 3 },
  { a: 1, b: 2, g: 3, h: 0 },
  { a: 2, b: 3, g: 0, h: 1 },
  { a: 3, b: 0, g: 1, h: 2 },
  { a: 0, b: 2, g: 1, h: 3 },
  { a: 3, b: 1, g: 2, h: 0 },
]
/** Two pairs of which each knows one summand of every value: the sum of components 2 and 3, or of 0 and 1. */
export const halves = [pairs[0]!, pairs[2]!] as const

export interface Known {
  readonly pair: Pair
  readonly words: number
  /** z + s, at a and b. */
  readonly masked: (place: Place) => Routine<Words>
}

/** A value that is there. */
export const knownWords = (
  party: Party,
  domain: Domain,
  pair: Pair,
  words: number,
  value: Words | undefined,
): Known => ({
  pair,
  words,
  *masked(place) {
    return plus(domain, value!, yield* expandPlace(party, place, words))
  },
})

/** The components of each value. One round for all; no pair twice. */
export function* shareKnown(party: Party, domain: Domain, all: readonly Known[]): Routine<readonly Parts[]> {
  const { index } = party
  const prepared: { readonly job: Handing; readonly stream: Words | undefined }[] = []
  for (const { pair, words, masked } of all) {
    const { a, b, g } = pair
    const place = party.stream(g, words)
    const knows = index === a || index === b
    const value = knows ? yield* masked(place!) : undefined
    const stream = place && (yield* expandPlace(party, place, words))
    prepared.push({ job: { sender: a, checker: b, receiver: g, words, value }, stream })
  }
  const received = yield* hand(
    party,
    prepared.map(({ job }) => job),
  )
  return prepared.map(({ job, stream }, i) => {
    const { g, h } = all[i]!.pair
    const nothing = new Uint32Array(job.words)
    return indices.map((m) => {
      if (m === index) return undefined
      if (m === g) return minus(domain, nothing, stream!)
      return m === h ? (job.value ?? received.get(job)!) : nothing
    })
  })
}

/** As `shareKnown`, and the sum of all values. */
export function* shareSum(party: Party, domain: Domain, all: readonly Known[]): Routine<Parts> {
  const { index } = party
  const shared = yield* shareKnown(party, domain, all)
  return indices.map((m) => {
    if (m === index) return undefined
    // Where a value has zeros there is nothing to add.
    const terms = shared.filter((_, i) => all[i]!.pair.g === m || all[i]!.pair.h === m).map((parts) => parts[m]!)
    return terms.reduce((sum, term) => plus(domain, sum, term))
  })
}

const kernelOf = { 1: pairTerms1, 64: pairTerms64, 128: pairTerms128 } as const

/** Element by element; bit by bit of words. */
export const multiplyParts = (party: Party, domain: Domain, x: Parts, y: Parts): Routine<Parts> => {
  const words = x.find((part) => part !== undefined)!.length
  return shareSum(
    party,
    domain,
    pairs.map((pair, i): Known => ({
      pair,
      words,
      masked: ({ key, at }) => {
        const { g, h } = pair
        const input = { x0: x[g]!, x1: x[h]!, y0: y[g]!, y1: y[h]!, key, at, square: i < 4 }
        return party.work.compute(kernelOf[domain], input)
      },
    })),
  )
}

export const multiplyMatrices = (party: Party, ring: Ring, x: Parts, y: Parts, shape: Shape): Routine<Parts> => {
  const words = limbsOf(ring) * shape.rows * shape.columns
  return shareSum(
    party,
    ring,
    pairs.map((pair, i): Known => ({
      pair,
      words,
      *masked(place) {
        const { g, h } = pair
        // x_g (y_g + right) + x_h y_g
        const right = i < 4 ? y[h]! : subtractWords(ring, y[h]!, y[g]!)
        const left = { ring, own: x[g]!, next: x[h]! }
        const product = yield* localProduct(party, left, { own: y[g]!, next: right }, shape)
        return plus(ring, product, yield* expandPlace(party, place, words))
      },
    })),
  )
}

/** The component that each party lacks, from the two after it. */
export function* openTo(
  party: Party,
  domain: Domain,
  parts: Parts,
  receivers: readonly number[],
): Routine<Words | undefined> {
  const words = parts.find((part) => part !== undefined)!.length
  const jobs = receivers.map((receiver): Handing => {
    const [sender, checker] = [(receiver + 1) % 4, (receiver + 2) % 4]
    const knows = party.index === sender || party.index === checker
    return { sender, checker, receiver, words, value: knows ? parts[receiver] : undefined }
  })
  const received = yield* hand(party, jobs, { vector: 'reveal', digest: 'vouch' })
  const [missing] = received.values()
  if (missing === undefined) return undefined
  return parts.reduce<Words>((sum, part) => (part === undefined ? sum : plus(domain, sum, part)), missing)
}
