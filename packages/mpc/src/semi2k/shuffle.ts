/**
 * Oblivious shuffle by share translation: M. Chase, E. Ghosh, O. Poburinnaya, "Secret-shared shuffle" (ASIACRYPT 2020,
 * ia.cr/2019/1340), section 4, with the translations from the dealer. In pass j the order pi_j is p(j)'s:
 *
 *     helper                                  p(j)                            every other p(i)
 *     ----------------------------------------------------------------------------------------------
 *     pi_j(sum a_i) - sum b_i  ------------>  x_j + sum (x_i - a_i)   <------  x_i - a_i
 *                                             pi_j(that) + what was dealt      b_i
 *
 * The helper knows all pi_j, so that all computing parties permute once more by an order from the key that they have in
 * common and the helper lacks: nobody knows the whole. One round a party. Memory is accessed in the secret order.
 */
import { bitsPermutation } from '@tallystick/kernels'
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Ring, Words } from '../backend.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { transfer, vector } from '../rep3/transfer.ts'
import { addWords, concatWords, gatherWords, subtractWords } from '../words.ts'
import { openPart } from './local.ts'
import { arithmetic, computingOf, dealerless, ownKey, type Party, type Semi2kArithmetic } from './party.ts'
import { receiveDeal } from './transfer.ts'
import { isHelper, unsupported } from './triples.ts'

/** Words of a stream that a permutation of `length` elements may take, a million rejections aside. */
const permutationWords = (length: number): number => 2 * length + 4_000_000

/** Columns one after the other. */
type Columns = readonly { readonly ring: Ring; readonly words: Words }[]
const cut = (columns: readonly Arithmetic[], all: Words): Columns => {
  let at = 0
  return columns.map(({ ring, length }) => ({ ring, words: all.subarray(at, (at += (ring / 32) * length)) }))
}
const join = (columns: Columns): Words => concatWords(columns.map(({ words }) => words))
const pairwise = (a: Columns, b: Columns, f: (ring: Ring, x: Words, y: Words) => Words): Columns =>
  a.map(({ ring, words }, i) => ({ ring, words: f(ring, words, b[i]!.words) }))
const permuted = (columns: Columns, order: Uint32Array): Columns =>
  columns.map(({ ring, words }) => ({ ring, words: gatherWords(ring, words, order) }))

function* pass(party: Party, columns: readonly Semi2kArithmetic[], j: number): Routine<readonly Semi2kArithmetic[]> {
  const { index, work, setting } = party
  const length = columns[0]!.length
  const total = columns.reduce((sum, { part }) => sum + part.length, 0)
  const order = party.orders(permutationWords(length))
  const [a, b] = [party.dealt(total), party.dealt(total)]
  const orderOf = (key: Uint8Array): Routine<Uint32Array> =>
    work.compute(bitsPermutation, { key, at: order.at, length })
  function* sum(at: number): Routine<Columns> {
    let all = cut(columns, new Uint32Array(total))
    for (const [i, key] of a.keys.entries()) {
      if (i === j) continue
      all = pairwise(all, cut(columns, yield* expandPlace(party, { key, at }, total)), addWords)
    }
    return all
  }
  let made: Words | undefined
  const make = function* (from: number, until: number): Routine<Words> {
    made ??= yield* translate()
    return made.subarray(from, until)
  }
  const translate = function* (): Routine<Words> {
    const moved = permuted(yield* sum(a.at), yield* orderOf(order.keys[j]!))
    return join(pairwise(moved, yield* sum(b.at), subtractWords))
  }
  const shares = (all: Columns) => all.map(({ ring, words }) => arithmetic(ring, words))
  if (isHelper(party)) {
    yield* receiveDeal(party, j, total, make)
    return columns
  }
  const own = columns.map(({ ring, part }): Columns[number] => ({ ring, words: part }))
  if (index !== j) {
    const key = ownKey(party, a)
    const hidden = pairwise(own, cut(columns, yield* expandPlace(party, { key, at: a.at }, total)), subtractWords)
    yield* transfer(party, 'permuted', total, [vector(`p${j}`, join(hidden))], [])
    yield* receiveDeal(party, j, total, make)
    return shares(cut(columns, yield* expandPlace(party, { key, at: b.at }, total)))
  }
  const others = computingOf(setting).filter((_, i) => i !== j)
  const received = yield* transfer(
    party,
    'permuted',
    total,
    [],
    others.map((from) => ({ from, words: total })),
  )
  const dealt = (yield* receiveDeal(party, j, total, make))!
  const mine = received.reduce((all, words) => pairwise(all, cut(columns, words), addWords), own as Columns)
  const moved = permuted(mine, yield* orderOf(ownKey(party, order)))
  return shares(pairwise(moved, cut(columns, dealt), addWords))
}

/** @throws TallyError terms/unsupported without a dealer */
export function* shuffle(party: Party, columns: readonly Arithmetic[]): Routine<readonly Arithmetic[]> {
  if (dealerless(party.setting.triples)) throw unsupported('a shuffle')
  let current: readonly Semi2kArithmetic[] = columns.map(openPart)
  const [first] = current
  if (first === undefined) return []
  if (current.some(({ length }) => length !== first.length)) {
    throw new TallyError('api/misuse', 'self', 'expected columns of one length')
  }
  if (first.length === 0) return current
  for (let j = 0; j < party.setting.parties; j++) current = yield* pass(party, current, j)
  if (party.index === -1) return current
  const place = party.common(permutationWords(first.length))
  const order = yield* party.work.compute(bitsPermutation, { ...place, length: first.length })
  return current.map(({ ring, part }) => arithmetic(ring, gatherWords(ring, part, order)))
}
