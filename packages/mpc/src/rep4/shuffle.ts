/**
 * Oblivious shuffle by resharing (Laur, Willemson, Zhang, ISC 2011), checked: in pass m all but p(m) permute by an order from
 * the key that p(m) lacks, and share the result afresh: each component but one's own is known to a pair of them, and its
 * partner's message is vouched for. A wrong order is a wrong message. Four passes of one round; nobody knows all four orders.
 * Memory is accessed in the secret order.
 */
import { bitsPermutation } from '@tallystick/kernels'
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Ring, Words } from '../backend.ts'
import { addWords, concatWords, gatherWords } from '../words.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { openParts } from './local.ts'
import { arithmetic, indices, type Party, type Rep4Arithmetic } from './party.ts'
import { pairs, shareSum, type Known } from './products.ts'

/** Words of a stream that a permutation of `length` elements may take, a million rejections aside. */
const permutationWords = (length: number): number => 2 * length + 4_000_000

/** Which pairs share what in pass m; the first of them the component m besides. */
export const sharersOf = (m: number) => pairs.filter(({ a, b }) => a !== m && b !== m)

/** The columns of one ring. */
function* reshare(
  party: Party,
  ring: Ring,
  columns: readonly Rep4Arithmetic[],
  m: number,
  order: Uint32Array | undefined,
): Routine<readonly Rep4Arithmetic[]> {
  const [{ length }] = columns as [Rep4Arithmetic]
  const size = (ring / 32) * length
  /** All columns' components i, and m where told, permuted. */
  const permuted = (i: number, both: boolean): Words =>
    concatWords(
      columns.map(({ parts }) => {
        const part = both ? addWords(ring, parts[i]!, parts[m]!) : parts[i]!
        return gatherWords(ring, part, order!)
      }),
    )
  const words = size * columns.length
  const known = sharersOf(m).map((pair, k): Known => {
    const i = indices.find((other) => other !== m && other !== pair.a && other !== pair.b)!
    return {
      pair,
      words,
      *masked(place) {
        return addWords(ring, permuted(i, k === 0), yield* expandPlace(party, place, words))
      },
    }
  })
  const parts = yield* shareSum(party, ring, known)
  return columns.map((_, k) =>
    arithmetic(
      ring,
      parts.map((part) => part?.subarray(size * k, size * (k + 1))),
    ),
  )
}

function* pass(party: Party, columns: readonly Rep4Arithmetic[], m: number): Routine<readonly Rep4Arithmetic[]> {
  const [{ length }] = columns as [Rep4Arithmetic]
  const place = party.orders(m, permutationWords(length))
  const order = place && (yield* party.work.compute(bitsPermutation, { ...place, length }))
  const results: Rep4Arithmetic[] = [...columns]
  for (const ring of [64, 128] as const) {
    const at = columns.flatMap((column, k) => (column.ring === ring ? [k] : []))
    if (at.length === 0) continue
    const moved = yield* reshare(
      party,
      ring,
      at.map((k) => columns[k]!),
      m,
      order,
    )
    at.forEach((k, i) => (results[k] = moved[i]!))
  }
  return results
}

/** All columns alike; those of each ring take a round a pass. */
export function* shuffle(party: Party, columns: readonly Arithmetic[]): Routine<readonly Arithmetic[]> {
  let current: readonly Rep4Arithmetic[] = columns.map(openParts)
  const [first] = current
  if (first === undefined) return []
  if (current.some(({ length }) => length !== first.length)) {
    throw new TallyError('api/misuse', 'self', 'expected columns of one length')
  }
  if (first.length === 0) return current
  for (const m of indices) current = yield* pass(party, current, m)
  return current
}
