/** The holders: evaluate what the asker blinded; the first one computes the answers with it. None learns anything. */
import { concatBytes, invariant } from '@tallystick/core'
import { bitTriples, type openTransfers } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import type { Nothing } from '../answers.ts'
import { checkKey, misbehaved, receiveBlinded } from '../evaluation.ts'
import { blindEvaluate } from '../rfc9497/suite.ts'
import { askerRole } from '../several.ts'
import { answerShares, gateWords, wordBits } from './circuit.ts'
import { partnerRole, questionOf, wordBytes, type QuorumHolderInput, type QuorumParameters } from './messages.ts'
import { candidates } from './table.ts'
import { planesOf, wordsOf } from './words.ts'

/** Words of k ρ_i H(x_i) for all ids. */
function* evaluatedWords(
  ctx: Context<any, any>,
  { queries, holders }: QuorumParameters,
  secretKey: Uint8Array,
): Routine<Uint8Array> {
  const blinded = yield* receiveBlinded(ctx, queries)
  const { points, bad } = yield* blindEvaluate(ctx, secretKey, blinded)
  if (bad >= 0) throw misbehaved(askerRole, `row ${bad}, which is no element of the group`)
  return yield* wordsOf(ctx, holders[ctx.role]!, points)
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
  for (const role of Object.keys(holders)) {
    const words = role === partnerRole ? own : ((yield* ctx.receive('words', role)) as Uint8Array)
    if (words.length !== wordBytes * queries) {
      throw misbehaved(role, `${words.length / wordBytes} words in the place of ${queries}`)
    }
    for (let k = 0; k < candidates; k++) vectors.push(words)
  }
  const planes = yield* planesOf(ctx, concatBytes(...vectors), wordBits(question))
  const shares = yield* answerShares(ctx.narrow('circuit'), transfers, { triples, used: 0 }, question, planes)
  yield* ctx.checkpoint()
  yield* ctx.send('answers', shares)
  return { kind: 'none' }
}

export const holderOver = (open: typeof openTransfers) =>
  function* (ctx: Context<any, any>, parameters: QuorumParameters, input: QuorumHolderInput): Routine<Nothing> {
    const table = parameters.holders[ctx.role]
    invariant(table !== undefined, 'a holder is named by the parameters')
    checkKey(input.secretKey, table.publicKey)
    if (ctx.role === partnerRole) return yield* partner(open, ctx, parameters, input)
    yield* ctx.send('words', yield* evaluatedWords(ctx, parameters, input.secretKey))
    yield* ctx.checkpoint()
    return { kind: 'none' }
  }
