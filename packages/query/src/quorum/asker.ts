/** The asker: learns for each id one bit, or a number. */
import { concatBytes } from '@tallystick/core'
import { oprfBlind, oprfScale } from '@tallystick/kernels'
import { bitTriples, type openTransfers, vectorWords } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import { checkIds, misbehaved, sendElements } from '../evaluation.ts'
import { drawScalars } from '../rfc9497/group.ts'
import { changed, towards } from '../several.ts'
import { answerBits, answerShares, gateWords, wordBits } from './circuit.ts'
import {
  elementBytes,
  partnerRole,
  questionOf,
  tablesOf,
  wordBytes,
  type MembersTable,
  type QuorumAnswers,
  type QuorumAskerInput,
  type QuorumParameters,
} from './messages.ts'
import { candidates, membersTag } from './table.ts'
import { planesOf, wordsOf } from './words.ts'

/** One scalar for each candidate of an id. */
const spread = (scalars: Uint8Array): Uint8Array => {
  const out = new Uint8Array(candidates * scalars.length)
  for (let i = 0; i < out.length / elementBytes; i++) {
    const at = elementBytes * Math.floor(i / candidates)
    out.set(scalars.subarray(at, at + elementBytes), elementBytes * i)
  }
  return out
}

const cellAt = (cells: Uint8Array, i: number): Uint8Array => cells.subarray(elementBytes * i, elementBytes * (i + 1))
const same = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i])

/** Whether candidate k of an id stands before it already: two functions may name one cell. */
const isRepeated = (cells: Uint8Array, id: number, k: number): boolean => {
  const at = candidates * id
  return Array.from({ length: k }, (_, i) => i).some((i) => same(cellAt(cells, at + i), cellAt(cells, at + k)))
}

/**
 * By function, a vector of words of all ids. A candidate that comes twice is replaced by a random word, so that at most
 * one of an id is equal; a cell that is no element has a word that no evaluation has but by chance.
 */
function* candidateWords(
  ctx: Context<any, any>,
  queries: number,
  table: MembersTable,
  cells: Uint8Array,
  scalars: Uint8Array,
): Routine<readonly Uint8Array[]> {
  const decoys = ctx.rng.bytes(candidates * wordBytes * queries)
  const { points } = yield* ctx.compute(oprfScale, { scalars: spread(scalars), points: cells })
  const words = yield* wordsOf(ctx, table, points)
  return Array.from({ length: candidates }, (_, k) => {
    const own = new Uint8Array(wordBytes * queries)
    for (let id = 0; id < queries; id++) {
      const at = wordBytes * (candidates * id + k)
      const source = isRepeated(cells, id, k) ? decoys : words
      own.set(source.subarray(at, at + wordBytes), wordBytes * id)
    }
    return own
  })
}

const checkCells = ({ queries, holders }: QuorumParameters, cells: QuorumAskerInput['cells']): void => {
  for (const [role, held] of Object.entries(holders)) {
    const expected = candidates * elementBytes * queries * tablesOf(held).length
    if (cells[role]?.length === expected) continue
    throw changed(
      `the terms ask ${role}, expected ${expected} bytes of its table here, found ${cells[role]?.length ?? 0}`,
    )
  }
}

const valuesFrom = (planes: Uint32Array, bits: number, queries: number): Uint8Array => {
  const width = vectorWords(queries)
  return Uint8Array.from({ length: queries }, (_, i) => {
    let value = 0
    for (let b = 0; b < bits; b++) value |= ((planes[b * width + (i >> 5)]! >>> (i & 31)) & 1) << b
    return value
  })
}

export const askerOver = (open: typeof openTransfers) =>
  function* (
    ctx: Context<any, any>,
    parameters: QuorumParameters,
    { ids, cells }: QuorumAskerInput,
  ): Routine<QuorumAnswers> {
    const { queries, holders } = parameters
    checkIds(ids, queries)
    checkCells(parameters, cells)
    const question = questionOf(parameters)
    const scalars = drawScalars(ctx.narrow('blinds').rng, queries)
    const blinded = yield* ctx.compute(oprfBlind, { dst: membersTag, ...ids, scalars })
    for (const role of Object.keys(holders)) {
      yield* sendElements(blinded, (part) => towards(ctx, role).send('blinded', part))
    }
    const transfers = yield* open(ctx.narrow('transfers'), { peer: partnerRole, first: true })
    const triples = yield* bitTriples(ctx.narrow('triples'), transfers, 32 * gateWords(question))
    const vectors: Uint8Array[] = []
    const size = candidates * elementBytes * queries
    for (const [role, held] of Object.entries(holders)) {
      for (const [i, table] of tablesOf(held).entries()) {
        const own = cells[role]!.subarray(size * i, size * (i + 1))
        vectors.push(...(yield* candidateWords(ctx.narrow(`words/${role}/${i}`), queries, table, own, scalars)))
      }
    }
    const planes = yield* planesOf(ctx, concatBytes(...vectors), wordBits(question))
    const shares = yield* answerShares(ctx.narrow('circuit'), transfers, { triples, used: 0 }, question, planes)
    yield* ctx.checkpoint()
    const theirs = (yield* ctx.receive('answers')) as Uint32Array
    if (theirs.length !== shares.length) {
      throw misbehaved(partnerRole, `${theirs.length} words of answers in the place of ${shares.length}`)
    }
    const opened = shares.map((word, i) => word ^ theirs[i]!)
    return { kind: 'quorum', values: valuesFrom(opened, answerBits(question), queries) }
  }
