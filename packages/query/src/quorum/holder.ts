/** The holders: evaluate what the asker blinded; the first one computes the answers with it. None learns anything. */
import { concatBytes, invariant } from '@tallystick/core'
import { bitTriples, type openTransfers } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import type { Nothing } from '../answers.ts'
import { checkKey, misbehaved, receiveBlinded } from '../evaluation.ts'
import { blindEvaluate } from '../rfc9497/suite.ts'
import { askerRole } from '../several.ts'
import { answerShares, gateWords, wordBits } from './circuit.ts'
import {
  partnerRole,
  questionOf,
  tablesOf,
  wordBytes,
  type QuorumHolderInput,
  type QuorumParameters,
} from './messages.ts'
import { candidates } from './table.ts'
import { planesOf, wordsOf } from './words.ts'

/** The key of each table. */
const keysOf = (secretKeys: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: Math.ceil(secretKeys.length / 32) }, (_, i) => secretKeys.subarray(32 * i, 32 * (i + 1)))

/** Words of k ρ_i H(x_i) for all ids, table by table. */
function* evaluatedWords(
  ctx: Context<any, any>,
  { queries, holders }: QuorumParameters,
  secretKeys: Uint8Array,
): Routine<Uint8Array> {
  const blinded = yield* receiveBlinded(ctx, queries)
  const words: Uint8Array[] = []
  for (const [i, table] of tablesOf(holders[ctx.role]!).entries()) {
    const { points, bad } = yield* blindEvaluate(ctx, keysOf(secretKeys)[i]!, blinded)
    if (bad >= 0) throw misbehaved(askerRole, `row ${bad}, which is no element of the group`)
    words.push(yield* wordsOf(ctx, table, points))
  }
  return concatBytes(...words)
}

function* partner(
  open: typeof openTransfers,
  ctx: Context<any, any>,
  parameters: QuorumParameters,
  { secretKey }: QuorumHolderInput,
): Routine<Nothing> {
  const { queries, holders } = parameters
  const question = questionOf(parameters)
  const transfers = yield* open(ctx.narrow('transfers'), { peer: askerRole, first: false })
  const triples = yield* bitTriples(ctx.narrow('triples'), transfers, 32 * gateWords(question))
  const own = yield* evaluatedWords(ctx, parameters, secretKey)
  const vectors: Uint8Array[] = []
  for (const [role, held] of Object.entries(holders)) {
    const words = role === partnerRole ? own : ((yield* ctx.receive('words', role)) as Uint8Array)
    const expected = queries * tablesOf(held).length
    if (words.length !== wordBytes * expected) {
      throw misbehaved(role, `${words.length / wordBytes} words in the place of ${expected}`)
    }
    for (let at = 0; at < words.length; at += wordBytes * queries) {
      for (let k = 0; k < candidates; k++) vectors.push(words.subarray(at, at + wordBytes * queries))
    }
  }
  const planes = yield* planesOf(ctx, concatBytes(...vectors), wordBits(question))
  const shares = yield* answerShares(ctx.narrow('circuit'), transfers, { triples, used: 0 }, question, planes)
  yield* ctx.checkpoint()
  yield* ctx.send('answers', shares)
  return { kind: 'none' }
}

export const holderOver = (open: typeof openTransfers) =>
  function* (ctx: Context<any, any>, parameters: QuorumParameters, input: QuorumHolderInput): Routine<Nothing> {
    const held = parameters.holders[ctx.role]
    invariant(held !== undefined, 'a holder is named by the parameters')
    const keys = keysOf(input.secretKey)
    tablesOf(held).forEach(({ publicKey }, i) => checkKey(keys[i] ?? new Uint8Array(), publicKey))
    if (ctx.role === partnerRole) return yield* partner(open, ctx, parameters, input)
    yield* ctx.send('words', yield* evaluatedWords(ctx, parameters, input.secretKey))
    yield* ctx.checkpoint()
    return { kind: 'none' }
  }
