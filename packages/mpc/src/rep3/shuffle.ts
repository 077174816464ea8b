/**
 * Oblivious shuffle in three passes (Laur, Willemson, Zhang, ISC 2011; in this form Araki et al., CCS 2021,
 * ia.cr/2019/695): in pass j the parties j and j + 1 permute by an order from their common key and mask the result
 * afresh, so the party j + 2 does not know how pass j moved anything; no party knows all three orders.
 *
 *     p(j)                                        p(j+1)                           p(j+2)
 *     ----------------------------------------------------------------------------------------------
 *     pi(x_j + x_(j+1)) - y_j                     pi(x_(j+2)) - y_(j+2)
 *          ---------------------------------->
 *          <----------------------------------
 *     y_(j+1) = the sum; y_j                      y_(j+1), y_(j+2)                 y_(j+2), y_j from keys
 *
 * Cost. 3 rounds; 16 bytes a row and column (ring 64) from each party. Not constant-time in memory accesses: they
 * follow the secret orders, each known to the two parties that compute on it.
 */
import { bitsPermutation } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { TallyError } from '@tallystick/core'
import type { Arithmetic, Ring, Words } from '../backend.ts'
import { addWords, concatWords, gatherWords, subtractWords } from '../words.ts'
import { open64 } from './local.ts'
import { expandPlace } from './multiply.ts'
import { arithmetic, roleOf, type Party, type Place, type Rep3Arithmetic } from './party.ts'
import { transfer, vector } from './transfer.ts'

/** Words of a stream that a permutation of `length` elements may take, a million rejections aside. */
const permutationWords = (length: number): number => 2 * length + 4_000_000

interface Column {
  readonly ring: Ring
  /** A component, or a sum of two. */
  readonly words: Words
}

function* pass(party: Party, columns: readonly Rep3Arithmetic[], j: number): Routine<readonly Rep3Arithmetic[]> {
  const place = (party.index - j + 3) % 3
  const length = columns[0]!.length
  const total = columns.reduce((sum, { own }) => sum + own.length, 0)
  const { shared, orders } = party
  /** Masks from a stream, cut into columns. */
  function* masks(at: Place): Routine<readonly Column[]> {
    const all = yield* expandPlace(party, at, total)
    let from = 0
    return columns.map(({ ring, own }) => ({ ring, words: all.subarray(from, (from += own.length)) }))
  }
  if (place === 2) {
    const own = yield* masks(shared.own(total))
    const next = yield* masks(shared.next(total))
    yield* transfer(party, 'permuted', total, [], [])
    return columns.map(({ ring }, i) => arithmetic(ring, own[i]!.words, next[i]!.words))
  }
  const key = place === 0 ? orders.next(permutationWords(length)) : orders.own(permutationWords(length))
  const order = yield* party.work.compute(bitsPermutation, { ...key, length })
  const mask = yield* masks(place === 0 ? shared.own(total) : shared.next(total))
  const mine = columns.map(({ ring, own, next }, i) => {
    const part = place === 0 ? addWords(ring, own, next) : next
    return subtractWords(ring, gatherWords(ring, part, order), mask[i]!.words)
  })
  const other = roleOf(j, place === 0 ? 1 : 0)
  const outgoing = [vector(other, concatWords(mine))]
  const [theirs] = yield* transfer(party, 'permuted', total, outgoing, [{ from: other, words: total }])
  let from = 0
  return columns.map(({ ring, own }, i) => {
    const middle = addWords(ring, mine[i]!, theirs!.subarray(from, (from += own.length)))
    return place === 0 ? arithmetic(ring, mask[i]!.words, middle) : arithmetic(ring, middle, mask[i]!.words)
  })
}

export function* shuffle(party: Party, columns: readonly Arithmetic[]): Routine<readonly Arithmetic[]> {
  let current = columns.map(open64) as readonly Rep3Arithmetic[]
  if (current.length === 0) return []
  if (current.some(({ length }) => length !== current[0]!.length)) {
    throw new TallyError('api/misuse', 'self', 'expected columns of one length')
  }
  if (current[0]!.length === 0) return current
  for (let j = 0; j < 3; j++) current = yield* pass(party, current, j)
  return current
}
